/** Implements open files with Node.js. */

import {
  type BigIntStats,
  close,
  closeSync,
  fdatasync,
  fstat,
  fstatSync,
  ftruncate,
  open,
  read,
  readlinkSync,
  readSync,
  write,
  writeSync,
} from 'node:fs';
import { type FileHandle, lstat, realpath } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { FileStat, FsPath, ReadableFile, UpdatableFile, WritableFile } from './file-system.js';
import { QuickCalls } from './quick-calls.js';

/** Shared by all files, because their calls usually concern the same disk. */
export const quickCalls = new QuickCalls();

/** The largest synchronous read or write. For more bytes, a thread is worth its cost. */
const QUICK_BYTES = 128 * 1024;

const later = {
  open: promisify(open),
  close: promisify(close),
  read: promisify(read),
  write: promisify(write),
  truncate: promisify(ftruncate),
  sync: promisify(fdatasync),
  stat: (descriptor: number) =>
    new Promise<BigIntStats>((resolve, reject) =>
      fstat(descriptor, { bigint: true }, (error, stat) => (error === null ? resolve(stat) : reject(error))),
    ),
};

/** Opens a file asynchronously, because opening waits for the disk or network. Later calls are quick, or `QuickCalls` learns that they are slow. */
export async function openNodeFile<File>(
  path: FsPath,
  flags: number,
  Kind: new (descriptor: number, path: FsPath) => File,
): Promise<File> {
  return new Kind(await quickCalls.wait(() => later.open(path, flags)), path);
}

export class NodeReadableFile implements ReadableFile {
  readonly #descriptor: number;
  readonly #path: FsPath;
  readonly #inFlight = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(descriptor: number, path: FsPath) {
    this.#descriptor = descriptor;
    this.#path = path;
  }

  async stat(): Promise<FileStat> {
    const descriptor = this.descriptor();
    const stat = await quickCalls.run(
      () => fstatSync(descriptor, { bigint: true }),
      () => this.track(later.stat(descriptor)),
    );
    return toFileStat(stat);
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const descriptor = this.descriptor();
    const readLater = async (): Promise<number> => {
      const reading = later.read(descriptor, buffer, 0, buffer.length, position);
      return (await this.track(reading)).bytesRead;
    };
    return buffer.length > QUICK_BYTES
      ? quickCalls.wait(readLater)
      : quickCalls.run(() => readSync(descriptor, buffer, 0, buffer.length, position), readLater);
  }

  async realPath(): Promise<Buffer> {
    const descriptor = this.descriptor();
    // The kernel knows the path, so this call does not block.
    if (process.platform === 'linux')
      return readlinkSync(`/proc/self/fd/${descriptor}`, { encoding: 'buffer' });
    // Elsewhere, resolve the path again and check that it still leads to the open file.
    const path = await realpath(this.#path, { encoding: 'buffer' });
    const [opened, named] = await Promise.all([this.stat(), lstat(path, { bigint: true })]);
    if (opened.ino === named.ino && opened.device === named.dev) return path;
    throw Object.assign(new Error(`${String(this.#path)} was replaced while it was opened`), {
      code: 'ESTALE',
    });
  }

  /** Waits for calls in flight first, because the next file may get the same descriptor. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    const descriptor = this.descriptor();
    this.#isClosed = true;
    await Promise.allSettled(this.#inFlight);
    await quickCalls.run(
      () => closeSync(descriptor),
      () => later.close(descriptor),
    );
  }

  protected descriptor(): number {
    if (!this.#isClosed) return this.#descriptor;
    throw Object.assign(new Error(`${String(this.#path)} is closed`), { code: 'EBADF' });
  }

  protected async track<Result>(call: Promise<Result>): Promise<Result> {
    this.#inFlight.add(call);
    try {
      return await call;
    } finally {
      this.#inFlight.delete(call);
    }
  }
}

export class NodeUpdatableFile extends NodeReadableFile implements UpdatableFile {
  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      const { bytesWritten } = await this.track(
        later.write(this.descriptor(), bytes, written, bytes.length - written, position + written),
      );
      written += bytesWritten;
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.track(later.truncate(this.descriptor(), sizeBytes));
  }

  async sync(): Promise<void> {
    await this.track(later.sync(this.descriptor()));
  }
}

export class NodeWritableFile implements WritableFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      const rest = bytes.subarray(written, written + QUICK_BYTES);
      written += await quickCalls.run(
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

export function toFileStat(stat: BigIntStats): FileStat {
  return {
    kind: toKind(stat),
    sizeBytes: Number(stat.size),
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    ino: stat.ino,
    birthNs: toBirthNs(stat),
    device: stat.dev,
    linkCount: Number(stat.nlink),
    allocatedBytes: Number(stat.blocks) * 512, // in units of 512 bytes on every file system: stat(2)
  };
}

/** Without a time of creation, Node gives 0 or the change time: https://nodejs.org/api/fs.html#stat-time-values. */
function toBirthNs({ birthtimeNs, ctimeNs }: BigIntStats): bigint | undefined {
  return birthtimeNs > 0n && birthtimeNs !== ctimeNs ? birthtimeNs : undefined;
}

function toKind(stat: BigIntStats): FileStat['kind'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  return stat.isSymbolicLink() ? 'link' : 'other';
}
