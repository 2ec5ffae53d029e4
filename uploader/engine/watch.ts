/**
 * Watches a root directory and keeps the store up to date until the signal is aborted: scan, list, send, repeat.
 *
 * One loop runs all checks a few times a second; workers send the files that the schedule has queued. The planner and the committer
 * decide what each file needs.
 */

import { setMaxListeners } from 'node:events';
import { messageOf } from '../../src/base/errors.js';
import { checkOptions, type OptionTable } from '../../src/base/options.js';
import { FileError, StoreError } from '../base/errors.js';
import type { FileWatcher } from '../base/io/file-watcher.js';
import { nodeIo } from '../base/io/io.js';
import { LANES, type Lane } from '../base/limits/lanes.js';
import type { SendOutcome } from '../pipeline/commit/commit-context.js';
import { NO_EXPORT } from '../pipeline/export/export-view.js';
import { type FileId, FLAG } from '../pipeline/inventory/file-table.js';
import type { JournalWriter } from '../pipeline/journal/journal-writer.js';
import type { WorkQueue } from '../pipeline/plan/work-queue.js';
import type { SyncReport } from '../pipeline/report/sync-report.js';
import type { Scanner } from '../pipeline/scan/scanner.js';
import { checkConfig, type SyncConfig } from '../settings/sync-config.js';
import { reportScanned, toReport } from './build-report.js';
import { UPLOADER_OPTIONS, UploaderContext, type UploaderOptions } from './context/uploader-context.js';
import { createCommitContext, createQueue } from './create-commit-context.js';
import { drain } from './drain.js';
import { ExportScheduler } from './export-scheduler.js';
import type { WorkOnFiles } from './file-evidence.js';
import { GoneRuns } from './gone-runs.js';
import { reportStoredElsewhere } from './layout-notices.js';
import { ListingLoop } from './listing-loop.js';
import { confirmLosses } from './loss-check.js';
import { Mirror } from './mirror.js';
import type { Status } from './monitor/status-file.js';
import { OutageNotices } from './outage-notices.js';
import { removeCrashed, removeOrphans } from './remove-orphans.js';
import { RunPhases } from './run-phases.js';
import { MAX_CHANGES, Schedule } from './schedule.js';
import { SharedOwnership } from './shared-ownership.js';
import { StatusWriter } from './status-writer.js';
import { withMonitor } from './with-monitor.js';
import { withState } from './with-state.js';
import { Workers, type WorkHandler } from './workers.js';

export interface WatchOptions extends UploaderOptions {
  /** Once aborted, the watch finishes uploads within the shutdown timeout and ends. */
  readonly signal?: AbortSignal | undefined;
  /** End once at least one run exists and all runs have ended and are stored. Default false. */
  readonly endsWithRuns?: boolean | undefined;
  /** Called with the current status every two seconds, and every ten seconds while all runs are at rest. */
  readonly onStatus?: ((status: Status) => void) | undefined;
}
const WATCH_OPTIONS: OptionTable<WatchOptions> = {
  ...UPLOADER_OPTIONS,
  signal: 'object',
  endsWithRuns: 'boolean',
  onStatus: 'function',
};

/** The interval of the loop. */
const TICK_MS = 250;
/** The interval while all runs are at rest. The scanner looks for new runs no more often than this. */
const IDLE_TICK_MS = 1_000;
/** The interval while the export has a backlog. */
const BUSY_TICK_MS = 10;
/** By this time, the uploads of a killed process have been resumed or dropped. */
const SWEEP_AFTER_MS = 60_000;
const COLLECT_INTERVAL_MS = 24 * 3_600_000;

/**
 * Keeps the store up to date until the signal is aborted, then returns a report. The root may be empty or not exist yet. Throws a coded error when
 * nothing can be sent, as `sync` does; waits for a store that cannot be reached.
 */
export async function watch(config: SyncConfig, options: WatchOptions = {}): Promise<SyncReport> {
  checkConfig('watch', config);
  checkOptions('watch', options, WATCH_OPTIONS);
  const { clock } = options.io ?? nodeIo;
  return withMonitor(config.http, clock, options, async (monitored) => {
    const context = await UploaderContext.open(config, monitored, { isWatching: true });
    try {
      return await withState(context, (journalWriter) => new Watch(context, journalWriter, monitored).run());
    } finally {
      await context.observer.close?.();
      if (options.store === undefined) await context.store.close();
    }
  });
}

class Watch implements WorkHandler {
  readonly endsWhenEmpty = false;
  readonly #context: UploaderContext;
  readonly #journalWriter: JournalWriter;
  readonly #stopSignal: AbortSignal;
  readonly #endsWithRuns: boolean;
  readonly #onStatus: WatchOptions['onStatus'];
  readonly #queue: WorkQueue;
  readonly #schedule: Schedule;
  readonly #workers: Workers;
  readonly #listing: ListingLoop;
  readonly #outage: OutageNotices;
  readonly #exportScheduler: ExportScheduler | null;
  readonly #mirror: Mirror | null;
  #isMirroring = false;
  readonly #goneRuns: GoneRuns;
  /** Aborts all calls in flight. */
  readonly #abort = new AbortController();
  readonly #abortLarge = new AbortController();
  readonly #largeSignal: AbortSignal;
  readonly #stored = new Set<FileId>();
  readonly #commitContext;
  #isSwept = false;
  readonly #verified = new Set<FileId>();
  #verifiedBytes = 0;
  #isDraining = false;
  /** Set while the store rejects everything: from this time on, one file at a time tests the store. */
  #pausedUntilMs: number | null = null;
  #collectedMs: number | null = null;
  #fatal: { readonly error: unknown } | null = null;

  constructor(context: UploaderContext, journalWriter: JournalWriter, options: WatchOptions) {
    this.#context = context;
    this.#journalWriter = journalWriter;
    this.#stopSignal = options.signal ?? new AbortController().signal;
    this.#endsWithRuns = options.endsWithRuns === true;
    this.#onStatus = options.onStatus;
    this.#queue = createQueue(context);
    this.#schedule = new Schedule(context, this.#queue);
    this.#commitContext = createCommitContext(context, journalWriter);
    this.#largeSignal = AbortSignal.any([this.#abort.signal, this.#abortLarge.signal]);
    // One listener for each call in flight is not a leak.
    setMaxListeners(0, this.#stopSignal, this.#abort.signal, this.#largeSignal);
    const { limit } = context;
    this.#workers = new Workers({ queue: this.#queue, context: this.#commitContext, limit, handler: this });
    this.#listing = new ListingLoop(context, this.#abort.signal, (error) => this.#pause(error));
    this.#outage = new OutageNotices(context);
    this.#exportScheduler = context.exportsEvents ? new ExportScheduler(context) : null;
    context.exportView = this.#exportScheduler ?? NO_EXPORT;
    this.#mirror = context.config.mirror === false ? null : new Mirror(context);
    this.#goneRuns = new GoneRuns(context);
    context.runKeepers.push({
      onForgotten: (_run, ids) => {
        this.#schedule.forget(ids);
        for (const id of ids)
          for (const facts of [this.#stored, this.#verified, this.#commitContext.damage]) facts.delete(id);
      },
    });
    context.onDirty = (id) => this.#schedule.onDirty(id);
  }

  async run(): Promise<SyncReport> {
    const fileWatcher = await this.#openFileWatcher();
    const scanner = this.#context.createScanner(fileWatcher.source);
    this.#context.onReused = (run) => scanner.rehome(run.index);
    fileWatcher.listener.onChange = (directory) => scanner.hint(directory);
    const phases = new RunPhases(this.#context, scanner, this.#schedule);
    this.#context.isAtRest = (run) => phases.isAtRest(run);
    const status = new StatusWriter(
      this.#context,
      scanner,
      phases,
      this.#files,
      () => this.#journalWriter.isDisabled,
      this.#onStatus,
    );
    try {
      await this.#context.observer.prepareProject?.(this.#stopSignal);
      await this.#listing.start();
      const shared = await this.#share(scanner);
      const working = this.#workers.run(this.#context.config.concurrency).catch((error: unknown) => {
        this.#fatal = { error };
      });
      try {
        await this.#loop(scanner, phases, status);
        await this.#drain(scanner, status);
      } finally {
        this.#abort.abort();
        this.#workers.stop();
        await working;
        await this.#listing.end();
        await shared?.leave();
      }
      if (this.#fatal !== null) throw this.#fatal.error;
      this.#listing.throwIfBroken();
      await this.#exportScheduler?.save();
      await confirmLosses(this.#context, { isLast: true });
      // Both are counted at one moment: the owner of a run may change while the status is written.
      const report = this.#report(scanner);
      await status.write('ended');
      return report;
    } finally {
      await fileWatcher.source?.close();
    }
  }

  // The handler of the workers.

  lanes(): readonly Lane[] {
    if (this.#abort.signal.aborted) return [];
    if (this.#pausedUntilMs !== null) {
      const mayTest =
        this.#context.clock.monotonicMs() >= this.#pausedUntilMs && this.#workers.activeCount === 0;
      return mayTest ? LANES : [];
    }
    if (!this.#isDraining) return LANES;
    // During shutdown, lanes run strictly in order and large files are left for the next process to resume.
    const next = LANES.find((lane) => lane !== 'large' && this.#queue.hasReady(lane));
    return next === undefined ? [] : [next];
  }

  signalOf(lane: Lane): AbortSignal {
    return lane === 'large' ? this.#largeSignal : this.#abort.signal;
  }

  delayMsOf(): number {
    return 0;
  }

  onAborted(id: FileId): void {
    this.#schedule.hold(id, TICK_MS);
  }

  onOutcome(id: FileId, outcome: SendOutcome): void {
    const { inventory, emit } = this.#context;
    const key = inventory.keyOf(id);
    const run = inventory.runOf(id);
    if (outcome.status !== 'failed') {
      this.#unpause();
      if (run.lastError?.path === inventory.relPathOf(id)) run.lastError = null;
    }
    switch (outcome.status) {
      case 'stored': {
        const { sizeBytes, reason, strategy } = outcome;
        this.#stored.add(id);
        emit({ kind: 'stored', key, sizeBytes, reason, strategy });
        this.#schedule.onDone(id);
        break;
      }
      case 'verified':
        this.#verified.add(id);
        this.#verifiedBytes += outcome.sizeBytes;
        emit({ kind: 'verified', key, sizeBytes: outcome.sizeBytes });
        this.#schedule.onVerified(id);
        break;
      case 'unchanged':
        this.#schedule.onDone(id);
        break;
      case 'waiting': {
        // A file that changed while it was read becomes due anyway.
        const isSeen = inventory.table.has(id, FLAG.same) || !inventory.table.has(id, FLAG.journalled);
        this.#schedule.hold(id, isSeen ? Math.max(TICK_MS, outcome.forMs) : TICK_MS);
        break;
      }
      case 'changed': {
        const attempt = this.#schedule.onChanged(id);
        emit({ kind: 'requeued', key, attempt });
        if (attempt >= MAX_CHANGES) this.#reportUnsent(id, unstable(inventory.relPathOf(id)));
        break;
      }
      case 'failed':
        if (outcome.error instanceof StoreError && outcome.error.concernsAllFiles) {
          this.#schedule.hold(id, TICK_MS);
          this.#pause(outcome.error);
        } else void this.#judge(id, outcome.error);
    }
  }

  async #loop(scanner: Scanner, phases: RunPhases, status: StatusWriter): Promise<void> {
    const { rootWatch } = this.#context;
    let isFirst = true;
    while (!this.#stopSignal.aborted && this.#fatal === null) {
      await scanner.scanDue(this.#stopSignal);
      if (isFirst) await this.#onFirstScan();
      reportStoredElsewhere(this.#context, scanner);
      isFirst = false;
      this.#listing.consider();
      this.#listing.throwIfRefused();
      this.#schedule.release();
      const hasMore = (await this.#exportScheduler?.check(this.#stopSignal)) ?? false;
      await phases.check();
      await confirmLosses(this.#context, { isLast: false });
      this.#mirrorDeletions();
      await this.#goneRuns.check(this.#commitContext, this.#abort.signal);
      this.#outage.check();
      this.#collect();
      this.#workers.wake();
      const isPaused = this.#pausedUntilMs !== null;
      const isIdle = phases.areAllAtRest && !hasMore && !isPaused && rootWatch.unavailableReason === null;
      await status.writeIfDue({ isPaused, isIdle });
      if (this.#endsWithRuns && phases.areAllSettled) return;
      await this.#rest(hasMore ? BUSY_TICK_MS : isIdle ? IDLE_TICK_MS : TICK_MS);
    }
  }

  async #onFirstScan(): Promise<void> {
    reportScanned(this.#context);
    this.#goneRuns.addUnseen();
    await this.#goneRuns.removeState();
  }

  async #drain(scanner: Scanner, status: StatusWriter): Promise<void> {
    this.#isDraining = true;
    this.#schedule.isDraining = true;
    await drain({
      context: this.#context,
      scanner,
      schedule: this.#schedule,
      queue: this.#queue,
      workers: this.#workers,
      journalWriter: this.#journalWriter,
      status,
      files: this.#files,
      listAll: () => this.#listing.listAll(),
      exportAll: async (signal) => this.#exportScheduler?.exportAll(signal),
      shutdownTimeoutMs: this.#context.config.shutdownTimeoutMs,
      abortLarge: () => this.#abortLarge.abort(),
      abortAll: () => this.#abort.abort(),
    });
  }

  /** Joins the cluster, if one is configured. */
  async #share(scanner: Scanner): Promise<SharedOwnership | null> {
    const { config, io } = this.#context;
    if (config.share === undefined) return null;
    const { pid } = await io.processes.current();
    const shared = new SharedOwnership(this.#context, config.share, pid, (runs) => {
      scanner.revisit(runs);
      this.#schedule.considerAll();
    });
    this.#context.ownership = shared;
    await shared.join();
    return shared;
  }

  async #rest(ms: number): Promise<void> {
    try {
      await this.#context.clock.sleep(ms, this.#stopSignal);
    } catch {
      // The signal was aborted.
    }
  }

  /** Starts the removal of orphaned uploads once a run is listed, then once a day. */
  #collect(): void {
    const { clock, inventory } = this.#context;
    const nowMs = clock.monotonicMs();
    const isDue = this.#collectedMs === null || nowMs - this.#collectedMs >= COLLECT_INTERVAL_MS;
    if (isDue && inventory.runs.some(({ isListed }) => isListed)) {
      this.#collectedMs = nowMs;
      this.#inBackground(removeOrphans(this.#commitContext, this.#abort.signal));
    }
    if (this.#isSwept || nowMs - this.#context.startMs < SWEEP_AFTER_MS) return;
    this.#isSwept = true;
    this.#inBackground(removeCrashed(this.#commitContext, this.#abort.signal));
  }

  /** Starts a mirror check, unless one is still running: the store may be slow. */
  #mirrorDeletions(): void {
    if (this.#mirror === null || this.#isMirroring) return;
    this.#isMirroring = true;
    const check = this.#mirror.check(this.#abort.signal).finally(() => {
      this.#isMirroring = false;
    });
    this.#inBackground(check);
  }

  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#abort.signal.aborted) this.#fatal = { error };
    });
  }

  /** Records a failure, unless the file was deleted or the whole root is unavailable. */
  async #judge(id: FileId, error: SendFailure): Promise<void> {
    if (error instanceof FileError) {
      const isThere = await this.#context.rootWatch.isThere();
      // The scanner handles deleted files; a retry would be useless.
      if (!isThere || error.code === 'ERR_FILE_VANISHED') {
        this.#schedule.hold(id, 1_000);
        return;
      }
    }
    this.#schedule.onFailure(id, error);
    this.#reportUnsent(id, error);
  }

  #reportUnsent(id: FileId, error: SendFailure): void {
    const { inventory, emit } = this.#context;
    inventory.runOf(id).lastError = { path: inventory.relPathOf(id), error };
    emit({ kind: 'unsent', key: inventory.keyOf(id), error });
  }

  /** Pauses uploads while the store rejects everything. Time may fix the cause: credentials are renewed, buckets are created. */
  #pause(error: SendFailure): void {
    const { clock, onNotice } = this.#context;
    if (this.#pausedUntilMs === null)
      onNotice({ code: 'NOTICE_STORE_REJECTS', message: `${error.message}; retrying every minute` });
    this.#pausedUntilMs = clock.monotonicMs() + PAUSE_MS;
  }

  #unpause(): void {
    if (this.#pausedUntilMs === null) return;
    this.#pausedUntilMs = null;
    this.#context.onNotice({ code: 'NOTICE_STORE_RECOVERED', message: 'the store accepts files again' });
    this.#schedule.forgiveStore();
  }

  async #openFileWatcher(): Promise<{
    source: FileWatcher | undefined;
    listener: { onChange: (path: string) => void };
  }> {
    const { io, config, onNotice } = this.#context;
    const listener = { onChange: (_path: string): void => undefined };
    if (config.poll || io.openFileWatcher === undefined) return { source: undefined, listener };
    let isFailed = false;
    const source = await io.openFileWatcher({
      onChange: (path) => listener.onChange(path),
      onFailure: (cause) => {
        if (isFailed) return;
        isFailed = true;
        const message = `the file watcher failed (${messageOf(cause)}); changes are found by polling`;
        onNotice({ code: 'NOTICE_WATCHER_OFF', message });
      },
    });
    return { source, listener };
  }

  get #files(): WorkOnFiles {
    return { stored: this.#stored, verified: this.#verified, failures: this.#schedule.failures };
  }

  #report(scanner: Scanner): SyncReport {
    return toReport(this.#context, scanner, {
      isAborted: this.#stopSignal.aborted,
      uploads: [],
      files: this.#files,
      verifiedBytes: this.#verifiedBytes,
      problems: [],
    });
  }
}

type SendFailure = Extract<SendOutcome, { status: 'failed' }>['error'];

/** F44 allows five minutes; retry every minute so that renewed credentials are picked up sooner. */
const PAUSE_MS = 60_000;

function unstable(path: string): FileError {
  const found = `it changed while it was read, ${MAX_CHANGES} times in a row`;
  return new FileError('ERR_FILE_UNSTABLE', path, found, 'Wait for the next attempt in a minute.');
}
