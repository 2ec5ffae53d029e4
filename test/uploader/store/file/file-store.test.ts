import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { EventFileWriter } from '../../../../src/format/writer/event-file-writer.js';
import type { FileSystem, FsPath, UpdatableFile } from '../../../../uploader/base/io/file-system.js';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import type { ProcessTable } from '../../../../uploader/base/io/processes.js';
import type { AppendOutcome, Store } from '../../../../uploader/store/base/store.js';
import { createFileStore, type FileStore } from '../../../../uploader/store/file/file-store.js';
import { waitFor } from '../../../support/child-server.js';
import { describeWithPeers } from '../../../support/peers.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { TensorBoard } from '../../../support/tensorboard.js';
import { failingWrites, systemError, wrapFileSystem } from '../../support/wrapped-file-system.js';
import { commit, describeStore, listKeys, readAll, sha256, someBytes } from '../base/contract.js';
import { toAppend } from '../base/contract-append.js';

const MIB = 1024 * 1024;

describe('file store', () => {
  describeStore(async () => ({
    store: createFileStore(join(createTempDir(), 'store'), nodeFileSystem),
    sizes: [0, 1, MIB, 2 * MIB + 1],
    tails: [1, MIB, 17 * MIB],
    showsPartialTails: true,
  }));

  it('leaves only objects in the directory, also after failures', async () => {
    const root = createTempDir();
    const isFull = (path: string): boolean => path.includes('/full/');
    const store = createFileStore(root, failingWrites(isFull, 'ENOSPC'));

    const outcome = await commit(store, 'full/a', Buffer.from('a'));
    await commit(store, 'run/b', Buffer.from('b'));

    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'ERR_STORE_DISK' } });
    expect(readdirSync(root, { recursive: true }).sort()).toEqual(['full', 'run', 'run/b']);
  });

  it.each(['../out', 'run/../../out', '/etc/x', 'run//x', 'run/.', ''])('rejects the key %j', async (key) => {
    const store = createFileStore(createTempDir(), nodeFileSystem);

    await expect(commit(store, key, Buffer.from('x'))).rejects.toMatchObject({ code: 'ERR_PATH_INVALID' });
  });

  it('F84: lists the objects of a run without reading the directories of other runs', async () => {
    const root = createTempDir();
    for (const run of ['a', 'b', 'c', 'd'])
      await commit(createFileStore(root, nodeFileSystem), `${run}/x/y`, Buffer.from('y'));
    const seen: string[] = [];
    const note = (path: FsPath): FsPath => {
      seen.push(path.toString().slice(root.length));
      return path;
    };
    const fileSystem = wrapFileSystem({
      readDirectory: (path) => nodeFileSystem.readDirectory(note(path)),
      lstat: (path) => nodeFileSystem.lstat(note(path)),
      lstatAll: (paths) => nodeFileSystem.lstatAll(paths.map(note)),
    });

    const found = await listKeys(createFileStore(root, fileSystem), 'b/');

    expect(found).toEqual(['b/x/y']);
    expect(seen.filter((path) => !path.startsWith('/b'))).toEqual([]);
  });

  it('lists nothing outside its directory, behind a link or among its own files', async () => {
    const [root, other] = [createTempDir(), createTempDir()];
    await commit(createFileStore(other, nodeFileSystem), 'run/x', Buffer.from('x'));
    await commit(createFileStore(root, nodeFileSystem), 'run/x', Buffer.from('x'));
    symlinkSync(join(other, 'run'), join(root, 'link'));
    mkdirSync(join(root, '.plx/locks'), { recursive: true });
    writeFileSync(join(root, '.plx/locks/x'), '');
    const store = createFileStore(root, nodeFileSystem);

    for (const prefix of ['link/', '.plx/', '.plx/locks/', `../${basename(other)}/`, 'none/', 'run/x/'])
      expect(await listKeys(store, prefix)).toEqual([]);
    expect(await listKeys(store, 'r')).toEqual(['run/x']);
  });

  it('is not ready when its path is a file', async () => {
    const path = join(createTempDir(), 'file');
    writeFileSync(path, '');

    expect(await createFileStore(path, nodeFileSystem).check()).toMatchObject({
      status: 'failed',
      error: { code: 'ERR_STORE_DISK' },
    });
  });

  it('stores nothing when the path of an object is a directory', async () => {
    const root = createTempDir();
    mkdirSync(join(root, 'run/a'), { recursive: true });

    const outcome = await commit(createFileStore(root, nodeFileSystem), 'run/a', Buffer.from('x'));

    expect(outcome.status).not.toBe('stored');
  });

  it('leaves no partial tail when a write fails', async () => {
    const root = createTempDir();
    const bytes = someBytes(3 * MIB);
    const { base } = await makeObject(createFileStore(root, nodeFileSystem), bytes.subarray(0, MIB));
    const full = createFileStore(root, breakingUpdates({ afterWrites: 1, code: 'ENOSPC' }));

    const outcome = await full.append(toAppend('run/a', base, bytes));

    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'ERR_STORE_DISK' } });
    expect(await full.head('run/a')).toMatchObject({ object: { sizeBytes: MIB } });
  });

  it('does not treat the partial tail of a killed process as committed, and appends after it', async () => {
    const root = createTempDir();
    const bytes = someBytes(3 * MIB);
    const { base } = await makeObject(createFileStore(root, nodeFileSystem), bytes.subarray(0, MIB));
    const killed = createFileStore(root, breakingUpdates({ afterWrites: 1, code: 'EIO', isKilled: true }));
    await killed.append(toAppend('run/a', base, bytes));
    const store = createFileStore(root, nodeFileSystem);

    const found = await store.head('run/a');
    expect(found).toMatchObject({ object: { sizeBytes: 2 * MIB } });
    expect((await store.append(toAppend('run/a', base, bytes))).status).toBe('conflict');
    expect((await store.commit({ ...toAppend('run/a', base, bytes), base })).status).toBe('conflict');

    const etag = found.status === 'found' ? found.object.etag : '';
    const torn = { etag, sizeBytes: 2 * MIB, crc32: crc32(bytes.subarray(0, 2 * MIB)) };
    expect((await store.append(toAppend('run/a', torn, bytes))).status).toBe('stored');
    expect(sha256(await readAll(store, 'run/a'))).toBe(sha256(bytes));
  });

  it('detects that the bytes read back differ from those written', async () => {
    const root = createTempDir();
    const bytes = someBytes(2 * MIB);
    const { base } = await makeObject(createFileStore(root, nodeFileSystem), bytes.subarray(0, MIB));
    const store = createFileStore(root, breakingUpdates({ flips: true }));

    expect(await store.append(toAppend('run/a', base, bytes))).toMatchObject({
      status: 'retry',
      maxAttempts: 3,
    });
    expect(await store.head('run/a')).toMatchObject({ object: { sizeBytes: MIB } });
  });

  describe('while another process writes the same object', () => {
    /** A store in which another process writes `run/a` until `release` is called. */
    async function openBusy() {
      const root = createTempDir();
      const bytes = someBytes(2 * MIB);
      const { base } = await makeObject(createFileStore(root, nodeFileSystem), bytes.subarray(0, MIB));
      let release = (): void => undefined;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const busy = createFileStore(root, breakingUpdates({ until: released }), {
        processes: processTable(1, true),
      });
      const other = Buffer.concat([bytes.subarray(0, MIB), Buffer.from('the other')]);
      const working = busy.append(toAppend('run/a', base, other));
      await waitFor(
        'the lock',
        () =>
          (existsSync(join(root, '.plx/locks')) && readdirSync(join(root, '.plx/locks')).length > 0) ||
          undefined,
      );
      return { root, base, bytes, other, working, release };
    }

    it('asks for a retry of appends and replacements', async () => {
      const { root, base, bytes, other, working, release } = await openBusy();
      const store = createFileStore(root, nodeFileSystem, { processes: processTable(2, true) });

      expect(await store.append(toAppend('run/a', base, bytes))).toMatchObject({
        status: 'retry',
        afterMs: 200,
      });
      expect(await commit(store, 'run/a', bytes, base)).toMatchObject({ status: 'retry' });
      release();
      expect((await working).status).toBe('stored');
      expect((await store.append(toAppend('run/a', base, bytes))).status).toBe('conflict');
      expect(sha256(await readAll(store, 'run/a'))).toBe(sha256(other));
      expect(readdirSync(join(root, '.plx/locks'))).toEqual([]);
    });

    it('continues immediately when that process no longer runs', async () => {
      const { root, base, bytes } = await openBusy();
      const store = createFileStore(root, nodeFileSystem, { processes: processTable(2, false) });

      expect((await store.append(toAppend('run/a', base, bytes))).status).toBe('stored');
    });
  });

  it('collects temporary files of killed processes that are old enough', async () => {
    const root = createTempDir();
    const store = createFileStore(root, nodeFileSystem);
    await commit(store, 'run/a', Buffer.from('a'));
    await commit(store, 'other/b', Buffer.from('b'));
    for (const [directory, id] of [
      ['run', 'aa'],
      ['other', 'bb'],
    ] as const)
      writeFileSync(join(root, directory, `.plx-${id}.partial`), 'x');

    const prefixes = ['run/'];
    expect(await store.collect({ prefixes, olderThanMs: 60_000 })).toEqual({
      status: 'collected',
      removed: 0,
      left: 1,
    });
    expect(await store.collect({ prefixes, olderThanMs: 0 })).toEqual({
      status: 'collected',
      removed: 1,
      left: 0,
    });
    expect(readdirSync(root, { recursive: true }).sort()).toEqual(
      ['other', 'other/.plx-bb.partial', 'other/b', 'run', 'run/a'].sort(),
    );
  });

  it('detects whether hard links work, and otherwise creates objects under the lock', async () => {
    const withoutLinks = wrapFileSystem({ link: () => Promise.reject(systemError('EPERM')) });
    const store = createFileStore(createTempDir(), withoutLinks);

    expect(await (store as FileStore).inspect()).toEqual({ status: 'ready' });
    expect(store.capabilities).toMatchObject({ conditionalCreate: false, foldsNames: false });
    const outcomes = await Promise.all(
      ['one', 'two', 'three'].map((text) => commit(store, 'run/race', Buffer.from(text))),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['conflict', 'conflict', 'stored']);
  });
});

/** The reason for appends in place: neither loader of TensorBoard sees a copy that is renamed over an object that it has open. */
describeWithPeers(['tensorboard'], 'TensorBoard on a file store', () => {
  it.each([true, false])('with load_fast %s keeps reading an object that is extended', async (fast) => {
    const root = createTempDir();
    const store = createFileStore(root, nodeFileSystem);
    const local = createTempDir();
    const writer = new EventFileWriter(local);
    const key = 'run/events.out.tfevents.1.host';
    const read = () => readFileSync(join(local, readdirSync(local)[0]!));
    writer.writeScalar('loss', 0, 0, 1_700_000_000);
    await writer.flush();
    let bytes = read();
    let outcome: AppendOutcome = await commit(store, key, bytes);
    const board = await TensorBoard.start({ logdir: root, fast });
    const toPoints = (answer: unknown) => (Array.isArray(answer) ? answer.length : 0);
    for (let step = 1; step <= 3; step += 1) {
      await board.waitFor('plugin/scalars/scalars', { run: 'run', tag: 'loss' }, (answer) =>
        toPoints(answer) === step ? true : undefined,
      );
      writer.writeScalar('loss', step, step, 1_700_000_000 + step);
      await writer.flush();
      const base = {
        etag: outcome.status === 'stored' ? outcome.etag : '',
        sizeBytes: bytes.length,
        crc32: crc32(bytes),
      };
      bytes = read();
      outcome = await store.append(toAppend(key, base, bytes));
    }

    await board.waitFor('plugin/scalars/scalars', { run: 'run', tag: 'loss' }, (answer) =>
      toPoints(answer) === 4 ? true : undefined,
    );
    await writer.close();
  });
});

async function makeObject(store: Store, bytes: Buffer) {
  const outcome = await commit(store, 'run/a', bytes);
  const etag = outcome.status === 'stored' ? outcome.etag : '';
  return { base: { etag, sizeBytes: bytes.length, crc32: crc32(bytes) } };
}

function processTable(pid: number, isRunning: boolean): ProcessTable {
  return {
    current: async () => ({ pid, startedAt: String(pid), space: 'test' }),
    isRunning: async (identity) => identity.pid === pid || isRunning,
  };
}

/** The host's file system, with faults in files that are opened for updates. */
function breakingUpdates(how: {
  /** The write after this number of writes fails. */
  afterWrites?: number;
  code?: string;
  /** Truncation fails too after the failure, as if the process was killed. */
  isKilled?: boolean;
  /** Writes other bytes than those given. */
  flips?: boolean;
  /** Writes wait for this promise. */
  until?: Promise<void>;
}): FileSystem {
  return wrapFileSystem({
    openForUpdate: async (path) => {
      const file = await nodeFileSystem.openForUpdate(path);
      let writes = 0;
      let isBroken = false;
      const update: UpdatableFile = {
        stat: () => file.stat(),
        read: (buffer, position) => file.read(buffer, position),
        realPath: () => file.realPath(),
        sync: () => file.sync(),
        close: () => file.close(),
        write: async (bytes, position) => {
          await how.until;
          if (writes === how.afterWrites) {
            isBroken = true;
            throw systemError(how.code ?? 'EIO');
          }
          writes += 1;
          const given = Buffer.from(bytes);
          if (how.flips === true) given[0]! ^= 1;
          await file.write(given, position);
        },
        truncate: async (sizeBytes) => {
          if (isBroken && how.isKilled === true) throw systemError('EIO');
          await file.truncate(sizeBytes);
        },
      };
      return update;
    },
  });
}
