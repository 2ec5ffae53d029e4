/** Many new files as archives, on a real server whose directory is compared byte by byte. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { beforeAll, expect, it } from 'vitest';
import { PolyaxonClient } from '../../../../uploader/polyaxon-api/client.js';
import type { CommitOutcome, NewFile, ObjectVersion } from '../../../../uploader/store/base/store.js';
import {
  createPolyaxonStore,
  type PolyaxonStore,
} from '../../../../uploader/store/polyaxon/polyaxon-store.js';
import { waitFor } from '../../../support/child-server.js';
import { runCli } from '../../../support/cli.js';
import { FaultProxy, type LoggedRequest } from '../../../support/fault-proxy.js';
import { describeWithPeers } from '../../../support/peers.js';
import { type PolyaxonServer, startSandbox } from '../../../support/polyaxon.js';
import { startRun } from '../../../support/start-run.js';
import { createSharedTempDir, createTempDir } from '../../../support/temp-dir.js';
import { connectTo } from '../../support/polyaxon-client.js';
import { newCommitId, sha256, someBytes, toSource } from '../base/contract.js';

const CLI = fileURLToPath(new URL('../../../../dist/uploader/cli.js', import.meta.url));

let runs = 0;

describeWithPeers(['polyaxon'], 'files that are staged', () => {
  const directory = createSharedTempDir();
  let server: PolyaxonServer;

  beforeAll(async () => {
    server = await startSandbox(directory);
  });

  /** A run that the server does not have, and a store behind a proxy. */
  async function open(): Promise<{ store: PolyaxonStore; proxy: FaultProxy; uuid: string; stored: string }> {
    const proxy = await FaultProxy.start(server.url);
    const client = new PolyaxonClient({ connection: await connectTo(proxy.endpoint) });
    runs += 1;
    const uuid = runs.toString(16).padStart(32, '0');
    return { store: createPolyaxonStore({ client }), proxy, uuid, stored: join(directory, uuid) };
  }

  async function stage(
    store: PolyaxonStore,
    uuid: string,
    files: ReadonlyMap<string, Buffer>,
    onListed?: (keys: readonly string[]) => void,
  ): Promise<void> {
    await store.stage({
      onListed,
      files: [...files].map(([path, bytes]): NewFile => {
        return { key: `${uuid}/${path}`, sizeBytes: bytes.length, read: async () => ({ bytes, mtime: 1e9 }) };
      }),
    });
  }

  function commit(
    store: PolyaxonStore,
    key: string,
    bytes: Buffer,
    base: ObjectVersion | null = null,
  ): Promise<CommitOutcome> {
    const target = { sizeBytes: bytes.length, crc32: crc32(bytes) };
    return store.commit({ key, source: toSource(bytes), target, base, commitId: newCommitId() });
  }

  /** Commits all files, and returns the requests for that. */
  async function commitAll(
    { store, proxy, uuid }: { store: PolyaxonStore; proxy: FaultProxy; uuid: string },
    files: ReadonlyMap<string, Buffer>,
  ): Promise<LoggedRequest[]> {
    const before = proxy.log.length;
    for (const [path, bytes] of files)
      expect(await commit(store, `${uuid}/${path}`, bytes), path).toEqual({
        status: 'stored',
        etag: `size-${bytes.length}`,
      });
    return proxy.log.slice(before);
  }

  /** The hashes of all files of the run on the server's disk. */
  function hashStored(stored: string): Map<string, string> {
    return toHashes(readStored(stored));
  }

  /** All files of the run on the server's disk. */
  function readStored(stored: string): Map<string, Buffer> {
    const entries = readdirSync(stored, { recursive: true, withFileTypes: true });
    return new Map(
      entries
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
        .map((path): [string, Buffer] => [path.slice(stored.length + 1), readFileSync(path)]),
    );
  }

  function toHashes(files: ReadonlyMap<string, Buffer>): Map<string, string> {
    return new Map([...files].map(([path, bytes]): [string, string] => [path, sha256(bytes)]));
  }

  function manyFiles(count = 20): Map<string, Buffer> {
    const paths = Array.from({ length: count }, (_, index) => `events/metric/loss-${index}.plx`);
    return new Map(paths.map((path, index) => [path, someBytes(index * 100)]));
  }

  function put(path: string, text: string): void {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  const postsOf = (log: readonly LoggedRequest[]) => log.filter(({ method }) => method === 'POST');

  it('arrive byte by byte in one archive, and are committed without a request', async () => {
    const run = await open();
    const files = manyFiles(300);
    for (const [index, name] of ['é 日本.txt', 'n'.repeat(255), 'a+b %2B', '-rf', ' lead'].entries())
      files.set(`outputs/${'deep/'.repeat(index * 8)}${name}`, someBytes(512 * index));

    await stage(run.store, run.uuid, files);
    const requests = run.proxy.log.length;

    expect(await commitAll(run, files)).toEqual([]);
    expect(hashStored(run.stored)).toEqual(toHashes(files));
    expect(postsOf(run.proxy.log)).toHaveLength(1);
    expect(requests).toBeLessThan(60); // one listing for each directory
  });

  it('are reported as listed before their content is read back, and only if the server has them', async () => {
    const run = await open();
    const files = manyFiles(20);
    const archives = (): number => run.proxy.log.filter(({ url }) => /\/artifacts\?path=$/.test(url)).length;
    const calls: { keys: readonly string[]; archives: number }[] = [];

    await stage(run.store, run.uuid, files, (keys) => calls.push({ keys, archives: archives() }));

    expect(calls.map(({ archives }) => archives)).toEqual([0]);
    expect(archives()).toBe(1);
    expect([...calls[0]!.keys].sort()).toEqual([...files.keys()].map((path) => `${run.uuid}/${path}`).sort());
  });

  it('are listed with one request for each directory, at the same time', async () => {
    const run = await open();
    const files = manyFiles(20);
    await stage(run.store, run.uuid, files);
    const before = run.proxy.log.length;
    let release: () => void = () => undefined;
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    run.proxy.script = () => {
      if (run.proxy.log.length - before >= 3) release();
      return { kind: 'hold', until };
    };

    const listed: string[] = [];
    for await (const { key } of run.store.list(`${run.uuid}/`, { expected: ['events/metric', '', 'absent'] }))
      listed.push(key);

    expect(listed.sort()).toEqual([...files.keys()].map((path) => `${run.uuid}/${path}`).sort());
    const paths = run.proxy.log
      .slice(before)
      .map(({ url }) => new URL(url, 'http://any').searchParams.get('path'));
    expect(paths.sort()).toEqual(['', 'absent', 'events', 'events/metric']);
  });

  it('have the names that the server can store', async () => {
    const run = await open();
    const files = new Map(
      ['x[0].png', 'what?', '*', 'back\\slash', 'no\u00a0break', 'zero\u200bwidth', '&lt', '日', 'z'].map(
        (name) => [`a/${name}`, Buffer.from(name)],
      ),
    );

    await stage(run.store, run.uuid, files);

    expect(await commitAll(run, files)).toEqual([]);
    const listed: string[] = [];
    for await (const { key } of run.store.list(`${run.uuid}/`)) listed.push(key.slice(33));
    expect(listed.sort()).toEqual([...files.keys()].sort());
  });

  it('are sent one by one if they are few', async () => {
    const run = await open();
    const files = manyFiles(7);

    await stage(run.store, run.uuid, files);

    expect(run.proxy.log).toEqual([]);
    await commitAll(run, files);
    expect(hashStored(run.stored)).toEqual(toHashes(files));
  });

  it('do not touch existing files and directories', async () => {
    const run = await open();
    put(join(run.stored, 'events/metric/loss-3.plx'), 'theirs');
    put(join(run.stored, 'outputs/model/weights'), 'theirs, too');
    put(join(run.stored, 'assets'), 'a file');
    const files = manyFiles();
    for (let index = 0; index < 10; index += 1)
      for (const path of ['events/curve', 'outputs/model', 'outputs/new', 'assets'])
        files.set(`${path}/${index}`, someBytes(index));

    await stage(run.store, run.uuid, files);

    const found = readStored(run.stored);
    expect(String(found.get('events/metric/loss-3.plx'))).toBe('theirs');
    expect(String(found.get('outputs/model/weights'))).toBe('theirs, too');
    expect(String(found.get('assets'))).toBe('a file');
    expect([...found.keys()].filter((path) => /^events\/curve|^outputs\/new/.test(path))).toHaveLength(20);
    expect(found.size).toBe(23);
    expect(await commit(run.store, `${run.uuid}/events/metric/loss-3.plx`, someBytes(300))).toEqual({
      status: 'conflict',
    });
    const staged = [...files].filter(([path]) => /^events\/curve|^outputs\/new/.test(path));
    expect(await commitAll(run, new Map(staged))).toEqual([]);
  });

  it('are sent again if the server accepts the archive and stores nothing', async () => {
    const run = await open();
    const files = manyFiles();
    run.proxy.script = ({ method, url }) =>
      method === 'POST' && url.endsWith('/artifacts')
        ? { kind: 'answer', answer: { status: 200 } }
        : undefined;

    const listed: string[] = [];
    await stage(run.store, run.uuid, files, (keys) => listed.push(...keys));
    expect(existsSync(run.stored)).toBe(false);
    expect(listed).toEqual([]);

    expect(postsOf(await commitAll(run, files))).toHaveLength(files.size);
    expect(hashStored(run.stored)).toEqual(toHashes(files));
  });

  it.each([
    ['cut off', { kind: 'reset', afterBytes: 3000 }],
    ['damaged', { kind: 'flip', atByte: 3000 }],
    ['rejected', { kind: 'answer', answer: { status: 413 } }],
  ] as const)('are stored if the archive is %s, and it leaves nothing behind', async (_, fault) => {
    const run = await open();
    const files = manyFiles();
    run.proxy.script = ({ method, url }) =>
      method === 'POST' && url.endsWith('/artifacts') ? fault : undefined;

    await stage(run.store, run.uuid, files);

    await commitAll(run, files);
    // The server may still be busy with the archive.
    await expect.poll(() => hashStored(run.stored)).toEqual(toHashes(files));
  });

  it('are not sent again if the answer is lost, but compared', async () => {
    const run = await open();
    const files = manyFiles();
    run.proxy.script = ({ method, url }) =>
      method === 'POST' && url.endsWith('/artifacts') ? { kind: 'drop-answer' } : undefined;

    await stage(run.store, run.uuid, files);

    const requests = await commitAll(run, files);
    expect(postsOf(requests)).toEqual([]);
    expect(requests.filter(({ url }) => url.includes('/artifact?'))).toHaveLength(files.size);
    expect(hashStored(run.stored)).toEqual(toHashes(files));
  });

  it('count as stored only if their bytes are read back', async () => {
    const run = await open();
    const files = manyFiles();
    const damaged = 'events/metric/loss-5.plx';
    const lost = 'events/metric/loss-6.plx';
    run.proxy.script = ({ method, url }) => {
      if (method === 'GET' && url.includes('/artifacts/tree?path=events%2Fmetric')) {
        // The server has other bytes of one file, and still has an earlier copy of another one in its cache.
        writeFileSync(join(run.stored, damaged), someBytes(501).subarray(1));
        put(join(directory, 'archives', run.uuid, lost), '');
        writeFileSync(join(directory, 'archives', run.uuid, lost), files.get(lost)!);
        rmSync(join(run.stored, lost), { force: true });
      }
      return undefined;
    };

    await stage(run.store, run.uuid, files);
    run.proxy.script = () => undefined;

    expect(await commit(run.store, `${run.uuid}/${damaged}`, files.get(damaged)!)).toEqual({
      status: 'conflict',
    });
    expect(postsOf(await commitAll(run, new Map([[lost, files.get(lost)!]])))).toHaveLength(1);
    for (const path of [damaged, lost]) files.delete(path);
    expect(await commitAll(run, files)).toEqual([]);
  });

  it('are replaced if the file has changed since, and only then', async () => {
    const run = await open();
    const files = manyFiles();
    await stage(run.store, run.uuid, files);
    const changed = new Map([
      ['events/metric/loss-3.plx', Buffer.concat([files.get('events/metric/loss-3.plx')!, someBytes(50)])],
      ['events/metric/loss-4.plx', Buffer.alloc(10, 7)],
      ['events/metric/loss-5.plx', Buffer.alloc(500, 7)],
    ]);

    expect(postsOf(await commitAll(run, changed))).toHaveLength(3);

    expect(await commitAll(run, new Map([...files].filter(([path]) => !changed.has(path))))).toEqual([]);
    expect(hashStored(run.stored)).toEqual(toHashes(new Map([...files, ...changed])));
  });

  it('are not replaced once another program has written them', async () => {
    const run = await open();
    const files = manyFiles();
    await stage(run.store, run.uuid, files);
    writeFileSync(join(run.stored, 'events/metric/loss-3.plx'), 'theirs');

    expect(await commit(run.store, `${run.uuid}/events/metric/loss-3.plx`, Buffer.alloc(400))).toEqual({
      status: 'conflict',
    });
    expect(readFileSync(join(run.stored, 'events/metric/loss-3.plx'), 'utf8')).toBe('theirs');
  });

  it('are left out if they cannot be read or have become shorter', async () => {
    const run = await open();
    const files = manyFiles();
    await run.store.stage({
      files: [...files].map(([path, bytes], index): NewFile => {
        const read: NewFile['read'] = async () => {
          if (index === 4) throw Object.assign(new Error('deleted'), { code: 'ENOENT' });
          return { bytes: index === 5 ? bytes.subarray(1) : bytes, mtime: 1e9 };
        };
        return { key: `${run.uuid}/${path}`, sizeBytes: bytes.length, read };
      }),
    });

    expect(readStored(run.stored).size).toBe(18);
    expect(postsOf(await commitAll(run, files))).toHaveLength(2);
  });

  it('need more archives if they are large', async () => {
    const run = await open();
    const files = new Map<string, Buffer>();
    for (let index = 0; index < 24; index += 1) {
      files.set(`outputs/a/${index}`, Buffer.alloc(1024 * 1024, index));
      files.set(`outputs/b/${index % 5}/${index}`, someBytes(1000 + index));
    }

    await stage(run.store, run.uuid, files);

    expect(postsOf(run.proxy.log)).toHaveLength(2);
    expect(await commitAll(run, files)).toEqual([]);
    expect(hashStored(run.stored)).toEqual(toHashes(files));
  });

  it('are not sent again by the next sync if the process is killed before it records them', async () => {
    const { proxy } = await open();
    const root = createTempDir();
    const { run } = startRun({ root, project: 'killed', formats: ['polyaxon'] });
    const local = join(root, 'runs', run.uuid);
    for (let index = 0; index < 30; index += 1) run.logMetric(`loss-${index}`, index);
    await run.end();
    await server.send('POST', '/api/v1/default/projects/create', { name: 'killed' });
    const args = ['sync', root, '--store', `polyaxon://${new URL(proxy.endpoint).host}/default/killed`];
    args.push('--state-dir', createTempDir(), '--json');
    const isReadBack = ({ url }: { url: string }) => url.endsWith('/artifacts?path=');
    proxy.script = (request) => (isReadBack(request) ? { kind: 'silence' } : undefined);
    const child = spawn(process.execPath, [CLI, ...args], { stdio: 'ignore' });
    const exited = once(child, 'exit');
    await waitFor('the archive to be read back', () => proxy.log.some(isReadBack) || undefined);
    child.kill('SIGKILL');
    await exited;
    const before = proxy.log.length;
    proxy.script = () => undefined;

    const next = await runCli(...args);

    expect(next.code, next.stdout + next.stderr).toBe(0);
    const report = JSON.parse(next.stdout) as { uploads: { key: string }[] };
    expect(report.uploads.filter(({ key }) => key.includes('/events/'))).toEqual([]);
    // The lineage file, the run file and the manifest.
    const uploads = postsOf(proxy.log.slice(before)).filter(({ url }) => url.includes('/artifact'));
    expect(uploads.filter(({ url }) => !url.endsWith('/lineage/artifacts'))).toHaveLength(3);
    const stored = readStored(join(directory, run.uuid));
    for (const name of readdirSync(join(local, 'events/metric')))
      expect(stored.get(`events/metric/${name}`), name).toEqual(
        readFileSync(join(local, 'events/metric', name)),
      );
  });
});
