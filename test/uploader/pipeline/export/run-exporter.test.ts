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
import { type EventFile, RunExporter, type Step } from '../../../../uploader/pipeline/export/run-exporter.js';
import { openLocalFile } from '../../../../uploader/pipeline/source/local-file.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { createCrashingFileSystem } from '../../support/crashing-file-system.js';
import { exportAtOnce, someRecords } from '../../support/event-records.js';

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
  readonly notices?: string[];
}

function open(places: Places, { fileSystem, isStored, notices }: OpenOptions = {}): Promise<RunExporter> {
  return RunExporter.open({
    fileSystem: fileSystem ?? nodeFileSystem,
    directory: places.state,
    acceptsDamage: () => true,
    isStored: isStored ?? (() => false),
    onNotice: ({ message }) => notices?.push(message),
    pieceBytes: 700,
  });
}

/** Runs steps until nothing remains, and saves after every `saveEvery` steps. */
async function run(exporter: RunExporter, places: Places, saveEvery = 2, base = BASE): Promise<Step[]> {
  const steps: Step[] = [];
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
    expect(runExporter.exporterFor('events')?.artifacts()).toEqual(exporter.artifacts());
    expect(runExporter.exporterFor('events')?.counts).toEqual(exporter.counts);
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
