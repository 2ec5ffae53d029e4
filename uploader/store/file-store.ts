/**
 * A directory as a store: each object is the file of its key.
 *
 * An object is written beside its place under the commit's name, synced, renamed, and the directory synced. Nothing but objects
 * stays in the directory: there is no place for a commit id or a checksum, so `head` knows neither and a caller reads back. The ETag
 * is made of what a stat tells. Creating is exclusive (a hard link); replacing compares just before the rename, as exactly as a file system can.
 */

import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { RelPathError, StoreDiskError } from '../errors.js';
import type { FileStat, FileSystem, WritableFile } from '../io/file-system.js';
import { makeDirectories } from '../io/make-directories.js';
import { isAbsent, isLinkUnsupported, systemErrorCode } from '../io/system-error.js';
import { isSafeKey } from '../rel-path.js';
import { type FailedOutcome, findRetryRow, OutcomeError, type RetryOutcome } from '../retry.js';
import { FILE_STORE, type StoreCapabilities } from './capabilities.js';
import type {
  AppendOutcome,
  AppendRequest,
  CheckOutcome,
  CollectOutcome,
  CollectRequest,
  CommitOutcome,
  CommitRequest,
  HeadOutcome,
  ListedObject,
  ObjectVersion,
  ProbeOutcome,
  Store,
} from './store.js';

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;
const CHUNK_BYTES = 1024 * 1024;
/** Marks files that are being written. No key ends so: the scanner leaves `*.partial` out. */
const TEMPORARY_NAME = /^\.plx-[0-9a-f]+\.partial$/;

/** Opens the directory `root` (absolute) as a store; it is made with the first object. */
export function createFileStore(root: string, fileSystem: FileSystem): Store {
  return new FileStore(root, fileSystem);
}

interface Entry {
  /** Ends with `/` for a directory. */
  readonly key: string;
  /** Null for a directory. */
  readonly version: ObjectVersion | null;
}

class FileStore implements Store {
  readonly id: string;
  #capabilities: StoreCapabilities = FILE_STORE;
  readonly #root: string;
  readonly #fileSystem: FileSystem;

  constructor(root: string, fileSystem: FileSystem) {
    this.#root = root;
    this.#fileSystem = fileSystem;
    this.id = `file://${root}`;
  }

  async check(): Promise<CheckOutcome> {
    const operation = 'use the directory';
    try {
      const stat = await this.#fileSystem.lstat(await this.#fileSystem.realPath(this.#root));
      if (stat.kind === 'directory') return { status: 'ready' };
      return toFailure(this.#root, operation, new Error('there is a file in its place'));
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return { status: 'ready' };
      return toFailure(this.#root, operation, error);
    }
  }

  async commit(request: CommitRequest): Promise<CommitOutcome> {
    const path = this.#toPath(request.key);
    const temporaryPath = join(dirname(path), `.plx-${request.commitId}.partial`);
    try {
      await makeDirectories(this.#fileSystem, dirname(path), DIRECTORY_MODE);
      await this.#removeLeftover(temporaryPath);
      const crc = await this.#writeTemporary(temporaryPath, request);
      const outcome =
        crc === request.target.crc32
          ? await this.#publish(temporaryPath, path, request)
          : ({ status: 'changed' } as const);
      if (outcome.status !== 'stored') await this.#removeLeftover(temporaryPath);
      return outcome;
    } catch (error) {
      await this.#removeLeftover(temporaryPath).catch(() => undefined); // the first failure is the one to report
      if (systemErrorCode(error) === undefined) throw error;
      return toFailure(path, 'write the object', error);
    }
  }

  async probe(): Promise<ProbeOutcome> {
    return {
      status: 'probed',
      capabilities: this.capabilities,
      permissions: { get: true, abort: true, delete: true },
      leftovers: [],
    };
  }

  adopt(capabilities: StoreCapabilities): void {
    this.#capabilities = capabilities;
  }

  get capabilities(): StoreCapabilities {
    return this.#capabilities;
  }

  async append(_request: AppendRequest): Promise<AppendOutcome> {
    return { status: 'unsupported' };
  }

  async collect(_request: CollectRequest): Promise<CollectOutcome> {
    return { status: 'collected', removed: 0, left: 0 };
  }

  async abandon(): Promise<void> {
    // A commit removes what it wrote before it returns.
  }

  async head(key: string): Promise<HeadOutcome> {
    const path = this.#toPath(key);
    try {
      const stat = await this.#stat(path);
      if (stat?.kind !== 'file') return { status: 'absent' };
      return {
        status: 'found',
        object: { ...toVersion(stat), crc32: null, commitId: null, generation: null },
      };
    } catch (error) {
      return toFailure(path, 'look at the object', error);
    }
  }

  async *list(
    prefix: string,
    options: { after?: string | undefined; signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<ListedObject> {
    const pending: Entry[] = [{ key: '', version: null }];
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      const { key, version } = entry;
      if (version === null && (key.startsWith(prefix) || prefix.startsWith(key))) {
        options.signal?.throwIfAborted();
        for (const found of await this.#listDirectory(key)) pending.push(found);
      }
      const isAfter = options.after === undefined || compareBytes(key, options.after) > 0;
      if (version !== null && isAfter && key.startsWith(prefix)) yield { key, ...version };
    }
  }

  async *read(
    key: string,
    options: { range?: { start: number; end: number } | undefined; signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<Uint8Array> {
    const path = this.#toPath(key);
    try {
      const file = await this.#fileSystem.openForReading(path);
      try {
        const { start, end } = options.range ?? { start: 0, end: (await file.stat()).sizeBytes };
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

  async close(): Promise<void> {
    // Nothing is held between calls.
  }

  /** Copies the target's bytes and resolves to their CRC-32; null when the source ended early. */
  async #writeTemporary(path: string, request: CommitRequest): Promise<number | null> {
    const { source, target, signal } = request;
    const file = await this.#fileSystem.openForWriting(path, 'create', FILE_MODE);
    try {
      return await copyBytes(file, source, target.sizeBytes, { signal, onBytesSent: request.onBytesSent });
    } finally {
      await file.close();
    }
  }

  async #publish(temporaryPath: string, path: string, request: CommitRequest): Promise<CommitOutcome> {
    const before = await this.#stat(path);
    const isBase = (before === null ? null : toVersion(before).etag) === (request.base?.etag ?? null);
    if (!isBase) return this.#toConflict(before, request);
    if (before !== null) await this.#fileSystem.rename(temporaryPath, path);
    else if (!(await this.#linkExclusively(temporaryPath, path))) return { status: 'conflict' };
    await this.#fileSystem.syncDirectory(dirname(path));
    return { status: 'stored', etag: toVersion(await this.#fileSystem.lstat(path)).etag };
  }

  /** There is no commit id to tell whose object it is, so its bytes tell: the target's are what an earlier call may have left. */
  async #toConflict(found: FileStat | null, request: CommitRequest): Promise<CommitOutcome> {
    if (found?.sizeBytes !== request.target.sizeBytes) return { status: 'conflict' };
    let crc = 0;
    for await (const bytes of this.read(request.key, { signal: request.signal })) crc = crc32(bytes, crc);
    if (crc !== request.target.crc32) return { status: 'conflict' };
    return { status: 'stored', etag: toVersion(found).etag };
  }

  /** False when somebody else made the object meanwhile. */
  async #linkExclusively(temporaryPath: string, path: string): Promise<boolean> {
    try {
      await this.#fileSystem.link(temporaryPath, path);
    } catch (error) {
      if (systemErrorCode(error) === 'EEXIST') return false;
      if (!isLinkUnsupported(error)) throw error;
      await this.#fileSystem.rename(temporaryPath, path);
      return true;
    }
    await this.#fileSystem.unlink(temporaryPath);
    return true;
  }

  async #removeLeftover(path: string): Promise<void> {
    try {
      await this.#fileSystem.unlink(path);
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }

  /** The entries of a directory, last first in byte order of their keys, so that a stack gives them in order. */
  async #listDirectory(directory: string): Promise<Entry[]> {
    try {
      const names = await this.#fileSystem.readDirectory(join(this.#root, directory));
      const entries = await Promise.all(names.map((name) => this.#toEntry(directory, name.toString('utf8'))));
      return entries.filter((entry) => entry !== null).sort((a, b) => compareBytes(b.key, a.key));
    } catch (error) {
      if (isAbsent(error)) return [];
      throw new OutcomeError(toFailure(this.#root, 'list the objects', error));
    }
  }

  async #toEntry(directory: string, name: string): Promise<Entry | null> {
    const stat = TEMPORARY_NAME.test(name) ? null : await this.#stat(join(this.#root, directory, name));
    if (stat?.kind === 'directory') return { key: `${directory}${name}/`, version: null };
    return stat?.kind === 'file' ? { key: `${directory}${name}`, version: toVersion(stat) } : null;
  }

  async #stat(path: string): Promise<FileStat | null> {
    try {
      return await this.#fileSystem.lstat(path);
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  }

  /** Keys become paths here, so they are checked here, whoever made them. */
  #toPath(key: string): string {
    if (!isSafeKey(key)) throw new RelPathError(key, 'it leads out of the store');
    return join(this.#root, key);
  }
}

async function copyBytes(
  file: WritableFile,
  source: CommitRequest['source'],
  sizeBytes: number,
  options: Pick<CommitRequest, 'signal' | 'onBytesSent'>,
): Promise<number | null> {
  let crc = 0;
  for (let position = 0; position < sizeBytes; ) {
    options.signal?.throwIfAborted();
    const wanted = Math.min(CHUNK_BYTES, sizeBytes - position);
    const bytes = await source.read(position, position + wanted);
    if (bytes.length < wanted) return null;
    options.onBytesSent?.(bytes.length);
    await file.append(bytes);
    crc = crc32(bytes, crc);
    position += bytes.length;
  }
  await file.sync();
  return crc;
}

function toVersion({ sizeBytes, mtimeNs, ino }: FileStat): ObjectVersion {
  return { etag: [sizeBytes.toString(16), mtimeNs.toString(16), ino.toString(16)].join('-'), sizeBytes };
}

function toFailure(path: string, operation: string, cause: unknown): RetryOutcome | FailedOutcome {
  const row = findRetryRow({ code: systemErrorCode(cause) });
  if (row !== null) return { status: 'retry', cause, maxAttempts: row.maxAttempts };
  return { status: 'failed', error: new StoreDiskError(path, operation, { cause }) };
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
