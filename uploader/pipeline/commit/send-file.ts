/**
 * Uploads one file: opens it, plans it, reads it, commits it, and records the commit, in this order.
 *
 * It knows nothing about other files; the caller decides whether and when to retry.
 *
 * Long because each step needs what the earlier ones have found.
 */

import { CodedError } from '../../../src/base/errors.js';
import { FileError, StoreConflictError, StoreLimitError } from '../../base/errors.js';
import type { FileStat } from '../../base/io/file-system.js';
import { isChangedWithin } from '../../base/io/file-version.js';
import type { FailedOutcome } from '../../base/retry-table.js';
import { isSameDirectory, readRunOrigin } from '../../run-directory/run-origin.js';
import type { ObjectVersion, PersistOutcome, StoredObject } from '../../store/base/store.js';
import { type FileId, FLAG } from '../inventory/file-table.js';
import type { JournalEntry, OpenIntent, Strategy } from '../journal/journal-entry.js';
import { toLane } from '../plan/lane-of.js';
import { type Decision, planFile, type UploadReason, type VerifyReason } from '../plan/planner.js';
import { isTooSlowToExtend, RECORD_TIMEOUT_MS } from '../plan/trigger.js';
import { chooseStrategy, REFRESH_AFTER_MS, toMinAppendBytes } from '../plan/upload-strategy.js';
import { OWN_FILES, openLocalFile } from '../source/local-file.js';
import type { CommitContext, SendOutcome } from './commit-context.js';
import { commitObject, type ObjectOutcome, recordStored } from './commit-object.js';
import { settleIntent } from './open-intents.js';
import { keepPreviousVersion } from './previous-versions.js';
import { commitSegment, findSegments, removeSegments } from './segments.js';
import { crc32OfContent, type StoredContent, toContent } from './stored-content.js';
import { findChecksum, headObject } from './stored-object.js';
import { crc32OfRange, findTarget, type KnownTarget, type LocalState, type Target } from './target.js';

/** How many times a commit may find that another writer has replaced the object. */
const MAX_CONFLICTS = 3;
/** Timestamps have a resolution of up to 10 ms on Linux file systems, and of 2 s on FAT. */
const RECENT_MS = 2_000;
const SPARSE_MIN_BYTES = 64 * 1024 * 1024;
const SPARSE_RATIO = 4;

type Attempt = SendOutcome | { readonly status: 'conflict' };

/** Sends or verifies a file. Rejects only when the signal is aborted, or on a bug in this program. */
export async function sendFile(
  id: FileId,
  context: CommitContext,
  signal?: AbortSignal,
): Promise<SendOutcome> {
  const { inventory, io } = context;
  const place = inventory.placeOf(id);
  if (place === null) return { status: 'failed', error: withoutDirectory(inventory.relPathOf(id)) };
  const problem = context.findProblem(id);
  if (problem !== null) return { status: 'failed', error: problem };
  try {
    const policy = inventory.table.has(id, FLAG.generated) ? OWN_FILES : context.openPolicy();
    const file = await openLocalFile(io.fileSystem, place, inventory.relPathOf(id), policy);
    try {
      return await new FileUpload({ id, file, version: file.opened }, context, signal).run();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof CodedError) return { status: 'failed', error };
    throw error;
  }
}

/** What the store has of a file: its object, and the object with the segments that continue it. */
interface KnownContent {
  readonly object: KnownTarget;
  readonly content: KnownTarget;
}

class FileUpload {
  readonly #local: LocalState;
  readonly #context: CommitContext;
  readonly #signal: AbortSignal | undefined;
  readonly #key: string;
  readonly #startedMs: number;
  /** When the file was opened, in wall-clock time like file timestamps. */
  readonly #openedWallMs: number;
  #mayAppend = true;

  constructor(local: LocalState, context: CommitContext, signal: AbortSignal | undefined) {
    this.#local = local;
    this.#context = context;
    this.#signal = signal;
    this.#key = context.inventory.keyOf(local.id);
    this.#startedMs = context.io.clock.monotonicMs();
    this.#openedWallMs = context.io.clock.wallTime() * 1000;
  }

  async run(): Promise<SendOutcome> {
    const { inventory } = this.#context;
    const { id, version } = this.#local;
    inventory.check(id, version);
    const open = inventory.intents.get(id);
    if (open !== undefined) {
      const settled = await settleIntent(this.#local, open, this.#context, this.#signal);
      if (settled.status === 'failed') return settled;
      if (settled.status === 'resumable') {
        const resumed = await this.#resume(settled.open);
        // The file had the rest already, so it is part of this attempt.
        return resumed.status === 'stored' && resumed.sizeBytes < version.sizeBytes
          ? this.#continue(resumed)
          : resumed;
      }
    }
    return this.#plan();
  }

  /** Sends what the file has besides the bytes that an earlier process wanted to send. */
  async #continue(resumed: Extract<SendOutcome, { status: 'stored' }>): Promise<SendOutcome> {
    const outcome = await this.#plan();
    if (outcome.status === 'waiting') return { ...resumed, held: outcome.error };
    if (outcome.status === 'unchanged' || outcome.status === 'verified') return resumed;
    return outcome.status === 'stored' ? { ...outcome, reason: resumed.reason } : outcome;
  }

  async #plan(): Promise<SendOutcome> {
    const { inventory } = this.#context;
    const { id, version } = this.#local;
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
      const decision = planFile(inventory.facts(id, version));
      const outcome = await this.#carryOut(decision);
      if (outcome.status !== 'conflict') return outcome;
      // Another writer replaced the object: plan again, so that its content is kept.
      const found = await headObject(this.#key, this.#context, this.#signal);
      if (found.status === 'failed') return found;
      const object = found.status === 'found' ? found.object : null;
      // Same ETag, but the append failed: the bytes of the object differ from the acknowledged ones.
      if (object?.etag === decision.base?.etag) this.#mayAppend = false;
      inventory.setObject(id, object);
    }
    return { status: 'failed', error: new StoreConflictError(this.#key) };
  }

  #carryOut(decision: Decision): Promise<Attempt> {
    switch (decision.action) {
      case 'skip':
        return Promise.resolve({ status: 'unchanged' });
      case 'wait':
        return this.#upload('grown', decision.base);
      case 'upload':
        this.#reportStarted(decision.reason);
        return this.#upload(decision.reason, decision.base);
      case 'verify':
        this.#reportStarted(decision.reason);
        return this.#verify(decision.base);
    }
  }

  async #verify(base: ObjectVersion | null): Promise<Attempt> {
    const { id, version } = this.#local;
    if (base === null) return { status: 'conflict' };
    const found = await this.#findStored(base);
    if (found.status !== 'found') return found;
    const known = { sizeBytes: found.object.sizeBytes, crc32: found.crc32 };
    const target = await this.#findTarget(known, false);
    if (target === null) return { status: 'changed' };
    if (target.keptBytes !== version.sizeBytes) return this.#send('rewritten', base, known.crc32, target);
    const { etag, sizeBytes } = found.object;
    const generation = this.#findGeneration(found.object);
    if (this.#isContinued(generation, target))
      return this.#send('rewritten', base, known.crc32, { ...target, keptBytes: 0 });
    const { store, retryPolicy } = this.#context;
    const persist = async (): Promise<PersistOutcome> =>
      (await store.persist?.(this.#key)) ?? { status: 'persisted' };
    const persisted = await retryPolicy.withRetry(`sync ${this.#key}`, persist, { signal: this.#signal });
    if (persisted.status === 'failed') return persisted;
    const proven = { ...this.#toEntry(target, generation), crc32: known.crc32 };
    await recordStored(id, { ...proven, object: { etag, sizeBytes } }, this.#context);
    this.#remember(target);
    return { status: 'verified', sizeBytes };
  }

  async #upload(reason: UploadReason, base: ObjectVersion | null): Promise<Attempt> {
    const tooLarge = this.#findLimit();
    if (tooLarge !== null) return { status: 'failed', error: tooLarge };
    this.#reportSparse();
    const found = await this.#findKnown(base);
    if (found !== null && 'status' in found) return found;
    const compared = await this.#findTarget(found?.content ?? null, true);
    if (compared === null) return { status: 'changed' };
    // The first bytes are those of the whole content. Without segments, only the object itself is kept.
    const keptBytes = this.#usesSegments() ? compared.keptBytes : (found?.object.sizeBytes ?? 0);
    const target = compared.keptBytes === 0 ? compared : { ...compared, keptBytes };
    const hasNews = target.sizeBytes > target.keptBytes || target.keptBytes === 0;
    if (hasNews && (target.sizeBytes > 0 || this.#local.version.sizeBytes === 0))
      return this.#send(reason, base, found?.object.crc32 ?? 0, target);
    return this.#waitForRecord(target);
  }

  /** F33: checked before the first byte is read. */
  #findLimit(): StoreLimitError | null {
    const { maxObjectBytes } = this.#context.store.capabilities;
    const { sizeBytes } = this.#local.version;
    if (sizeBytes <= maxObjectBytes) return null;
    return new StoreLimitError(
      `${this.#key} has ${sizeBytes} bytes, the store accepts at most ${maxObjectBytes}`,
    );
  }

  /** F31: reports a sparse file, which is uploaded with all its zeros. */
  #reportSparse(): void {
    const { sizeBytes, allocatedBytes } = this.#local.version;
    if (sizeBytes < SPARSE_MIN_BYTES || allocatedBytes * SPARSE_RATIO > sizeBytes) return;
    const message = `${this.#key} is sparse: it uses ${allocatedBytes} bytes on disk, but ${sizeBytes} bytes are sent`;
    this.#context.onEvent({ kind: 'notice', code: 'NOTICE_SPARSE', message });
  }

  /** What the store has of a file that is not shorter than its object; null for nothing. */
  async #findKnown(
    base: ObjectVersion | null,
  ): Promise<KnownContent | FailedOutcome | { status: 'conflict' } | null> {
    const { inventory } = this.#context;
    const { id, version } = this.#local;
    if (base === null || base.sizeBytes === 0 || version.sizeBytes < base.sizeBytes) return null;
    const found = await this.#findStored(base);
    if (found.status !== 'found') return found;
    const object = { sizeBytes: base.sizeBytes, crc32: found.crc32 };
    const generation = this.#findGeneration(found.object);
    const end = inventory.segmentEndOf(id, generation);
    // `#prepare` handles segments that reach beyond the end of the file.
    if (end <= base.sizeBytes || end > version.sizeBytes) return { object, content: object };
    const segment = inventory.segments.get(id);
    if (segment?.end === end && inventory.entryOf(id)?.object.etag === base.etag)
      return { object, content: { sizeBytes: end, crc32: segment.crc32 } };
    // A process that was killed before it could record it, or whose state is lost, has stored a segment.
    const content = await this.#findContent(base, generation);
    if ('status' in content) return content;
    const { sizeBytes } = content;
    const read = await crc32OfContent(content, sizeBytes, this.#context, this.#signal);
    return read.status === 'read' ? { object, content: { sizeBytes, crc32: read.crc32 } } : read;
  }

  async #findContent(base: ObjectVersion, generation: number): Promise<StoredContent | FailedOutcome> {
    const { inventory } = this.#context;
    const { id } = this.#local;
    const { uuid } = inventory.runOf(id);
    const segments = await findSegments(uuid, inventory.relPathOf(id), this.#context, this.#signal);
    return 'status' in segments ? segments : toContent(this.#key, base, segments, generation);
  }

  /** The object and its checksum: from the journal if it has acknowledged the object, else from the store. */
  async #findStored(
    base: ObjectVersion,
  ): Promise<
    | { readonly status: 'found'; readonly object: StoredObject; readonly crc32: number }
    | { readonly status: 'conflict' }
    | FailedOutcome
  > {
    const entry = this.#context.inventory.entryOf(this.#local.id);
    if (entry?.object.etag === base.etag) {
      const { crc32, generation = 0 } = entry;
      return { status: 'found', object: { ...base, crc32, commitId: null, generation }, crc32 };
    }
    const found = await findChecksum(this.#key, this.#context, this.#signal);
    if (found.status === 'failed') return found;
    return found.status === 'absent' || found.object.etag !== base.etag ? { status: 'conflict' } : found;
  }

  #findTarget(known: KnownTarget | null, isSampleEnough: boolean): Promise<Target | null> {
    return findTarget(this.#local, known, this.#context, { isSampleEnough, signal: this.#signal });
  }

  async #send(
    reason: UploadReason,
    base: ObjectVersion | null,
    baseCrc32: number,
    planned: Target,
  ): Promise<Attempt> {
    const { inventory } = this.#context;
    const { id } = this.#local;
    if (await this.#isReplaced()) return { status: 'changed' };
    const prepared = await this.#prepare(base, planned);
    if (prepared.status !== 'ready') return prepared;
    const { generation, target } = prepared;
    const { store } = this.#context;
    if (target.keptBytes === 0 && this.#mustRemoveSegments()) {
      const left = await removeSegments(id, this.#context, this.#signal);
      if (left !== null) return left;
    }
    if (target.keptBytes >= toMinAppendBytes(store)) store.askInBackground?.();
    const strategy = this.#chooseStrategy(base, target);
    const outcome = await this.#commit(strategy, base, baseCrc32, { target, generation });
    if (outcome.status === 'unsupported') {
      this.#mayAppend = false;
      return this.#send(reason, base, baseCrc32, planned);
    }
    if (outcome.status === 'changed') inventory.growth.delete(id);
    if (outcome.status !== 'stored') return outcome;
    await this.#settle(target, strategy);
    return { status: 'stored', sizeBytes: target.sizeBytes, reason, strategy, held: this.#findHeld(target) };
  }

  /**
   * Decides whether `base` may be replaced, and keeps it as a previous version if needed. This is the only place that decides it: an
   * object is replaced without a copy only if the file extends it, or if the file is an artifact, such as a checkpoint, the journal has
   * acknowledged exactly this object, and no segments have to be removed before. Nothing of an object is kept if segments continue it beyond the end of the file.
   */
  async #prepare(
    base: ObjectVersion | null,
    target: Target,
  ): Promise<
    | { readonly status: 'ready'; readonly generation: number; readonly target: Target }
    | { readonly status: 'conflict' }
    | FailedOutcome
  > {
    const { inventory, onEvent } = this.#context;
    const { id } = this.#local;
    if (base !== null && base.sizeBytes > 0 && target.keptBytes === 0) {
      const error = await this.#context.findDeleted(id);
      if (error !== null) return { status: 'failed', error };
    }
    const entry = inventory.entryOf(id);
    const isAcknowledged = base !== null && entry?.object.etag === base.etag;
    const known = entry?.generation ?? 0;
    const rewritten = { ...target, keptBytes: 0 };
    if (base === null)
      return { status: 'ready', generation: this.#toFreshGeneration(known), target: rewritten };
    const extendsObject = (generation: number): boolean =>
      target.keptBytes > 0 && !this.#isContinued(generation, target);
    if (isAcknowledged && extendsObject(known)) return { status: 'ready', generation: known, target };
    const isOurs = isAcknowledged && (await this.#isOwnDirectory());
    if (isOurs && !inventory.isAppended(id) && !this.#mustRemoveSegments())
      return { status: 'ready', generation: this.#toFreshGeneration(known), target: rewritten };
    const found = await this.#findStored(base);
    if (found.status !== 'found') return found;
    const generation = this.#findGeneration(found.object);
    if (extendsObject(generation)) return { status: 'ready', generation, target };
    const isBehind = isOurs ? false : await this.#isBehind(base, generation);
    if (typeof isBehind !== 'boolean') return isBehind;
    if (isBehind) {
      const error = behind(inventory.relPathOf(id), this.#local.version.sizeBytes, base);
      return { status: 'failed', error };
    }
    const replaced = { object: base, crc32: found.crc32, generation, isOurs };
    const kept = await keepPreviousVersion(id, replaced, this.#context, this.#signal);
    if (kept.status !== 'kept') return kept;
    if (!isOurs && kept.key !== null) {
      const message = `${this.#key}: the store had other content, which this uploader did not store; it is kept as ${kept.key}`;
      onEvent({ kind: 'notice', code: 'NOTICE_REPLACED_OTHER', message });
    }
    return { status: 'ready', generation: kept.generation, target: rewritten };
  }

  /** Whether the run directory is still the one that the journal knows: another one in its place acknowledges nothing. */
  async #isOwnDirectory(): Promise<boolean> {
    const { inventory, io } = this.#context;
    const { directory, owner } = inventory.runOf(this.#local.id);
    if (directory === null || owner === null) return directory !== null;
    const origin = await readRunOrigin(io.fileSystem, directory, owner.origin.host);
    return origin !== null && isSameDirectory(origin, owner.origin);
  }

  /** Whether readers of the store could not know that the segments are not part of a new object. */
  #mustRemoveSegments(): boolean {
    const { inventory, store } = this.#context;
    return !store.capabilities.metadata && inventory.newestSegmentsOf(this.#local.id) !== null;
  }

  /** The count of restarts for new content: segments of earlier content, also of an earlier process, must not continue it. */
  #toFreshGeneration(generation: number): number {
    const newest = this.#context.inventory.newestSegmentsOf(this.#local.id);
    return newest === null ? generation : Math.max(generation, newest + 1);
  }

  /** The count of restarts of the file whose object this is. For a store without metadata, the names of the segments have it. */
  #findGeneration({ generation }: StoredObject): number {
    return generation ?? this.#context.inventory.newestSegmentsOf(this.#local.id) ?? 0;
  }

  /** Whether segments would continue the object beyond the end of the file. */
  #isContinued(generation: number, { sizeBytes }: Target): boolean {
    return this.#context.inventory.segmentEndOf(this.#local.id, generation) > sizeBytes;
  }

  /** F98: whether a log or event file has only the beginning of the stored content, as an older copy has. */
  async #isBehind(
    base: ObjectVersion,
    generation: number,
  ): Promise<boolean | { readonly status: 'conflict' } | FailedOutcome> {
    const { inventory, takesOver } = this.#context;
    const { id, version, file } = this.#local;
    const { sizeBytes } = version;
    if (takesOver || inventory.shortened.has(id) || inventory.classOf(id) === 'artifact') return false;
    const content = await this.#findContent(base, generation);
    if ('status' in content) return content;
    if (sizeBytes >= content.sizeBytes) return false;
    const stored = await crc32OfContent(content, sizeBytes, this.#context, this.#signal);
    if (stored.status !== 'read') return stored;
    return (
      (await crc32OfRange(file, { start: 0, end: sizeBytes }, this.#context, this.#signal)) === stored.crc32
    );
  }

  #chooseStrategy(base: ObjectVersion | null, target: Target): Strategy {
    const { inventory, store } = this.#context;
    const { id } = this.#local;
    const last = inventory.commits.get(id);
    const { strategy } = chooseStrategy({
      targetBytes: target.sizeBytes,
      keptBytes: target.keptBytes === 0 ? 0 : (base?.sizeBytes ?? 0),
      sinceCommitMs: last === undefined ? 0 : this.#startedMs - last.atMs,
      isLive: this.#isGrowing(),
      isSlow: last !== undefined && isTooSlowToExtend(last.repeatMs),
      capabilities: this.#mayAppend ? store.capabilities : { ...store.capabilities, append: null },
      minAppendBytes: toMinAppendBytes(store),
    });
    return strategy;
  }

  async #commit(
    strategy: Strategy,
    base: ObjectVersion | null,
    foundCrc32: number,
    { target, generation }: { target: Target; generation: number },
  ): Promise<ObjectOutcome> {
    const { inventory } = this.#context;
    const { id, file } = this.#local;
    const lane = toLane(inventory.classOf(id), target.sizeBytes - target.keptBytes);
    const entry = this.#toEntry(target, generation);
    const baseCrc32 = this.#findBaseCrc32(base) ?? foundCrc32;
    if (strategy === 'segment' && base !== null) {
      // The file begins with an object that the journal does not know. Without this, each segment would begin again where the object ends.
      if (this.#findBaseCrc32(base) === undefined)
        await recordStored(id, { ...entry, crc32: baseCrc32, object: base }, this.#context);
      const plan = { start: target.keptBytes, target, generation, lane };
      return commitSegment(this.#local, plan, this.#context, this.#signal);
    }
    const targetBytes = target.sizeBytes;
    const outcome = await commitObject(
      { id, source: file, strategy, base, baseCrc32, targetBytes, entry, lane, resumed: null },
      this.#context,
      this.#signal,
    );
    if (outcome.status === 'stored') this.#remember(target);
    return outcome;
  }

  /** Resumes the commit of an earlier process. The file may have gained bytes since. */
  async #resume(open: OpenIntent): Promise<SendOutcome> {
    const { inventory } = this.#context;
    const { id, file } = this.#local;
    const { strategy, base, entry, targetBytes } = open.intent;
    this.#reportStarted('new');
    const lane = toLane(inventory.classOf(id), targetBytes);
    const baseCrc32 = this.#findBaseCrc32(base) ?? (await this.#crc32OfFirst(base?.sizeBytes ?? 0));
    const outcome = await commitObject(
      { id, source: file, strategy, base, baseCrc32, targetBytes, entry, lane, resumed: open },
      this.#context,
      this.#signal,
    );
    if (outcome.status === 'failed') return outcome;
    if (outcome.status !== 'stored') return { status: 'changed' };
    await this.#recheck();
    return { status: 'stored', sizeBytes: targetBytes, reason: 'new', strategy, held: null };
  }

  /** The recorded CRC-32 of `base`; undefined if the journal has another object, such as one stored by a killed process. */
  #findBaseCrc32(base: ObjectVersion | null): number | undefined {
    const entry = this.#context.inventory.entryOf(this.#local.id);
    return base !== null && entry?.object.etag === base.etag ? entry.crc32 : undefined;
  }

  /** CRC-32 of the first bytes of the file. If the object has other bytes, the store rejects the combined checksum. */
  async #crc32OfFirst(sizeBytes: number): Promise<number> {
    const range = { start: 0, end: sizeBytes };
    return (await crc32OfRange(this.#local.file, range, this.#context, this.#signal)) ?? 0;
  }

  #toEntry(target: Target, generation: number | undefined): Omit<JournalEntry, 'object'> {
    const { sizeBytes, mtimeNs, ctimeNs, ino } = this.#local.version;
    // A generated file only grows, so its size shows each change.
    const isGenerated = this.#context.inventory.table.has(this.#local.id, FLAG.generated);
    const isRecent = !isGenerated && isChangedWithin(this.#local.version, this.#openedWallMs, RECENT_MS);
    return {
      key: this.#key,
      file: { sizeBytes, mtimeNs, ctimeNs, ino },
      crc32: target.crc32,
      isRecent: isRecent || !target.isProven,
      generation: generation ?? 0,
    };
  }

  async #settle(target: Target, strategy: Strategy): Promise<void> {
    const { inventory, io } = this.#context;
    const { id } = this.#local;
    const atMs = io.clock.monotonicMs();
    const durationMs = atMs - this.#startedMs;
    if (target.keptBytes > 0) inventory.table.set(id, FLAG.appends);
    if (strategy !== 'segment' && inventory.isAppended(id)) {
      const repeatMs = (durationMs * target.keptBytes) / Math.max(target.sizeBytes, 1);
      inventory.commits.set(id, { atMs, durationMs, repeatMs });
    }
    // It is unknown when an earlier process has uploaded the object: count from its first segment in this one.
    if (strategy === 'segment' && !inventory.commits.has(id))
      inventory.commits.set(id, { atMs, durationMs: 0, repeatMs: 0 });
    await this.#recheck();
    inventory.restartAge(id, this.#startedMs);
  }

  /** The file is expected to grow, and this process keeps running to send the rest. */
  #isGrowing(): boolean {
    return this.#context.isWatching && this.#context.isLive(this.#context.inventory.runOf(this.#local.id));
  }

  /** The tail goes into segments until the object itself is due for a new upload. */
  #usesSegments(): boolean {
    const { atMs = this.#startedMs } = this.#context.inventory.commits.get(this.#local.id) ?? {};
    return this.#isGrowing() && this.#startedMs - atMs < REFRESH_AFTER_MS;
  }

  /** Checks the file again after it was sent: if it grew or was replaced meanwhile, it becomes dirty again. */
  async #recheck(): Promise<void> {
    const { inventory, io } = this.#context;
    const { id, file } = this.#local;
    let named: FileStat | null = null;
    try {
      named = await io.fileSystem.lstat(file.path);
    } catch {
      // Deleted or inaccessible after it was stored: the scanner reports that.
    }
    inventory.check(id, named?.kind === 'file' ? named : await file.stat());
  }

  /** Keeps the growth state, so that the next check of a growing file is cheap. */
  #remember({ growth }: Target): void {
    const { inventory } = this.#context;
    const { id } = this.#local;
    if (growth === null || !inventory.isAppended(id)) inventory.growth.delete(id);
    else inventory.growth.set(id, growth);
  }

  /** F17: returns true when another file has taken the name. A replaced log is still sent, because the store lacks its tail. */
  async #isReplaced(): Promise<boolean> {
    const { inventory, io } = this.#context;
    const { id, file, version } = this.#local;
    if (inventory.isAppended(id)) return false;
    try {
      return (await io.fileSystem.lstat(file.path)).ino !== version.ino;
    } catch {
      return false; // deleted: only the open file still has the bytes
    }
  }

  /** Waits for the rest of an incomplete record; all whole records are stored. */
  #waitForRecord(target: Target): SendOutcome {
    const { inventory } = this.#context;
    const { id, version } = this.#local;
    const entry = inventory.entryOf(id);
    const { sizeBytes, mtimeNs, ctimeNs, ino } = version;
    // Remember this version, so that only another change makes the file dirty.
    if (entry !== null && target.keptBytes > 0)
      inventory.setEntry(id, { ...entry, file: { sizeBytes, mtimeNs, ctimeNs, ino } });
    const forMs = Math.max(0, RECORD_TIMEOUT_MS - this.#context.quietMs(id, version));
    return {
      status: 'waiting',
      forMs,
      error: unfinished(inventory.relPathOf(id), sizeBytes - target.sizeBytes),
    };
  }

  #findHeld(target: Target): FileError | null {
    const heldBytes = this.#local.version.sizeBytes - target.sizeBytes;
    return heldBytes === 0 ? null : unfinished(this.#context.inventory.relPathOf(this.#local.id), heldBytes);
  }

  #reportStarted(reason: UploadReason | VerifyReason): void {
    const { sizeBytes } = this.#local.version;
    this.#context.onEvent({ kind: 'started', key: this.#key, sizeBytes, reason });
  }
}

/** The run lost its directory after the file was queued. */
function withoutDirectory(path: string): FileError {
  return new FileError('ERR_FILE_VANISHED', path, 'its directory no longer has the run', 'Sync again.');
}

function behind(path: string, sizeBytes: number, { sizeBytes: storedBytes }: ObjectVersion): FileError {
  const found = `it has ${sizeBytes} bytes, which are the beginning of the ${storedBytes} bytes in the store; older bytes never replace newer ones`;
  const hint =
    'If this is an older copy of the run, remove it or restore the newer files with polytrack pull. If the file was shortened on purpose, sync once with --take-over.';
  return new FileError('ERR_FILE_BEHIND', path, found, hint);
}

function unfinished(path: string, tailBytes: number): FileError {
  const found = `its last ${tailBytes} bytes are an incomplete record`;
  const hint =
    'Sync again when its writer has added more; after 30 s without a change the bytes are stored unchanged.';
  return new FileError('ERR_FILE_UNFINISHED', path, found, hint);
}
