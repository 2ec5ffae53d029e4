/**
 * One pass, top to bottom: scan → list → plan → send → report.
 *
 * Safe to stop at any point: an object is visible whole or not at all, and the journal never says more than the store has acknowledged.
 */

import { setMaxListeners } from 'node:events';
import type { CodedError } from '../../src/base/errors.js';
import { EVENTS_DIRECTORY } from '../../src/polyaxon/names.js';
import { FileError, StoreError, StoreUnavailableError, withoutStacks } from '../base/errors.js';
import { LANES, type Lane } from '../base/limits/lanes.js';
import type { SendOutcome } from '../pipeline/commit/commit-context.js';
import { toFileClass, toPhase } from '../pipeline/inventory/file-class.js';
import { type FileId, FLAG } from '../pipeline/inventory/file-table.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';
import { replayFiles } from '../pipeline/journal/journal-files.js';
import { compareWork, type Ordered } from '../pipeline/plan/order.js';
import { planFile, type UploadReason } from '../pipeline/plan/planner.js';
import type { WorkQueue } from '../pipeline/plan/work-queue.js';
import type { SyncReport, UnsentFile, Upload } from '../pipeline/report/sync-report.js';
import type { Scanner } from '../pipeline/scan/scanner.js';
import { explainNoRuns } from '../run-directory/locate-runs.js';
import type { SyncConfig } from '../settings/sync-config.js';
import { PolyaxonStore } from '../store/polyaxon/polyaxon-store.js';
import { toReport } from './build-report.js';
import { collectCrashed, collectLeftovers } from './collect-leftovers.js';
import { checkStore, listRuns } from './context/listing.js';
import { UploaderContext, type UploaderOptions } from './context/uploader-context.js';
import { createContext, createQueue } from './create-context.js';
import { ExportScheduler } from './export-scheduler.js';
import { CONFIRM_AFTER_MS, Mirror } from './mirror.js';
import { findUnscanned, isForGood } from './permanent-failures.js';
import { withState } from './with-state.js';
import { Workers, type WorkHandler } from './workers.js';

export interface SyncOptions extends UploaderOptions {
  /** Ends the pass early; the report then says what is unsent. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends what the store does not have yet, and reports. Throws a coded error when nothing can be sent at all: no runs at the path, a
 * malformed store URL, credentials or a bucket that are refused, an unwritable state directory, another uploader at work.
 * A store that cannot be reached is no such error: the report lists every file as unsent.
 */
export async function sync(config: SyncConfig, options: SyncOptions = {}): Promise<SyncReport> {
  const parts = await UploaderContext.open(config, options, { isWatching: false });
  try {
    const pass = new Pass(parts, options.signal);
    return await (config.isDryRun ? pass.dryRun() : pass.run());
  } finally {
    await parts.observer.close?.();
    if (options.store === undefined) await parts.store.close();
  }
}

/** F19: after this many attempts a file is reported as unstable. */
const MAX_TRIES = 5;
const FIRST_PAUSE_MS = 50;

class Pass implements WorkHandler {
  readonly endsWhenEmpty = true;
  readonly #parts: UploaderContext;
  readonly #signal: AbortSignal;
  readonly #scanner: Scanner;
  readonly #queue: WorkQueue;
  readonly #stored = new Map<FileId, UploadReason>();
  readonly #verified = new Map<FileId, number>();
  readonly #unsent = new Map<FileId, UnsentFile>();
  readonly #tries = new Map<FileId, number>();
  #exportScheduler: ExportScheduler | null = null;

  constructor(parts: UploaderContext, signal: AbortSignal | undefined) {
    this.#parts = parts;
    this.#signal = signal ?? new AbortController().signal;
    setMaxListeners(0, this.#signal); // one for each call under way is no leak
    this.#scanner = parts.createScanner();
    this.#queue = createQueue(parts);
  }

  /** Plans and reports. Takes no lock and writes nothing, neither here nor there. */
  async dryRun(): Promise<SyncReport> {
    const { io, paths, owner, inventory } = this.#parts;
    await replayFiles(io.fileSystem, paths, owner, inventory);
    const { unavailable } = await this.#prepare();
    const uploads: Upload[] = [];
    const pending = { uploads: 0, verifications: 0 };
    for (const id of this.#plan()) {
      const decision = planFile(inventory.seenFacts(id));
      if (unavailable !== null) this.#fail(id, unavailable);
      if (decision.action === 'verify') pending.verifications += 1;
      if (decision.action !== 'upload') continue;
      pending.uploads += 1;
      const sizeBytes = inventory.table.seenBytes[id]!;
      uploads.push({ key: inventory.keyOf(id), sizeBytes, reason: decision.reason });
    }
    return this.#report(uploads, pending);
  }

  run(): Promise<SyncReport> {
    return withState(this.#parts, async (journalWriter) => {
      const parts = this.#parts;
      const { unavailable } = await this.#prepare();
      if (unavailable === null) await this.#export();
      const ids = this.#plan();
      if (unavailable !== null) for (const id of ids) this.#fail(id, unavailable);
      else if (!this.#signal.aborted) {
        const context = createContext(parts, journalWriter);
        // A server of Polyaxon's may know files only of runs that it knows.
        if (parts.store instanceof PolyaxonStore) await parts.observer.prepare?.(this.#signal);
        await this.#unlessAborted(() => collectLeftovers(context, this.#signal));
        for (const id of ids) this.#queue.add(id);
        const workers = new Workers({ queue: this.#queue, context, limit: parts.limit, handler: this });
        this.#signal.addEventListener('abort', () => workers.wake(), { once: true });
        await workers.run(parts.config.concurrency);
        await this.#unlessAborted(() => collectCrashed(context, this.#signal));
        await this.#unlessAborted(() => this.#mirrorDeletions());
      } else for (const id of ids) this.#fail(id, aborted(this.#parts.inventory.relPathOf(id)));
      await this.#notify();
      await this.#exportScheduler?.save();
      return this.#report(this.#toUploads());
    });
  }

  // What the workers ask.

  lanes(): readonly Lane[] {
    return LANES;
  }

  signalOf(): AbortSignal {
    return this.#signal;
  }

  delayMsOf(id: FileId): number {
    const tries = this.#tries.get(id) ?? 0;
    return tries === 0 ? 0 : FIRST_PAUSE_MS * 2 ** tries * (0.5 + this.#parts.io.randomness.fraction());
  }

  onAborted(id: FileId): void {
    this.#stop((path) => aborted(path));
    this.#fail(id, aborted(this.#parts.inventory.relPathOf(id)));
  }

  onOutcome(id: FileId, outcome: SendOutcome): void {
    const { emit, inventory } = this.#parts;
    const key = inventory.keyOf(id);
    switch (outcome.status) {
      case 'stored': {
        const { sizeBytes, reason, strategy } = outcome;
        emit({ kind: 'stored', key, sizeBytes, reason, strategy });
        this.#stored.set(id, reason);
        // One that only grew meanwhile is done: the rest goes in the next pass, or a log that never rests would never be done.
        if (this.#isRewritten(id)) this.#again(id);
        else if (outcome.held !== null) this.#fail(id, outcome.held);
        break;
      }
      case 'verified':
        emit({ kind: 'verified', key, sizeBytes: outcome.sizeBytes });
        this.#verified.set(id, outcome.sizeBytes);
        if (this.#isRewritten(id)) this.#again(id);
        break;
      case 'unchanged':
        break;
      case 'changed':
        this.#again(id);
        break;
      case 'waiting':
        this.#fail(id, outcome.error);
        break;
      case 'failed':
        this.#fail(id, outcome.error);
        if (outcome.error instanceof StoreError && outcome.error.concernsAllFiles)
          this.#stop(() => outcome.error);
    }
  }

  /** Scans, and asks the store. Returns why it cannot be reached; throws when it can, and refuses. */
  async #prepare(): Promise<{ unavailable: StoreUnavailableError | null }> {
    const { inventory, config, io, emit, livenessByRun, refused, observer } = this.#parts;
    await this.#scanner.scanAll(this.#signal);
    const [overlap] = refused.values();
    if (overlap !== undefined) throw overlap;
    const runs = inventory.runs.filter(({ directory }) => directory !== null);
    if (runs.length === 0 && this.#scanner.problems.length === 0) {
      const error = await explainNoRuns(io.fileSystem, config.path);
      if (error !== null) throw error;
    }
    const quietMs = config.assumeEnded === true ? Number.POSITIVE_INFINITY : 0;
    for (const [index, liveness] of livenessByRun) {
      const run = inventory.runs[index];
      const state = await liveness.look(quietMs);
      if (run !== undefined) observer.onLiveness?.(run.uuid, state);
    }
    const files = [...runs]
      .flatMap((run) => [...inventory.filesOf(run)])
      .filter((id) => inventory.table.has(id, FLAG.onDisk));
    const sizeBytes = files.reduce((sum, id) => sum + inventory.table.seenBytes[id]!, 0);
    emit({ kind: 'scanned', runs: runs.length, files: files.length, sizeBytes });
    await observer.prepareProject?.(this.#signal);
    try {
      await checkStore(this.#parts, this.#signal);
      await listRuns(this.#parts, runs, this.#signal);
    } catch (error) {
      if (!this.#signal.aborted && !(error instanceof StoreUnavailableError)) throw error;
      if (error instanceof StoreUnavailableError) return { unavailable: error };
    }
    return { unavailable: null };
  }

  /** Makes Polyaxon's files of the event files: they are sent with all others. */
  async #export(): Promise<void> {
    const parts = this.#parts;
    if (!parts.exportsEvents) return;
    this.#exportScheduler = new ExportScheduler(parts);
    parts.exportView = this.#exportScheduler;
    await this.#exportScheduler.exportAll(this.#signal);
  }

  /** The files that something is to be done about, in the order in which they are to begin. */
  #plan(): FileId[] {
    const { inventory, emit } = this.#parts;
    const ids: FileId[] = [];
    const planned = { uploads: 0, uploadBytes: 0, verifications: 0, unchanged: 0 };
    for (let id = 0; id < inventory.table.count; id += 1) {
      if (!inventory.table.has(id, FLAG.onDisk)) continue;
      const { action } = planFile(inventory.seenFacts(id));
      if (action === 'skip') planned.unchanged += 1;
      else ids.push(id);
      if (action === 'verify') planned.verifications += 1;
      if (action !== 'upload') continue;
      planned.uploads += 1;
      planned.uploadBytes += inventory.table.seenBytes[id]!;
    }
    emit({ kind: 'planned', ...planned });
    return ids.sort((a, b) => compareWork(this.#toOrder(a), this.#toOrder(b)));
  }

  #toOrder(id: FileId): Ordered {
    const { inventory } = this.#parts;
    const relPath = inventory.relPathOf(id);
    const sizeBytes = inventory.table.seenBytes[id]!;
    return { phase: toPhase(relPath), fileClass: toFileClass(relPath), sizeBytes, key: relPath };
  }

  #toUploads(): Upload[] {
    const { inventory } = this.#parts;
    return [...this.#stored].map(([id, reason]) => {
      return { key: inventory.keyOf(id), sizeBytes: inventory.table.objectBytes[id]!, reason };
    });
  }

  /** Whether what was stored is no longer the beginning of the file. */
  #isRewritten(id: FileId): boolean {
    const { table } = this.#parts.inventory;
    if (!table.has(id, FLAG.dirty) || table.has(id, FLAG.same)) return false;
    return table.seenBytes[id]! <= table.fileBytes[id]!;
  }

  #again(id: FileId): void {
    const tries = (this.#tries.get(id) ?? 0) + 1;
    this.#tries.set(id, tries);
    const { inventory, emit } = this.#parts;
    if (tries >= MAX_TRIES) {
      this.#stored.delete(id);
      this.#fail(id, unstable(inventory.relPathOf(id)));
      return;
    }
    emit({ kind: 'requeued', key: inventory.keyOf(id), attempt: tries });
    this.#queue.add(id);
  }

  /** Reports all that has not begun as unsent. */
  #stop(toError: (path: string) => CodedError): void {
    for (const id of this.#queue.drain()) this.#fail(id, toError(this.#parts.inventory.relPathOf(id)));
  }

  #fail(id: FileId, error: CodedError): void {
    const { inventory, emit } = this.#parts;
    const key = inventory.keyOf(id);
    this.#unsent.set(id, { path: key, sizeBytes: inventory.table.seenBytes[id]!, error });
    emit({ kind: 'unsent', key, error });
  }

  /** A run that has ended, and of which nothing is left to send, is complete. */
  async #notify(): Promise<void> {
    const { inventory, observer, emit, exportView } = this.#parts;
    const incomplete = new Set([...this.#unsent.keys()].map((id) => inventory.runOf(id).index));
    for (const run of inventory.runs) {
      if (run.directory === null || !run.isListed || this.#parts.isLive(run)) continue;
      if (exportView.outcomeOf(run) === 'failed') continue;
      if (incomplete.has(run.index)) {
        this.#notifyIncomplete(run);
        continue;
      }
      exportView.onComplete(run);
      emit({ kind: 'run-complete', runUuid: run.uuid });
      observer.onRunComplete(run.uuid, { unsendable: findUnscanned(this.#scanner, run), isPartial: false });
    }
    await observer.flush(this.#signal);
  }

  /** Nothing waits for what can never be stored. */
  #notifyIncomplete(run: KnownRun): void {
    const { inventory, observer } = this.#parts;
    const unsent = [...this.#unsent].filter(([id]) => inventory.runOf(id).index === run.index);
    if (!unsent.every(([, { error }]) => isForGood(error))) return;
    const paths = unsent.map(([id]) => inventory.relPathOf(id));
    const unsendable = [...paths, ...findUnscanned(this.#scanner, run)];
    observer.onRunComplete(run.uuid, { unsendable, isPartial: true });
  }

  /** Two looks, a minute apart: only where something is missing does the pass take that long. */
  async #mirrorDeletions(): Promise<void> {
    if (this.#parts.config.mirror === false) return;
    const mirror = new Mirror(this.#parts);
    await mirror.look(this.#signal);
    if (!mirror.isWaiting) return;
    await this.#parts.clock.sleep(CONFIRM_AFTER_MS + 1_000, this.#signal);
    await mirror.look(this.#signal);
  }

  async #unlessAborted(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    }
  }

  #report(uploads: readonly Upload[], pending?: { uploads: number; verifications: number }): SyncReport {
    const verified = [...this.#verified].filter(([id]) => !this.#stored.has(id));
    return toReport(this.#parts, this.#scanner, {
      isAborted: this.#signal.aborted,
      uploads,
      storedCount: this.#stored.size,
      verified: { count: verified.length, bytes: verified.reduce((sum, [, bytes]) => sum + bytes, 0) },
      unsent: [...this.#unsent.values(), ...toUnexported(this.#exportScheduler)],
      pending,
    });
  }
}

/** Polyaxon's files that could not be made. */
function toUnexported(exportScheduler: ExportScheduler | null): UnsentFile[] {
  return [...(exportScheduler?.problems() ?? [])].map(({ run, error }) => {
    return { path: `${run.uuid}/${EVENTS_DIRECTORY}`, sizeBytes: null, error };
  });
}

function unstable(path: string): FileError {
  const found = `it changed each of the ${MAX_TRIES} times that it was read`;
  return new FileError('ERR_FILE_UNSTABLE', path, found, 'Sync again when nothing writes into it.');
}

function aborted(path: string): FileError {
  const found = 'the sync was interrupted before it was sent';
  return withoutStacks(() => new FileError('ERR_ABORTED', path, found, 'Sync again.'));
}
