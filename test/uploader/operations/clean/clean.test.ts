/** `clean` deletes only files that it has just found in the store, and gives the same result after a crash anywhere. */

import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Diagnostics } from '../../../../src/base/diagnostics.js';
import { Heartbeat } from '../../../../src/run-directory/heartbeat.js';
import { toRunPaths } from '../../../../src/run-directory/layout.js';
import { linkRun } from '../../../../src/run-directory/run-link.js';
import { StoreUnavailableError } from '../../../../uploader/base/errors.js';
import { nodeIo } from '../../../../uploader/base/io/io.js';
import { type CleanOptions, clean, sync, verify } from '../../../../uploader/index.js';
import { selectRuns } from '../../../../uploader/operations/clean/select-runs.js';
import { lockRun } from '../../../../uploader/run-directory/run-lock.js';
import { createFileStore } from '../../../../uploader/store/file/file-store.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { createCrashingFileSystem } from '../../support/crashing-file-system.js';
import { MemoryStore } from '../../support/memory-store.js';
import { makeRun, RUN, writeFiles } from '../../support/run-tree.js';
import {
  openTestStore,
  readFiles,
  STORE_KINDS,
  type StoreKind,
  type TestStore,
  toConfig,
} from '../../support/stores.js';
import { createHarness } from '../../support/sync-harness.js';
import { failingWrites, onEachRead, systemError } from '../../support/wrapped-file-system.js';

const END = {
  status: 'failed',
  exit_code: 1,
  signal: null,
  reason: 'ProcessExit',
  message: null,
  ended_at: '2026-01-01T00:00:00.000000+00:00',
};
const DAY_MS = 86_400_000;
/** The files of a cleaned run that stay. */
const KEPT = ['lineages.plx.json', 'run.plx.json'];

/** Uuids of runs 1, 2, …; oldest first. */
function uuidOf(index: number): string {
  return index.toString(16).padStart(32, '0');
}

interface Place {
  readonly root: string;
  readonly store: TestStore;
}

/** Stored runs that ended `ages` days ago. */
async function storeRuns(kind: StoreKind, ages: readonly number[]): Promise<Place> {
  const store = await openTestStore(kind);
  for (const [name, value] of Object.entries(store.env)) vi.stubEnv(name, value);
  const root = createTempDir();
  for (const [index, days] of ages.entries()) {
    const uuid = uuidOf(index + 1);
    const directory = makeRun(
      root,
      {
        'run.plx.json': JSON.stringify({ uuid, status: 'succeeded' }),
        'outputs/deep/er/model.bin': Buffer.alloc(10_000 * (index + 1), 'm'),
        'outputs/log.txt': 'log',
      },
      uuid,
    );
    const then = new Date(Date.now() - days * DAY_MS);
    for (const path of Object.keys(readFiles(directory))) utimesSync(join(directory, path), then, then);
  }
  expect((await sync(toConfig(root, store))).isComplete).toBe(true);
  return { root, store };
}

async function outcomes({ root, store }: Place, options: CleanOptions): Promise<Record<string, string>> {
  const { runs } = await clean(toConfig(root, store), options);
  return Object.fromEntries(
    runs.map(({ runUuid, outcome, kept }) => [Number.parseInt(runUuid, 16), kept ?? outcome]),
  );
}

function filesOf({ root }: Place, index: number): string[] {
  const directory = join(root, 'runs', uuidOf(index));
  return existsSync(directory) ? Object.keys(readFiles(directory)) : [];
}

beforeEach(() => vi.unstubAllEnvs());

describe.each(STORE_KINDS)('clean on %s', (kind) => {
  it('deletes nothing by default; with --yes, deletes all but the run file and the lineage, and records where the data is', async () => {
    const place = await storeRuns(kind, [1]);
    const before = filesOf(place, 1);

    expect(await outcomes(place, {})).toEqual({ 1: 'would-clean' });
    expect(filesOf(place, 1)).toEqual(before);
    expect(await outcomes(place, { isDryRun: false })).toEqual({ 1: 'cleaned' });

    expect(filesOf(place, 1)).toEqual(KEPT);
    const directory = join(place.root, 'runs', uuidOf(1));
    expect(existsSync(join(directory, 'outputs'))).toBe(false);
    const marker = JSON.parse(readFileSync(join(directory, '.plx/cleaned.json'), 'utf8'));
    expect(marker).toMatchObject({ state: 'cleaned', store: place.store.url, run: uuidOf(1), files: 2 });
    expect(place.store.has(marker.manifest)).toBe(true);
  });

  it('refuses exactly the runs that differ from the store', async () => {
    const place = await storeRuns(kind, [6, 5, 4, 3, 2, 1]);
    const { store, root } = place;
    store.remove(`${uuidOf(1)}/outputs/log.txt`);
    store.shorten(`${uuidOf(2)}/outputs/deep/er/model.bin`);
    store.flip(`${uuidOf(3)}/outputs/deep/er/model.bin`);
    appendFileSync(join(root, 'runs', uuidOf(4), 'outputs/log.txt'), 'more');
    writeFiles(join(root, 'runs', uuidOf(5)), { 'outputs/new': 'new' });

    const options = { isDryRun: false, isDeep: true };
    const report = await clean(toConfig(root, store), options);

    expect(report.isComplete).toBe(false);
    const found = report.runs.map(({ runUuid, outcome, problems }) => [
      Number.parseInt(runUuid, 16),
      outcome,
      problems.map(({ finding }) => finding).join(),
    ]);
    expect(found.sort()).toEqual([
      [1, 'refused', 'missing'],
      [2, 'refused', 'shortened'],
      [3, 'refused', 'damaged'],
      [4, 'refused', 'changed'],
      [5, 'refused', 'missing'],
      [6, 'cleaned', ''],
    ]);
    for (const index of [1, 2, 3, 4, 5]) expect(filesOf(place, index).length).toBeGreaterThanOrEqual(4);
    expect(filesOf(place, 6)).toEqual(KEPT);
  });

  it('leaves a run that later syncs and verifications consider complete', async () => {
    const place = await storeRuns(kind, [1]);
    await outcomes(place, { isDryRun: false });
    const config = toConfig(place.root, place.store);

    const synced = await sync(config);
    const verified = await verify(config);

    expect(synced).toMatchObject({ isComplete: true, bytes: { sent: 0, lost: 0 } });
    expect(verified.runs).toMatchObject([
      { isCleaned: true, verified: { files: 4, notLocal: 2 }, problems: [] },
    ]);
    expect(await outcomes(place, { isDryRun: false })).toEqual({ 1: 'done' });
  });
});

describe('clean', () => {
  it('keeps runs that are still being written', async () => {
    const store = await openTestStore('file');
    const root = createTempDir();
    makeRun(root, { 'outputs/a': 'a' });
    await sync(toConfig(root, store));

    const { runs, isComplete } = await clean(toConfig(root, store), { isDryRun: false });

    expect(isComplete).toBe(true);
    expect(runs).toMatchObject([{ outcome: 'live' }]);
  });

  it('follows the rules and stops when enough space is free', async () => {
    const place = await storeRuns('file', [9, 7, 5, 3]);

    expect(await outcomes(place, { olderThanMs: 6 * DAY_MS })).toMatchObject({
      ...{ 1: 'would-clean', 2: 'would-clean', 3: 'younger', 4: 'younger' },
    });
    expect(await outcomes(place, { largerThanBytes: 25_000, keep: 1 })).toMatchObject({
      ...{ 1: 'smaller', 2: 'smaller', 3: 'would-clean', 4: 'newest' },
    });
    const free = { value: 1_000_000 };
    const fileSystem = { ...nodeIo.fileSystem, freeBytes: async () => free.value };
    expect(await outcomes(place, { untilFreeBytes: 1_015_000, io: { ...nodeIo, fileSystem } })).toMatchObject(
      { 1: 'would-clean', 2: 'would-clean', 3: 'enough-free', 4: 'enough-free' },
    );
  });

  it('keeps files that are excluded from the store: secrets, links and unfinished files', async () => {
    const place = await storeRuns('file', [1]);
    const directory = join(place.root, 'runs', uuidOf(1));
    writeFiles(directory, { '.env': 'KEY=1', 'outputs/half.partial': 'half' });
    const outside = join(createTempDir(), 'precious');
    writeFileSync(outside, 'precious');
    symlinkSync(outside, join(directory, 'outputs/link'));

    expect(await outcomes(place, { isDryRun: false, isAll: true })).toEqual({ 1: 'cleaned' });

    expect(filesOf(place, 1).sort()).toEqual([
      '.env',
      ...KEPT.slice(0, 1),
      'outputs/half.partial',
      ...KEPT.slice(1),
    ]);
    expect(readFileSync(join(directory, 'outputs/link'), 'utf8')).toBe('precious');
  });

  it('deletes the directory and the link for TensorBoard as well with --all', async () => {
    const place = await storeRuns('file', [2, 1]);
    for (const index of [1, 2])
      linkRun(toRunPaths(place.root, uuidOf(index)), `run${index}`, uuidOf(index), true);

    await outcomes(place, { isDryRun: false, keep: 1 });
    const afterFirst = readdirSync(`${place.root}-tensorboard`);
    await outcomes(place, { isDryRun: false, isAll: true, keep: 1 });

    expect(existsSync(join(place.root, 'runs', uuidOf(1)))).toBe(false);
    expect(filesOf(place, 2)).toHaveLength(4);
    // A cleaned run keeps its link: it can be pulled or resumed.
    expect(afterFirst).toEqual(['run1-00000000', 'run2-00000000']);
    expect(readdirSync(`${place.root}-tensorboard`)).toEqual(['run2-00000000']);
  });

  it('deletes each name of a hard-linked file once', async () => {
    const place = await storeRuns('file', [1]);
    const directory = join(place.root, 'runs', uuidOf(1));
    linkSync(join(directory, 'outputs/log.txt'), join(directory, 'outputs/zlog.txt'));
    await sync(toConfig(place.root, place.store));

    expect(await outcomes(place, { isDryRun: false })).toEqual({ 1: 'cleaned' });
    expect(filesOf(place, 1)).toEqual(KEPT);
  });

  it('does not delete through a directory that became a link, nor a file that changed after verification', async () => {
    const place = await storeRuns('file', [1]);
    const directory = join(place.root, 'runs', uuidOf(1));
    const elsewhere = join(createTempDir(), 'outputs');
    const swap = vi.fn(() => {
      renameSync(join(directory, 'outputs'), elsewhere);
      symlinkSync(elsewhere, join(directory, 'outputs'));
    });
    const fileSystem = {
      ...nodeIo.fileSystem,
      // The marker is the last write before the first file is deleted.
      makeDirectory: async (path: string | Buffer, mode: number) => {
        if (path.toString() === join(directory, '.plx') && swap.mock.calls.length === 0) swap();
        await nodeIo.fileSystem.makeDirectory(path, mode);
      },
    };

    const result = await outcomes(place, { isDryRun: false, io: { ...nodeIo, fileSystem } });

    expect(swap).toHaveBeenCalledOnce();
    expect(result).toEqual({ 1: 'refused' });
    expect(Object.keys(readFiles(elsewhere))).toHaveLength(2);
  });

  it('resumes after a crash at any call, and no sync reports its deletions as losses', async () => {
    const place = await storeRuns('file', [1]);
    const directory = join(place.root, 'runs', uuidOf(1));
    const whole = createTempDir();
    execFileSync('cp', ['-a', `${place.root}/.`, whole]);
    const count = createCrashingFileSystem(Number.POSITIVE_INFINITY);
    await outcomes(place, { isDryRun: false, io: { ...nodeIo, fileSystem: count.fileSystem } });
    const total = count.calls();
    let partial = 0;
    // Crash at each call during the deletion, and at every fifth call before it.
    for (let crashAt = 0; crashAt < total; crashAt += crashAt < total - 25 ? 5 : 1) {
      rmSync(place.root, { recursive: true });
      mkdirSync(place.root);
      execFileSync('cp', ['-a', `${whole}/.`, place.root]);
      const { fileSystem } = createCrashingFileSystem(crashAt);
      await outcomes(place, { isDryRun: false, io: { ...nodeIo, fileSystem } }).catch(() => undefined);
      // Remove the locks: in reality the crashed process no longer exists, but here it is the test's process.
      rmSync(place.store.file('.plx/locks'), { recursive: true, force: true });
      rmSync(join(directory, '.plx/lock.json'), { force: true });
      const left = filesOf(place, 1).length;
      if (left < 4) {
        partial += left > 2 ? 1 : 0;
        expect(existsSync(join(directory, '.plx/cleaned.json'))).toBe(true);
      }
      expect(await sync(toConfig(place.root, place.store))).toMatchObject({ isComplete: true });
      expect(Object.values(await outcomes(place, { isDryRun: false }))).toEqual([
        left === 2 ? expect.stringMatching(/done|cleaned/) : 'cleaned',
      ]);
      expect(filesOf(place, 1)).toEqual(KEPT);
    }
    expect(partial).toBeGreaterThan(0);
  });

  it('is not reported as a loss by an uploader that had not stored the files yet', async () => {
    const harness = createHarness({
      'run.plx.json': JSON.stringify({ uuid: RUN, status: 'succeeded' }),
      'outputs/a': 'a',
    });
    harness.store.fault = (operation) => (operation === 'commit' ? 'fail' : 'pass');
    const watch = harness.startWatch();
    await watch.until('the outage is reported', () => harness.events.some(({ kind }) => kind === 'retry'));
    writeFiles(harness.run, { '.plx/cleaned.json': JSON.stringify({ version: 1, state: 'cleaning' }) });
    rmSync(join(harness.run, 'outputs/a'));

    const report = await watch.stop();

    expect(report.bytes.lost).toBe(0);
  });
});

describe('clean of a run that is held, or not stored elsewhere', () => {
  function directoryOf({ root }: Place, index = 1): string {
    return join(root, 'runs', uuidOf(index));
  }

  function beat(run: string): Heartbeat {
    return new Heartbeat(run, 'main', { intervalMs: 60_000, diagnostics: new Diagnostics() });
  }

  it('F106: keeps a run that is resumed while it is compared', async () => {
    const place = await storeRuns('file', [1]);
    const before = filesOf(place, 1);
    let heartbeat: Heartbeat | undefined;
    const fileSystem = onEachRead((path) => {
      if (path.endsWith('log.txt')) heartbeat ??= beat(directoryOf(place));
    });

    expect(await outcomes(place, { isDryRun: false, io: { ...nodeIo, fileSystem } })).toEqual({ 1: 'live' });
    heartbeat?.end(END);
    expect(filesOf(place, 1)).toEqual(before);
  });

  it.each([0, 2 * 3_600, 10 * 86_400])(
    'F106: keeps a run that is written on another host, with a clock that is %d s ahead',
    async (aheadSeconds) => {
      const place = await storeRuns('file', [20]);
      const heartbeat = { pid: 1, space: 'another host', started_ticks: null, beat: 1, interval_ms: 10 };
      const write = (): void => {
        heartbeat.beat += 1;
        writeFiles(directoryOf(place), { '.plx/heartbeat-main.json': JSON.stringify(heartbeat) });
        // The dates of the file server differ from those of this host, too.
        utimesSync(join(directoryOf(place), '.plx/heartbeat-main.json'), 0, 0);
      };
      write();
      const timer = setInterval(write, 10);
      const clock = { ...nodeIo.clock, wallTime: () => nodeIo.clock.wallTime() + aheadSeconds };

      const found = await outcomes(place, { isDryRun: false, io: { ...nodeIo, clock } });
      clearInterval(timer);

      expect(found).toEqual({ 1: 'live' });
      expect(filesOf(place, 1)).toHaveLength(4);
    },
  );

  it('F103: refuses a run that another command holds', async () => {
    const place = await storeRuns('file', [1]);
    const lock = await lockRun(nodeIo, Buffer.from(directoryOf(place)));

    const { runs, isComplete } = await clean(toConfig(place.root, place.store), { isDryRun: false });
    await lock.release();

    expect(isComplete).toBe(false);
    expect(runs).toMatchObject([{ outcome: 'refused', problems: [{ error: { code: 'ERR_RUN_LOCKED' } }] }]);
    expect(filesOf(place, 1)).toHaveLength(4);
  });

  it.each(['hard links', 'a link to a directory'])('F107: keeps a run whose objects are %s', async (how) => {
    const place = await storeRuns('file', [1]);
    const stored = place.store.file(`${uuidOf(1)}/outputs`);
    if (how === 'hard links') {
      rmSync(join(stored, 'log.txt'));
      linkSync(join(directoryOf(place), 'outputs/log.txt'), join(stored, 'log.txt'));
    } else {
      rmSync(stored, { recursive: true });
      symlinkSync(join(directoryOf(place), 'outputs'), stored);
    }
    await sync(toConfig(place.root, place.store));

    const { runs } = await clean(toConfig(place.root, place.store), { isDryRun: false });

    expect(runs[0]?.outcome).toBe('refused');
    if (how === 'hard links') expect(runs[0]?.problems[0]?.message).toMatch(/leads to the same files/);
    expect(filesOf(place, 1)).toContain('outputs/log.txt');
    expect(place.store.has(`${uuidOf(1)}/outputs/log.txt`)).toBe(true);
  });

  it('F107: keeps a run that the store serves from its own directory', async () => {
    const place = await storeRuns('file', [1]);
    const before = filesOf(place, 1);
    const store = createFileStore(join(place.root, 'runs'), nodeIo.fileSystem);
    const gateway = new Proxy(store, {
      get: (target, name) => {
        if (name === 'pathOf') return undefined;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });

    const { runs } = await clean(toConfig(place.root, place.store), { isDryRun: false, store: gateway });

    expect(runs).toMatchObject([
      { outcome: 'refused', problems: [{ error: { code: 'ERR_STORE_SAME_FILE' } }] },
    ]);
    expect(filesOf(place, 1)).toEqual(before);
  });

  it('F109: a second store is complete only if it has the files that were deleted', async () => {
    const place = await storeRuns('file', [1]);
    const second = { root: place.root, store: await openTestStore('file') };
    const third = { root: place.root, store: await openTestStore('file') };
    await sync(toConfig(place.root, second.store));
    await outcomes(place, { isDryRun: false });
    await sync(toConfig(place.root, third.store));

    const [has, lacks] = await Promise.all(
      [second, third].map(({ root, store }) => verify(toConfig(root, store))),
    );

    expect(has?.runs).toMatchObject([{ isCleaned: true, problems: [] }]);
    expect(lacks?.isVerified).toBe(false);
    expect(lacks?.runs[0]?.problems).toContainEqual(
      expect.objectContaining({
        finding: 'missing',
        error: expect.objectContaining({ code: 'ERR_RUN_CLEANED' }),
      }),
    );
    expect(await outcomes(third, { isDryRun: false, isAll: true })).toEqual({ 1: 'refused' });
    expect(existsSync(join(directoryOf(place), '.plx/cleaned.json'))).toBe(true);
    expect(await outcomes(second, { isDryRun: false, isAll: true })).toEqual({ 1: 'cleaned' });
    expect(existsSync(directoryOf(place))).toBe(false);
  });

  it.each([true, false])('F110: frees a full disk, with a process directory %s', async (hasDirectory) => {
    const place = await storeRuns('file', [1]);
    if (hasDirectory) mkdirSync(join(directoryOf(place), '.plx'));
    const inRun = (path: string | Buffer): boolean => path.toString().startsWith(directoryOf(place));
    const isFull = (): boolean => filesOf(place, 1).length === 4;
    const wrapped = failingWrites((path) => inRun(path) && isFull(), 'ENOSPC');
    const fileSystem = {
      ...wrapped,
      makeDirectory: async (path: string | Buffer, mode: number) => {
        if (inRun(path) && isFull()) throw systemError('ENOSPC');
        await wrapped.makeDirectory(path, mode);
      },
    };

    expect(await outcomes(place, { isDryRun: false, io: { ...nodeIo, fileSystem } })).toEqual({
      1: 'cleaned',
    });
    expect(filesOf(place, 1)).toEqual(KEPT);
    expect(readdirSync(join(directoryOf(place), '.plx'))).toEqual(['cleaned.json']);
    expect((await verify(toConfig(place.root, place.store))).runs).toMatchObject([
      { isCleaned: true, problems: [] },
    ]);
  });

  it('F111: keeps what a worker has logged until it is merged, also with --all', async () => {
    const place = await storeRuns('file', [2, 1]);
    const worker = { tags: [], meta_info: {}, inputs: {}, outputs: { best: 0.1 }, lineage: [] };
    for (const index of [1, 2])
      writeFiles(directoryOf(place, index), { '.plx/worker-1.json': JSON.stringify(worker) });
    const record = JSON.stringify({ uuid: uuidOf(2), status: 'succeeded', outputs: { best: 0.1 } });
    writeFiles(directoryOf(place, 2), { 'run.plx.json': record });
    await sync(toConfig(place.root, place.store));

    const { runs } = await clean(toConfig(place.root, place.store), { isDryRun: false, isAll: true });

    expect(runs.map(({ outcome, leftOut }) => [outcome, leftOut])).toEqual([
      ['cleaned', ['.plx/worker-1.json']],
      ['cleaned', []],
    ]);
    expect(readdirSync(join(directoryOf(place), '.plx')).sort()).toEqual(['cleaned.json', 'worker-1.json']);
    expect(existsSync(directoryOf(place, 2))).toBe(false);
  });

  it.each(['outage', 'interruption'])('F112: reports what it has deleted before an %s', async (how) => {
    const store = new MemoryStore();
    const root = createTempDir();
    for (const index of [1, 2, 3])
      makeRun(
        root,
        { 'run.plx.json': JSON.stringify({ uuid: uuidOf(index), status: 'succeeded' }) },
        uuidOf(index),
      );
    const config = toConfig(root, { url: 's3://bucket', env: {} } as TestStore, { retryTimeoutMs: 100 });
    for (const index of [1, 2, 3]) writeFiles(join(root, 'runs', uuidOf(index)), { 'outputs/a': 'a' });
    expect(await sync(config, { store })).toMatchObject({ isComplete: true });
    const abort = new AbortController();
    const isDeleted = (): boolean =>
      [1, 2, 3].some((index) => !existsSync(join(root, 'runs', uuidOf(index), 'outputs/a')));
    store.fault = () => {
      if (!isDeleted()) return 'pass';
      if (how === 'interruption') abort.abort();
      return 'fail';
    };

    const list = store.list.bind(store);
    store.list = (...args) => {
      if (how === 'outage' && isDeleted())
        throw new StoreUnavailableError('list', 1, true, { cause: new Error('down') });
      return list(...args);
    };

    const report = await clean(config, { isDryRun: false, store, signal: abort.signal });

    expect(report).toMatchObject({ isComplete: false, isAborted: how === 'interruption', bytes: 1 });
    expect(report.runs.map(({ outcome, kept }) => kept ?? outcome)).toEqual(
      how === 'outage' ? ['cleaned', 'refused', 'not-checked'] : ['cleaned', 'not-checked', 'not-checked'],
    );
  });

  it('F112: reports a run that was interrupted between two files', async () => {
    const place = await storeRuns('file', [1]);
    const abort = new AbortController();
    const unlink = async (path: string | Buffer): Promise<void> => {
      await nodeIo.fileSystem.unlink(path);
      if (path.toString().includes('aside-')) abort.abort();
    };
    const io = { ...nodeIo, fileSystem: { ...nodeIo.fileSystem, unlink } };

    const report = await clean(toConfig(place.root, place.store), {
      isDryRun: false,
      io,
      signal: abort.signal,
    });

    expect(report).toMatchObject({ isAborted: true, isComplete: false });
    expect(report.runs).toMatchObject([{ outcome: 'refused', files: 1, problems: [{ finding: 'changed' }] }]);
    expect(filesOf(place, 1)).toHaveLength(3);
    expect(await outcomes(place, { isDryRun: false })).toEqual({ 1: 'cleaned' });
  });
});

describe('selectRuns', () => {
  const run = fc.record({ bytes: fc.nat(100), newestMs: fc.nat(1000) });

  it('selects the oldest runs first, and none that a rule keeps', () => {
    const rules = fc.record({ olderThanMs: fc.nat(1000), largerThanBytes: fc.nat(100), keep: fc.nat(5) });
    fc.assert(
      fc.property(fc.array(run, { maxLength: 20 }), rules, (runs, rule) => {
        const selected = selectRuns(runs, rule, 1000);
        const taken = selected.filter(({ kept }) => kept === null).map((each) => each.run);

        expect(selected).toHaveLength(runs.length);
        expect(taken.map(({ newestMs }) => newestMs)).toEqual(
          taken.map(({ newestMs }) => newestMs).sort((a, b) => a - b),
        );
        expect(taken.every(({ newestMs }) => 1000 - newestMs >= rule.olderThanMs)).toBe(true);
        expect(taken.every(({ bytes }) => bytes >= rule.largerThanBytes)).toBe(true);
        expect(taken.length).toBeLessThanOrEqual(Math.max(0, runs.length - rule.keep));
      }),
    );
  });
});
