import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ExportSession } from '../../../../src/polyaxon/export/export-session.js';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import {
  readSaved,
  removeSaved,
  type SavedExport,
  writeSaved,
} from '../../../../uploader/pipeline/export/saved-state.js';
import { scalarValue, textValue, toEvent } from '../../../support/summary-events.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { watchSyncs } from '../../support/wrapped-file-system.js';

const PLACE = { logDirectory: '', fileName: 'events.out.tfevents.1', offset: 0 };
const MARK = { sizeBytes: 3, crc32: 4 };

/** A session with series of both targets. */
function createSession(): ExportSession {
  const session = new ExportSession();
  session.push(toEvent(1, 2, scalarValue('loss', 0.5), textValue('note', ['a'])), {
    ...PLACE,
    target: 'events',
  });
  session.push(toEvent(1, 2, scalarValue('cpu', 7)), { ...PLACE, target: 'resources' });
  session.take();
  return session;
}

function createSaved(changes: Partial<SavedExport> = {}): SavedExport {
  const { states } = createSession().state;
  return {
    states,
    names: new Map(),
    result: null,
    inputs: { rate: 0.1, layers: [1, 2] },
    restarts: new Map([
      [
        '',
        [
          { fileName: 'a', offset: 1, step: 2n ** 60n },
          { fileName: 'b', offset: 0, step: 5n, tag: 'loss' },
        ],
      ],
      ['worker-1', [{ fileName: 'a', offset: 9, step: -1n }]],
    ]),
    positions: new Map([
      ['outputs/tensorboard/a', { offset: 10, isResyncing: false, head: MARK, tail: MARK }],
      ['outputs/tensorboard/b', { offset: 0, isResyncing: true, head: MARK, tail: MARK }],
    ]),
    files: new Map([
      ['events/metric/loss.plx', { sizeBytes: 70, crc32: 1 }],
      ['events/text/note.plx', { sizeBytes: 80, crc32: 2 }],
    ]),
    assets: new Map([['assets/image/photo_1.png', { sizeBytes: 90, crc32: 3 }]]),
    ...changes,
  };
}

async function saveAndRead(saved: SavedExport) {
  const directory = createTempDir();
  await writeSaved(nodeFileSystem, directory, saved);
  const path = join(directory, 'export.jsonl');
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return { directory, path, lines, found: await readSaved(nodeFileSystem, directory) };
}

describe('readSaved', () => {
  it('returns what writeSaved has written', async () => {
    const saved = createSaved();
    const { found, lines } = await saveAndRead(saved);

    expect(saved.states.map(({ series }) => series.length)).toEqual([2, 1]);
    expect(found).toEqual(saved);
    expect(lines).toHaveLength(1 + 2 + 3 + (1 + 2) + (1 + 1) + 2 + 1 + 1);
    expect(lines.at(-1)).toBe('{"lines":14}');
  });

  it('returns the result and the names of a frozen session', async () => {
    const session = createSession();
    session.freeze();
    const { states, result, names } = session.state;
    const saved = createSaved({ states, result, names });
    const { found } = await saveAndRead(saved);

    expect(result?.lastValues).toEqual({ loss: 0.5 });
    expect([...names].map(([target, series]) => [target, series.length])).toEqual([
      ['events', 2],
      ['resources', 1],
    ]);
    expect(found).toEqual(saved);
  });

  it('returns an empty state', async () => {
    const saved: SavedExport = {
      ...createSaved({ states: [], inputs: {} }),
      ...{ restarts: new Map(), positions: new Map(), files: new Map(), assets: new Map() },
    };
    const { found, lines } = await saveAndRead(saved);

    expect(found).toEqual(saved);
    expect(lines).toEqual(['{"version":1,"inputs":{}}', '{"lines":1}']);
  });

  it('returns a state of several MiB', async () => {
    const files = Array.from({ length: 40_000 }, (_, index): [string, typeof MARK] => [
      `events/metric/${'name-'.repeat(8)}${index}.plx`,
      { sizeBytes: index, crc32: 2 ** 32 - 1 },
    ]);
    const saved = createSaved({ files: new Map(files) });
    const { found, path } = await saveAndRead(saved);

    expect(statSync(path).size).toBeGreaterThan(3 * 2 ** 20);
    expect(found).toEqual(saved);
  });

  it.each([
    ['has another version', (text: string) => text.replace('"version":1', '"version":2')],
    ['lacks a line', (text: string) => text.replace(/\n\{"file".*/, '')],
    ['lacks its version', (text: string) => text.replace(/^.*\n/, '').replace('"lines":14', '"lines":13')],
    ['lacks its last line', (text: string) => text.replace('{"lines":14}\n', '')],
    ['lacks its end', (text: string) => text.slice(0, -1)],
    ['has a line after its end', (text: string) => `${text}{"lines":14}\n`],
    ['is empty', () => ''],
    ['is no JSON', (text: string) => text.replace('{', '[')],
  ])('returns null when the state %s', async (_what, change) => {
    const { directory, path } = await saveAndRead(createSaved());
    writeFileSync(path, change(readFileSync(path, 'utf8')));

    expect(await readSaved(nodeFileSystem, directory)).toBeNull();
  });

  it('returns null without a state', async () => {
    expect(await readSaved(nodeFileSystem, createTempDir())).toBeNull();
  });
});

describe('writeSaved', () => {
  it('replaces the state as a whole, for this user only', async () => {
    const { directory, path } = await saveAndRead(createSaved());
    writeFileSync(`${path}.partial`, 'of a killed process');
    const { fileSystem, renamed } = watchSyncs();
    const other = createSaved({ inputs: { other: 1 } });
    await writeSaved(fileSystem, directory, other);

    expect(await readSaved(nodeFileSystem, directory)).toEqual(other);
    expect(renamed).toEqual(['synced']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(existsSync(`${path}.partial`)).toBe(false);
  });
});

describe('removeSaved', () => {
  it('removes the state, if there is one', async () => {
    const { directory, path } = await saveAndRead(createSaved());
    await removeSaved(nodeFileSystem, directory);
    await removeSaved(nodeFileSystem, directory);

    expect(existsSync(path)).toBe(false);
  });
});
