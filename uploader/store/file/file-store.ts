/**
 * A directory as a store: the key of an object is the path of its file.
 *
 * A commit writes a temporary file, syncs it, renames it, and syncs the directory. An append extends the file in place (append.ts explains
 * why). The store keeps only locks, in `.plx/`, and no metadata: `head` returns no commit id and no checksum, so the caller verifies by
 * reading. The ETag is built from size, modification time and inode. A create is exclusive (a hard link); a replace or append compares and
 * writes under a lock.
 */

import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { LockedError, StateDirectoryError } from '../../base/errors.js';
import type { FileStat, FileSystem, WritableFile } from '../../base/io/file-system.js';
import { type Io, nodeIo } from '../../base/io/io.js';
import { makeDirectories } from '../../base/io/make-directories.js';
import { isAbsent, isLinkUnsupported, systemErrorCode } from '../../base/io/system-error.js';
import { type FailedOutcome, OutcomeError, type RetryOutcome } from '../../base/retry-table.js';
import { FILE_STORE, type StoreCapabilities } from '../base/capabilities.js';
import { compareBytes } from '../base/compare-bytes.js';
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
  ListOptions,
  PersistOutcome,
  ReadOptions,
  RemoveOutcome,
  RemoveRequest,
  Store,
} from '../base/store.js';
import { checkTail, writeTail } from './append.js';
import { ObjectLocks } from './object-lock.js';
import { probeDirectory } from './probe.js';
import { FileTree, isVersion, RESERVED, toFailure, toVersion } from './tree.js';

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;
const CHUNK_BYTES = 1024 * 1024;

/** Each entry has about 200 bytes. */
const MAX_VERIFIED = 10_000;
/** Another process holds the lock of an object for milliseconds only. */
const LOCKED_RETRY_MS = 200;

/** Opens the absolute directory `root` as a store; the first commit creates it. Missing fields of `io` default to those of the host. */
export function createFileStore(root: string, fileSystem: FileSystem, io: Partial<Io> = {}): Store {
  return new FileStore(root, { ...nodeIo, ...io, fileSystem });
}

export class FileStore implements Store {
  readonly id: string;
  readonly #root: string;
  readonly #io: Io;
  readonly #fileSystem: FileSystem;
  readonly #tree: FileTree;
  readonly #locks: ObjectLocks;
  /** Paths of temporary files that are being written. */
  readonly #inUse = new Set<string>();
  /** Directories whose names are on the disk. */
  readonly #durable = new Set<string>();
  /** The verified CRC-32 of recently appended objects, by key. */
  readonly #verified = new Map<string, { readonly etag: string; readonly crc32: number }>();
  #capabilities: StoreCapabilities = FILE_STORE;

  constructor(root: string, io: Io) {
    this.#root = root;
    this.#io = io;
    this.#fileSystem = io.fileSystem;
    this.#tree = new FileTree(root, io.fileSystem);
    this.#locks = new ObjectLocks(join(root, RESERVED, 'locks'), io);
    this.id = `file://${root}`;
  }

  get capabilities(): StoreCapabilities {
    return this.#capabilities;
  }

  /** Finds out what the file system supports, with two test files that it removes. */
  async inspect(): Promise<CheckOutcome> {
    try {
      const directory = join(this.#root, RESERVED);
      await makeDirectories(this.#fileSystem, directory, DIRECTORY_MODE);
      this.#capabilities = await probeDirectory(directory, this.#io);
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      return toFailure(this.#root, 'write to the directory', error);
    }
    return { status: 'ready' };
  }

  async check(): Promise<CheckOutcome> {
    const operation = 'use the directory';
    try {
      const stat = await this.#fileSystem.lstat(await this.#fileSystem.realPath(this.#root));
      if (stat.kind === 'directory') return { status: 'ready' };
      return toFailure(this.#root, operation, new Error('a file has this path'));
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return { status: 'ready' };
      return toFailure(this.#root, operation, error);
    }
  }

  async commit(request: CommitRequest): Promise<CommitOutcome> {
    const path = this.#tree.pathFrom(request.key);
    const temporaryPath = join(dirname(path), `.plx-${request.commitId}.partial`);
    this.#inUse.add(temporaryPath);
    try {
      await makeDirectories(this.#fileSystem, dirname(path), DIRECTORY_MODE);
      await this.#removeTemporary(temporaryPath);
      const crc = await this.#writeTemporary(temporaryPath, request);
      const outcome =
        crc === request.target.crc32
          ? await this.#publish(temporaryPath, path, request)
          : ({ status: 'changed' } as const);
      if (outcome.status !== 'stored') await this.#removeTemporary(temporaryPath);
      return outcome;
    } catch (error) {
      await this.#removeTemporary(temporaryPath).catch(() => undefined); // report the first failure
      return writeFailureFrom(path, 'write the object', error);
    } finally {
      this.#inUse.delete(temporaryPath);
    }
  }

  async append(request: AppendRequest): Promise<AppendOutcome> {
    const path = this.#tree.pathFrom(request.key);
    const { key, base, keep = base, target } = request;
    if (target.sizeBytes < base.sizeBytes || keep.sizeBytes !== base.sizeBytes)
      return { status: 'unsupported' };
    const tail = await checkTail(request);
    if (tail === null) return { status: 'changed' };
    try {
      return await this.#locks.use(key, async (): Promise<CommitOutcome> => {
        const before = await this.#tree.stat(path);
        if (!isVersion(before, base)) return this.#toConflict(before, request);
        if (!(await this.#isVerified(request))) return { status: 'conflict' };
        const file = await this.#fileSystem.openForUpdate(path);
        try {
          // Another file may have the name since the first check.
          if (!isVersion(await file.stat(), base)) return { status: 'conflict' };
          const written = await writeTail(file, request, tail);
          if (written.status === 'changed') return { status: 'changed' };
          if (written.status === 'written') {
            const { etag } = toVersion(written.stat);
            this.#remember(key, etag, target.crc32);
            return { status: 'stored', etag };
          }
          return { status: 'retry', cause: new Error(`${path}: wrong bytes were read back`), maxAttempts: 3 };
        } finally {
          await file.close();
        }
      });
    } catch (error) {
      return writeFailureFrom(path, 'write the object', error);
    }
  }

  async collect({ prefixes, olderThanMs, signal }: CollectRequest): Promise<CollectOutcome> {
    let removed = 0;
    let left = 0;
    const nowMs = this.#io.clock.wallTime() * 1000;
    try {
      for (const prefix of prefixes)
        for await (const { key, stat, isTemporary } of this.#tree.walk(prefix, signal)) {
          const path = join(this.#root, key);
          if (!isTemporary || stat === null || this.#inUse.has(path)) continue;
          const isOld = nowMs - Number(stat.mtimeNs / 1_000_000n) >= olderThanMs;
          if (isOld) await this.#removeTemporary(path);
          if (isOld) removed += 1;
          else left += 1;
        }
      return { status: 'collected', removed, left };
    } catch (error) {
      if (error instanceof OutcomeError) return error.outcome;
      if (systemErrorCode(error) === undefined) throw error;
      return toFailure(this.#root, 'remove unfinished files', error);
    }
  }

  async abandon(): Promise<void> {
    // A commit removes its temporary file before it returns.
  }

  async remove({ key, version }: RemoveRequest): Promise<RemoveOutcome> {
    const path = this.#tree.pathFrom(key);
    try {
      return await this.#locks.use(key, async (): Promise<RemoveOutcome> => {
        const found = await this.#tree.stat(path);
        if (found === null) return { status: 'removed' };
        if (found.kind !== 'file' || !isVersion(found, version)) return { status: 'conflict' };
        await this.#fileSystem.unlink(path);
        await this.#fileSystem.syncDirectory(dirname(path));
        return { status: 'removed' };
      });
    } catch (error) {
      return writeFailureFrom(path, 'remove the object', error);
    }
  }

  pathOf(key: string): string {
    return this.#tree.pathFrom(key);
  }

  async head(key: string): Promise<HeadOutcome> {
    const path = this.#tree.pathFrom(key);
    try {
      const stat = await this.#tree.stat(path);
      if (stat?.kind !== 'file') return { status: 'absent' };
      return {
        status: 'found',
        object: { ...toVersion(stat), crc32: null, commitId: null, generation: null },
      };
    } catch (error) {
      return toFailure(path, 'read the attributes of the object', error);
    }
  }

  async persist(key: string): Promise<PersistOutcome> {
    const path = this.#tree.pathFrom(key);
    try {
      await this.#persist(path);
      return { status: 'persisted' };
    } catch (error) {
      return writeFailureFrom(path, 'sync the object', error);
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    for await (const { key, stat, isTemporary } of this.#tree.walk(prefix, options.signal)) {
      const isAfter = options.after === undefined || compareBytes(key, options.after) > 0;
      if (stat !== null && !isTemporary && isAfter) yield { key, ...toVersion(stat) };
    }
  }

  async *listFolders(prefix: string): AsyncGenerator<string> {
    yield* (await this.#tree.listFolders(prefix)).reverse();
  }

  read(key: string, options: ReadOptions): AsyncGenerator<Uint8Array> {
    return this.#tree.read(key, options);
  }

  async close(): Promise<void> {
    // No handles stay open between calls.
  }

  /** Copies the target's bytes and returns their CRC-32; null when the source is too short. */
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
    const { key, base } = request;
    return this.#capabilities.conditionalCreate && base === null
      ? this.#create(temporaryPath, path, request)
      : this.#locks.use(key, () => this.#replace(temporaryPath, path, request));
  }

  async #create(temporaryPath: string, path: string, request: CommitRequest): Promise<CommitOutcome> {
    const before = await this.#tree.stat(path);
    if (before !== null) return this.#toConflict(before, request);
    if (!(await this.#linkExclusively(temporaryPath, path))) return { status: 'conflict' };
    return this.#toStored(path);
  }

  async #replace(temporaryPath: string, path: string, request: CommitRequest): Promise<CommitOutcome> {
    const before = await this.#tree.stat(path);
    const isBase = request.base === null ? before === null : isVersion(before, request.base);
    if (!isBase) return this.#toConflict(before, request);
    await this.#fileSystem.rename(temporaryPath, path);
    return this.#toStored(path);
  }

  async #toStored(path: string): Promise<CommitOutcome> {
    await this.#syncName(path);
    return { status: 'stored', etag: toVersion(await this.#fileSystem.lstat(path)).etag };
  }

  async #syncName(path: string): Promise<void> {
    await this.#fileSystem.syncDirectory(dirname(path));
    await this.#syncNames(dirname(path));
  }

  /** Syncs the names of a directory and of those above it in the store, once: a process that was killed may have created them without a sync. */
  async #syncNames(directory: string): Promise<void> {
    const unsynced: string[] = [];
    for (let at = directory; at !== this.#root && !this.#durable.has(at); at = dirname(at)) {
      unsynced.push(at);
      await this.#fileSystem.syncDirectory(dirname(at));
    }
    for (const each of unsynced) this.#durable.add(each);
  }

  /** Whether the base has the expected checksum. Reads the object once and remembers the result. */
  async #isVerified({ key, base, signal }: AppendRequest): Promise<boolean> {
    const known = this.#verified.get(key);
    if (known?.etag === base.etag) return known.crc32 === base.crc32;
    const crc = await this.#readCrc32(key, base.sizeBytes, signal);
    this.#remember(key, base.etag, crc);
    return crc === base.crc32;
  }

  #remember(key: string, etag: string, crc: number): void {
    this.#verified.delete(key);
    this.#verified.set(key, { etag, crc32: crc });
    const [oldest] = this.#verified.keys();
    if (this.#verified.size > MAX_VERIFIED && oldest !== undefined) this.#verified.delete(oldest);
  }

  async #readCrc32(key: string, maxBytes: number, signal: AbortSignal | undefined): Promise<number> {
    let crc = 0;
    for await (const bytes of this.read(key, { maxBytes, signal })) crc = crc32(bytes, crc);
    return crc;
  }

  /** Without a commit id only the bytes show whose object it is: if they match the target, an earlier call has stored them. */
  async #toConflict(found: FileStat | null, request: CommitRequest): Promise<CommitOutcome> {
    const { key, target, signal } = request;
    if (found?.sizeBytes !== target.sizeBytes) return { status: 'conflict' };
    if ((await this.#readCrc32(key, target.sizeBytes, signal)) !== target.crc32)
      return { status: 'conflict' };
    await this.#persist(this.#tree.pathFrom(key));
    return { status: 'stored', etag: toVersion(found).etag };
  }

  async #persist(path: string): Promise<void> {
    await this.#tree.syncFile(path);
    await this.#syncName(path);
  }

  /** False when another process has created the object in the meantime. */
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

  async #removeTemporary(path: string): Promise<void> {
    try {
      await this.#fileSystem.unlink(path);
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
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

/** The outcome of a failed write. Rethrows errors that do not come from the disk. */
function writeFailureFrom(path: string, operation: string, error: unknown): RetryOutcome | FailedOutcome {
  if (error instanceof OutcomeError) return error.outcome;
  if (error instanceof LockedError) return { status: 'retry', cause: error, afterMs: LOCKED_RETRY_MS };
  const cause = error instanceof StateDirectoryError ? error.cause : error;
  if (systemErrorCode(cause) === undefined) throw error;
  return toFailure(path, operation, cause);
}
