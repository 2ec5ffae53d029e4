/**
 * Commits large objects and appends in parts. Sent parts are remembered by commit id, so that a retried commit sends only the missing ones; an
 * upload of an earlier process is resumed with the parts that the store confirms. The object becomes visible on completion.
 */

import type { Clock } from '../../../src/base/clock.js';
import type { RetryOutcome } from '../../base/retry-table.js';
import type { BodyMemory } from './body-memory.js';
import { isBase, resolveConflict } from './commit-outcome.js';
import { confirmParts, confirmStart, type DonePart, inOrder, sizeOf } from './confirm-parts.js';
import { combineCrc32 } from './crc32-combine.js';
import type { StoreDriver, Unsupported, Upload } from './driver.js';
import { type Part, planParts, shiftParts } from './part-planner.js';
import { readPart, scan } from './source-checksums.js';
import type {
  AppendOutcome,
  CommitOutcome,
  CommitRequest,
  Extent,
  HeadOutcome,
  ObjectVersion,
} from './store.js';

/** Attempts for an upload that the store no longer has: each starts over. */
const MAX_RESTARTS = 5;
/** How long to wait for the completion of the smallest object. Larger objects get more time, because the store has to assemble them. */
const MIN_WAIT_MS = 5_000;
const MAX_WAIT_MS = 120_000;
const BYTES_PER_MS = 32 * 1048.576;
const POLL_INTERVAL_MS = 250;

/** The parts to store. Those of an append come after `keep`, or copy it. */
export interface MultipartPlan {
  readonly parts: readonly Part[];
  readonly keep?: Extent | undefined;
  readonly base?: (ObjectVersion & Extent) | undefined;
  /** What `findBase` returned. */
  readonly kept?: unknown;
}

type WayOutcome = CommitOutcome | Unsupported;

interface OpenUpload {
  readonly id: string;
  readonly key: string;
  /** By position. */
  readonly parts: Map<number, DonePart>;
  /** With parts in order: it is unknown what the store has kept of the last one. */
  isStale?: boolean;
  /** A completion was sent, perhaps by an earlier process, without a usable response. */
  isUndecided?: boolean;
}

export interface MultipartOptions {
  readonly driver: StoreDriver;
  readonly memory: BodyMemory;
  readonly clock: Clock;
}

export class MultipartCommits {
  readonly #driver: StoreDriver;
  readonly #memory: BodyMemory;
  readonly #clock: Clock;
  readonly #uploads = new Map<string, OpenUpload>();
  /** The ids of uploads that the store no longer has: `unfinished` may still name them. */
  readonly #gone = new Set<string>();

  constructor({ driver, memory, clock }: MultipartOptions) {
    this.#driver = driver;
    this.#memory = memory;
    this.#clock = clock;
  }

  /** The ids of the uploads that this process has open. */
  get openIds(): readonly string[] {
    return [...this.#uploads.values()].map(({ id }) => id);
  }

  /** `unsupported`: the store accepts no uploads in parts, or cannot extend the object. */
  async commit(plan: MultipartPlan, request: CommitRequest): Promise<AppendOutcome> {
    let outcome = await this.#attempt(plan, request);
    if (outcome.status === 'unsupported' && outcome.again)
      outcome = await this.#attempt(plan, { ...request, unfinished: undefined });
    return outcome.status === 'unsupported' ? { status: 'unsupported' } : outcome;
  }

  async #attempt(plan: MultipartPlan, request: CommitRequest): Promise<WayOutcome> {
    const opened = await this.#open(plan, request);
    if ('status' in opened) return this.#end(opened, request);
    const outcome = await this.#storeParts(opened, plan, request);
    return outcome === null ? this.#complete(opened, plan, request) : this.#end(outcome, request);
  }

  /** Keeps the upload only for a retry. */
  async #end(outcome: WayOutcome, { commitId }: CommitRequest): Promise<WayOutcome> {
    if (outcome.status === 'stored') this.#uploads.delete(commitId);
    else if (outcome.status !== 'retry') await this.abandon(commitId);
    return outcome;
  }

  async abandon(commitId: string): Promise<void> {
    const upload = this.#uploads.get(commitId);
    this.#uploads.delete(commitId);
    if (upload !== undefined) await this.#driver.discard(upload);
  }

  async #open(plan: MultipartPlan, request: CommitRequest): Promise<OpenUpload | WayOutcome> {
    const { commitId, unfinished, key } = request;
    const known = this.#uploads.get(commitId);
    if (known !== undefined && known.isStale !== true) return known;
    if (known !== undefined) return this.#resume(known, plan, request);
    if (unfinished === undefined || this.#gone.has(unfinished.uploadId)) return this.#create(request);
    return this.#resume({ id: unfinished.uploadId, key, parts: new Map(), isUndecided: true }, plan, request);
  }

  async #create(request: CommitRequest): Promise<OpenUpload | WayOutcome> {
    const { key, commitId, target } = request;
    const { needsCrc32c } = this.#driver.limits;
    const whole = needsCrc32c ? await scan(request, { start: 0, end: target.sizeBytes }, true) : null;
    if (needsCrc32c && whole?.crc32 !== target.crc32) return { status: 'changed' };
    const opened = await this.#driver.openUpload({ ...request, crc32c: whole?.crc32c });
    if (opened.status === 'conflict') return resolveConflict(await this.#head(request), request);
    if (opened.status !== 'opened') return opened;
    const upload: OpenUpload = { id: opened.id, key, parts: new Map() };
    this.#uploads.set(commitId, upload);
    request.onUploadOpened?.(opened.id);
    return upload;
  }

  /** Resumes an upload with the parts that the store confirms. */
  async #resume(
    before: OpenUpload,
    plan: MultipartPlan,
    request: CommitRequest,
  ): Promise<OpenUpload | WayOutcome> {
    const listed = await this.#driver.listParts({ id: before.id, write: request });
    if (listed.status === 'gone') return this.#afterGone(before, listed.cause, request);
    if (listed.status === 'conflict') return resolveConflict(await this.#head(request), request);
    if (listed.status === 'completed') return { status: 'stored', etag: listed.etag };
    if (listed.status !== 'listed') return listed;
    const parts =
      this.#driver.limits.partsAtOnce === 1
        ? await confirmStart(sizeOf(listed.parts), before.parts, request)
        : await confirmParts(listed.parts, plan.parts, request);
    if (parts === null) return { status: 'changed' };
    const upload: OpenUpload = { ...before, parts, isStale: false };
    this.#uploads.set(request.commitId, upload);
    return upload;
  }

  /** Stores the missing parts. Null when all are stored and make up the target. */
  async #storeParts(
    upload: OpenUpload,
    plan: MultipartPlan,
    request: CommitRequest,
  ): Promise<WayOutcome | null> {
    const { partsAtOnce } = this.#driver.limits;
    for (;;) {
      const missing = this.#missing(upload, plan, request);
      if (missing.length === 0) break;
      const store = (part: Part) => this.#storePart(part, upload, plan, request);
      const outcome = await storeAll(missing, partsAtOnce, store);
      if (outcome !== null && outcome !== 'short') return outcome;
    }
    return combineParts(upload, plan) === request.target.crc32 ? null : { status: 'changed' };
  }

  /** Parts in order start where the store's bytes end. */
  #missing({ parts }: OpenUpload, plan: MultipartPlan, { target }: CommitRequest): Part[] {
    const { partsAtOnce, partBytes } = this.#driver.limits;
    if (partsAtOnce > 1) return plan.parts.filter(({ start }) => !parts.has(start));
    const start = sizeOf([...parts.values()]);
    const size = partBytes(target.sizeBytes);
    return shiftParts(planParts(target.sizeBytes - start, size), start, Math.floor(start / size));
  }

  async #storePart(
    part: Part,
    upload: OpenUpload,
    plan: MultipartPlan,
    request: CommitRequest,
  ): Promise<WayOutcome | 'short' | null> {
    request.signal?.throwIfAborted();
    if (!part.isCopied)
      return this.#memory.use(part.end - part.start, (buffer) =>
        this.#sendPart({ part, buffer }, upload, plan, request),
      );
    const { keepPart } = this.#driver;
    if (keepPart === undefined || plan.base === undefined) throw new Error('the driver cannot copy parts');
    const outcome = await keepPart.call(this.#driver, toCall(upload, plan, request), part, plan.base);
    if (outcome.status !== 'kept') return this.#afterFailure(outcome, upload, request);
    upload.parts.set(part.start, { ...outcome.part, isCopied: true });
    return null;
  }

  async #sendPart(
    { part, buffer }: { readonly part: Part; readonly buffer: Buffer | null },
    upload: OpenUpload,
    plan: MultipartPlan,
    request: CommitRequest,
  ): Promise<WayOutcome | 'short' | null> {
    request.signal?.throwIfAborted();
    upload.isStale = this.#driver.limits.partsAtOnce === 1;
    const { number, start } = part;
    const body = await readPart(part, request, buffer);
    if (body === null) return { status: 'changed' };
    const { sizeBytes } = body;
    const isLast = sizeOf([...upload.parts.values()]) + sizeBytes === sizeOf(plan.parts);
    const sent: DonePart = { number, etag: '', sizeBytes, crc32: body.crc32, isCopied: false };
    if (isLast && combineParts(upload, plan, [start, sent]) !== request.target.crc32)
      return { status: 'changed' };
    const outcome = await this.#driver.putPart(toCall(upload, plan, request), part, body);
    if (outcome.status !== 'kept') return this.#afterFailure(outcome, upload, request);
    upload.isStale = false;
    const { etag } = outcome.part;
    const isShort = outcome.part.sizeBytes < sizeBytes;
    if (!isShort) {
      upload.parts.set(start, { ...sent, etag });
      request.onPartStored?.({ number, etag, crc32: body.crc32, sizeBytes });
      return null;
    }
    const kept = await scan(request, { start, end: start + outcome.part.sizeBytes });
    if (kept === null) return { status: 'changed' };
    upload.parts.set(start, { ...outcome.part, crc32: kept.crc32, isCopied: false });
    return 'short';
  }

  async #afterFailure(
    outcome: Exclude<Awaited<ReturnType<StoreDriver['putPart']>>, { status: 'kept' }>,
    upload: OpenUpload,
    request: CommitRequest,
  ): Promise<WayOutcome> {
    if (outcome.status === 'completed') return { status: 'stored', etag: outcome.etag };
    if (outcome.status === 'gone') return this.#afterGone(upload, outcome.cause, request);
    if (outcome.status !== 'conflict') return outcome;
    const resolved = resolveConflict(await this.#head(request), request);
    if (resolved.status === 'stored') await this.abandon(request.commitId);
    return resolved;
  }

  /** The upload was completed by a call whose response was lost, or removed by another program. The next call starts over. */
  async #afterGone(upload: OpenUpload, cause: unknown, request: CommitRequest): Promise<CommitOutcome> {
    const found = await (upload.isUndecided === true ? this.#awaitCompletion(request) : this.#head(request));
    if (found.status === 'retry' || found.status === 'failed') return found;
    this.#uploads.delete(request.commitId);
    this.#gone.add(upload.id);
    const resolved = resolveConflict(found, request);
    return resolved.status === 'stored' ? resolved : { status: 'retry', cause, maxAttempts: MAX_RESTARTS };
  }

  async #complete(upload: OpenUpload, plan: MultipartPlan, request: CommitRequest): Promise<WayOutcome> {
    const wasUndecided = upload.isUndecided === true;
    const parts = inOrder(upload.parts).map(([, part]) => part);
    upload.isUndecided = true;
    const outcome = await this.#driver.complete(toCall(upload, plan, request), parts);
    if (outcome.status === 'stored') {
      if (wasUndecided) return this.#confirm(request);
      this.#uploads.delete(request.commitId);
      return outcome;
    }
    // No response, or a temporary error: keep the upload, because a completion may still succeed or has already done so.
    if (outcome.status === 'retry' || outcome.status === 'failed') return outcome;
    if (outcome.status === 'unsupported') return this.#end(outcome, request);
    const isGone = outcome.status === 'rejected' && outcome.isGone;
    const found = await (wasUndecided && isGone ? this.#awaitCompletion(request) : this.#head(request));
    await this.abandon(request.commitId);
    // Check the object in any case: an earlier completion may have succeeded although its response was lost.
    const resolved = resolveConflict(found, request);
    if (resolved.status !== 'conflict' || outcome.status === 'conflict') return resolved;
    if (!isBase(found, request) || !hasChecksum(found, plan)) return resolved;
    outcome.onFinal?.();
    return outcome.outcome;
  }

  /**
   * When a completion is sent twice, the object may not exist yet although the second succeeds: versitygw 1.8.0 acknowledges the second
   * while the first is still in progress. So the outcome is `stored` only once HEAD finds the object.
   */
  async #confirm(request: CommitRequest): Promise<CommitOutcome> {
    const outcome = resolveConflict(await this.#head(request), request);
    if (outcome.status === 'stored') this.#uploads.delete(request.commitId);
    if (outcome.status !== 'conflict') return outcome;
    const cause = new Error(
      `${request.key}: the store acknowledged the completion, but the object does not exist yet`,
    );
    return { status: 'retry', cause } satisfies RetryOutcome;
  }

  /**
   * With `completesLate`, polls until the object differs from `request.base`, or the wait is over. Versitygw 1.8.0 removes the upload when a completion
   * starts, and creates the object shortly after, even if the caller was killed. Waiting avoids a needless second upload.
   */
  async #awaitCompletion(request: CommitRequest): Promise<HeadOutcome> {
    const waitMs = Math.min(MAX_WAIT_MS, MIN_WAIT_MS + request.target.sizeBytes / BYTES_PER_MS);
    for (let waitedMs = 0; ; waitedMs += POLL_INTERVAL_MS) {
      const found = await this.#head(request);
      const isWaiting = this.#driver.limits.completesLate === true && waitedMs < waitMs;
      if (!isWaiting || !isBase(found, request)) return found;
      await this.#clock.sleep(POLL_INTERVAL_MS, request.signal);
    }
  }

  #head({ key, signal }: CommitRequest): Promise<HeadOutcome> {
    return this.#driver.head(key, signal);
  }
}

/** Null when all parts are stored, else the outcome of the first that was not. After that no further part starts. */
async function storeAll<Outcome>(
  parts: Part[],
  atOnce: number,
  store: (part: Part) => Promise<Outcome | null>,
): Promise<Outcome | null> {
  let failed: Outcome | null = null;
  const work = async (): Promise<void> => {
    for (let part = parts.shift(); part !== undefined && failed === null; part = parts.shift()) {
      const outcome = await store(part);
      failed ??= outcome;
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: atOnce }, work));
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
  return failed;
}

/** The CRC-32 of what is kept and of all sent parts together. */
function combineParts(
  upload: OpenUpload,
  { keep }: MultipartPlan,
  ...more: (readonly [number, DonePart])[]
): number {
  return inOrder(upload.parts, more).reduce(
    (crc, [, part]) =>
      part.isCopied || part.crc32 === null ? crc : combineCrc32(crc, part.crc32, part.sizeBytes),
    keep?.crc32 ?? 0,
  );
}

function toCall({ id }: OpenUpload, { kept }: MultipartPlan, write: CommitRequest): Upload {
  return { id, write, kept };
}

/** False when the object is not the one that an append expects: its ETag is the same, but not its checksum. */
function hasChecksum(found: HeadOutcome, { base, keep }: MultipartPlan): boolean {
  if (found.status !== 'found' || base === undefined || keep?.sizeBytes !== base.sizeBytes) return true;
  return found.object.crc32 === null || found.object.crc32 === base.crc32;
}
