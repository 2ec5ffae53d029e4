/**
 * Decides when each dirty file is queued: immediately, at a later time, or after a pause when an upload failed. A one-time sync queues each planned
 * file once, and again only if it changes while it is read.
 *
 * Holds only file ids and times; everything else comes from the inventory.
 */

import type { CodedError } from '../../src/base/errors.js';
import { FileError, StoreError } from '../base/errors.js';
import { ExportRate } from '../base/limits/export-rate.js';
import { RepeatBudget } from '../base/limits/repeat-budget.js';
import { type FileId, FLAG } from '../pipeline/inventory/file-table.js';
import { limitRepeatWait, msUntilDue, QUIET_MS } from '../pipeline/plan/trigger.js';
import { REFRESH_AFTER_MS, toMinAppendBytes } from '../pipeline/plan/upload-strategy.js';
import type { WorkQueue } from '../pipeline/plan/work-queue.js';
import type { Store } from '../store/base/store.js';
import { projectsOf } from '../store/open-store.js';
import type { UploaderContext } from './context/uploader-context.js';

/** Why a file is not stored, and when it is retried. */
interface Failure {
  readonly error: CodedError;
  readonly tries: number;
  readonly untilMs: number;
}

const FIRST_FAILURE_PAUSE_MS = 5_000;
const MAX_FAILURE_PAUSE_MS = 300_000;
/** A file that changes while it is read is retried soon. After `MAX_CHANGES` attempts it is reported and paused for longer. */
const CHANGE_PAUSE_MS = 500;
const CHANGE_DELAY_MS = 50;
export const MAX_CHANGES = 5;
const UNSTABLE_PAUSE_MS = 60_000;

/** How many growing files are sent again while runs are active. */
interface GrowthLimits {
  /** Polyaxon event files to update each second, on average. */
  readonly exportRate: number;
  /** See `RepeatBudget`; undefined for its default. */
  readonly repeatedBytesPerSecond: number | undefined;
}

/** Each request to a bucket costs money. */
const LIMITS: GrowthLimits = { exportRate: 10, repeatedBytesPerSecond: undefined };
/** A Polyaxon server charges for nothing, shows what it has, and extends no files: docs/decisions/0101. */
const POLYAXON_LIMITS: GrowthLimits = { exportRate: 100, repeatedBytesPerSecond: 1024 * 1024 };

/** Returns the limits for a store. `exportRate`: that of the user, if there is one. */
export function toGrowthLimits(store: Store, exportRate: number | undefined): GrowthLimits {
  const limits = projectsOf(store) === null ? LIMITS : POLYAXON_LIMITS;
  return { ...limits, exportRate: exportRate ?? limits.exportRate };
}

export class Schedule {
  readonly failures = new Map<FileId, Failure>();
  readonly #context: UploaderContext;
  readonly #queue: WorkQueue;
  readonly #exportRate: ExportRate;
  readonly #repeatBudget: RepeatBudget;
  /** Bytes of each queued file that were stored before. */
  readonly #storedBytes = new Map<FileId, number>();
  readonly #waiting = new Map<FileId, number>();
  /** Of these, the event files of each directory. */
  readonly #waitingEvents = new Map<number, Set<FileId>>();
  /** The earliest time for each held file; a change of the file ends the hold. */
  readonly #holds = new Map<FileId, number>();
  readonly #changes = new Map<FileId, number>();
  readonly #isOnce: boolean;
  readonly #minAppendBytes: number;
  /** During shutdown, every pending file is due. */
  isDraining = false;

  constructor(context: UploaderContext, queue: WorkQueue) {
    this.#context = context;
    this.#queue = queue;
    this.#isOnce = !context.isWatching;
    const { clock, config, store } = context;
    const { exportRate, repeatedBytesPerSecond } = toGrowthLimits(store, config.exportRate);
    this.#minAppendBytes = toMinAppendBytes(store);
    this.#exportRate = new ExportRate(exportRate);
    this.#repeatBudget = new RepeatBudget(config.intervalMs, clock.monotonicMs(), repeatedBytesPerSecond);
  }

  /** Drops everything about files whose numbers will be given to others. */
  forget(ids: readonly FileId[]): void {
    for (const id of ids) {
      this.#forgetWait(id);
      for (const facts of [this.failures, this.#holds, this.#changes, this.#storedBytes]) facts.delete(id);
      this.#exportRate.use(id);
    }
  }

  /** Queues the files of a one-time sync, in this order. */
  start(ids: readonly FileId[]): void {
    for (const id of ids) this.#queue.add(id);
  }

  /** How long a worker waits before it sends the file: a file that has just changed is likely to change again. */
  delayMsOf(id: FileId): number {
    const changes = this.#isOnce ? (this.#changes.get(id) ?? 0) : 0;
    if (changes === 0) return 0;
    return CHANGE_DELAY_MS * 2 ** changes * (0.5 + this.#context.io.randomness.fraction());
  }

  /** Call when a file has changed or was found to be dirty. */
  onDirty(id: FileId): void {
    this.#holds.delete(id);
    if (this.failures.get(id)?.error instanceof FileError) this.failures.delete(id);
    this.consider(id);
  }

  /** Queues a dirty file now, or schedules it for later. */
  consider(id: FileId): void {
    if (this.#isOnce) return;
    const { inventory, rootWatch, clock } = this.#context;
    const { table } = inventory;
    if (!table.has(id, FLAG.dirty) || table.has(id, FLAG.taken)) return;
    const run = inventory.runOf(id);
    if (!run.isListed || run.directory === null || this.#context.isBarred(run)) return;
    if (!this.#context.owns(id) || (this.isDraining && !inventory.isPending(id))) return;
    const repeatedBytes = this.#toRepeatedBytes(id);
    const dueMs = this.#withinRepeatBudget(id, this.#withinExportRate(id, this.#dueMs(id)), repeatedBytes);
    if (dueMs <= clock.monotonicMs() && rootWatch.unavailableReason === null) {
      this.#take(id, repeatedBytes);
      if (!table.has(id, FLAG.stored)) this.#takeEarlier(id);
    } else this.#wait(id, dueMs);
  }

  #take(id: FileId, repeatedBytes: number): void {
    this.#forgetWait(id);
    this.#exportRate.use(id);
    this.#repeatBudget.spend(repeatedBytes);
    this.#storedBytes.set(id, this.#toStoredBytes(id));
    this.#context.inventory.table.set(id, FLAG.taken);
    this.#queue.add(id);
  }

  /** Queues what earlier event files of a directory have gained, because the store is about to have a later one, and readers never return to the earlier ones. */
  #takeEarlier(id: FileId): void {
    const { inventory, clock } = this.#context;
    const { table } = inventory;
    const name = table.nameOf(id);
    for (const each of this.#waitingEvents.get(table.folder[id]!) ?? [])
      if (
        table.nameOf(each) < name &&
        inventory.isPending(each) &&
        this.#toHoldMs(each) <= clock.monotonicMs()
      )
        this.#take(each, this.#toRepeatedBytes(each));
  }

  #wait(id: FileId, dueMs: number): void {
    this.#waiting.set(id, dueMs);
    const { inventory } = this.#context;
    if (inventory.classOf(id) !== 'event') return;
    const folder = inventory.table.folder[id]!;
    this.#waitingEvents.set(folder, (this.#waitingEvents.get(folder) ?? new Set()).add(id));
  }

  #forgetWait(id: FileId): void {
    this.#waiting.delete(id);
    const folder = this.#context.inventory.table.folder[id]!;
    const waiting = this.#waitingEvents.get(folder);
    waiting?.delete(id);
    if (waiting?.size === 0) this.#waitingEvents.delete(folder);
  }

  /** Queues the files that have become due. */
  release(): void {
    const nowMs = this.#context.clock.monotonicMs();
    // A file that must keep waiting, such as while the root is unavailable, is added again: do not meet it twice.
    const due: FileId[] = [];
    for (const [id, dueMs] of this.#waiting) if (dueMs <= nowMs) due.push(id);
    for (const id of due) {
      this.#forgetWait(id);
      this.consider(id);
    }
  }

  /** Schedules all dirty files of one run, or of all runs, again. */
  considerAll(run?: number): void {
    const { table, runs } = this.#context.inventory;
    const records = run === undefined ? runs : runs.slice(run, run + 1);
    for (const record of records)
      for (const id of this.#context.inventory.filesOf(record))
        if (table.has(id, FLAG.dirty)) this.consider(id);
  }

  /** Retries all failed and held files of a run immediately, because the run has ended. */
  retryRun(run: number): void {
    const record = this.#context.inventory.runs[run];
    if (record === undefined) return;
    for (const id of this.#context.inventory.filesOf(record)) {
      this.failures.delete(id);
      this.#holds.delete(id);
    }
    this.considerAll(run);
  }

  /** Call when a worker has finished a file successfully. */
  onDone(id: FileId): void {
    this.#settle(id);
    this.#free(id);
  }

  /** Call when a worker has verified a file. While its timestamps stay too recent to be conclusive, it is not read again without a pause. */
  onVerified(id: FileId): void {
    const { inventory, clock } = this.#context;
    this.#settle(id);
    if (inventory.table.has(id, FLAG.dirty) && !inventory.isPending(id))
      this.#holds.set(id, clock.monotonicMs() + QUIET_MS);
    this.#free(id);
  }

  /** Releases a file and leaves it alone for `forMs`, unless it changes. */
  hold(id: FileId, forMs: number): void {
    this.#holds.set(id, this.#context.clock.monotonicMs() + forMs);
    this.#free(id);
  }

  /** Call when a file changed while it was read. Returns how often this has happened. */
  onChanged(id: FileId): number {
    const changes = (this.#changes.get(id) ?? 0) + 1;
    this.#changes.set(id, changes % MAX_CHANGES);
    if (!this.#isOnce)
      this.hold(id, changes >= MAX_CHANGES ? UNSTABLE_PAUSE_MS : CHANGE_PAUSE_MS * 2 ** changes);
    else if (changes < MAX_CHANGES) this.#queue.add(id);
    return changes;
  }

  /** Call when a file could not be stored. */
  onFailure(id: FileId, error: CodedError): void {
    const tries = (this.failures.get(id)?.tries ?? 0) + 1;
    const nowMs = this.#context.clock.monotonicMs();
    const pauseMs = Math.min(MAX_FAILURE_PAUSE_MS, FIRST_FAILURE_PAUSE_MS * 2 ** Math.min(tries - 1, 10));
    this.failures.set(id, { error, tries, untilMs: nowMs + pauseMs });
    this.#free(id);
  }

  /** Clears the failures that the store caused, so that these files are retried. */
  forgiveStore(): void {
    for (const [id, { error }] of this.failures) if (error instanceof StoreError) this.failures.delete(id);
    for (const id of [...this.#waiting.keys()]) this.consider(id);
  }

  /** Clears the failures that local files caused, so that the shutdown retries them. */
  forgiveFiles(): void {
    for (const [id, { error }] of this.failures) if (error instanceof FileError) this.failures.delete(id);
  }

  #settle(id: FileId): void {
    this.#repeatBudget.earn(Math.max(0, this.#toStoredBytes(id) - (this.#storedBytes.get(id) ?? 0)));
    this.#storedBytes.delete(id);
    this.failures.delete(id);
    this.#changes.delete(id);
    this.#holds.delete(id);
  }

  #free(id: FileId): void {
    this.#context.inventory.table.set(id, FLAG.taken, false);
    this.consider(id);
  }

  /** Delays a due Polyaxon event file until the export rate allows it. */
  #withinExportRate(id: FileId, dueMs: number): number {
    const { inventory, clock } = this.#context;
    const nowMs = clock.monotonicMs();
    if (dueMs > nowMs || this.isDraining || inventory.classOf(id) !== 'append') return dueMs;
    return Math.max(dueMs, this.#exportRate.slotOf(id, nowMs));
  }

  /** Delays a due file that would be sent whole again, until the budget allows that. */
  #withinRepeatBudget(id: FileId, dueMs: number, bytes: number): number {
    const { inventory, clock } = this.#context;
    const nowMs = clock.monotonicMs();
    // The first bytes of a file are never delayed.
    if (dueMs > nowMs || bytes === 0 || this.#toStoredBytes(id) === 0) return dueMs;
    const facts = { ageMs: inventory.ageMs(id), quietMs: inventory.quietMs(id) };
    return nowMs + limitRepeatWait(this.#repeatBudget.msUntil(bytes, nowMs), facts);
  }

  /** The bytes of this upload that a later one will repeat: all of a small file that is expected to grow. */
  #toRepeatedBytes(id: FileId): number {
    const { inventory } = this.#context;
    if (this.isDraining || !this.#context.isLive(inventory.runOf(id))) return 0;
    if (!inventory.isAppended(id) || !inventory.isPending(id)) return 0;
    const bytes = inventory.table.seenBytes[id]!;
    return bytes < this.#minAppendBytes && bytes >= this.#toStoredBytes(id) ? bytes : 0;
  }

  #toStoredBytes(id: FileId): number {
    const { table } = this.#context.inventory;
    return table.has(id, FLAG.stored) ? table.objectBytes[id]! : 0;
  }

  #dueMs(id: FileId): number {
    const { inventory, clock } = this.#context;
    const nowMs = clock.monotonicMs();
    const holdMs = this.#toHoldMs(id);
    if (this.isDraining) return Math.max(nowMs, holdMs);
    if (!this.#context.isLive(inventory.runOf(id))) {
      // Verify a stored file only once its timestamps are old enough to be conclusive, not repeatedly before that.
      const restMs = inventory.isPending(id) ? 0 : Math.max(0, QUIET_MS - inventory.quietMs(id));
      return Math.max(nowMs + restMs, holdMs);
    }
    return Math.max(nowMs + this.#msUntilDue(id, nowMs), holdMs);
  }

  /** Until when it is left alone because of what happened to it. */
  #toHoldMs(id: FileId): number {
    return Math.max(this.#holds.get(id) ?? 0, this.failures.get(id)?.untilMs ?? 0);
  }

  #msUntilDue(id: FileId, nowMs: number): number {
    const { inventory, config } = this.#context;
    const { table } = inventory;
    const isStored = !inventory.isPending(id);
    const last = inventory.commits.get(id);
    const segment = inventory.segments.get(id);
    // All bytes are stored in segments; the object itself is rewritten later.
    if (segment !== undefined && isStored)
      return last === undefined ? 0 : Math.max(0, last.atMs + REFRESH_AFTER_MS - nowMs);
    const storedBytes = table.has(id, FLAG.stored) ? table.objectBytes[id]! : null;
    return msUntilDue({
      isAppended: inventory.isAppended(id),
      isStored,
      fileBytes: table.seenBytes[id]!,
      storedBytes: segment === undefined ? storedBytes : Math.max(segment.end, this.#minAppendBytes),
      minAppendBytes: this.#minAppendBytes,
      quietMs: inventory.quietMs(id),
      ageMs: inventory.ageMs(id),
      lastCommit: last === undefined ? null : { ...last, agoMs: nowMs - last.atMs },
      intervalMs: config.intervalMs,
    });
  }
}
