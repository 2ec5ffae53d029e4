import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileSystem } from '../../../../uploader/base/io/file-system.js';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import { parseRelPath } from '../../../../uploader/base/rel-path.js';
import { toBase } from '../../../../uploader/pipeline/export/event-source.js';
import {
  type EventFile,
  type ExportStep,
  RunExporter,
} from '../../../../uploader/pipeline/export/run-exporter.js';
import { openLocalFile } from '../../../../uploader/pipeline/source/local-file.js';
import { scalarValue, toEvent } from '../../../support/summary-events.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { createCrashingFileSystem } from '../../support/crashing-file-system.js';
import {
  exportAtOnce,
  retractionRecord,
  someRecords,
  startRecord,
  toRecord,
} from '../../support/event-records.js';

const BASE = 'outputs/tensorboard';
const FIRST = 'events.out.tfevents.1';
const SECOND = 'events.out.tfevents.2';

/** A log directory, and the directory of its generated files. */
function createPlaces() {
  const places = { logs: createTempDir(), state: join(createTempDir(), 'exports', 'run') };
  return {
    ...places,
    write: (path: string, ...records: Uint8Array[]) => {
      mkdirSync(dirname(join(places.logs, path)), { recursive: true });
      writeFileSync(join(places.logs, path), Buffer.concat(records));
    },
    append: (path: string, ...records: Uint8Array[]) =>
      appendFileSync(join(places.logs, path), Buffer.concat(records)),
  };
}

type Places = ReturnType<typeof createPlaces>;

function toEventFiles({ logs }: Places, base = BASE): EventFile[] {
  const names = readdirSync(logs, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.includes('tfevents'))
    .map((name) => {
      const relPath = `${base}/${name}`;
      const directory = Buffer.from(logs);
      return {
        source: { relPath, name: name.slice(name.lastIndexOf('/') + 1), ...toBase(dirname(relPath))! },
        version: () => {
          const { size, mtimeMs, ino } = statSync(join(logs, name));
          return `${size} ${mtimeMs} ${ino}`;
        },
        open: () =>
          openLocalFile(nodeFileSystem, { directory, path: parseRelPath(name) }, parseRelPath(name), {
            allowHardLinks: true,
          }),
      };
    });
}

interface OpenOptions {
  readonly fileSystem?: FileSystem;
  readonly isStored?: (path: string) => boolean;
  readonly mayBeStored?: (path: string) => boolean;
  readonly notices?: string[];
}

function open(
  places: Places,
  { fileSystem, isStored, mayBeStored, notices }: OpenOptions = {},
): Promise<RunExporter> {
  return RunExporter.open({
    fileSystem: fileSystem ?? nodeFileSystem,
    directory: places.state,
    acceptsDamage: () => true,
    isStored: isStored ?? (() => false),
    mayBeStored: mayBeStored ?? (() => false),
    onNotice: ({ message }) => notices?.push(message),
    pieceBytes: 700,
  });
}

/** Runs steps until nothing remains, and saves after every `saveEvery` steps. */
async function run(exporter: RunExporter, places: Places, saveEvery = 2, base = BASE): Promise<ExportStep[]> {
  const steps: ExportStep[] = [];
  for (;;) {
    const step = await exporter.step(toEventFiles(places, base));
    steps.push(step);
    if (steps.length % saveEvery === 0) await exporter.save();
    if (!step.hasMore) return steps;
  }
}

function readMade({ state }: Places): Record<string, string> {
  const paths = readdirSync(state, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(state, path)).isFile() && !path.startsWith('export.jsonl'))
    .sort();
  const read = (path: string) =>
    readFileSync(join(state, path)).toString(path.startsWith('assets/') ? 'hex' : 'utf8');
  return Object.fromEntries(paths.map((path) => [path, read(path)]));
}

function stepsOf({ state }: Places, path: string): number[] {
  const [, ...rows] = readFileSync(join(state, path), 'utf8').split('\n');
  return rows.map((row) => Number(row.split('|')[0]));
}

describe('RunExporter', () => {
  it('exports several log directories to the same files as an uninterrupted export', async () => {
    const places = createPlaces();
    places.write(FIRST, ...someRecords(5));
    places.write(SECOND, ...someRecords(5, 5));
    places.write(`worker-1/${FIRST}`, ...someRecords(7));
    const runExporter = await open(places);
    await run(runExporter, places);

    const { files, exporter } = await exportAtOnce(places.logs);
    expect(readMade(places)).toEqual(files);
    expect(runExporter.session.artifacts()).toEqual(exporter.artifacts());
    expect(runExporter.session.counts).toEqual(exporter.counts);
    expect(Object.keys(files)).toContain('events/metric/worker-1__acc__top-1.plx');
  });

  it('exports system metrics as resources', async () => {
    const places = createPlaces();
    places.write(FIRST, ...someRecords(3));
    const exporter = await open(places);
    await run(exporter, places, 1, 'system/tensorboard');

    expect(readMade(places)).toEqual((await exportAtOnce(places.logs, 'resources')).files);
    expect(Object.keys(readMade(places))).toContain('resources/metric/loss.plx');
  });

  it('writes the same files after a crash at any step', async () => {
    const counter = createCrashingFileSystem(Number.POSITIVE_INFINITY);
    const prepare = (): Places => {
      const places = createPlaces();
      places.write(FIRST, ...someRecords(6));
      places.write(`a/${FIRST}`, ...someRecords(4));
      return places;
    };
    const uninterrupted = prepare();
    await run(await open(uninterrupted, counter), uninterrupted);
    const expected = readMade(uninterrupted);
    expect(expected).toEqual((await exportAtOnce(uninterrupted.logs)).files);
    expect(counter.calls()).toBeGreaterThan(50);

    for (let crashAt = 0; crashAt < counter.calls(); crashAt += 1) {
      const places = prepare();
      const attempt = async () => run(await open(places, createCrashingFileSystem(crashAt)), places);
      await expect(attempt(), `call ${crashAt}`).rejects.toThrow('ECRASHED');
      await run(await open(places), places);

      expect(readMade(places), `after call ${crashAt}`).toEqual(expected);
    }
  });

  it('writes the same files after repeated crashes while event files grow', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ records: fc.integer({ min: 0, max: 4 }), crashAt: fc.nat(60) }), {
          minLength: 1,
          maxLength: 6,
        }),
        async (rounds) => {
          const places = createPlaces();
          places.write(FIRST);
          let step = 0;
          for (const { records, crashAt } of rounds) {
            places.append(FIRST, ...someRecords(records, step));
            step += records;
            try {
              await run(await open(places, createCrashingFileSystem(crashAt)), places);
            } catch (error) {
              if (!String(error).includes('ECRASHED')) throw error;
            }
          }
          await run(await open(places), places);

          expect(readMade(places)).toEqual((await exportAtOnce(places.logs)).files);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('resumes where it stopped and writes only new rows', async () => {
    const places = createPlaces();
    places.write(FIRST, ...someRecords(6));
    await run(await open(places), places, 1);
    places.append(FIRST, ...someRecords(1, 6));
    const exporter = await open(places);
    const [step, ...others] = await run(exporter, places, 1);

    expect(step?.changed).toEqual([
      'events/metric/loss.plx',
      'events/metric/acc__top-1.plx',
      'events/text/note.plx',
    ]);
    expect(others).toEqual([{ changed: [], isRestarted: false, hasMore: false }]);
    expect(readMade(places)).toEqual((await exportAtOnce(places.logs)).files);
  });

  it('regenerates all files when an event file was replaced', async () => {
    const places = createPlaces();
    places.write(FIRST, ...someRecords(6));
    const exporter = await open(places);
    await run(exporter, places, 1);
    places.write(FIRST, ...someRecords(3, 40));
    const steps = await run(exporter, places, 1);

    expect(steps[0]).toEqual({ changed: [], isRestarted: true, hasMore: true });
    expect(readMade(places)).toEqual((await exportAtOnce(places.logs)).files);
  });

  it('removes rows that a restart supersedes, and keeps their number to one for each step', async () => {
    const places = createPlaces();
    places.write(FIRST, startRecord(0), ...someRecords(15));
    const exporter = await open(places);
    await run(exporter, places, 1);
    places.write(SECOND, startRecord(10), ...someRecords(3, 10));
    const steps = await run(exporter, places, 1);

    expect(steps.filter(({ isRestarted }) => isRestarted)).toHaveLength(1);
    expect(stepsOf(places, 'events/metric/loss.plx')).toEqual(Array.from({ length: 13 }, (_, i) => i));
    expect(readMade(places)).toEqual((await exportAtOnce(places.logs)).files);
    expect(Object.keys(readMade(places))).not.toContain('assets/image/photo_13.png');
    const [loss] = exporter.session.artifacts();
    expect(loss?.summary).toMatchObject({
      step: { count: 13, max: 12 },
      metric: { count: 13, last: 1 / 13 },
    });
  });

  it('removes the rows of one tag that a retraction supersedes, also after it was opened again', async () => {
    const places = createPlaces();
    places.write(FIRST, startRecord(0), ...someRecords(8));
    await run(await open(places), places, 1);
    places.write(SECOND, startRecord(8), retractionRecord('loss', 5));
    await run(await open(places), places, 1);
    places.append(SECOND, ...someRecords(1, 5));
    const steps = await run(await open(places), places, 1);

    expect(steps.some(({ isRestarted }) => isRestarted)).toBe(false);
    expect(stepsOf(places, 'events/metric/loss.plx')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(stepsOf(places, 'events/metric/acc__top-1.plx')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 5]);
  });

  it('keeps the rows of other log directories, and of steps out of order without a restart', async () => {
    const places = createPlaces();
    places.write(FIRST, startRecord(0), ...someRecords(8), ...someRecords(2, 3));
    places.write(`worker-1/${FIRST}`, startRecord(0), ...someRecords(8));
    places.write(SECOND, startRecord(6), ...someRecords(2, 6));
    await run(await open(places), places, 1);

    const steps = [0, 1, 2, 3, 4, 5, 3, 4, 6, 7];
    expect(stepsOf(places, 'events/metric/loss.plx')).toEqual(steps);
    expect(stepsOf(places, 'events/metric/worker-1__loss.plx')).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('supersedes events that an earlier file gets after the restart', async () => {
    const places = createPlaces();
    places.write(FIRST, startRecord(0), ...someRecords(2));
    places.write(SECOND, startRecord(4), ...someRecords(2, 4));
    await run(await open(places), places, 1);
    places.append(FIRST, ...someRecords(4, 2));
    await run(await open(places), places, 1);

    expect(stepsOf(places, 'events/metric/loss.plx')).toEqual([0, 1, 4, 5, 2, 3]);
  });

  it('supersedes nothing with the first START, unless it resumes from a step above 0', async () => {
    const places = createPlaces();
    places.write(FIRST, ...someRecords(4));
    places.write(SECOND, startRecord(0), ...someRecords(1, 4));
    places.write(`purged/${FIRST}`, ...someRecords(4));
    places.write(`purged/${SECOND}`, startRecord(2), ...someRecords(1, 2));
    await run(await open(places), places, 1);

    expect(stepsOf(places, 'events/metric/loss.plx')).toEqual([0, 1, 2, 3, 4]);
    expect(stepsOf(places, 'events/metric/purged__loss.plx')).toEqual([0, 1, 2]);
  });

  it('replaces a stored file whose rows are all superseded with one without rows, until the next row', async () => {
    const places = createPlaces();
    places.write(FIRST, startRecord(0), ...someRecords(6));
    const exporter = await open(places, { mayBeStored: () => true });
    await run(exporter, places, 1);
    places.write(SECOND, startRecord(0));
    const steps = await run(exporter, places, 1);
    await exporter.save();

    expect(readMade(places)).toEqual({
      'events/metric/loss.plx': 'step|timestamp|metric\n\n',
      'events/metric/acc__top-1.plx': 'step|timestamp|metric\n\n',
      'events/image/photo.plx': 'step|timestamp|image\n\n',
      'events/text/note.plx': '\n\n',
    });
    expect(steps.at(-1)?.changed).toHaveLength(4);
    expect(exporter.session.artifacts()[0]?.summary).toEqual({ is_event: true });

    places.append(SECOND, ...someRecords(5));
    await run(await open(places, { mayBeStored: () => true }), places, 1);

    expect(readMade(places)).toEqual((await exportAtOnce(places.logs)).files);
  });

  it('gives each series its earlier name when all files are regenerated', async () => {
    const places = createPlaces();
    const value = (tag: string, step: number) => toRecord(toEvent(step, 1, scalarValue(tag, step)));
    places.write(FIRST, value('a b', 1), value('a-b', 0));
    const exporter = await open(places);
    await run(exporter, places, 1);
    const names = exporter.session.artifacts().map(({ name }) => name);
    places.write(FIRST, value('a-b', 0), value('a-b', 1));
    await run(exporter, places, 1);

    expect(names).toEqual(['a-b', expect.stringMatching(/^a-b-[0-9a-f]{4}$/)]);
    expect(Object.keys(readMade(places))).toEqual([`events/metric/${names[1]}.plx`]);
  });

  it('writes the same files whatever restarts, retractions and crashes, and in whatever pieces it reads', async () => {
    const change = fc.oneof(
      fc.record({
        kind: fc.constant('log' as const),
        first: fc.nat(12),
        count: fc.integer({ min: 1, max: 5 }),
      }),
      fc.record({ kind: fc.constant('restart' as const), step: fc.nat(12), isNewFile: fc.boolean() }),
      fc.record({
        kind: fc.constant('retraction' as const),
        step: fc.nat(12),
        tag: fc.constantFrom('loss', 'photo'),
      }),
    );
    const round = fc.record({ changes: fc.array(change, { maxLength: 5 }), crashAt: fc.nat(80) });
    await fc.assert(
      fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 6 }), async (rounds) => {
        const places = createPlaces();
        let file = 1;
        const path = (number: number) => `events.out.tfevents.${number}`;
        places.write(path(1), startRecord(0));
        for (const { changes, crashAt } of rounds) {
          for (const each of changes) {
            if (each.kind === 'log') places.append(path(file), ...someRecords(each.count, each.first));
            else if (each.kind === 'retraction')
              places.append(path(file), retractionRecord(each.tag, each.step));
            else {
              if (each.isNewFile) file += 1;
              places.append(path(file), startRecord(each.step));
            }
          }
          try {
            await run(await open(places, createCrashingFileSystem(crashAt)), places);
          } catch (error) {
            if (!String(error).includes('ECRASHED')) throw error;
          }
        }
        const exporter = await open(places);
        await run(exporter, places);

        const expected = await exportAtOnce(places.logs);
        expect(readMade(places)).toEqual(expected.files);
        const artifacts = exporter.session.artifacts() ?? [];
        expect(artifacts).toEqual(expected.exporter.artifacts());
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    [
      'a file is truncated',
      ({ state }: Places) => writeFileSync(join(state, 'events/metric/loss.plx'), 'step'),
    ],
    ['a file is missing', ({ state }: Places) => rmSync(join(state, 'events/metric/loss.plx'))],
    [
      'a file has other bytes',
      ({ state }: Places) => {
        const path = join(state, 'events/metric/loss.plx');
        writeFileSync(path, readFileSync(path, 'utf8').replace('1.0', '7.0'));
      },
    ],
    ['the saved state is missing', ({ state }: Places) => rmSync(join(state, 'export.jsonl'))],
    [
      'the saved state is truncated',
      ({ state }: Places) => {
        const path = join(state, 'export.jsonl');
        writeFileSync(path, readFileSync(path).subarray(0, -20));
      },
    ],
    [
      'an asset that is not stored is missing',
      ({ state }: Places) => rmSync(join(state, 'assets/image/photo_1.png')),
    ],
  ])('regenerates all files when %s', async (_what, damage) => {
    const places = createPlaces();
    places.write(FIRST, ...someRecords(6));
    await run(await open(places), places, 1);
    damage(places);
    await run(await open(places), places, 1);

    expect(readMade(places)).toEqual((await exportAtOnce(places.logs)).files);
  });

  it('does not need local copies of stored assets', async () => {
    const places = createPlaces();
    places.write(FIRST, ...someRecords(6));
    const exporter = await open(places);
    await run(exporter, places, 1);
    await exporter.exportFiles.removeStored('assets/image/photo_1.png');
    const [step] = await run(await open(places, { isStored: () => true }), places, 1);

    expect(step).toEqual({ changed: [], isRestarted: false, hasMore: false });
    expect(existsSync(join(places.state, 'assets/image/photo_1.png'))).toBe(false);
  });

  it('skips an event file that cannot be read, and lists it', async () => {
    const places = createPlaces();
    places.write(FIRST, ...someRecords(2));
    places.write(`other/${FIRST}`, ...someRecords(2));
    const files = toEventFiles(places);
    const unreadable = {
      ...files.find(({ source }) => source.logDirectory === '')!,
      open: () =>
        openLocalFile(
          nodeFileSystem,
          { directory: Buffer.from(places.logs), path: parseRelPath('other') },
          parseRelPath('other'),
          { allowHardLinks: true },
        ),
    };
    const exporter = await open(places);
    await exporter.step([unreadable, ...files.filter(({ source }) => source.logDirectory !== '')]);

    expect([...exporter.unreadable.keys()]).toEqual([`${BASE}/${FIRST}`]);
    expect(Object.keys(readMade(places))).toContain('events/metric/other__loss.plx');
  });
});
