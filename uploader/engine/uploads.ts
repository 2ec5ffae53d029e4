/**
 * Decides which files the workers may take, and what follows from each outcome.
 *
 * A one-time sync gives up on a file that fails, and leaves what is added meanwhile to the next sync. A watch tries again, and pauses while the store
 * rejects everything.
 */

import { setMaxListeners } from 'node:events';
import { inBackground } from '../../src/base/background.js';
import type { CodedError } from '../../src/base/errors.js';
import { FileError, StoreError, withoutStacks } from '../base/errors.js';
import { LANES, type Lane } from '../base/limits/lanes.js';
import type { CommitContext, SendOutcome } from '../pipeline/commit/commit-context.js';
import { type FileId, FLAG } from '../pipeline/inventory/file-table.js';
import type { JournalWriter } from '../pipeline/journal/journal-writer.js';
import type { UploadReason } from '../pipeline/plan/planner.js';
import type { WorkQueue } from '../pipeline/plan/work-queue.js';
import type { Upload } from '../pipeline/report/sync-report.js';
import type { UploaderContext } from './context/uploader-context.js';
import { createCommitContext, createQueue } from './create-commit-context.js';
import type { WorkOnFiles } from './file-evidence.js';
import { MAX_CHANGES, Schedule } from './schedule.js';
import { Workers, type WorkHandler } from './workers.js';

type StoredOutcome = Extract<SendOutcome, { status: 'stored' }>;

/** F44 allows five minutes; retry every minute so that renewed credentials are picked up sooner. */
const PAUSE_MS = 60_000;
/** How long a file is left alone after an outcome that another check of it resolves. */
const RECHECK_MS = 250;
const VANISHED_RECHECK_MS = 1_000;

export class Uploads implements WorkHandler {
  readonly endsWhenEmpty: boolean;
  readonly queue: WorkQueue;
  readonly schedule: Schedule;
  readonly workers: Workers;
  readonly commitContext: CommitContext;
  isDraining = false;
  readonly #context: UploaderContext;
  readonly #isOnce: boolean;
  readonly #stored = new Map<FileId, UploadReason>();
  readonly #verified = new Map<FileId, number>();
  /** Aborts all calls in flight. */
  readonly #abort = new AbortController();
  readonly #abortLarge = new AbortController();
  #largeSignal: AbortSignal;
  /** Replaced when the transfers in flight are aborted and others continue. */
  #transfers = new AbortController();
  #transferSignal: AbortSignal;
  /** Set while the store rejects everything: from this time on, one file at a time tests the store. */
  #pausedUntilMs: number | null = null;

  constructor(context: UploaderContext, journalWriter: JournalWriter) {
    this.#context = context;
    this.#isOnce = !context.isWatching;
    this.endsWhenEmpty = this.#isOnce;
    this.queue = createQueue(context);
    this.schedule = new Schedule(context, this.queue);
    this.commitContext = createCommitContext(context, journalWriter);
    const { limit } = context;
    this.workers = new Workers({ queue: this.queue, context: this.commitContext, limit, handler: this });
    setMaxListeners(0, this.#abort.signal); // one listener for each call in flight is not a leak
    [this.#transferSignal, this.#largeSignal] = this.#createSignals();
    context.runKeepers.push({
      onForgotten: (_run, ids) => {
        this.schedule.forget(ids);
        for (const id of ids)
          for (const facts of [this.#stored, this.#verified, this.commitContext.damage]) facts.delete(id);
      },
    });
  }

  /** Aborted at the end of the work, with all calls in flight. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get isPaused(): boolean {
    return this.#pausedUntilMs !== null;
  }

  get files(): WorkOnFiles {
    return { stored: this.#stored, verified: this.#verified, failures: this.schedule.failures };
  }

  /** Bytes of the files that were compared and not sent. */
  get verifiedBytes(): number {
    let bytes = 0;
    for (const [id, sizeBytes] of this.#verified) if (!this.#stored.has(id)) bytes += sizeBytes;
    return bytes;
  }

  /** The files that were stored. */
  toUploads(): Upload[] {
    const { inventory } = this.#context;
    return [...this.#stored].map(([id, reason]) => {
      return { key: inventory.keyOf(id), sizeBytes: inventory.table.objectBytes[id]!, reason };
    });
  }

  /** Aborts all calls in flight. A one-time sync also gives up on all files that are still queued. */
  abort(): void {
    this.#abort.abort();
    if (this.#isOnce) this.dropQueue(aborted);
    this.workers.wake();
  }

  /** Aborts all transfers in flight. The files are considered again. */
  abortTransfers(): void {
    const aborted = this.#transfers;
    this.#transfers = new AbortController();
    [this.#transferSignal, this.#largeSignal] = this.#createSignals();
    aborted.abort();
  }

  abortLarge(): void {
    this.#abortLarge.abort();
  }

  /** Gives up on all files that are queued. */
  dropQueue(toError: (path: string) => CodedError): void {
    for (const id of this.queue.drain()) this.giveUp(id, toError(this.#context.inventory.relPathOf(id)));
  }

  /** Records that a file is not stored, and why. */
  giveUp(id: FileId, error: CodedError): void {
    this.schedule.onFailure(id, error);
    this.#report(id, error);
  }

  /** Pauses uploads while the store rejects everything. Time may fix the cause: credentials are renewed, buckets are created. */
  pause(error: CodedError): void {
    const { clock, onNotice } = this.#context;
    if (this.#pausedUntilMs === null)
      onNotice({ code: 'NOTICE_STORE_REJECTS', message: `${error.message}; retrying every minute` });
    this.#pausedUntilMs = clock.monotonicMs() + PAUSE_MS;
  }

  // The handler of the workers.

  lanes(): readonly Lane[] {
    if (this.#abort.signal.aborted) return [];
    if (this.#pausedUntilMs !== null) {
      const mayTest =
        this.#context.clock.monotonicMs() >= this.#pausedUntilMs && this.workers.activeCount === 0;
      return mayTest ? LANES : [];
    }
    if (!this.isDraining) return LANES;
    // During shutdown, lanes run strictly in order and large files are left for the next process to resume.
    const next = LANES.find((lane) => lane !== 'large' && this.queue.hasReady(lane));
    return next === undefined ? [] : [next];
  }

  signalOf(lane: Lane): AbortSignal {
    return lane === 'large' ? this.#largeSignal : this.#transferSignal;
  }

  mayStart(id: FileId): boolean {
    return this.#isOnce || this.#context.owns(id);
  }

  delayMsOf(id: FileId): number {
    return this.schedule.delayMsOf(id);
  }

  onAborted(id: FileId): void {
    if (this.#isOnce) this.giveUp(id, aborted(this.#context.inventory.relPathOf(id)));
    else this.schedule.hold(id, RECHECK_MS);
  }

  onOutcome(id: FileId, outcome: SendOutcome): void {
    const { inventory, emit } = this.#context;
    if (outcome.status !== 'failed') this.#onAccepted(id);
    switch (outcome.status) {
      case 'stored':
        this.#onStored(id, outcome);
        break;
      case 'verified':
        this.#verified.set(id, outcome.sizeBytes);
        emit({ kind: 'verified', key: inventory.keyOf(id), sizeBytes: outcome.sizeBytes });
        if (this.#isOnce && this.#isRewritten(id)) this.#onChanged(id);
        else this.schedule.onVerified(id);
        break;
      case 'unchanged':
        this.schedule.onDone(id);
        break;
      case 'waiting':
        if (this.#isOnce) this.giveUp(id, outcome.error);
        else this.schedule.hold(id, this.#toWaitMs(id, outcome.forMs));
        break;
      case 'changed':
        this.#onChanged(id);
        break;
      case 'failed':
        this.#onFailed(id, outcome.error);
    }
  }

  #createSignals(): [AbortSignal, AbortSignal] {
    const signals = [this.#abort.signal, this.#transfers.signal];
    const created: [AbortSignal, AbortSignal] = [
      AbortSignal.any(signals),
      AbortSignal.any([...signals, this.#abortLarge.signal]),
    ];
    for (const signal of created) setMaxListeners(0, signal);
    return created;
  }

  #onAccepted(id: FileId): void {
    const { inventory, onNotice } = this.#context;
    const run = inventory.runOf(id);
    if (run.lastError?.path === inventory.relPathOf(id)) run.lastError = null;
    if (this.#pausedUntilMs === null) return;
    this.#pausedUntilMs = null;
    onNotice({ code: 'NOTICE_STORE_RECOVERED', message: 'the store accepts files again' });
    this.schedule.forgiveStore();
  }

  #onStored(id: FileId, { sizeBytes, reason, strategy, held }: StoredOutcome): void {
    const { inventory, emit } = this.#context;
    emit({ kind: 'stored', key: inventory.keyOf(id), sizeBytes, reason, strategy });
    this.#stored.set(id, reason);
    // A file that only grew is done in a sync; the next one sends the rest. Otherwise a log in constant use would never be done.
    if (this.#isOnce && this.#isRewritten(id)) this.#onChanged(id);
    else if (this.#isOnce && held !== null) this.giveUp(id, held);
    else this.schedule.onDone(id);
  }

  #onChanged(id: FileId): void {
    const { inventory, emit } = this.#context;
    const attempt = this.schedule.onChanged(id);
    if (attempt < MAX_CHANGES || !this.#isOnce) emit({ kind: 'requeued', key: inventory.keyOf(id), attempt });
    if (attempt < MAX_CHANGES) return;
    if (this.#isOnce) {
      this.#stored.delete(id);
      this.giveUp(id, unstable(inventory.relPathOf(id), 'Sync again when no process writes to the file.'));
    } else this.#report(id, unstable(inventory.relPathOf(id), 'Wait for the next attempt in a minute.'));
  }

  #onFailed(id: FileId, error: CodedError): void {
    const concernsAllFiles = error instanceof StoreError && error.concernsAllFiles;
    if (this.#isOnce) {
      this.giveUp(id, error);
      if (concernsAllFiles) this.dropQueue(() => error);
    } else if (concernsAllFiles) {
      this.schedule.hold(id, RECHECK_MS);
      this.pause(error);
    } else inBackground(this.#judge(id, error), () => this.giveUp(id, error));
  }

  /** A file that changed while it was read becomes due anyway. */
  #toWaitMs(id: FileId, forMs: number): number {
    const { table } = this.#context.inventory;
    const isSeen = table.has(id, FLAG.same) || !table.has(id, FLAG.journalled);
    return isSeen ? Math.max(RECHECK_MS, forMs) : RECHECK_MS;
  }

  /** Records a failure, unless the file was deleted or the whole root is unavailable. */
  async #judge(id: FileId, error: CodedError): Promise<void> {
    if (error instanceof FileError) {
      const isThere = await this.#context.rootWatch.isThere();
      // The scanner handles deleted files; a retry would be useless.
      if (!isThere || error.code === 'ERR_FILE_VANISHED') {
        this.schedule.hold(id, VANISHED_RECHECK_MS);
        return;
      }
    }
    this.giveUp(id, error);
  }

  /** Whether the stored bytes may not be a prefix of the file. One that has become longer has only grown if it is known to be appended to. */
  #isRewritten(id: FileId): boolean {
    const { inventory } = this.#context;
    const { table } = inventory;
    if (!table.has(id, FLAG.dirty) || table.has(id, FLAG.same)) return false;
    return table.seenBytes[id]! <= table.fileBytes[id]! || !inventory.isAppended(id);
  }

  #report(id: FileId, error: CodedError): void {
    const { inventory, emit } = this.#context;
    inventory.runOf(id).lastError = { path: inventory.relPathOf(id), error };
    emit({ kind: 'unsent', key: inventory.keyOf(id), error });
  }
}

export function aborted(path: string): FileError {
  const found = 'the sync was interrupted before the file was sent';
  return withoutStacks(() => new FileError('ERR_ABORTED', path, found, 'Sync again.'));
}

function unstable(path: string, hint: string): FileError {
  const found = `it changed while it was read, ${MAX_CHANGES} times in a row`;
  return new FileError('ERR_FILE_UNSTABLE', path, found, hint);
}
