/**
 * Runs one sync, top to bottom: scan → list → plan → send → report.
 *
 * A sync can be stopped at any point: an object is visible as a whole or not at all, and the journal never runs ahead of the store's acknowledgements.
 */

import { setMaxListeners } from 'node:events';
import type { CodedError } from '../../src/base/errors.js';
import { checkOptions, type OptionTable } from '../../src/base/options.js';
import { EVENTS_DIRECTORY } from '../../src/polyaxon/names.js';
import { FileError, StoreError, StoreUnavailableError, withoutStacks } from '../base/errors.js';
import { LANES, type Lane } from '../base/limits/lanes.js';
import type { SendOutcome } from '../pipeline/commit/commit-context.js';
import { toFileClass, toPhase } from '../pipeline/inventory/file-class.js';
import { type FileId, FLAG } from '../pipeline/inventory/file-table.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';
import { replayFiles } from '../pipeline/journal/journal-files.js';
import type { JournalWriter } from '../pipeline/journal/journal-writer.js';
import { compareWork, type Ordered } from '../pipeline/plan/order.js';
import { planFile, type UploadReason } from '../pipeline/plan/planner.js';
import type { WorkQueue } from '../pipeline/plan/work-queue.js';
import type { FileState } from '../pipeline/report/file-counts.js';
import type { SyncReport, UnsentFile, Upload } from '../pipeline/report/sync-report.js';
import type { Scanner } from '../pipeline/scan/scanner.js';
import { checkConfig, type SyncConfig } from '../settings/sync-config.js';
import { PolyaxonStore } from '../store/polyaxon/polyaxon-store.js';
import { reportScanned, toReport } from './build-report.js';
import { checkStore, listRuns, scanRuns } from './context/listing.js';
import { UPLOADER_OPTIONS, UploaderContext, type UploaderOptions } from './context/uploader-context.js';
import { createCommitContext, createQueue } from './create-commit-context.js';
import { ExportScheduler } from './export-scheduler.js';
import { filesOnDisk, judgeFile, type WorkOnFiles } from './file-evidence.js';
import { GoneRuns } from './gone-runs.js';
import { reportStoredElsewhere } from './layout-notices.js';
import { CONFIRM_AFTER_MS, Mirror } from './mirror.js';
import { removeCrashed, removeOrphans } from './remove-orphans.js';
import { reportComplete, reportPartial } from './run-completion.js';
import type { RunPhase } from './run-phases.js';
import { StatusWriter } from './status-writer.js';
import { withState } from './with-state.js';
import { Workers, type WorkHandler } from './workers.js';

export interface SyncOptions extends UploaderOptions {
  /** Ends the sync early; the report then lists the unsent files. */
  readonly signal?: AbortSignal | undefined;
}
const SYNC_OPTIONS: OptionTable<SyncOptions> = { ...UPLOADER_OPTIONS, signal: 'object' };

/**
 * Uploads everything that the store does not have yet, and returns a report. Throws a coded error when nothing can be sent: no runs at
 * the path, a malformed store URL, rejected credentials or bucket, an unwritable state directory, another running uploader.
 * An unreachable store does not throw: the report lists every file as unsent.
 */
export async function sync(config: SyncConfig, options: SyncOptions = {}): Promise<SyncReport> {
  checkConfig('sync', config);
  checkOptions('sync', options, SYNC_OPTIONS);
  const context = await UploaderContext.open(config, options, { isWatching: false });
  try {
    const pass = new Pass(context, options.signal);
    return await (config.isDryRun ? pass.dryRun() : pass.run());
  } finally {
    await context.observer.close?.();
    if (options.store === undefined) await context.store.close();
  }
}

/** F19: after this many attempts a file is reported as unstable. */
const MAX_TRIES = 5;
const FIRST_PAUSE_MS = 50;

class Pass implements WorkHandler {
  readonly endsWhenEmpty = true;
  readonly #context: UploaderContext;
  readonly #signal: AbortSignal;
  readonly #scanner: Scanner;
  readonly #queue: WorkQueue;
  readonly #stored = new Map<FileId, UploadReason>();
  readonly #verified = new Map<FileId, number>();
  readonly #unsent = new Map<FileId, { readonly error: CodedError }>();
  readonly #tries = new Map<FileId, number>();
  #exportScheduler: ExportScheduler | null = null;
  /** A log directory was found to have another experiment than before. */
  #hasReused = false;

  constructor(context: UploaderContext, signal: AbortSignal | undefined) {
    this.#context = context;
    this.#signal = signal ?? new AbortController().signal;
    setMaxListeners(0, this.#signal); // one listener for each call in flight is not a leak
    this.#scanner = context.createScanner();
    this.#queue = createQueue(context);
    context.onReused = (run) => {
      this.#hasReused = true;
      this.#scanner.rehome(run.index);
    };
  }

  /** Plans and reports. Does not lock, and writes neither to disk nor to the store. */
  async dryRun(): Promise<SyncReport> {
    const { io, paths, owner, inventory } = this.#context;
    await replayFiles(io.fileSystem, paths, owner, inventory);
    const { unavailable } = await this.#prepare();
    const uploads: Upload[] = [];
    const planned = new Map<FileId, FileState>();
    for (const id of this.#plan()) {
      const decision = planFile(inventory.seenFacts(id));
      planned.set(id, decision.action === 'verify' ? 'verified' : 'unsent');
      if (unavailable !== null) this.#fail(id, unavailable);
      if (decision.action !== 'upload') continue;
      const sizeBytes = inventory.table.seenBytes[id]!;
      uploads.push({ key: inventory.keyOf(id), sizeBytes, reason: decision.reason });
    }
    return this.#report(uploads, planned);
  }

  run(): Promise<SyncReport> {
    return withState(this.#context, async (journalWriter) => {
      const context = this.#context;
      const goneRuns = new GoneRuns(context);
      const { unavailable } = await this.#prepare();
      goneRuns.addUnseen();
      await goneRuns.removeState();
      if (unavailable === null) await this.#export();
      const ids = this.#plan();
      if (unavailable !== null) for (const id of ids) this.#fail(id, unavailable);
      else if (!this.#signal.aborted) {
        const commitContext = createCommitContext(context, journalWriter);
        // A Polyaxon server accepts files only for runs that it knows.
        if (context.store instanceof PolyaxonStore) await context.observer.prepare?.(this.#signal);
        await this.#unlessAborted(() => removeOrphans(commitContext, this.#signal));
        for (const id of ids) this.#queue.add(id);
        const workers = new Workers({
          queue: this.#queue,
          context: commitContext,
          limit: context.limit,
          handler: this,
        });
        this.#signal.addEventListener('abort', () => workers.wake(), { once: true });
        await workers.run(context.config.concurrency);
        await this.#unlessAborted(() => removeCrashed(commitContext, this.#signal));
        await this.#unlessAborted(() => this.#mirrorDeletions());
      } else for (const id of ids) this.#fail(id, aborted(this.#context.inventory.relPathOf(id)));
      await this.#notify();
      await this.#exportScheduler?.save();
      goneRuns.forgetNow();
      await this.#writeStatus(journalWriter);
      return this.#report(this.#toUploads());
    });
  }

  // The handler of the workers.

  lanes(): readonly Lane[] {
    return LANES;
  }

  signalOf(): AbortSignal {
    return this.#signal;
  }

  delayMsOf(id: FileId): number {
    const tries = this.#tries.get(id) ?? 0;
    return tries === 0 ? 0 : FIRST_PAUSE_MS * 2 ** tries * (0.5 + this.#context.io.randomness.fraction());
  }

  onAborted(id: FileId): void {
    this.#dropQueue((path) => aborted(path));
    this.#fail(id, aborted(this.#context.inventory.relPathOf(id)));
  }

  onOutcome(id: FileId, outcome: SendOutcome): void {
    const { emit, inventory } = this.#context;
    const key = inventory.keyOf(id);
    switch (outcome.status) {
      case 'stored': {
        const { sizeBytes, reason, strategy } = outcome;
        emit({ kind: 'stored', key, sizeBytes, reason, strategy });
        this.#stored.set(id, reason);
        // A file that only grew is done; the next sync sends the rest. Otherwise a log in constant use would never be done.
        if (this.#isRewritten(id)) this.#retry(id);
        else if (outcome.held !== null) this.#fail(id, outcome.held);
        break;
      }
      case 'verified':
        emit({ kind: 'verified', key, sizeBytes: outcome.sizeBytes });
        this.#verified.set(id, outcome.sizeBytes);
        if (this.#isRewritten(id)) this.#retry(id);
        break;
      case 'unchanged':
        break;
      case 'changed':
        this.#retry(id);
        break;
      case 'waiting':
        this.#fail(id, outcome.error);
        break;
      case 'failed':
        this.#fail(id, outcome.error);
        if (outcome.error instanceof StoreError && outcome.error.concernsAllFiles)
          this.#dropQueue(() => outcome.error);
    }
  }

  /** Scans the disk and lists the store. Returns the error when the store cannot be reached; throws when the store rejects the request. */
  async #prepare(): Promise<{ unavailable: StoreUnavailableError | null }> {
    const { observer } = this.#context;
    const runs = await scanRuns(this.#context, this.#scanner, this.#signal);
    await this.#checkLiveness();
    reportScanned(this.#context);
    reportStoredElsewhere(this.#context, this.#scanner);
    await observer.prepareProject?.(this.#signal);
    try {
      await checkStore(this.#context, this.#signal);
      await listRuns(this.#context, runs, this.#signal);
      await this.#listReused();
    } catch (error) {
      if (!this.#signal.aborted && !(error instanceof StoreUnavailableError)) throw error;
      if (error instanceof StoreUnavailableError) return { unavailable: error };
    }
    return { unavailable: null };
  }

  async #checkLiveness(): Promise<void> {
    const { inventory, config, livenessByRun, observer } = this.#context;
    const quietMs = config.assumeEnded === true ? Number.POSITIVE_INFINITY : 0;
    for (const [index, liveness] of livenessByRun) {
      const run = inventory.runs[index];
      const state = await liveness.check(quietMs);
      if (run !== undefined) observer.onLiveness?.(run.uuid, state);
    }
  }

  /** Finds log directories again that got a separate uuid. */
  async #listReused(): Promise<void> {
    if (!this.#hasReused) return;
    await this.#scanner.scanAll(this.#signal);
    await this.#checkLiveness();
    const runs = this.#context.inventory.runs.filter((run) => run.directory !== null && !run.isListed);
    await listRuns(this.#context, runs, this.#signal);
  }

  /** Exports the event files; the generated files are sent with all others. */
  async #export(): Promise<void> {
    const context = this.#context;
    if (!context.exportsEvents) return;
    this.#exportScheduler = new ExportScheduler(context);
    context.exportView = this.#exportScheduler;
    await this.#exportScheduler.exportAll(this.#signal);
  }

  /** The files to upload or verify, in the order in which they start. */
  #plan(): FileId[] {
    const { inventory, emit } = this.#context;
    const ids: FileId[] = [];
    const planned = { uploads: 0, uploadBytes: 0, verifications: 0, unchanged: 0 };
    for (const id of filesOnDisk(this.#context)) {
      const { conflict } = inventory.runOf(id);
      if (conflict !== null) {
        this.#unsent.set(id, { error: conflict });
        continue;
      }
      const { action } = planFile(inventory.seenFacts(id));
      if (action === 'skip' && inventory.isProven(id)) planned.unchanged += 1;
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
    const { inventory } = this.#context;
    const relPath = inventory.relPathOf(id);
    const sizeBytes = inventory.table.seenBytes[id]!;
    return { phase: toPhase(relPath), fileClass: toFileClass(relPath), sizeBytes, key: relPath };
  }

  #toUploads(): Upload[] {
    const { inventory } = this.#context;
    return [...this.#stored].map(([id, reason]) => {
      return { key: inventory.keyOf(id), sizeBytes: inventory.table.objectBytes[id]!, reason };
    });
  }

  /** Whether the stored bytes are no longer a prefix of the file. */
  #isRewritten(id: FileId): boolean {
    const { table } = this.#context.inventory;
    if (!table.has(id, FLAG.dirty) || table.has(id, FLAG.same)) return false;
    return table.seenBytes[id]! <= table.fileBytes[id]!;
  }

  #retry(id: FileId): void {
    const tries = (this.#tries.get(id) ?? 0) + 1;
    this.#tries.set(id, tries);
    const { inventory, emit } = this.#context;
    if (tries >= MAX_TRIES) {
      this.#stored.delete(id);
      this.#fail(id, unstable(inventory.relPathOf(id)));
      return;
    }
    emit({ kind: 'requeued', key: inventory.keyOf(id), attempt: tries });
    this.#queue.add(id);
  }

  /** Reports all files that are still in the queue as unsent. */
  #dropQueue(toError: (path: string) => CodedError): void {
    for (const id of this.#queue.drain()) this.#fail(id, toError(this.#context.inventory.relPathOf(id)));
  }

  #fail(id: FileId, error: CodedError): void {
    const { inventory, emit } = this.#context;
    const key = inventory.keyOf(id);
    this.#unsent.set(id, { error });
    emit({ kind: 'unsent', key, error });
  }

  /** Reports each run that has ended as complete, or as complete in part. */
  async #notify(): Promise<void> {
    const { inventory, observer, exportView } = this.#context;
    const unsentByRun = new Map<KnownRun, FileId[]>();
    for (const id of filesOnDisk(this.#context)) {
      if (judgeFile(this.#context, id, this.#files).state !== 'unsent') continue;
      const run = inventory.runOf(id);
      unsentByRun.set(run, [...(unsentByRun.get(run) ?? []), id]);
    }
    for (const run of inventory.runs) {
      if (run.directory === null || !run.isListed || this.#context.isLive(run)) continue;
      if (exportView.outcomeOf(run) === 'failed') continue;
      const unsent = unsentByRun.get(run);
      if (unsent === undefined) reportComplete(this.#context, this.#scanner, run);
      else reportPartial(this.#context, this.#scanner, run, unsent, this.#unsent);
    }
    await observer.flush(this.#signal);
  }

  /** Writes what `polytrack status` shows after the sync. */
  async #writeStatus(journalWriter: JournalWriter): Promise<void> {
    const context = this.#context;
    const open = new Set<KnownRun>();
    for (const id of filesOnDisk(context))
      if (judgeFile(context, id, this.#files).state === 'unsent') open.add(context.inventory.runOf(id));
    for (const [id, { error }] of this.#unsent)
      context.inventory.runOf(id).lastError = { path: context.inventory.relPathOf(id), error };
    const phaseOf = (run: KnownRun): RunPhase => {
      if (run.conflict !== null || open.has(run)) return 'incomplete';
      return context.isLive(run) ? 'live' : 'complete';
    };
    const isStateless = (): boolean => journalWriter.isDisabled;
    await new StatusWriter(context, this.#scanner, { phaseOf }, this.#files, isStateless).write('ended');
  }

  /** Checks twice, a minute apart; the sync waits that minute only when a file is missing. */
  async #mirrorDeletions(): Promise<void> {
    if (this.#context.config.mirror === false) return;
    const mirror = new Mirror(this.#context);
    await mirror.check(this.#signal);
    if (!mirror.isWaiting) return;
    await this.#context.clock.sleep(CONFIRM_AFTER_MS + 1_000, this.#signal);
    await mirror.check(this.#signal);
  }

  async #unlessAborted(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    }
  }

  get #files(): WorkOnFiles {
    return { stored: this.#stored, verified: this.#verified, failures: this.#unsent };
  }

  #report(uploads: readonly Upload[], planned?: ReadonlyMap<FileId, FileState>): SyncReport {
    const verified = [...this.#verified].filter(([id]) => !this.#stored.has(id));
    return toReport(this.#context, this.#scanner, {
      isAborted: this.#signal.aborted,
      uploads,
      files: this.#files,
      verifiedBytes: verified.reduce((sum, [, bytes]) => sum + bytes, 0),
      problems: toUnexported(this.#exportScheduler),
      planned,
    });
  }
}

/** Runs whose event files could not be exported. */
function toUnexported(exportScheduler: ExportScheduler | null): UnsentFile[] {
  return [...(exportScheduler?.problems() ?? [])].map(({ run, error }) => {
    return { path: `${run.uuid}/${EVENTS_DIRECTORY}`, sizeBytes: null, error };
  });
}

function unstable(path: string): FileError {
  const found = `it changed while it was read, ${MAX_TRIES} times in a row`;
  return new FileError('ERR_FILE_UNSTABLE', path, found, 'Sync again when no process writes to the file.');
}

function aborted(path: string): FileError {
  const found = 'the sync was interrupted before the file was sent';
  return withoutStacks(() => new FileError('ERR_ABORTED', path, found, 'Sync again.'));
}
