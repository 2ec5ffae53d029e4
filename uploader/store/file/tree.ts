/** Read access to the files of a file store: paths, attributes, contents and listings. Writes nothing. */

import { join } from 'node:path';
import { ObjectTooLargeError, RelPathError, StoreDiskError } from '../../base/errors.js';
import type { FileStat, FileSystem } from '../../base/io/file-system.js';
import { isAbsent, systemErrorCode } from '../../base/io/system-error.js';
import { isSafeKey } from '../../base/rel-path.js';
import { type FailedOutcome, findRetryRow, OutcomeError, type RetryOutcome } from '../../base/retry-table.js';
import { compareBytes } from '../base/compare-bytes.js';
import { INDEX_DIRECTORY, LEASES_DIRECTORY, type ObjectVersion, type ReadOptions } from '../base/store.js';

const CHUNK_BYTES = 1024 * 1024;
/** The top-level directory of a store for files that are not objects, except for leases and the index of runs. */
export const RESERVED = '.plx';
const OBJECTS = [LEASES_DIRECTORY, INDEX_DIRECTORY];
/** Names of temporary files. No key ends like this, because the scanner skips `*.partial`. */
const TEMPORARY_NAME = /^\.plx-[0-9a-f]+\.partial$/;

export interface Entry {
  /** Ends with `/` for a directory. */
  readonly key: string;
  /** Null for a directory. */
  readonly stat: FileStat | null;
  readonly isTemporary: boolean;
}

export class FileTree {
  readonly #root: string;
  readonly #fileSystem: FileSystem;

  constructor(root: string, fileSystem: FileSystem) {
    this.#root = root;
    this.#fileSystem = fileSystem;
  }

  /** The path of a key. Throws `RelPathError` for unsafe keys: they are checked here, where they become paths. */
  pathFrom(key: string): string {
    if (!isSafeKey(key)) throw new RelPathError(key, 'it points outside the store');
    return join(this.#root, key);
  }

  /** The attributes of a path; null when it does not exist. */
  async stat(path: string): Promise<FileStat | null> {
    try {
      return await this.#fileSystem.lstat(path);
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  }

  /** Makes the bytes of an object survive a power failure. Objects of other users, which cannot be opened, are left to them. */
  async syncFile(path: string): Promise<void> {
    try {
      const file = await this.#fileSystem.openForUpdate(path);
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      if (!['EACCES', 'EPERM'].includes(systemErrorCode(error) ?? '')) throw error;
    }
  }

  /** The bytes of an object, up to the size that it has when it is opened. Throws `OutcomeError`. */
  async *read(key: string, options: ReadOptions): AsyncGenerator<Uint8Array> {
    const path = this.pathFrom(key);
    try {
      const file = await this.#fileSystem.openForReading(path);
      try {
        const { start, end } = options.range ?? { start: 0, end: (await file.stat()).sizeBytes };
        if (options.range === undefined && end > options.maxBytes)
          throw new OutcomeError({ status: 'failed', error: new ObjectTooLargeError(key, options.maxBytes) });
        for (let position = start; position < end; ) {
          options.signal?.throwIfAborted();
          const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - position));
          const count = await file.read(buffer, position);
          if (count === 0) return;
          position += count;
          yield buffer.subarray(0, count);
        }
      } finally {
        await file.close();
      }
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      throw new OutcomeError(toFailure(path, 'read the object', error));
    }
  }

  /** The directories and files whose key begins with the prefix, in byte order of their keys. */
  async *walk(prefix: string, signal: AbortSignal | undefined): AsyncGenerator<Entry> {
    // Only the directory of the prefix is listed: to list each of many runs, the runs beside it must not be read.
    const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    if (!(await this.#isDirectory(start))) return;
    const pending: Entry[] = [{ key: start, stat: null, isTemporary: false }];
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      const { key, stat } = entry;
      if (stat === null && (key.startsWith(prefix) || prefix.startsWith(key))) {
        signal?.throwIfAborted();
        for (const found of await this.#listDirectory(key)) pending.push(found);
      }
      if (key.startsWith(prefix)) yield entry;
    }
  }

  /** The names of the directories of the store that begin with the prefix. */
  async listFolders(prefix: string): Promise<string[]> {
    const entries = await this.#listDirectory('');
    return entries.flatMap(({ key }) =>
      key.endsWith('/') && key.startsWith(prefix) ? key.slice(0, -1) : [],
    );
  }

  /** Whether a key that ends with `/` is a directory for objects, at each of its levels. Links are not followed. */
  async #isDirectory(key: string): Promise<boolean> {
    const names = key.split('/').slice(0, -1);
    const isReserved = names[0] === RESERVED && !OBJECTS.some((prefix) => key.startsWith(prefix));
    if (isReserved || !names.every(isSafeKey)) return false;
    try {
      for (const [level] of names.entries()) {
        const stat = await this.stat(join(this.#root, names.slice(0, level + 1).join('/')));
        if (stat?.kind !== 'directory') return false;
      }
    } catch (error) {
      throw new OutcomeError(toFailure(this.#root, 'list the objects', error));
    }
    return true;
  }

  /** The entries of a directory in reverse byte order of their keys, so that a stack returns them in order. */
  async #listDirectory(directory: string): Promise<Entry[]> {
    try {
      const found = await this.#fileSystem.readDirectory(join(this.#root, directory));
      const names = found
        .map((name) => name.toString('utf8'))
        .filter((name) => directory !== '' || name !== RESERVED);
      const stats = await this.#fileSystem.lstatAll(names.map((name) => join(this.#root, directory, name)));
      const failure = stats.find((stat) => stat instanceof Error && !isAbsent(stat));
      if (failure !== undefined) throw failure;
      const entries = names.map((name, index) => toEntry(directory, name, stats[index]!));
      return entries.filter((entry) => entry !== null).sort((a, b) => compareBytes(b.key, a.key));
    } catch (error) {
      if (isAbsent(error)) return [];
      throw new OutcomeError(toFailure(this.#root, 'list the objects', error));
    }
  }
}

/** Null for what is neither a file nor a directory, or has been removed. */
function toEntry(directory: string, name: string, stat: FileStat | Error): Entry | null {
  if (stat instanceof Error) return null;
  const isTemporary = TEMPORARY_NAME.test(name);
  if (stat.kind === 'directory') return { key: `${directory}${name}/`, stat: null, isTemporary };
  return stat.kind === 'file' ? { key: `${directory}${name}`, stat, isTemporary } : null;
}

/** The version of a file, with an ETag built from its size, modification time and inode. */
export function toVersion({ sizeBytes, mtimeNs, ino }: FileStat): ObjectVersion {
  return { etag: [sizeBytes.toString(16), mtimeNs.toString(16), ino.toString(16)].join('-'), sizeBytes };
}

export function isVersion(stat: FileStat | null, { etag }: ObjectVersion): boolean {
  return stat !== null && toVersion(stat).etag === etag;
}

export function toFailure(path: string, operation: string, cause: unknown): RetryOutcome | FailedOutcome {
  const row = findRetryRow({ code: systemErrorCode(cause) });
  if (row !== null) return { status: 'retry', cause, maxAttempts: row.maxAttempts };
  return { status: 'failed', error: new StoreDiskError(path, operation, { cause }) };
}
