/**
 * Implements `Store` over a driver: everything that all cloud stores have in common. Chooses the way of a commit by size, limits the memory for
 * bodies, resolves conflicts by commit id, checks what an append needs, and keeps account of the uploads that are in use.
 */

import { type Clock, systemClock } from '../../../src/base/clock.js';
import { StoreLimitError } from '../../base/errors.js';
import { type FailedOutcome, OutcomeError } from '../../base/retry-table.js';
import { BodyMemory } from './body-memory.js';
import { boundRead } from './bounds.js';
import { canAppend, type StoreCapabilities } from './capabilities.js';
import { isBase, resolveConflict } from './commit-outcome.js';
import { combineCrc32 } from './crc32-combine.js';
import type { PutOutcome, StoreDriver } from './driver.js';
import { MultipartCommits } from './multipart-commits.js';
import { crc32OfObject } from './object-crc32.js';
import { type Part, planParts } from './part-planner.js';
import { PrefixSet } from './prefix-set.js';
import { readPart, scan } from './source-checksums.js';
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
  ReadOptions,
  RemoveOutcome,
  RemoveRequest,
  Store,
} from './store.js';

/** Attempts to join a tail that another process has removed. */
const MAX_JOINS = 5;

export class CommitEngine<Driver extends StoreDriver = StoreDriver> implements Store {
  readonly driver: Driver;
  readonly #memory: BodyMemory;
  readonly #multipart: MultipartCommits;
  /** By commit id: the keys of the objects whose tails are not joined yet. */
  readonly #tails = new Map<string, string>();

  constructor(driver: Driver, clock: Clock = systemClock) {
    this.driver = driver;
    const { budgetBytes, bufferMaxBytes } = driver.limits;
    this.#memory = new BodyMemory({ capacityBytes: budgetBytes, largestBytes: bufferMaxBytes });
    this.#multipart = new MultipartCommits({ driver, memory: this.#memory, clock });
  }

  get id(): string {
    return this.driver.id;
  }

  get capabilities(): StoreCapabilities {
    return this.driver.capabilities;
  }

  get minAppendBytes(): number | undefined {
    return this.driver.limits.minAppendBytes;
  }

  get listFolders(): ((prefix: string, signal?: AbortSignal) => AsyncGenerator<string>) | undefined {
    return this.driver.listFolders?.bind(this.driver);
  }

  check(signal?: AbortSignal): Promise<CheckOutcome> {
    return this.driver.check(signal);
  }

  async commit(request: CommitRequest): Promise<CommitOutcome> {
    const outcome = this.#refuse(request) ?? (await this.#write(request));
    return outcome.status === 'conflict' ? this.#compareBytes(request) : outcome;
  }

  /** Commits an object in these parts, whatever its size. */
  commitInParts(request: CommitRequest, parts: readonly Part[]): Promise<AppendOutcome> {
    return this.#multipart.commit({ parts }, request);
  }

  async append(request: AppendRequest): Promise<AppendOutcome> {
    const { key, base, target, keep = base } = request;
    if (target.sizeBytes < keep.sizeBytes || keep.sizeBytes > base.sizeBytes)
      throw new RangeError(
        `${key}: keep ${keep.sizeBytes} exceeds base ${base.sizeBytes} or target ${target.sizeBytes}`,
      );
    const refused = this.#refuse(request);
    if (refused !== null) return refused;
    if (!canAppend(this.capabilities, base.sizeBytes, keep.sizeBytes)) return { status: 'unsupported' };
    if (keep.sizeBytes === target.sizeBytes && base.sizeBytes === target.sizeBytes)
      return this.#confirm(request);
    const found = await this.driver.findBase({ ...request, keep });
    if (found.status === 'conflict') return this.#resolve(request);
    if (found.status !== 'found') return found;
    const { parts, kept } = found;
    if (this.driver.join !== undefined) return this.#appendTail(request, kept);
    return this.#multipart.commit({ parts, kept, keep, base }, request);
  }

  async abandon(commitId: string): Promise<void> {
    await this.#multipart.abandon(commitId);
    const key = this.#tails.get(commitId);
    if (key === undefined) return;
    await this.driver.removeOrphan({ key, id: commitId });
    this.#tails.delete(commitId);
  }

  async collect({ prefixes, olderThanMs, signal }: CollectRequest): Promise<CollectOutcome> {
    let removed = 0;
    let left = 0;
    const wanted = new PrefixSet(prefixes);
    const inUse = new Set(this.#idsInUse());
    try {
      for (const prefix of wanted.toList)
        for await (const orphan of this.driver.listOrphans(prefix, signal)) {
          const { key, id, ageMs } = orphan;
          // Listings match any prefix: `a` also finds `a.1`.
          if (!wanted.has(key) || inUse.has(id) || this.#idsInUse().includes(id)) continue;
          // Some stores round the time to seconds, so an age of 0 means all.
          const isOld = olderThanMs === 0 || ageMs > olderThanMs;
          if (isOld && (await this.driver.removeOrphan(orphan, signal))) removed += 1;
          else left += 1;
        }
    } catch (error) {
      if (error instanceof OutcomeError) return error.outcome;
      throw error;
    }
    return { status: 'collected', removed, left };
  }

  async remove(request: RemoveRequest): Promise<RemoveOutcome> {
    const outcome = await this.driver.remove(request);
    if (outcome.status !== 'conflict') return outcome;
    const found = await this.head(request.key, request.signal);
    if (found.status === 'found') return { status: 'conflict' };
    return found.status === 'absent' ? { status: 'removed' } : found;
  }

  head(key: string, signal?: AbortSignal): Promise<HeadOutcome> {
    return this.driver.head(key, signal);
  }

  list(prefix: string, options?: ListOptions): AsyncGenerator<ListedObject> {
    return this.driver.list(prefix, options);
  }

  read(key: string, options: ReadOptions): AsyncGenerator<Uint8Array> {
    return boundRead(key, this.driver.read(key, options), options);
  }

  close(): Promise<void> {
    return this.driver.close();
  }

  /** F33: the failure for a file that the store cannot have, or null. */
  #refuse({ key, target }: CommitRequest): FailedOutcome | null {
    const { maxObjectBytes } = this.capabilities;
    const message = `${key} has ${target.sizeBytes} bytes, the store accepts at most ${maxObjectBytes}`;
    const error =
      target.sizeBytes > maxObjectBytes
        ? new StoreLimitError(message)
        : (this.driver.toKeyError?.(key) ?? null);
    return error === null ? null : { status: 'failed', error };
  }

  /** Writes the target in one request or in parts. */
  async #write(request: CommitRequest): Promise<CommitOutcome> {
    const { sizeBytes } = request.target;
    const { singlePutMaxBytes, partBytes } = this.driver.limits;
    if (sizeBytes > singlePutMaxBytes) {
      const outcome = await this.commitInParts(request, planParts(sizeBytes, partBytes(sizeBytes)));
      if (outcome.status !== 'unsupported') return outcome;
      // The store accepts no uploads in parts, so that it accepts only smaller objects.
      const refused = this.#refuse(request);
      if (refused !== null) return refused;
    }
    return this.#memory.use(sizeBytes, (buffer) => this.#put(request, buffer));
  }

  async #put(request: CommitRequest, buffer: Buffer | null): Promise<CommitOutcome> {
    const { target } = request;
    const body = await readPart({ start: 0, end: target.sizeBytes }, request, buffer);
    if (body?.crc32 !== target.crc32) return { status: 'changed' };
    const outcome: PutOutcome = await this.driver.put(request, body);
    if (outcome.status === 'conflict') return this.#resolve(request);
    if (outcome.status !== 'retry' || outcome.mayBeRejected !== true) return outcome;
    const found = await this.#headOf(request);
    const isKnown = found.status === 'found' || found.status === 'absent';
    return isKnown && !isBase(found, request) ? resolveConflict(found, request) : outcome;
  }

  /** Writes the tail as an object, which the store then joins to the base. */
  async #appendTail(request: AppendRequest, kept: unknown): Promise<AppendOutcome> {
    const { base, target, commitId, source, signal } = request;
    const range = { start: base.sizeBytes, end: target.sizeBytes };
    const sizeBytes = range.end - range.start;
    const tail = await scan(request, range, this.driver.limits.needsCrc32c);
    if (tail === null || combineCrc32(base.crc32, tail.crc32, sizeBytes) !== target.crc32)
      return { status: 'changed' };
    const key = this.driver.toTailKey?.(request) ?? null;
    if (key === null) return { status: 'unsupported' };
    this.#tails.set(commitId, request.key);
    const stored = await this.#write({
      ...request,
      key,
      base: null,
      target: { sizeBytes, crc32: tail.crc32 },
      source: {
        read: (start, end) => source.read(start + range.start, end + range.start),
        ...(source.readInto && {
          readInto: (into: Buffer, start: number) => source.readInto!(into, start + range.start),
        }),
      },
    });
    const outcome =
      stored.status === 'stored'
        ? await this.#join(request, kept, { key, etag: stored.etag, sizeBytes, crc32c: tail.crc32c })
        : stored;
    signal?.throwIfAborted();
    // Keep the tail for a retry of the same commit.
    if (outcome.status !== 'retry') await this.abandon(commitId);
    return outcome;
  }

  async #join(
    request: AppendRequest,
    kept: unknown,
    tail: Parameters<NonNullable<StoreDriver['join']>>[2],
  ): Promise<CommitOutcome> {
    const outcome = await this.driver.join!(request, kept, tail);
    if (outcome.status !== 'conflict') return outcome;
    const found = await this.#headOf(request);
    if (!isBase(found, request)) return resolveConflict(found, request);
    // The tail was removed. A retry sends it again.
    return { status: 'retry', cause: new Error(`${tail.key}: no longer exists`), maxAttempts: MAX_JOINS };
  }

  /** An append without new bytes: only checks that the object is still the base. */
  async #confirm(request: AppendRequest): Promise<CommitOutcome> {
    const { base, target } = request;
    if (base.crc32 !== target.crc32) return { status: 'changed' };
    const found = await this.#headOf(request);
    return isBase(found, request) ? { status: 'stored', etag: base.etag } : resolveConflict(found, request);
  }

  /** After a conflict, reads the existing object if the store does not tell its checksum. It counts as stored if its bytes match the target. */
  async #compareBytes(request: CommitRequest): Promise<CommitOutcome> {
    const { key, target, signal } = request;
    const found = await this.#headOf(request);
    if (found.status === 'retry' || found.status === 'failed') return found;
    if (found.status === 'absent' || found.object.sizeBytes !== target.sizeBytes)
      return { status: 'conflict' };
    if (found.object.crc32 !== null) return { status: 'conflict' };
    const read = await crc32OfObject(this, key, { maxBytes: target.sizeBytes, signal });
    if (read.status !== 'read') return read;
    return read.crc32 === target.crc32
      ? { status: 'stored', etag: found.object.etag }
      : { status: 'conflict' };
  }

  async #resolve(request: CommitRequest): Promise<CommitOutcome> {
    return resolveConflict(await this.#headOf(request), request);
  }

  #headOf({ key, signal }: CommitRequest): Promise<HeadOutcome> {
    return this.driver.head(key, signal);
  }

  #idsInUse(): string[] {
    return [...this.#multipart.openIds, ...this.#tails.keys()];
  }
}
