/** The host's file system. */

import {
  type BigIntStats,
  constants,
  fstatSync,
  lstatSync,
  readlinkSync,
  readSync,
  writeSync,
} from 'node:fs';
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rmdir,
  statfs,
  unlink,
} from 'node:fs/promises';
import type {
  FileStat,
  FileSystem,
  FsPath,
  ReadableFile,
  UpdatableFile,
  WritableFile,
} from './file-system.js';
import { QuickCalls } from './quick-calls.js';
import { systemErrorCode } from './system-error.js';

/** Both flags are absent on Windows, which has neither FIFOs in directories nor links that an open would follow unasked. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const UPDATE_FLAGS = constants.O_RDWR | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const quick = new QuickCalls();
/** What is read or written synchronously: more takes longer than handing it to a thread. */
const QUICK_BYTES = 128 * 1024;

export const nodeFileSystem: FileSystem = {
  readDirectory: (path) => readdir(path, { encoding: 'buffer' }),
  lstat: async (path) =>
    toFileStat(
      await quick.run(
        () => lstatSync(path, { bigint: true }),
        () => lstat(path, { bigint: true }),
      ),
    ),
  lstatAll,
  openForReading: async (path) => new NodeReadableFile(await quick.wait(() => open(path, READ_FLAGS)), path),
  openForWriting: async (path, how, mode) =>
    new NodeWritableFile(await open(path, how === 'create' ? 'wx' : 'a', mode)),
  openForUpdate: async (path) => new NodeUpdatableFile(await open(path, UPDATE_FLAGS), path),
  link,
  rename,
  unlink,
  removeDirectory: (path) => rmdir(path),
  freeBytes: async (path) => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
  makeDirectory: async (path, mode) => {
    await mkdir(path, { mode });
  },
  syncDirectory,
  realPath: (path) => realpath(path, { encoding: 'buffer' }),
};

/** Looked at in one go. */
const LSTAT_BATCH = 256;
/** Slower than this, answers come from a disk or a network, which must not hold up the event loop. */
const QUICK_LSTAT_MS = 0.05;
let lstatMs = 0;

/**
 * On a local disk a synchronous lstat takes 3 to 4 µs and an asynchronous one 15 µs, most of it for the threads: that is the idle cost
 * of watching 100,000 files. Each batch begins with an asynchronous one, which waits out a network that is away.
 */
async function lstatAll(paths: readonly FsPath[]): Promise<(FileStat | Error)[]> {
  const stats: (FileStat | Error)[] = [];
  for (let start = 0; start < paths.length; start += LSTAT_BATCH) {
    const [first, ...rest] = paths.slice(start, start + LSTAT_BATCH);
    stats.push(await lstatOrError(first!));
    const startMs = performance.now();
    stats.push(
      ...(lstatMs < QUICK_LSTAT_MS ? rest.map(lstatSyncOrError) : await Promise.all(rest.map(lstatOrError))),
    );
    lstatMs = (performance.now() - startMs) / Math.max(1, rest.length);
  }
  return stats;
}

async function lstatOrError(path: FsPath): Promise<FileStat | Error> {
  try {
    return toFileStat(await lstat(path, { bigint: true }));
  } catch (error) {
    return error as Error; // Node's file system rejects with nothing else
  }
}

function lstatSyncOrError(path: FsPath): FileStat | Error {
  try {
    return toFileStat(lstatSync(path, { bigint: true }));
  } catch (error) {
    return error as Error; // as above
  }
}

class NodeReadableFile implements ReadableFile {
  /** For `NodeUpdatableFile`. */
  protected readonly handle: FileHandle;
  readonly #path: FsPath;
  /** What has been read once is in memory. */
  #readStart = 0;
  #readEnd = 0;

  constructor(handle: FileHandle, path: FsPath) {
    this.handle = handle;
    this.#path = path;
  }

  async stat(): Promise<FileStat> {
    const stat = await quick.run(
      () => fstatSync(this.handle.fd, { bigint: true }),
      () => this.handle.stat({ bigint: true }),
    );
    return toFileStat(stat);
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const read = async (): Promise<number> =>
      (await this.handle.read(buffer, 0, buffer.length, position)).bytesRead;
    const end = position + buffer.length;
    if (position >= this.#readStart && end <= this.#readEnd && buffer.length <= QUICK_BYTES)
      return quick.run(() => readSync(this.handle.fd, buffer, 0, buffer.length, position), read);
    const count = await read();
    this.#readStart = position;
    this.#readEnd = position + count;
    return count;
  }

  async realPath(): Promise<Buffer> {
    if (process.platform === 'linux') {
      // The kernel knows it: nothing is waited for.
      return readlinkSync(`/proc/self/fd/${this.handle.fd}`, { encoding: 'buffer' });
    }
    // Elsewhere the name is resolved again, and must still lead to the file that is open.
    const path = await realpath(this.#path, { encoding: 'buffer' });
    const [opened, named] = await Promise.all([
      this.handle.stat({ bigint: true }),
      lstat(path, { bigint: true }),
    ]);
    if (opened.ino === named.ino && opened.dev === named.dev) return path;
    throw Object.assign(new Error(`${String(this.#path)} was replaced while it was opened`), {
      code: 'ESTALE',
    });
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

class NodeUpdatableFile extends NodeReadableFile implements UpdatableFile {
  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      const { bytesWritten } = await this.handle.write(
        bytes,
        written,
        bytes.length - written,
        position + written,
      );
      written += bytesWritten;
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.handle.truncate(sizeBytes);
  }

  sync(): Promise<void> {
    return this.handle.datasync();
  }
}

class NodeWritableFile implements WritableFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      const rest = bytes.subarray(written, written + QUICK_BYTES);
      written += await quick.run(
        () => writeSync(this.#handle.fd, rest),
        async () => (await this.#handle.write(rest)).bytesWritten,
      );
    }
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function syncDirectory(path: FsPath): Promise<void> {
  // Windows has no such call; its renames are journalled by the file system.
  if (process.platform === 'win32') return;
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } catch (error) {
    // Some network and FUSE file systems cannot sync a directory and say so: the rename is as durable as they make it.
    const code = systemErrorCode(error);
    if (code !== 'EINVAL' && code !== 'ENOTSUP' && code !== 'EBADF') throw error;
  } finally {
    await handle.close();
  }
}

function toFileStat(stat: BigIntStats): FileStat {
  return {
    kind: toKind(stat),
    sizeBytes: Number(stat.size),
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    ino: stat.ino,
    device: stat.dev,
    linkCount: Number(stat.nlink),
    allocatedBytes: Number(stat.blocks) * 512, // in units of 512 bytes, whatever the file system's own: stat(2)
  };
}

function toKind(stat: BigIntStats): FileStat['kind'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  return stat.isSymbolicLink() ? 'link' : 'other';
}
