/**
 * One event file on disk, the only owner of its file descriptor.
 *
 * A descriptor is forgotten before it is closed, whatever closing answers: its number may belong to another file of the program
 * immediately after that. A descriptor that is being synced in the background is closed after that.
 */

import {
  type BigIntStats,
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  type NoParamCallback,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { OpenEventFile } from './event-sink.js';

const COPY_BYTES = 1024 * 1024;

const fdatasyncAsync = promisify((fd: number, done: NoParamCallback) => fdatasync(fd, done));
const fsyncAsync = promisify((fd: number, done: NoParamCallback) => fsync(fd, done));

export class DiskEventFile implements OpenEventFile {
  readonly #name: string;
  readonly #directory: string;
  readonly #descriptors = new Descriptors();
  #path: string;
  #fd: number | undefined;
  /** Whether a sync has included the directories, without which a new file may be missing after a power failure. */
  #isNameSynced = false;
  /** Counts failed syncs. After one, the kernel counts pages as clean that it has not written (LWN 752063), so another sync writes nothing. */
  #failedSyncs = 0;
  /** Whether a sync must write the whole file again. */
  #isSuspect = false;

  /** Creates the file, and missing directories. Throws `EEXIST` when the name is in use. */
  constructor(directory: string, name: string) {
    makeDirectory(directory);
    this.#directory = directory;
    this.#name = name;
    this.#path = join(directory, name);
    this.#fd = create(this.#path);
  }

  get path(): string {
    return this.#path;
  }

  write(bytes: Uint8Array, position: number): number {
    return writeSync(this.#open, bytes, 0, bytes.length, position);
  }

  async sync(): Promise<void> {
    const path = this.#path;
    const fd = this.#open;
    this.#rewriteSuspect(fd);
    const failedBefore = this.#failedSyncs;
    await this.#descriptors.use(fd, fdatasyncAsync).catch((error: unknown) => this.#suspect(error));
    if (this.#failedSyncs !== failedBefore) throw new Error('another sync of the file has failed meanwhile');
    if (this.#isNameSynced) return;
    for (const each of withParents(resolve(this.#directory))) {
      const directory = openDirectory(each);
      if (directory !== undefined) await this.#descriptors.useOnce(directory, fsyncAsync);
    }
    this.#isNameSynced = path === this.#path;
  }

  restore(sizeBytes: number): 'present' | 'restored' | 'lost' {
    const fd = this.#open;
    const own = ignore(['ESTALE', 'EBADF'], () => fstatSync(fd, { bigint: true }));
    // Truncated by another program, or gone with its file server.
    if (own === undefined || own.size < BigInt(sizeBytes)) return 'lost';
    const named = ignore(['ENOENT', 'ENOTDIR'], () => lstatSync(this.#path, { bigint: true }));
    if (named !== undefined && isSameFile(own, named)) return 'present';
    makeDirectory(this.#directory);
    const [path, copy] = this.#createAgain();
    try {
      copyBytes(fd, copy, sizeBytes);
    } catch (error) {
      this.#descriptors.close(copy);
      rmSync(path, { force: true });
      throw error;
    }
    this.#path = path;
    this.#fd = copy;
    this.#isNameSynced = false;
    this.#isSuspect = false;
    this.#descriptors.close(fd);
    return 'restored';
  }

  close(sync: boolean): void {
    const fd = this.#fd;
    if (fd === undefined) return;
    if (sync) this.#syncNow(fd);
    this.#fd = undefined;
    this.#descriptors.close(fd);
  }

  get #open(): number {
    if (this.#fd === undefined) throw new Error(`${this.#path} is closed`);
    return this.#fd;
  }

  #syncNow(fd: number): void {
    this.#rewriteSuspect(fd);
    try {
      fdatasyncSync(fd);
    } catch (error) {
      this.#suspect(error);
    }
    if (this.#isNameSynced) return;
    for (const each of withParents(resolve(this.#directory))) {
      const directory = openDirectory(each);
      if (directory === undefined) continue;
      try {
        ignore(UNSUPPORTED, () => fsyncSync(directory));
      } finally {
        closeSync(directory);
      }
    }
  }

  #suspect(error: unknown): never {
    this.#failedSyncs += 1;
    this.#isSuspect = true;
    throw error;
  }

  #rewriteSuspect(fd: number): void {
    if (!this.#isSuspect) return;
    copyBytes(fd, fd, Number(fstatSync(fd, { bigint: true }).size));
    this.#isSuspect = false;
  }

  /** Creates a file of the same name. If another file has taken it, of a name that sorts directly after it. */
  #createAgain(): [string, number] {
    for (let count = 0; ; count++) {
      const path = join(this.#directory, count === 0 ? this.#name : `${this.#name}.${count}`);
      const fd = ignore(['EEXIST'], () => create(path));
      if (fd !== undefined) return [path, fd];
    }
  }
}

/** Closes descriptors once no background call uses them. */
class Descriptors {
  readonly #users = new Map<number, number>();
  readonly #closing = new Set<number>();

  async use(fd: number, work: (fd: number) => Promise<void>): Promise<void> {
    this.#users.set(fd, (this.#users.get(fd) ?? 0) + 1);
    try {
      await work(fd);
    } catch (error) {
      if (!UNSUPPORTED.includes(codeOf(error))) throw error;
    } finally {
      const others = (this.#users.get(fd) ?? 1) - 1;
      if (others > 0) this.#users.set(fd, others);
      else {
        this.#users.delete(fd);
        if (this.#closing.delete(fd)) closeSync(fd);
      }
    }
  }

  async useOnce(fd: number, work: (fd: number) => Promise<void>): Promise<void> {
    this.#closing.add(fd);
    await this.use(fd, work);
  }

  close(fd: number): void {
    if (this.#users.has(fd)) this.#closing.add(fd);
    else closeSync(fd);
  }
}

/** Answers of file systems and devices that cannot sync, such as a directory on a network file system. Source: fsync(2). */
const UNSUPPORTED: readonly string[] = ['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM', 'EROFS'];

/** A directory with all above it: the name of a new directory survives a power failure only once its parent is synced. */
function withParents(directory: string): string[] {
  const parent = dirname(directory);
  return parent === directory ? [directory] : [directory, ...withParents(parent)];
}

/** Opens a directory to sync it; undefined where that is not possible, as on Windows. */
function openDirectory(directory: string): number | undefined {
  return ignore([...UNSUPPORTED, 'EACCES'], () => openSync(directory, 'r'));
}

function create(path: string): number {
  return openSync(path, 'wx+', 0o644);
}

/** Creates the directory. Another kind of file in its place is not `EEXIST`, which would mean that only the file's name is in use. */
function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    throw Object.assign(new Error(`ENOTDIR: ${directory} is not a directory`, { cause: error }), {
      code: 'ENOTDIR',
    });
  }
}

/**
 * Some network file systems give a file another inode number for each request, so a file that still has a name is also the same one if
 * size and modification time agree.
 */
function isSameFile(own: BigIntStats, named: BigIntStats): boolean {
  if (own.ino === named.ino && own.dev === named.dev) return true;
  return own.nlink > 0n && own.size === named.size && own.mtimeNs === named.mtimeNs;
}

function copyBytes(from: number, to: number, sizeBytes: number): void {
  const buffer = Buffer.allocUnsafe(Math.min(COPY_BYTES, sizeBytes));
  for (let position = 0; position < sizeBytes; ) {
    const count = readSync(from, buffer, 0, Math.min(buffer.length, sizeBytes - position), position);
    if (count === 0) throw new Error('the file became shorter while it was read');
    for (let at = 0; at < count; ) at += writeSync(to, buffer, at, count - at, position + at);
    position += count;
  }
}

/** Returns the result; undefined if the call fails with one of these codes. */
function ignore<T>(codes: readonly string[], call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (codes.includes(codeOf(error))) return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
