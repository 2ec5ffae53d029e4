import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../uploader/journal-view.js';
import { planSync } from '../../uploader/plan.js';
import { parseRelPath } from '../../uploader/rel-path.js';
import type { ScannedFile, Snapshot } from '../../uploader/scanner.js';
import type { ObjectVersion } from '../../uploader/store/store.js';

const RUN = '0'.repeat(32);
const KEY = `${RUN}/outputs/model.bin`;

function scanned(path: string, sizeBytes: number, changes: Partial<ScannedFile> = {}): ScannedFile {
  return { relPath: parseRelPath(path), sizeBytes, mtimeNs: 5n, ctimeNs: 6n, ino: 7n, ...changes };
}

function snapshot(files: ScannedFile[], runUuid = RUN): Snapshot {
  return { runUuid, directory: Buffer.from('/run'), files, skipped: [], problems: [] };
}

function entry(sizeBytes: number, changes: Partial<JournalEntry> = {}): JournalEntry {
  const file = { sizeBytes, mtimeNs: 5n, ctimeNs: 6n, ino: 7n };
  return { key: KEY, file, crc32: 1, object: { etag: 'e', sizeBytes }, isRecent: false, ...changes };
}

describe('planSync', () => {
  const model = scanned('outputs/model.bin', 10);
  const stored = (sizeBytes: number, etag = 'e'): ObjectVersion => ({ etag, sizeBytes });

  it.each<[string, string, ScannedFile, JournalEntry | null, ObjectVersion | null]>([
    ['upload new', 'nothing is known', model, null, null],
    ['upload missing', 'the journal has it and the store has not', model, entry(10), null],
    ['upload grown', 'it is longer than the object', model, entry(9), stored(9)],
    ['upload grown', 'it is longer than an object without a journal', model, null, stored(9)],
    ['upload rewritten', 'it is shorter than the object', model, entry(11), stored(11)],
    ['verify unverified', 'only the store has it, at its size', model, null, stored(10)],
    ['verify replaced', 'the object is another one of its size', model, entry(10), stored(10, 'other')],
    ['skip unchanged', 'disk, journal and store agree', model, entry(10), stored(10)],
    [
      'verify recent',
      'it was read too soon after it was written',
      model,
      entry(10, { isRecent: true }),
      stored(10),
    ],
    ['verify touched', 'only mtime differs', { ...model, mtimeNs: 9n }, entry(10), stored(10)],
    ['verify touched', 'mtime was set back, ctime tells', { ...model, ctimeNs: 9n }, entry(10), stored(10)],
    ['verify touched', 'another file took its name', { ...model, ino: 9n }, entry(10), stored(10)],
  ])('plans "%s" when %s', (expected, _, file, journalled, object) => {
    const journal = new Map(journalled === null ? [] : [[KEY, journalled]]);
    const listing = new Map(object === null ? [] : [[KEY, object]]);

    const { actions } = planSync([snapshot([file])], journal, new Map([[RUN, listing]]));

    expect(actions.map(({ action, reason }) => `${action} ${reason}`)).toEqual([expected]);
    expect(actions[0]?.base).toEqual(object);
  });

  it('believes the journal when there is no listing', () => {
    const { actions } = planSync([snapshot([model])], new Map([[KEY, entry(10)]]), new Map());

    expect(actions[0]).toMatchObject({ action: 'skip', base: { etag: 'e', sizeBytes: 10 } });
  });

  it('puts event files first, small before large, lineage and run file last', () => {
    const files = [
      scanned('run.plx.json', 1),
      scanned('lineages.plx.json', 1),
      scanned('outputs/large.bin', 1000),
      scanned('outputs/small.bin', 2),
      scanned('outputs/tensorboard/events.out.tfevents.1', 5000),
      scanned('events/metric/loss.plx', 6000),
    ];

    const { actions } = planSync([snapshot(files)], new Map(), new Map());

    expect(actions.map(({ file }) => file.relPath)).toEqual([
      'outputs/tensorboard/events.out.tfevents.1',
      'events/metric/loss.plx',
      'outputs/small.bin',
      'outputs/large.bin',
      'lineages.plx.json',
      'run.plx.json',
    ]);
    expect(actions.map(({ phase }) => phase)).toEqual([0, 0, 0, 0, 1, 2]);
  });

  it('orders across runs, so that one run’s checkpoint does not delay the metrics of another', () => {
    const other = '1'.repeat(32);
    const runs = [
      snapshot([scanned('outputs/large.bin', 1000)]),
      snapshot([scanned('outputs/tensorboard/events.out.tfevents.1', 10)], other),
    ];

    const { actions } = planSync(runs, new Map(), new Map());

    expect(actions.map(({ runUuid }) => runUuid)).toEqual([other, RUN]);
  });
});
