/** Verifies runs on real stores: finds unexpected changes in the store and on disk. */

import { appendFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { nodeIo } from '../../../../uploader/base/io/io.js';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import { OutcomeError, type RetryOutcome } from '../../../../uploader/base/retry-table.js';
import { sync } from '../../../../uploader/index.js';
import { verify } from '../../../../uploader/operations/verify/verify.js';
import { Scanner } from '../../../../uploader/pipeline/scan/scanner.js';
import { openStore } from '../../../../uploader/store/open-store.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { commit } from '../../store/base/contract.js';
import { DEFAULT_CONFIG } from '../../support/default-config.js';
import { createFastClock } from '../../support/fast-clock.js';
import { makeRun, OTHER_RUN, RUN } from '../../support/run-tree.js';
import {
  openTestStore,
  STORE_KINDS,
  type StoreKind,
  type TestStore,
  toConfig,
} from '../../support/stores.js';
import { createHarness } from '../../support/sync-harness.js';

const ENDED = JSON.stringify({ uuid: RUN, status: 'succeeded' });
const UNAVAILABLE: RetryOutcome = { status: 'retry', cause: new Error('no answer') };
const KEY = `${RUN}/outputs/model.bin`;

interface Stored {
  readonly root: string;
  readonly run: string;
  readonly store: TestStore;
}

/** A stored run that has ended. */
async function storeRun(kind: StoreKind): Promise<Stored> {
  const store = await openTestStore(kind);
  for (const [name, value] of Object.entries(store.env)) vi.stubEnv(name, value);
  const root = createTempDir();
  const run = makeRun(root, {
    'run.plx.json': ENDED,
    'outputs/model.bin': Buffer.alloc(100_000, 'model'),
    'outputs/small.txt': 'small',
  });
  const report = await sync(toConfig(root, store));
  expect(report.isComplete).toBe(true);
  return { root, run, store };
}

function check({ root, store }: Stored, isDeep = false) {
  return verify(toConfig(root, store), { isDeep });
}

async function findings(stored: Stored, isDeep = false): Promise<Record<string, string>> {
  const { runs, isVerified } = await check(stored, isDeep);
  const problems = runs.flatMap((run) => run.problems);
  expect(isVerified).toBe(problems.length === 0);
  return Object.fromEntries(problems.map(({ path, finding }) => [path, finding]));
}

beforeEach(() => vi.unstubAllEnvs());

describe.each(STORE_KINDS)('verify on %s', (kind) => {
  it('verifies an unchanged run, also with isDeep, and writes a manifest', async () => {
    const stored = await storeRun(kind);

    const quick = await check(stored);
    const deep = await check(stored, true);

    expect(quick).toMatchObject({ isVerified: true, isDeep: false });
    expect(quick.runs).toMatchObject([
      { runUuid: RUN, isLive: false, verified: { files: 4, notLocal: 0 }, problems: [], onlyInStore: 0 },
    ]);
    expect(deep).toMatchObject({ isVerified: true, isDeep: true });
    expect(stored.store.has(deep.runs[0]?.manifest ?? '')).toBe(true);
    expect(readdirSync(stored.store.file(`${RUN}/.plx/manifest`))).toHaveLength(1);
  });

  it('finds a missing object', async () => {
    const stored = await storeRun(kind);
    stored.store.remove(KEY);

    expect(await findings(stored)).toEqual({ 'outputs/model.bin': 'missing' });
  });

  it('finds a shortened object', async () => {
    const stored = await storeRun(kind);
    stored.store.shorten(KEY);

    expect(await findings(stored)).toEqual({ 'outputs/model.bin': 'shortened' });
  });

  it('finds a flipped byte below the store with isDeep', async () => {
    const stored = await storeRun(kind);
    stored.store.flip(KEY);

    expect(await findings(stored, true)).toEqual({ 'outputs/model.bin': 'damaged' });
  });

  it('finds an object of another writer', async () => {
    const stored = await storeRun(kind);
    const store = await openStore(stored.store.url, {
      fileSystem: nodeFileSystem,
      s3: toConfig(stored.root, stored.store).s3,
    });
    const found = await store.head(KEY);
    const bytes = Buffer.alloc(100_000, 'model');
    bytes[4711]! ^= 1;
    expect(await commit(store, KEY, bytes, found.status === 'found' ? found.object : null)).toMatchObject({
      status: 'stored',
    });
    await store.close();

    expect(await findings(stored)).toEqual({ 'outputs/model.bin': 'damaged' });
  });

  it('finds a changed local file, even if its modification time is unchanged', async () => {
    const stored = await storeRun(kind);
    const path = join(stored.run, 'outputs/small.txt');
    const then = new Date(Date.now() - 60_000);
    writeFileSync(path, 'smaLl');
    utimesSync(path, then, then);
    appendFileSync(join(stored.run, 'outputs/model.bin'), 'more');

    expect(await findings(stored)).toEqual({
      'outputs/small.txt': 'changed',
      'outputs/model.bin': 'changed',
    });
  });

  it('compares files that are no longer on disk with the manifest', async () => {
    const stored = await storeRun(kind);
    rmSync(join(stored.run, 'outputs'), { recursive: true });
    const { runs } = await check(stored);
    stored.store.shorten(KEY);
    stored.store.remove(`${RUN}/outputs/small.txt`);

    expect(runs).toMatchObject([{ verified: { files: 4, notLocal: 2 }, problems: [] }]);
    expect(await findings(stored)).toEqual({
      'outputs/model.bin': 'shortened',
      'outputs/small.txt': 'missing',
    });
  });
});

describe('verify', () => {
  it('distinguishes pending files from problems while a run is written', async () => {
    const store = await openTestStore('file');
    const root = createTempDir();
    const run = makeRun(root, { 'outputs/log': 'one' }, OTHER_RUN);
    await sync(toConfig(root, store));
    appendFileSync(join(run, 'outputs/log'), ', two');
    writeFileSync(join(run, 'outputs/new'), 'new');

    const { runs } = await verify(toConfig(root, store));

    expect(runs).toMatchObject([{ isLive: true, manifest: null }]);
    expect(runs[0]?.problems.map(({ path, finding }) => [path, finding])).toEqual([
      ['outputs/log', 'behind'],
      ['outputs/new', 'behind'],
    ]);
  });

  it('finds a flipped byte in a directory store without isDeep', async () => {
    const stored = await storeRun('file');
    stored.store.flip(KEY);

    expect(await findings(stored)).toEqual({ 'outputs/model.bin': 'damaged' });
  });

  it('writes no manifest for a run with problems, and keeps the existing one', async () => {
    const stored = await storeRun('file');
    const before = readdirSync(stored.store.file(`${RUN}/.plx/manifest`));
    stored.store.remove(KEY);
    await findings(stored);

    expect(readdirSync(stored.store.file(`${RUN}/.plx/manifest`))).toEqual(before);
  });
});

describe('verify of many runs', () => {
  it('F84: collects the problems of the scan once, not for each run', async () => {
    const { root, store } = await storeRun('file');
    for (let run = 0; run < 5; run += 1) makeRun(root, { 'outputs/a': 'a' }, `${run}`.padStart(32, '0'));
    await sync(toConfig(root, store));
    const problems = vi.spyOn(Scanner.prototype, 'problems', 'get');
    const skipped = vi.spyOn(Scanner.prototype, 'skipped', 'get');
    onTestFinished(() => void vi.restoreAllMocks());
    await verify(toConfig(root, store));
    const calls = [problems, skipped].map(({ mock }) => mock.calls.length);
    makeRun(root, { 'outputs/a': 'a' }, 'f'.repeat(32));
    await sync(toConfig(root, store));
    vi.clearAllMocks();

    await verify(toConfig(root, store));

    expect([problems, skipped].map(({ mock }) => mock.calls.length)).toEqual(calls);
  });

  it('reports what it has verified when the store fails midway, and tries no further run', async () => {
    const harness = createHarness({ 'run.plx.json': ENDED, 'outputs/a': 'a' });
    const uuids = Array.from({ length: 40 }, (_, index) => index.toString(16).padStart(32, '0'));
    for (const uuid of uuids) makeRun(harness.root, { 'outputs/a': 'a' }, uuid);
    await harness.sync();
    const { store } = harness;
    const list = store.list.bind(store);
    const listed = new Set<string>();
    vi.spyOn(store, 'list').mockImplementation(async function* (prefix, options) {
      listed.add(prefix);
      if (listed.size > 5) throw new OutcomeError(UNAVAILABLE);
      yield* list(prefix, options);
    });
    const clock = createFastClock(1_000);
    const config = {
      ...DEFAULT_CONFIG,
      ...{ path: harness.root, store: 's3://bucket/prefix', stateDirectory: harness.stateDirectory },
      retryTimeoutMs: 1_000,
    };

    const report = await verify(config, { store, io: { ...nodeIo, clock } });

    expect(report.isVerified).toBe(false);
    expect(report.runs).toHaveLength(41);
    const codes = report.runs.map(({ problems }) => problems.map(({ error }) => error?.code));
    const verified = codes.filter((each) => each.length === 0);
    expect(verified.length).toBeGreaterThan(0);
    expect(codes.filter((each) => each[0] === 'ERR_STORE_UNAVAILABLE')).toHaveLength(41 - verified.length);
    expect(listed.size).toBeLessThan(41);
  });
});
