/** Pulls runs from real stores: restores the same names and bytes for any names, interruptions and keys. */

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Diagnostics } from '../../../../src/base/diagnostics.js';
import { Heartbeat } from '../../../../src/run-directory/heartbeat.js';
import type { FileSystem } from '../../../../uploader/base/io/file-system.js';
import { nodeIo } from '../../../../uploader/base/io/io.js';
import { clean, pull, sync, verify } from '../../../../uploader/index.js';
import type { PullOptions } from '../../../../uploader/operations/pull/pull.js';
import { parseRunUrl } from '../../../../uploader/operations/pull/run-url.js';
import type { Store } from '../../../../uploader/store/base/store.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { commit, someBytes } from '../../store/base/contract.js';
import { createFastClock } from '../../support/fast-clock.js';
import { MemoryStore } from '../../support/memory-store.js';
import { EVENT_FILE, makeRun, RUN, writeFiles } from '../../support/run-tree.js';
import { openTestStore, readFiles, STORE_KINDS, type TestStore, toConfig } from '../../support/stores.js';
import { watchSyncs } from '../../support/wrapped-file-system.js';

const MIB = 1024 * 1024;
const END = {
  status: 'succeeded',
  exit_code: 0,
  signal: null,
  reason: 'ProcessExit',
  message: null,
  ended_at: '2026-01-01T00:00:00.000000+00:00',
};
const ENDED = JSON.stringify({ uuid: RUN, status: 'succeeded' });

/** Names that are not plain text, or that resemble encoded or special names. */
const NAMES: readonly Buffer[] = [
  Buffer.from('a b+c'),
  Buffer.from('ü 日本 😀'),
  Buffer.from('100%'),
  Buffer.from('%41'),
  Buffer.from('q\'uo"te&<>'),
  Buffer.from('line\nbreak'),
  Buffer.from([0x66, 0xff, 0xfe, 0x6f]),
  Buffer.from('..hidden'),
];

function pullInto(directory: string, store: TestStore, options = {}) {
  return pull(toConfig('.', store), [RUN], directory, options);
}

/** Watches a run for seconds in an instant. */
const fastIo = { ...nodeIo, clock: createFastClock(50) };

beforeEach(() => vi.unstubAllEnvs());

describe.each(STORE_KINDS)('pull from %s', (kind) => {
  it('restores all names and bytes', async () => {
    const store = await openTestStore(kind);
    for (const [name, value] of Object.entries(store.env)) vi.stubEnv(name, value);
    const root = createTempDir();
    const run = makeRun(root, {
      'run.plx.json': ENDED,
      [EVENT_FILE]: someBytes(3 * MIB),
      'outputs/large.bin': someBytes(20 * MIB),
      'outputs/empty': '',
    });
    for (const name of NAMES)
      writeFileSync(Buffer.concat([Buffer.from(`${run}/outputs/`), name]), `of ${name.toString('hex')}`);
    expect(await sync(toConfig(root, store))).toMatchObject({ isComplete: true });

    const directory = join(createTempDir(), 'pulled');
    const report = await pullInto(directory, store);

    const files = { pulled: 5 + NAMES.length, present: 0, unverified: 0 };
    expect(report).toMatchObject({ isComplete: true, runs: [{ files, problems: [] }] });
    const pulled = join(directory, 'runs', RUN);
    expect(readFiles(pulled)).toEqual(readFiles(run));
    expect(readdirSync(join(pulled, '.plx'))).toEqual([]);
    expect(await pullInto(directory, store)).toMatchObject({
      runs: [{ files: { pulled: 0, present: files.pulled }, bytes: 0 }],
    });
  });

  it('restores a cleaned run to an ordinary run', async () => {
    const store = await openTestStore(kind);
    for (const [name, value] of Object.entries(store.env)) vi.stubEnv(name, value);
    const root = createTempDir();
    const run = makeRun(root, { 'run.plx.json': ENDED, 'outputs/a': 'a', 'outputs/b/c': 'c' });
    const config = toConfig(root, store);
    await sync(config);
    const before = readFiles(run);
    await clean(config, { isDryRun: false });
    expect(Object.keys(readFiles(run)).sort()).toEqual(['lineages.plx.json', 'run.plx.json']);

    expect(await pullInto(root, store)).toMatchObject({ isComplete: true });

    expect(readFiles(run)).toEqual(before);
    expect(existsSync(join(run, '.plx/cleaned.json'))).toBe(false);
    expect((await verify(config)).runs).toMatchObject([{ isCleaned: false, problems: [] }]);
    expect(await sync(config)).toMatchObject({ isComplete: true, bytes: { sent: 0 } });
  });

  it('creates no file from an object that differs from the manifest', async () => {
    const store = await openTestStore(kind);
    for (const [name, value] of Object.entries(store.env)) vi.stubEnv(name, value);
    const root = createTempDir();
    makeRun(root, { 'run.plx.json': ENDED, 'outputs/a': 'content' });
    await sync(toConfig(root, store));
    const path = store.file(`${RUN}/outputs/a`);
    execFileSync('cp', ['-p', path, join(root, 'before')]);
    store.flip(`${RUN}/outputs/a`);
    // A decayed byte does not change the file times, which a directory store uses as the version of an object.
    if (kind === 'file') execFileSync('touch', ['-r', join(root, 'before'), path]);

    const directory = createTempDir();
    const report = await pullInto(directory, store);

    expect(report.runs[0]?.problems).toMatchObject([{ path: 'outputs/a', finding: 'damaged' }]);
    expect(existsSync(join(directory, 'runs', RUN, 'outputs/a'))).toBe(false);
  });
});

describe('pull', () => {
  function pullFrom(store: Store, directory: string, options = {}) {
    const config = { ...toConfig('.', { url: 's3://bucket', env: {} } as TestStore) };
    return pull(config, [RUN], directory, { store, ...options });
  }

  it('refuses keys that lead out of the run and pulls the rest', async () => {
    const store = new MemoryStore();
    const bad = [
      '../escape',
      'a/../../escape',
      '/absolute',
      'a//b',
      './a',
      'a/%2e%2e/b',
      '%2Fetc',
      'C:evil',
      'file/x',
    ];
    for (const path of [...bad, 'file', 'good']) await commit(store, `${RUN}/${path}`, Buffer.from(path));
    const directory = createTempDir();

    const { runs, isComplete } = await pullFrom(store, directory);

    expect(isComplete).toBe(false);
    const refused = runs[0]?.problems.map(({ path, finding }) => `${finding} ${path}`);
    const expected = bad.filter((path) => path !== 'file/x').concat('file');
    expect(refused?.sort()).toEqual(expected.map((path) => `unsafe-name ${path}`).sort());
    expect(Object.keys(readFiles(directory)).sort()).toEqual([`runs/${RUN}/file/x`, `runs/${RUN}/good`]);
  });

  it('does not write through links', async () => {
    const store = new MemoryStore();
    await commit(store, `${RUN}/outputs/a`, Buffer.from('a'));
    await commit(store, `${RUN}/b`, Buffer.from('b'));
    const directory = createTempDir();
    const elsewhere = createTempDir();
    const run = join(directory, 'runs', RUN);
    mkdirSync(run, { recursive: true });
    symlinkSync(elsewhere, join(run, 'outputs'));
    symlinkSync(join(elsewhere, 'b'), join(run, 'b'));

    const { runs } = await pullFrom(store, directory, { overwrites: true, io: fastIo });

    expect(runs[0]?.problems.map(({ path, finding }) => `${finding} ${path}`)).toEqual([
      'in-the-way b',
      'in-the-way outputs/a',
    ]);
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it('keeps local files that differ, and replaces them with overwrites', async () => {
    const store = new MemoryStore();
    await commit(store, `${RUN}/a`, Buffer.from('theirs'));
    const directory = createTempDir();
    const path = join(directory, 'runs', RUN, 'a');
    mkdirSync(join(directory, 'runs', RUN), { recursive: true });
    writeFileSync(path, 'mine, 1');

    const kept = await pullFrom(store, directory);
    expect(kept.runs[0]?.problems).toMatchObject([{ path: 'a', finding: 'in-the-way' }]);
    expect(readFileSync(path, 'utf8')).toBe('mine, 1');
    const options = { overwrites: true, io: fastIo };
    expect((await pullFrom(store, directory, options)).isComplete).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('theirs');
  });

  it('resumes a large file where it was interrupted', async () => {
    const store = new MemoryStore();
    const bytes = someBytes(5 * MIB);
    await commit(store, `${RUN}/large`, bytes);
    const directory = createTempDir();
    const ranges: (number | undefined)[] = [];
    const abort = new AbortController();
    const slow = Object.assign(Object.create(store) as MemoryStore, {
      async *read(key: string, options: { range?: { start: number; end: number } } = {}) {
        if (key.endsWith('large')) ranges.push(options.range?.start);
        for (let at = options.range?.start ?? 0; at < (options.range?.end ?? 0); at += MIB) {
          if (at === 3 * MIB && ranges.length === 1) {
            abort.abort();
            abort.signal.throwIfAborted();
          }
          yield bytes.subarray(at, Math.min(at + MIB, options.range?.end ?? 0));
        }
      },
      head: (key: string) => store.head(key),
      list: (prefix: string, options?: object) => store.list(prefix, options),
      check: () => store.check(),
    });

    const first = await pullFrom(slow, directory, { signal: abort.signal });
    const path = join(directory, 'runs', RUN, 'large');
    expect(first).toMatchObject({ isAborted: true, isComplete: false });
    expect(existsSync(path)).toBe(false);
    const second = await pullFrom(slow, directory);

    expect(second).toMatchObject({ isComplete: true, runs: [{ bytes: 2 * MIB }] });
    expect(ranges).toEqual([0, 3 * MIB]);
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it('restores an event file before later ones of its directory, because readers leave it for good after that', async () => {
    const store = new MemoryStore();
    const names = ['1', '2', '3'].map((number) => EVENT_FILE.replace(/\d$/, number));
    for (const name of names.toReversed()) await commit(store, `${RUN}/${name}`, Buffer.from(name));
    const directory = createTempDir();
    const found: string[][] = [];
    const slow = Object.assign(Object.create(store) as MemoryStore, {
      async *read(key: string, options?: object) {
        const run = join(directory, 'runs', RUN);
        found.push([
          ...names.filter((name) => existsSync(join(run, name))),
          `read ${key.slice(RUN.length + 1)}`,
        ]);
        await new Promise(setImmediate);
        yield* store.read(key, options);
      },
      head: (key: string) => store.head(key),
      check: () => store.check(),
      list: (prefix: string, options?: object) => store.list(prefix, options),
    });

    expect(await pullFrom(slow, directory)).toMatchObject({ isComplete: true });

    const reads = found.filter((each) => each.at(-1)?.startsWith('read outputs/'));
    expect(reads).toEqual(names.map((name, index) => [...names.slice(0, index), `read ${name}`]));
  });

  it('joins the tails of a growing file, but not those of previous versions, and restores what was kept', async () => {
    const store = new MemoryStore();
    const segment = (generation: number, start: number, text: string) =>
      commit(
        store,
        `${RUN}/.plx/seg/outputs/log/${generation}/${String(start).padStart(20, '0')}-${text.length}`,
        Buffer.from(text),
      );
    await commit(store, `${RUN}/outputs/log`, Buffer.from('one two'));
    await segment(0, 3, ' two'); // already part of the object
    await segment(0, 7, ' three');
    await segment(0, 13, ' four');
    await segment(0, 30, ' after a gap');
    await commit(store, `${RUN}/.plx/gen/outputs/log/0`, Buffer.from('before'));
    await commit(store, `${RUN}/.plx/deleted/outputs/gone/0123456789abcdef`, Buffer.from('removed'));
    const directory = createTempDir();

    expect(await pullFrom(store, directory, { withPreviousVersions: true })).toMatchObject({
      isComplete: true,
    });

    const run = join(directory, 'runs', RUN);
    expect(readFileSync(join(run, 'outputs/log'), 'utf8')).toBe('one two three four');
    expect(readFileSync(join(run, '.plx/gen/outputs/log/0'), 'utf8')).toBe('before');
    expect(readFileSync(join(run, '.plx/deleted/outputs/gone/0123456789abcdef'), 'utf8')).toBe('removed');
  });

  it('resumes after a full disk, and never leaves a partial file under its final name', async () => {
    const store = new MemoryStore();
    for (const name of ['a', 'b', 'c']) await commit(store, `${RUN}/${name}`, Buffer.from(name.repeat(1000)));
    const directory = createTempDir();
    let left = 2;
    const fileSystem = {
      ...nodeIo.fileSystem,
      rename: async (from: string | Buffer, to: string | Buffer) => {
        if (to.toString().endsWith('.json')) return nodeIo.fileSystem.rename(from, to);
        left -= 1;
        if (left < 0) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
        return nodeIo.fileSystem.rename(from, to);
      },
    };

    const first = await pullFrom(store, directory, { io: { ...nodeIo, fileSystem } });

    expect(first.runs[0]?.problems).toMatchObject([{ finding: 'unwritable' }]);
    expect(existsSync(join(directory, 'runs', RUN, '.plx/cleaned.json'))).toBe(true);
    expect(await pullFrom(store, directory)).toMatchObject({
      isComplete: true,
      runs: [{ files: { pulled: 1, present: 2 }, bytes: 0 }],
    });
    expect(readdirSync(join(directory, 'runs', RUN, '.plx'))).toEqual([]);
  });

  it('reports a run that does not exist', async () => {
    const directory = createTempDir();

    const { runs } = await pullFrom(new MemoryStore(), directory);

    expect(runs[0]?.problems).toMatchObject([{ finding: 'missing' }]);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('pull into a run that is held', () => {
  const FILES: Readonly<Record<string, string>> = { 'outputs/a': 'stored a', 'outputs/b': 'stored b' };

  async function storeRun(): Promise<MemoryStore> {
    const store = new MemoryStore();
    for (const [path, text] of Object.entries(FILES))
      await commit(store, `${RUN}/${path}`, Buffer.from(text));
    await commit(store, `${RUN}/run.plx.json`, Buffer.from(ENDED));
    return store;
  }

  function pullFrom(store: Store, directory: string, options: PullOptions = {}) {
    const config = toConfig('.', { url: 's3://bucket', env: {} } as TestStore, { concurrency: 1 });
    return pull(config, [RUN], directory, { store, io: fastIo, ...options });
  }

  function beat(run: string): Heartbeat {
    return new Heartbeat(run, 'main', { intervalMs: 60_000, diagnostics: new Diagnostics() });
  }

  it('F103: lets one of two overlapping pulls through, and publishes only what is stored', async () => {
    const store = await storeRun();
    const directory = createTempDir();

    const both = await Promise.all([pullFrom(store, directory), pullFrom(store, directory)]);

    const codes = both.map(({ runs }) => runs[0]?.problems[0]?.error?.code ?? 'complete');
    expect(codes.sort()).toEqual(['ERR_RUN_LOCKED', 'complete']);
    expect(readFiles(join(directory, 'runs', RUN))).toEqual({ ...FILES, 'run.plx.json': ENDED });
    expect(readdirSync(join(directory, 'runs', RUN, '.plx'))).toEqual([]);
  });

  it('F103: breaks the lock of a killed pull, and completes what it has left', async () => {
    const store = await storeRun();
    const directory = createTempDir();
    const run = join(directory, 'runs', RUN);
    const { space } = await nodeIo.processes.current();
    const holder = { pid: 2 ** 22 + 1, startedAt: '1', space, token: 'a'.repeat(32) };
    writeFiles(run, {
      '.plx/lock.json': JSON.stringify(holder),
      '.plx/cleaned.json': JSON.stringify({ version: 1, state: 'pulling', store: 's3://bucket' }),
      'outputs/a': 'stored a',
    });

    expect(await pullFrom(store, directory)).toMatchObject({ isComplete: true });
    expect(readdirSync(join(run, '.plx'))).toEqual([]);
  });

  it('F103: breaks the lock of another host only if it is not refreshed while it is watched', async () => {
    const store = await storeRun();
    const directory = createTempDir();
    const lock = join(directory, 'runs', RUN, '.plx/lock.json');
    const holder = { pid: 1, startedAt: '1', space: 'another host', token: 'a'.repeat(32) };
    const write = (): void => writeFiles(dirname(lock), { 'lock.json': JSON.stringify(holder) });
    write();
    // Dates say nothing: the clock of the other host may be wrong by any time.
    utimesSync(lock, 0, 0);
    let looks = 0;
    const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
      looks += 1;
      if (looks === 3) write();
      await fastIo.clock.sleep(ms, signal);
    };
    const io = { ...fastIo, clock: { ...fastIo.clock, sleep } };

    const refused = await pullFrom(store, directory, { io });
    expect(refused.runs[0]?.problems).toMatchObject([{ finding: 'held', error: { code: 'ERR_RUN_LOCKED' } }]);
    expect(await pullFrom(store, directory)).toMatchObject({ isComplete: true });
  });

  it.each([true, false])(
    'F104: replaces and adds no file of a live run, with overwrites %s',
    async (overwrites) => {
      const store = await storeRun();
      const directory = createTempDir();
      const run = join(directory, 'runs', RUN);
      writeFiles(run, { 'outputs/a': 'newer' });
      const heartbeat = beat(run);

      const report = await pullFrom(store, directory, { overwrites });
      heartbeat.end(END);

      expect(report).toMatchObject({ isComplete: false });
      expect(report.runs[0]?.problems).toMatchObject([{ finding: 'held', error: { code: 'ERR_RUN_LIVE' } }]);
      expect(readFiles(run)).toEqual({ 'outputs/a': 'newer' });
      expect(existsSync(join(run, '.plx/cleaned.json'))).toBe(false);
    },
  );

  it('F104: stops before the next file when a writer starts', async () => {
    const store = await storeRun();
    const directory = createTempDir();
    const run = join(directory, 'runs', RUN);
    let heartbeat: Heartbeat | undefined;
    const rename = async (from: string | Buffer, to: string | Buffer): Promise<void> => {
      await nodeIo.fileSystem.rename(from, to);
      if (to.toString().endsWith('outputs/a')) heartbeat = beat(run);
    };
    const io = { ...fastIo, fileSystem: { ...nodeIo.fileSystem, rename } };

    const report = await pullFrom(store, directory, { io });
    heartbeat?.end(END);

    expect(report.runs[0]?.problems.map(({ path, finding }) => `${finding} ${path}`)).toEqual([
      'held outputs/b',
      'held run.plx.json',
    ]);
    expect(Object.keys(readFiles(run))).toEqual(['outputs/a']);
  });

  it('F104: sees a writer on another host by its beat, whatever the clocks say', async () => {
    const store = await storeRun();
    const directory = createTempDir();
    const run = join(directory, 'runs', RUN);
    const path = join(run, '.plx/heartbeat-main.json');
    let count = 0;
    const write = (): void => {
      count += 1;
      const heartbeat = {
        pid: 1,
        space: 'another host',
        started_ticks: null,
        beat: count,
        interval_ms: 1000,
      };
      writeFiles(run, { '.plx/heartbeat-main.json': JSON.stringify(heartbeat), 'outputs/a': 'newer' });
      utimesSync(path, 0, 0);
    };
    write();
    const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
      if (ms < 1000 && count < 2) write(); // not while the lock waits for its refresh
      await fastIo.clock.sleep(ms, signal);
    };

    const io = { ...fastIo, clock: { ...fastIo.clock, sleep } };
    const live = await pullFrom(store, directory, { overwrites: true, io });
    expect(live.runs[0]?.problems).toMatchObject([{ error: { code: 'ERR_RUN_LIVE' } }]);
    expect(readFiles(run)).toEqual({ 'outputs/a': 'newer' });
    expect(await pullFrom(store, directory, { overwrites: true })).toMatchObject({ isComplete: true });
  });

  it('F105: refuses the directory of another run', async () => {
    const store = await storeRun();
    const directory = createTempDir();
    const run = join(directory, 'runs', RUN);
    const other = JSON.stringify({ uuid: 'f'.repeat(32), status: 'succeeded' });
    writeFiles(run, { 'run.plx.json': other });

    const { runs } = await pullFrom(store, directory, { overwrites: true });

    expect(runs[0]?.problems).toMatchObject([{ finding: 'occupied', error: { code: 'ERR_RUN_OCCUPIED' } }]);
    expect(readFiles(run)).toEqual({ 'run.plx.json': other });
  });

  it('F105: refuses the directory of a run with the same uuid that was created at another time', async () => {
    const store = await storeRun();
    const owner = { version: 1, createdAt: '2026-01-01T00:00:00.000000+00:00' };
    await commit(store, `${RUN}/.plx/owner.json`, Buffer.from(JSON.stringify(owner)));
    const directory = createTempDir();
    const run = join(directory, 'runs', RUN);
    const other = JSON.stringify({ uuid: RUN, status: 'succeeded', created_at: '2026-02-02T00:00:00+00:00' });
    writeFiles(run, { 'run.plx.json': other });

    const { runs } = await pullFrom(store, directory, { overwrites: true });

    expect(runs[0]?.problems).toMatchObject([{ finding: 'occupied', error: { code: 'ERR_RUN_OCCUPIED' } }]);
    expect(readFiles(run)).toEqual({ 'run.plx.json': other });
  });

  it('F109: keeps the marker of a run whose files another store has', async () => {
    const store = await storeRun();
    const directory = createTempDir();
    const run = join(directory, 'runs', RUN);
    const marker = { version: 1, state: 'cleaned', store: 's3://elsewhere', storeId: 's3://elsewhere' };
    writeFiles(run, { '.plx/cleaned.json': JSON.stringify(marker) });

    const { runs, isComplete } = await pullFrom(store, directory);

    expect(isComplete).toBe(false);
    expect(runs[0]?.problems).toMatchObject([{ finding: 'missing' }]);
    expect(runs[0]?.problems[0]?.message).toContain('s3://elsewhere');
    expect(readFileSync(join(run, '.plx/cleaned.json'), 'utf8')).toBe(JSON.stringify(marker));
  });

  it('F103: syncs each file before it gets its name', async () => {
    const { fileSystem, renamed } = watchSyncs();

    const { runs } = await pullFrom(await storeRun(), createTempDir(), { io: { ...fastIo, fileSystem } });

    expect(runs[0]?.problems).toEqual([]);
    expect(renamed.length).toBeGreaterThan(0);
    expect(renamed).not.toContain('unsynced');
  });

  it('F103: publishes a file only if the bytes that reached the disk are right', async () => {
    const store = await storeRun();
    const directory = createTempDir();
    const openForWriting: FileSystem['openForWriting'] = async (path, how, mode) => {
      const file = await nodeIo.fileSystem.openForWriting(path, how, mode);
      if (!path.toString().includes('/pull/')) return file;
      const append = (bytes: Uint8Array): Promise<void> => file.append(bytes.map((byte) => byte ^ 1));
      return { append, sync: () => file.sync(), close: () => file.close() };
    };
    const io = { ...fastIo, fileSystem: { ...nodeIo.fileSystem, openForWriting } };

    const { runs } = await pullFrom(store, directory, { io });

    expect(runs[0]?.problems.map(({ finding }) => finding)).toEqual(['damaged', 'damaged', 'damaged']);
    expect(readFiles(join(directory, 'runs', RUN))).toEqual({});
    expect(await pullFrom(store, directory)).toMatchObject({ isComplete: true });
  });
});

describe('parseRunUrl', () => {
  it.each([
    [`s3://bucket/${RUN}`, { store: 's3://bucket', runUuid: RUN, path: '' }],
    [`s3://bucket/a/b/${RUN}/`, { store: 's3://bucket/a/b', runUuid: RUN, path: '' }],
    [`s3://bucket/a/${RUN}/outputs/x`, { store: 's3://bucket/a', runUuid: RUN, path: 'outputs/x' }],
    [`file:///mnt/runs/${RUN}`, { store: 'file:///mnt/runs', runUuid: RUN, path: '' }],
    [`file:///${RUN}`, { store: 'file:///', runUuid: RUN, path: '' }],
    ['s3://bucket/prefix', { store: 's3://bucket/prefix', runUuid: null, path: '' }],
    ['s3://bucket', { store: 's3://bucket', runUuid: null, path: '' }],
  ])('%s', (url, expected) => {
    expect(parseRunUrl(url)).toEqual(expected);
  });
});
