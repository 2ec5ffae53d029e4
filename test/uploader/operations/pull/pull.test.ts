/** Pulls runs from real stores: restores the same names and bytes for any names, interruptions and keys. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { nodeIo } from '../../../../uploader/base/io/io.js';
import { clean, pull, sync, verify } from '../../../../uploader/index.js';
import { parseRunUrl } from '../../../../uploader/operations/pull/run-url.js';
import type { Store } from '../../../../uploader/store/base/store.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { commit, someBytes } from '../../store/base/contract.js';
import { MemoryStore } from '../../support/memory-store.js';
import { EVENT_FILE, makeRun, RUN } from '../../support/run-tree.js';
import { openTestStore, readFiles, STORE_KINDS, type TestStore, toConfig } from '../../support/stores.js';

const MIB = 1024 * 1024;
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
    expect(Object.keys(readFiles(run))).toEqual(['run.plx.json']);

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

    const { runs } = await pullFrom(store, directory, { overwrites: true });

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
    expect((await pullFrom(store, directory, { overwrites: true })).isComplete).toBe(true);
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

  it('joins the tails of a growing file, but not those of previous versions', async () => {
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
    const directory = createTempDir();

    expect(await pullFrom(store, directory, { withPreviousVersions: true })).toMatchObject({
      isComplete: true,
    });

    const run = join(directory, 'runs', RUN);
    expect(readFileSync(join(run, 'outputs/log'), 'utf8')).toBe('one two three four');
    expect(readFileSync(join(run, '.plx/gen/outputs/log/0'), 'utf8')).toBe('before');
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
