/** The host's file system. */

import { type BigIntStats, constants } from 'node:fs';
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  unlink,
} from 'node:fs/promises';
import type { FileStat, FileSystem, FsPath, ReadableFile, WritableFile } from './file-system.js';
import { systemErrorCode } from './system-error.js';

/** Both flags are absent on Windows, which has neither FIFOs in directories nor links that an open would follow unasked. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export const nodeFileSystem: FileSystem = {
  readDirectory: (path) => readdir(path, { encoding: 'buffer' }),
  lstat: async (path) => toFileStat(await lstat(path, { bigint: true })),
  openForReading: async (path) => new NodeReadableFile(await open(path, READ_FLAGS), path),
  openForWriting: async (path, how, mode) =>
    new NodeWritableFile(await open(path, how === 'create' ? 'wx' : 'a', mode)),
  link,
  rename,
  unlink,
  makeDirectory: async (path, mode) => {
    await mkdir(path, { mode });
  },
  syncDirectory,
  realPath: (path) => realpath(path, { encoding: 'buffer' }),
};

class NodeReadableFile implements ReadableFile {
  readonly #handle: FileHandle;
  readonly #path: FsPath;

  constructor(handle: FileHandle, path: FsPath) {
    this.#handle = handle;
    this.#path = path;
  }

  async stat(): Promise<FileStat> {
    return toFileStat(await this.#handle.stat({ bigint: true }));
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, position);
    return bytesRead;
  }

  async realPath(): Promise<Buffer> {
    if (process.platform === 'linux') {
      return readlink(`/proc/self/fd/${this.#handle.fd}`, { encoding: 'buffer' });
    }
    // Elsewhere the name is resolved again, and must still lead to the file that is open.
    const path = await realpath(this.#path, { encoding: 'buffer' });
    const [opened, named] = await Promise.all([
      this.#handle.stat({ bigint: true }),
      lstat(path, { bigint: true }),
    ]);
    if (opened.ino === named.ino && opened.dev === named.dev) return path;
    throw Object.assign(new Error(`${String(this.#path)} was replaced while it was opened`), {
      code: 'ESTALE',
    });
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

class NodeWritableFile implements WritableFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  append(bytes: Uint8Array): Promise<void> {
    return this.#handle.appendFile(bytes);
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
  };
}

function toKind(stat: BigIntStats): FileStat['kind'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  return stat.isSymbolicLink() ? 'link' : 'other';
}
