/** The index of a store: the same answers as without it, in few requests. */

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type LoadedRun, loadRuns } from '../../../src/index.js';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { openRunSource, resolveConfig, sync } from '../../../uploader/index.js';
import type { Store } from '../../../uploader/store/base/store.js';
import { openStore } from '../../../uploader/store/open-store.js';
import { runCommand } from '../../support/run-command.js';
import { createTempDir } from '../../support/temp-dir.js';
import { makeNamedRun, makeNamedRuns, WIDE } from '../support/named-runs.js';
import { makeRun, writeFiles } from '../support/run-tree.js';
import { openTestStore, STORE_KINDS, type TestStore } from '../support/stores.js';

beforeEach(() => vi.unstubAllEnvs());

let stateDirectory: string;
beforeEach(() => {
  stateDirectory = createTempDir();
  vi.stubEnv('POLYTRACK_STATE_DIR', stateDirectory);
});

async function upload(root: string, url: string, stateDir = createTempDir()) {
  const { config } = await resolveConfig(root, { store: url, stateDir }, process.env, nodeFileSystem);
  return sync(config);
}

async function openFileStore(): Promise<TestStore> {
  const store = await openTestStore('file');
  return store;
}

/** The files of the index, in a store that is a directory. */
function listIndex(store: TestStore): string[] {
  const directory = store.file('.plx/index');
  return readdirSync(directory).map((name) => join(directory, name));
}

async function all(url: string, uuids?: string[], store?: Store, lateMs = 0): Promise<LoadedRun[]> {
  const found: LoadedRun[] = [];
  const { clock } = nodeIo;
  const io = { ...nodeIo, clock: { ...clock, wallTime: () => clock.wallTime() + lateMs / 1000 } };
  await using runs = loadRuns(await openRunSource(url, { io, store }), { uuids });
  for await (const run of runs) found.push(run);
  return found;
}

/** The output of a command, without what names the place. */
async function run(args: readonly string[]): Promise<unknown> {
  const { stdout, stderr, code } = await runCommand([...args, '--json']);
  const text = stdout.replace(/"location": ".*"/g, '"location": ""').replace(/"duration": [\d.]+/g, '');
  return { text, stderr, code };
}

/** Counts the requests of a store. */
async function openCounted(url: string): Promise<{ store: Store; calls: string[] }> {
  const store = await openStore(url, { fileSystem: nodeFileSystem } as Parameters<typeof openStore>[1]);
  const calls: string[] = [];
  const count = <Name extends 'list' | 'read' | 'listFolders'>(name: Name) => {
    const original = (store[name] as (...args: unknown[]) => unknown).bind(store);
    (store as unknown as Record<string, unknown>)[name] = (...args: unknown[]) => {
      calls.push(`${name} ${String(args[0])}`);
      return original(...args);
    };
  };
  for (const name of ['list', 'read', 'listFolders'] as const) count(name);
  return { store, calls };
}

/** Writes `count` ended runs straight into a root. */
function makeManyRuns(root: string, count: number): void {
  for (let index = 0; index < count; index += 1) {
    const uuid = (index * 0x9e3779b1).toString(16).padStart(12, '0').padEnd(32, 'e');
    const record = { uuid, name: `run ${index}`, status: 'succeeded', inputs: { index } };
    makeRun(
      root,
      { 'run.plx.json': JSON.stringify({ ...record, outputs: { loss: 1 / (index + 1) } }) },
      uuid,
    );
  }
}

describe.each(STORE_KINDS)('the commands on %s', (kind) => {
  it('give the same answers as on a directory', async () => {
    const store = await openTestStore(kind);
    for (const [name, value] of Object.entries(store.env)) vi.stubEnv(name, value);
    const root = createTempDir();
    await makeNamedRuns(root);
    await makeNamedRun(root, {
      ...{ uuid: 'd'.repeat(32), name: 'killed', hoursAgo: 90, status: 'running' },
      losses: [3, 1, 2],
    });
    expect((await upload(root, store.url)).unsent).toEqual([]);

    const queries = [
      ['runs'],
      ['runs', '--sort', 'train/loss'],
      ['runs', '--sort', '-lr', '--filter', 'status!=failed', '--columns', 'name,lr,train/loss'],
      ['runs', '--filter', 'train/loss<1'],
      ['runs', '--columns', 'name,best.train/loss,best_step.train/loss'],
    ];
    for (const [command, ...options] of queries)
      expect(await run([command!, store.url, ...options])).toEqual(await run([command!, root, ...options]));
    const names = (place: string) => [`${place}/${WIDE}`, `${place}/killed`];
    for (const each of [0, 1])
      expect(await run(['show', names(store.url)[each]!])).toEqual(await run(['show', names(root)[each]!]));
    expect(await run(['compare', ...names(store.url), '--all'])).toEqual(
      await run(['compare', ...names(root), '--all']),
    );
    for (const format of ['csv', 'json'])
      expect((await runCommand(['export', store.url, '--format', format])).stdout).toBe(
        (await runCommand(['export', root, '--format', format])).stdout,
      );
  }, 120_000);
});

describe('the index', () => {
  it('has the last and the extreme values of each metric, without those that are not finite', async () => {
    const store = await openFileStore();
    const root = createTempDir();
    await makeNamedRuns(root);

    await upload(root, store.url);

    const rows = listIndex(store).flatMap((path) => gunzipSync(readFileSync(path)).toString().split('\n'));
    const wide = JSON.parse(rows.find((row) => row.includes(WIDE))!);
    expect(wide).toMatchObject({ name: '損失関数の実験', status: 'succeeded', isEnded: true });
    const loss = 0.123456789;
    const time = expect.any(Number);
    expect(wide.metrics).toEqual([['train/loss', '', loss, 3, time, loss, 3, time, 2, 0, time]]);
  });

  it('makes a listing of many runs a few requests, and none for what has not changed', async () => {
    const store = await openFileStore();
    const root = createTempDir();
    makeManyRuns(root, 201);
    await upload(root, store.url);
    const counted = await openCounted(store.url);

    const cold = await all(store.url, undefined, counted.store);

    expect(cold.length).toBe(201);
    expect(cold[7]).toMatchObject({ status: 'succeeded', problems: [] });
    expect(counted.calls.map((call) => call.split('/').slice(0, 2).join('/'))).toEqual([
      'list .plx/index',
      ...['read .plx/index'],
      'listFolders ',
    ]);
    counted.calls.length = 0;
    expect((await all(store.url, undefined, counted.store)).length).toBe(201);
    expect(counted.calls).toEqual(['list .plx/index/']);
  }, 120_000);

  it('shows a new run at once by its row, and changes without a row after 30 seconds', async () => {
    const store = await openFileStore();
    const [root, other] = [createTempDir(), createTempDir()];
    makeManyRuns(root, 201);
    await upload(root, store.url);
    const [first] = await all(store.url);
    const isShown = async (uuid: string, lateMs = 0) =>
      (await all(store.url, undefined, undefined, lateMs)).some((run) => run.uuid === uuid);
    const [withRow, withoutRow] = ['a'.repeat(32), 'b'.repeat(32)];

    makeRun(other, { 'run.plx.json': JSON.stringify({ uuid: withRow, status: 'succeeded' }) }, withRow);
    await upload(other, store.url);
    writeFiles(store.file(withoutRow), { 'run.plx.json': JSON.stringify({ uuid: withoutRow }) });
    rmSync(store.file(first!.uuid!), { recursive: true });

    expect(await isShown(withRow)).toBe(true);
    expect([await isShown(withoutRow, 31_000), await isShown(first!.uuid!, 31_000)]).toEqual([true, false]);
    // The index still has its row.
    expect(await isShown(first!.uuid!, 32_000)).toBe(false);
    // A clock that was set back.
    rmSync(store.file(withoutRow), { recursive: true });
    expect(await isShown(withoutRow, -60_000)).toBe(false);
  }, 120_000);

  it('is not needed: runs without a row are read, and the next sync writes the rows again', async () => {
    const store = await openFileStore();
    const root = createTempDir();
    makeManyRuns(root, 230);
    const stateDir = createTempDir();
    await upload(root, store.url, stateDir);
    const expected = (await all(store.url)).map(({ name, inputs, outputs }) => ({ name, inputs, outputs }));
    const [path] = listIndex(store);
    const lines = gunzipSync(readFileSync(path!)).toString().split('\n');

    // 10 runs without a row.
    writeFileSync(path!, gzipSync([...lines.slice(0, 200), ...lines.slice(210)].join('\n')));
    const partial = await all(store.url);
    rmSync(store.file('.plx/index'), { recursive: true });
    const without = await all(store.url);
    await upload(root, store.url, stateDir);

    for (const runs of [partial, without])
      expect(runs.map(({ name, inputs, outputs }) => ({ name, inputs, outputs }))).toEqual(expected);
    const again = listIndex(store).map(
      (each) => gunzipSync(readFileSync(each)).toString().split('\n').length,
    );
    expect(again).toEqual([231]);
  }, 120_000);

  it.each<[string, (store: TestStore) => void]>([
    ['that is no archive', (store) => damage(store, Buffer.from('no archive'))],
    ['that is cut', (store) => listIndex(store).forEach(cut)],
    ['of another version', (store) => damage(store, gzipSync('{"kind":"run-index","version":99}\n{}'))],
    ['with invalid rows', (store) => damage(store, gzipSync(toHostileRows()))],
    ['that never ends', (store) => damage(store, gzipSync(Buffer.alloc(200 * 1024 * 1024)))],
  ])('%s breaks no listing', async (_title, harm) => {
    const store = await openFileStore();
    const root = createTempDir();
    await makeNamedRuns(root);
    await upload(root, store.url);
    const expected = await run(['runs', root]);

    harm(store);

    expect(await run(['runs', store.url])).toEqual(expected);
  });

  it('is written by several uploaders at once, and stays in few objects', async () => {
    const store = await openFileStore();
    const roots = Array.from({ length: 12 }, () => createTempDir());
    const uuids = roots.map((_, index) => index.toString(16).repeat(32));
    for (const [index, root] of roots.entries())
      await makeNamedRun(root, { uuid: uuids[index]!, name: `run ${index}`, hoursAgo: 1, losses: [index] });

    await Promise.all(roots.slice(0, 10).map((root) => upload(root, store.url)));
    for (const root of roots.slice(10)) await upload(root, store.url);

    const runs = await all(store.url);
    expect(runs.map(({ uuid, indexed }) => [uuid, indexed?.metrics[0]?.value])).toEqual(
      uuids.map((uuid, index) => [uuid, index]),
    );
    expect(listIndex(store).length).toBeLessThan(10);
  }, 120_000);

  it('does not hide what a run has logged since', async () => {
    const store = await openFileStore();
    const root = createTempDir();
    const stateDir = createTempDir();
    makeManyRuns(root, 210);
    const uuid = 'f'.repeat(32);
    const toRecord = (status: string, step: number) =>
      JSON.stringify({ uuid, name: 'live', status, created_at: new Date().toISOString(), outputs: { step } });
    const directory = makeRun(root, { 'run.plx.json': toRecord('running', 1) }, uuid);
    await upload(root, store.url, stateDir);
    const before = new Map(listIndex(store).map((path) => [path, readFileSync(path)]));
    const find = async () => (await all(store.url)).find((each) => each.uuid === uuid);
    expect(await find()).toMatchObject({ name: 'live', outputs: { step: 1 }, indexed: { isLost: false } });

    writeFiles(directory, { 'run.plx.json': toRecord('running', 2) });
    await upload(root, store.url, stateDir);
    for (const path of listIndex(store)) rmSync(path);
    for (const [path, bytes] of before) writeFileSync(path, bytes);

    expect(await find()).toMatchObject({ outputs: { step: 2 }, indexed: undefined });
  }, 120_000);
});

describe('the cache of the index', () => {
  it('may be deleted or damaged', async () => {
    const store = await openFileStore();
    const root = createTempDir();
    await makeNamedRuns(root);
    await upload(root, store.url);
    const expected = await run(['runs', store.url]);
    const [cache] = readdirSync(join(stateDirectory, 'indexes'));
    const directory = join(stateDirectory, 'indexes', cache!);
    const [name] = readdirSync(directory);
    const path = join(directory, name!);

    const bytes = readFileSync(path);
    writeFileSync(path, bytes.toString().replace(WIDE, WIDE.replace('w', 'W')));

    expect(await run(['runs', store.url])).toEqual(expected);
    expect(readFileSync(path)).toEqual(bytes);
    rmSync(join(stateDirectory, 'indexes'), { recursive: true });
    expect(await run(['runs', store.url])).toEqual(expected);
  });
});

function damage(store: TestStore, bytes: Buffer): void {
  for (const path of listIndex(store)) writeFileSync(path, bytes);
}

function cut(path: string): void {
  writeFileSync(path, readFileSync(path).subarray(0, -20));
}

function toHostileRows(): string {
  const row = {
    uuid: WIDE,
    version: 'x',
    isEnded: true,
    atMs: 9e15,
    tags: [],
    inputs: {},
    outputs: {},
    metrics: [],
  };
  const rows = [null, 1, [], {}, { ...row, name: 1 }, { ...row, name: 'forged' }, { ...row, metrics: [[1]] }];
  const texts = [...rows.map((each) => JSON.stringify(each)), '{', `${'['.repeat(1e5)}`, '"'.repeat(2e6)];
  return ['{"kind":"run-index","version":1}', ...texts].join('\n');
}
