/** `clean` deletes only files that it has just found in the store, and gives the same result after a crash anywhere. */

import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
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
import { nodeIo } from '../../../../uploader/base/io/io.js';
import { type CleanOptions, clean, sync, verify } from '../../../../uploader/index.js';
import { selectRuns } from '../../../../uploader/operations/clean/select-runs.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { createCrashingFileSystem } from '../../support/crashing-file-system.js';
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

const DAY_MS = 86_400_000;

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
  it('deletes nothing by default; with --yes, deletes all but the run file and records where the data is', async () => {
    const place = await storeRuns(kind, [1]);
    const before = filesOf(place, 1);

    expect(await outcomes(place, {})).toEqual({ 1: 'would-clean' });
    expect(filesOf(place, 1)).toEqual(before);
    expect(await outcomes(place, { isDryRun: false })).toEqual({ 1: 'cleaned' });

    expect(filesOf(place, 1)).toEqual(['run.plx.json']);
    const directory = join(place.root, 'runs', uuidOf(1));
    expect(existsSync(join(directory, 'outputs'))).toBe(false);
    const marker = JSON.parse(readFileSync(join(directory, '.plx/cleaned.json'), 'utf8'));
    expect(marker).toMatchObject({ state: 'cleaned', store: place.store.url, run: uuidOf(1), files: 3 });
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
    expect(filesOf(place, 6)).toEqual(['run.plx.json']);
  });

  it('leaves a run that later syncs and verifications consider complete', async () => {
    const place = await storeRuns(kind, [1]);
    await outcomes(place, { isDryRun: false });
    const config = toConfig(place.root, place.store);

    const synced = await sync(config);
    const verified = await verify(config);

    expect(synced).toMatchObject({ isComplete: true, bytes: { sent: 0, lost: 0 } });
    expect(verified.runs).toMatchObject([
      { isCleaned: true, verified: { files: 4, notLocal: 3 }, problems: [] },
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

    expect(filesOf(place, 1).sort()).toEqual(['.env', 'outputs/half.partial', 'run.plx.json']);
    expect(readFileSync(join(directory, 'outputs/link'), 'utf8')).toBe('precious');
  });

  it('deletes the directory as well with --all', async () => {
    const place = await storeRuns('file', [2, 1]);

    await outcomes(place, { isDryRun: false, isAll: true, keep: 1 });

    expect(existsSync(join(place.root, 'runs', uuidOf(1)))).toBe(false);
    expect(filesOf(place, 2)).toHaveLength(4);
  });

  it('deletes each name of a hard-linked file once', async () => {
    const place = await storeRuns('file', [1]);
    const directory = join(place.root, 'runs', uuidOf(1));
    linkSync(join(directory, 'outputs/log.txt'), join(directory, 'outputs/zlog.txt'));
    await sync(toConfig(place.root, place.store));

    expect(await outcomes(place, { isDryRun: false })).toEqual({ 1: 'cleaned' });
    expect(filesOf(place, 1)).toEqual(['run.plx.json']);
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
      const left = filesOf(place, 1).length;
      if (left < 4) {
        partial += left > 1 ? 1 : 0;
        expect(existsSync(join(directory, '.plx/cleaned.json'))).toBe(true);
      }
      expect(await sync(toConfig(place.root, place.store))).toMatchObject({ isComplete: true });
      expect(Object.values(await outcomes(place, { isDryRun: false }))).toEqual([
        left === 1 ? expect.stringMatching(/done|cleaned/) : 'cleaned',
      ]);
      expect(filesOf(place, 1)).toEqual(['run.plx.json']);
    }
    expect(partial).toBeGreaterThan(0);
  }, 120_000);

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
