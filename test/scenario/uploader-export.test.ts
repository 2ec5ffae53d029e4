/**
 * Exports log directories of TensorFlow, PyTorch and tensorboardX, and a polytrack run, with `--export-events`. The store has the same files
 * as an uninterrupted export, even if the uploader is killed repeatedly, and new rows appear while it watches.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { toImportedUuid } from '../../uploader/run-directory/run-uuid.js';
import { waitFor } from '../support/child-server.js';
import { runCli } from '../support/cli.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';
import { exportAtOnce, someRecords } from '../uploader/support/event-records.js';

const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url));
const CLI = fileURLToPath(new URL('../../dist/uploader/cli.js', import.meta.url));
const WRITERS = ['tensorflow', 'pytorch', 'tensorboardx'];
const UUID_SEED = 'the root of a test';

interface Setup {
  readonly root: string;
  readonly store: string;
  /** The log directory and the uuid of each run. */
  readonly runs: ReadonlyMap<string, string>;
  readonly args: readonly string[];
}

/** Copies all fixtures below one root and adds a polytrack run. */
async function createSetup(writers = WRITERS): Promise<Setup> {
  const root = createTempDir();
  const store = join(createTempDir(), 'store');
  const state = createTempDir();
  const runs = new Map<string, string>();
  for (const writer of writers)
    for (const name of readdirSync(join(FIXTURES, writer))) {
      const directory = join(FIXTURES, writer, name);
      if (!statSync(directory).isDirectory() || !hasEventFiles(directory)) continue;
      cpSync(directory, join(root, writer, name), { recursive: true });
    }
  const args = [root, '--store', `file://${store}`, '--state-dir', state, '--uuid-seed', UUID_SEED];
  for (const [path, uuid] of await findRuns(args)) runs.set(join(root, path), uuid);
  const { run } = startRun({ root });
  for (let step = 0; step < 50; step += 1) run.logMetric('loss', 1 / (step + 1), { step });
  run.logText('note', 'a | b\nline', { step: 1 });
  run.logHistogram('weights', [1, 2, 2, 3, 9], { step: 1 });
  run.logImage('photo', { width: 2, height: 2, channels: 3, pixels: new Uint8Array(12) }, { step: 1 });
  run.logCurve('curve', { x: [0, 1], y: [1, 0] }, { step: 3 });
  await run.end();
  runs.set(run.paths.tensorboard, run.uuid);
  return { root, store, runs, args: [...args, '--export-events', '--interval', '0.2'] };
}

function hasEventFiles(directory: string): boolean {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).some((name) =>
    name.includes('tfevents'),
  );
}

/** Returns the directory and the uuid of each run that the log directories below a root become. */
async function findRuns(args: readonly string[]): Promise<Map<string, string>> {
  const { stdout } = await runCli('sync', ...args, '--dry-run', '--json');
  const { logDirectories = [] } = JSON.parse(stdout || '{}') as {
    logDirectories?: { runPath: string | null; runUuid: string }[];
  };
  const runs = logDirectories.filter(({ runPath }) => runPath !== null);
  return new Map(runs.map(({ runPath, runUuid }) => [runPath!, runUuid]));
}

/** Reads the stored Polyaxon files of a run. */
function readExported({ store }: Setup, uuid: string): Record<string, string> {
  const directory = join(store, uuid);
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => /^(events|assets|resources)\//.test(path) && statSync(join(directory, path)).isFile())
    // A killed process leaves temporary files, which are not objects and are removed later.
    .filter((path) => !/\.plx-[0-9a-f]+\.partial$/.test(path))
    .sort();
  const read = (path: string) =>
    readFileSync(join(directory, path)).toString(path.startsWith('assets/') ? 'hex' : 'utf8');
  return Object.fromEntries(paths.map((path) => [path, read(path)]));
}

async function expectEqual(setup: Setup): Promise<void> {
  for (const [directory, uuid] of setup.runs) {
    const { files } = await exportAtOnce(directory);
    expect(readExported(setup, uuid), directory).toEqual(files);
  }
}

/** Starts a command that the test will stop or kill. */
function start(command: string, args: readonly string[]) {
  const child = spawn(process.execPath, [CLI, command, ...args], { stdio: 'ignore' });
  const closed = once(child, 'close');
  return {
    end: async (signal: NodeJS.Signals): Promise<number | null> => {
      child.kill(signal);
      const [code] = (await closed) as [number | null];
      return code;
    },
  };
}

describe('a sync that exports event files', () => {
  it('stores the same files as an uninterrupted export of each log directory', async () => {
    const setup = await createSetup();
    const { code, stderr } = await runCli('sync', ...setup.args);

    expect(code, stderr).toBe(0);
    expect(setup.runs.size).toBeGreaterThan(30);
    await expectEqual(setup);
    const kinds = [...setup.runs.values()].flatMap((uuid) => Object.keys(readExported(setup, uuid)));
    for (const kind of ['metric', 'image', 'audio', 'histogram', 'text', 'curve'])
      expect(
        kinds.some((path) => path.startsWith(`events/${kind}/`)),
        kind,
      ).toBe(true);
    expect((await runCli('sync', ...setup.args, '--json')).stdout).toContain('"sent": 0');
  });

  it('stores the same files after repeated kills while event files grow', async () => {
    const setup = await createSetup(['tensorboardx']);
    const growing = [...setup.runs.keys()]
      .slice(0, 3)
      .map((directory) => join(directory, 'events.out.tfevents.1800000000.late'));
    const random = createRandom(Number(process.env.KILL_SEED ?? 7));
    let step = 0;
    for (let round = 0; round < 10; round += 1) {
      const running = start(round % 2 === 0 ? 'sync' : 'watch', setup.args);
      const killAtMs = performance.now() + 250 + random() * (round % 2 === 0 ? 700 : 3_500);
      while (performance.now() < killAtMs) {
        for (const path of growing) appendFileSync(path, Buffer.concat(someRecords(1, step)));
        step += 1;
        await sleep(40);
      }
      await running.end('SIGKILL');
    }
    const { code, stderr } = await runCli('sync', ...setup.args);

    expect(code, stderr).toBe(0);
    expect(step).toBeGreaterThan(50);
    await expectEqual(setup);
  });

  it('stores new rows while it watches', async () => {
    const setup = await createSetup([]);
    const directory = join(setup.root, 'live');
    const uuid = toImportedUuid(UUID_SEED, 'live');
    const path = join(directory, 'train/events.out.tfevents.1800000000.host');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(join(directory, 'events.out.tfevents.1800000000.host'), Buffer.concat(someRecords(1)));
    writeFileSync(path, Buffer.concat(someRecords(3)));
    const running = start('watch', setup.args);
    const stored = join(setup.store, uuid, 'events/metric/train__loss.plx');
    const hasRow = (step: number) => () =>
      existsSync(stored) && readFileSync(stored, 'utf8').includes(`\n${step}|`) ? true : undefined;
    await waitFor('the first rows', hasRow(2));
    appendFileSync(path, Buffer.concat(someRecords(3, 3)));
    await waitFor('rows that came later', hasRow(5));
    // The file is replaced, so everything is regenerated.
    rmSync(path);
    writeFileSync(path, Buffer.concat(someRecords(2, 100)));
    await waitFor('rows of another file', hasRow(101));
    appendFileSync(path, Buffer.concat(someRecords(1, 102)));

    expect(await running.end('SIGTERM')).toBe(0);
    expect(readExported(setup, uuid)['events/metric/train__loss.plx']).toBe(
      (await exportAtOnce(directory)).files['events/metric/train__loss.plx'],
    );
    await expectEqual(setup);
  });
});

/** Returns a generator of numbers from 0 to 1, reproducible by seed. Mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
