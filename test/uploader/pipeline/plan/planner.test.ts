import { describe, expect, it } from 'vitest';
import type { FileVersion } from '../../../../uploader/base/io/file-version.js';
import { toFileClass, toPhase } from '../../../../uploader/pipeline/inventory/file-class.js';
import type { JournalEntry } from '../../../../uploader/pipeline/journal/journal-entry.js';
import { compareWork } from '../../../../uploader/pipeline/plan/order.js';
import { planFile } from '../../../../uploader/pipeline/plan/planner.js';
import type { ObjectVersion } from '../../../../uploader/store/base/store.js';

const RUN = '0'.repeat(32);
const KEY = `${RUN}/outputs/model.bin`;

function entry(sizeBytes: number, changes: Partial<JournalEntry> = {}): JournalEntry {
  const file = { sizeBytes, mtimeNs: 5n, ctimeNs: 6n, ino: 7n };
  return { key: KEY, file, crc32: 1, object: { etag: 'e', sizeBytes }, isRecent: false, ...changes };
}

describe('planFile', () => {
  const model: FileVersion = { sizeBytes: 10, mtimeNs: 5n, ctimeNs: 6n, ino: 7n };
  const stored = (sizeBytes: number, etag = 'e'): ObjectVersion => ({ etag, sizeBytes });

  it.each<[string, string, FileVersion, JournalEntry | null, ObjectVersion | null]>([
    ['upload new', 'the file is unknown', model, null, null],
    ['upload missing', 'only the journal has it', model, entry(10), null],
    ['upload grown', 'it is larger than the object', model, entry(9), stored(9)],
    ['upload grown', 'it is larger than an object that is not in the journal', model, null, stored(9)],
    ['upload rewritten', 'it is smaller than the object', model, entry(11), stored(11)],
    ['verify unverified', 'only the store has it, with the same size', model, null, stored(10)],
    ['verify replaced', 'another object of the same size is stored', model, entry(10), stored(10, 'other')],
    ['skip unchanged', 'disk, journal and store agree', model, entry(10), stored(10)],
    [
      'verify recent',
      'it was read too soon after it was written',
      model,
      entry(10, { isRecent: true }),
      stored(10),
    ],
    ['verify touched', 'only mtime differs', { ...model, mtimeNs: 9n }, entry(10), stored(10)],
    ['verify touched', 'only ctime differs', { ...model, ctimeNs: 9n }, entry(10), stored(10)],
    ['verify touched', 'another file took its name', { ...model, ino: 9n }, entry(10), stored(10)],
    [
      'wait unfinished-record',
      'an incomplete last record has not grown',
      model,
      entry(10, { object: stored(8) }),
      stored(8),
    ],
  ])('plans "%s" when %s', (expected, _, file, journalled, listed) => {
    const { action, reason, base } = planFile({ file, journalled, listed, isContinued: false });

    expect(`${action} ${reason}`).toEqual(expected);
    expect(base).toEqual(listed);
  });

  it('plans "verify continued" when segments continue the object behind the end of the file', () => {
    const facts = { file: model, journalled: entry(10), listed: stored(10), isContinued: true };

    expect(planFile(facts)).toMatchObject({ action: 'verify', reason: 'continued' });
  });

  it('trusts the journal until the store is listed', () => {
    const decision = planFile({ file: model, journalled: entry(10), listed: undefined, isContinued: false });

    expect(decision).toMatchObject({ action: 'skip', base: { etag: 'e', sizeBytes: 10 } });
  });
});

describe('compareWork', () => {
  function order(files: readonly [path: string, sizeBytes: number, runUuid?: string][]): string[] {
    return files
      .map(([path, sizeBytes, runUuid = RUN]) => ({
        phase: toPhase(path),
        fileClass: toFileClass(path),
        sizeBytes,
        key: `${runUuid}/${path}`,
      }))
      .sort(compareWork)
      .map(({ key }) => key);
  }

  it('sorts event files first, small before large, and the lineage and run file last', () => {
    const sorted = order([
      ['run.plx.json', 1],
      ['lineages.plx.json', 1],
      ['outputs/large.bin', 1000],
      ['outputs/small.bin', 2],
      ['outputs/tensorboard/events.out.tfevents.1', 5000],
      ['events/metric/loss.plx', 6000],
    ]).map((key) => key.slice(RUN.length + 1));

    expect(sorted).toEqual([
      'outputs/tensorboard/events.out.tfevents.1',
      'events/metric/loss.plx',
      'outputs/small.bin',
      'outputs/large.bin',
      'lineages.plx.json',
      'run.plx.json',
    ]);
    expect(sorted.map(toPhase)).toEqual([0, 0, 0, 0, 1, 2]);
  });

  it('orders across runs, so that one run’s checkpoint does not delay the metrics of another', () => {
    const other = '1'.repeat(32);

    const sorted = order([
      ['outputs/large.bin', 1000],
      ['outputs/tensorboard/events.out.tfevents.1', 10, other],
    ]);

    expect(sorted.map((key) => key.slice(0, 32))).toEqual([other, RUN]);
  });
});
