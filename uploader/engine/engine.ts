/**
 * The engine of `sync` and `watch`: scan, list, export, send, report.
 *
 * `until` says what ends it. `idle`: every step runs once, for what one scan has found. `ended` and `signal`: one loop runs all steps a few times a
 * second, until all runs have ended and are stored, or until the signal is aborted; `drain` then finishes within the shutdown timeout. Workers send
 * the queued files; the planner and the committer decide what each file needs, and `Uploads` what follows from each outcome.
 */

import { setMaxListeners } from 'node:events';
import { inBackground } from '../../src/base/background.js';
import { messageOf } from '../../src/base/errors.js';
import { EVENTS_DIRECTORY } from '../../src/polyaxon/names.js';
import type { AlertSender } from '../alerts/alert-sender.js';
import type { FileWatcher } from '../base/io/file-watcher.js';
import { ExportScheduler } from '../pipeline/export/export-scheduler.js';
import { NO_EXPORT } from '../pipeline/export/export-view.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';
import type { JournalWriter } from '../pipeline/journal/journal-writer.js';
import type { SyncReport, UnsentFile } from '../pipeline/report/sync-report.js';
import type { Scanner } from '../pipeline/scan/scanner.js';
import type { SyncConfig } from '../settings/sync-config.js';
import { projectsOf } from '../store/open-store.js';
import { reportScanned, toReport } from './build-report.js';
import { ClusterMember } from './cluster-member.js';
import { type ContextOptions, UploaderContext } from './context/uploader-context.js';
import { createAlertSender } from './create-alert-sender.js';
import { drain } from './drain.js';
import { GoneRuns } from './gone-runs.js';
import { reportStoredElsewhere } from './layout-notices.js';
import { ListingLoop } from './listing-loop.js';
import { confirmLosses } from './loss-check.js';
import { CONFIRM_AFTER_MS, Mirror } from './mirror.js';
import type { Status } from './monitor/status-file.js';
import { OutageNotices } from './outage-notices.js';
import { planFiles, scanAndList } from './plan-sync.js';
import { removeCrashed, removeOrphans } from './remove-orphans.js';
import { concludeRuns } from './run-completion.js';
import { type RunPhase, RunPhases } from './run-phases.js';
import { stageFiles } from './stage-files.js';
import { StatusWriter } from './status-writer.js';
import { aborted, Uploads } from './uploads.js';
import { withState } from './with-state.js';

interface LoopOptions extends ContextOptions {
  readonly until: 'idle' | 'ended' | 'signal';
  readonly signal?: AbortSignal | undefined;
  readonly onStatus?: ((status: Status) => void) | undefined;
}

/** Runs the engine as the only uploader of the root and store. Throws a coded error when nothing can be sent. */
export async function runEngine(config: SyncConfig, options: LoopOptions): Promise<SyncReport> {
  const isWatching = options.until !== 'idle';
  return UploaderContext.use(config, options, { isWatching }, (context) =>
    withState(context, (journalWriter) => {
      const engine = new Engine(context, journalWriter, options);
      return engine.run(isWatching);
    }),
  );
}

/** The interval of the loop. */
const TICK_MS = 250;
/** The interval while all runs are at rest. The scanner looks for new runs no more often than this. */
const IDLE_TICK_MS = 1_000;
/** The interval while the export has a backlog. */
const BUSY_TICK_MS = 10;
/** By this time, the uploads of a killed process have been resumed or dropped. */
const SWEEP_AFTER_MS = 60_000;
/** At its end, a watch waits no longer than this for the webhook of alerts. */
const ALERTS_MS = 5_000;
const COLLECT_INTERVAL_MS = 24 * 3_600_000;

class Engine {
  readonly #context: UploaderContext;
  readonly #journalWriter: JournalWriter;
  readonly #options: LoopOptions;
  readonly #stopSignal: AbortSignal;
  readonly #uploads: Uploads;
  readonly #exportScheduler: ExportScheduler | null;
  readonly #mirror: Mirror | null;
  readonly #goneRuns: GoneRuns;
  readonly #alerts: AlertSender | null;
  #isMirroring = false;
  #isSwept = false;
  #collectedMs: number | null = null;
  #fatal: { readonly error: unknown } | null = null;

  constructor(context: UploaderContext, journalWriter: JournalWriter, options: LoopOptions) {
    this.#context = context;
    this.#journalWriter = journalWriter;
    this.#options = options;
    this.#stopSignal = options.signal ?? new AbortController().signal;
    setMaxListeners(0, this.#stopSignal); // one listener for each call in flight is not a leak
    this.#uploads = new Uploads(context, journalWriter);
    const readsEvents = context.convertsEvents || context.observer.wantsExport === true;
    this.#exportScheduler = readsEvents ? new ExportScheduler(context) : null;
    context.exportView = this.#exportScheduler ?? NO_EXPORT;
    this.#mirror = context.config.mirror === false ? null : new Mirror(context);
    this.#goneRuns = new GoneRuns(context);
    this.#alerts = createAlertSender(context);
  }

  async run(isWatching: boolean): Promise<SyncReport> {
    try {
      return await (isWatching ? this.watch() : this.sync());
    } finally {
      await this.#alerts?.close();
    }
  }

  /** Sends what one scan has found. An unreachable store does not throw: every file is then reported as unsent. */
  async sync(): Promise<SyncReport> {
    const context = this.#context;
    const uploads = this.#uploads;
    const scanner = context.createScanner();
    const unavailable = await scanAndList(context, scanner, this.#stopSignal);
    this.#goneRuns.addUnseen();
    await this.#goneRuns.removeState();
    this.#alerts?.check();
    if (unavailable === null) await this.#exportScheduler?.exportAll(this.#stopSignal);
    const ids = planFiles(context);
    if (unavailable !== null) for (const id of ids) uploads.giveUp(id, unavailable);
    else if (this.#stopSignal.aborted)
      for (const id of ids) uploads.giveUp(id, aborted(context.inventory.relPathOf(id)));
    else {
      this.#stopSignal.addEventListener('abort', () => uploads.abort(), { once: true });
      // A Polyaxon server accepts files only of runs that it knows.
      if (projectsOf(context.store) !== null) await context.observer.prepare?.(this.#stopSignal);
      await this.#unlessAborted(() => removeOrphans(uploads.commitContext, uploads.signal));
      await stageFiles(ids, uploads.commitContext, uploads.signal);
      uploads.schedule.start(ids);
      if (this.#stopSignal.aborted) uploads.abort(); // it was aborted before the files were queued
      await uploads.workers.run(context.config.concurrency);
      await this.#unlessAborted(() => removeCrashed(uploads.commitContext, uploads.signal));
      await this.#unlessAborted(() => this.#mirrorTwice());
    }
    const unfinished = concludeRuns(context, scanner, uploads.files);
    await context.observer.flush(this.#stopSignal);
    await this.#alerts?.flush(this.#stopSignal.aborted ? 0 : context.config.retryTimeoutMs);
    await this.#exportScheduler?.save();
    this.#goneRuns.forgetNow();
    const phaseOf = (run: KnownRun): RunPhase => {
      if (run.conflict !== null || unfinished.has(run)) return 'incomplete';
      return context.isLive(run) ? 'live' : 'complete';
    };
    await this.#createStatusWriter(scanner, { phaseOf }).write('ended');
    return this.#report(scanner);
  }

  /** Repeats all steps until the signal is aborted or, with `ended`, until all runs have ended and are stored. */
  async watch(): Promise<SyncReport> {
    const context = this.#context;
    const uploads = this.#uploads;
    const fileWatcher = await this.#openFileWatcher();
    const scanner = context.createScanner(fileWatcher.source);
    fileWatcher.listener.onChange = (directory) => scanner.hint(directory);
    const phases = new RunPhases(context, scanner, uploads.schedule);
    const listing = new ListingLoop(context, uploads.signal, (error) => uploads.pause(error));
    const status = this.#createStatusWriter(scanner, phases);
    context.onDirty = (id) => uploads.schedule.onDirty(id);
    context.onReused = (run) => scanner.rehome(run.index);
    context.isAtRest = (run) => phases.isAtRest(run);
    try {
      await context.observer.prepareProject?.(this.#stopSignal);
      await listing.start();
      const member = await this.#join(scanner);
      const working = uploads.workers.run(context.config.concurrency).catch((error: unknown) => {
        this.#fatal = { error };
      });
      try {
        await this.#loop(scanner, phases, listing, status);
        await this.#drain(scanner, listing, status);
      } finally {
        uploads.abort();
        uploads.workers.stop();
        await working;
        await listing.end();
        await member?.leave();
      }
      if (this.#fatal !== null) throw this.#fatal.error;
      listing.throwIfBroken();
      await this.#exportScheduler?.save();
      await confirmLosses(context, { isLast: true });
      // Both are counted at one moment: the owner of a run may change while the status is written.
      const report = this.#report(scanner);
      await status.write('ended');
      return report;
    } finally {
      await fileWatcher.source?.close();
    }
  }

  async #loop(
    scanner: Scanner,
    phases: RunPhases,
    listing: ListingLoop,
    status: StatusWriter,
  ): Promise<void> {
    const context = this.#context;
    const { schedule, commitContext, signal, workers } = this.#uploads;
    const outage = new OutageNotices(context);
    let isFirst = true;
    while (!this.#stopSignal.aborted && this.#fatal === null) {
      await scanner.scanDue(this.#stopSignal);
      if (isFirst) {
        reportScanned(context);
        this.#goneRuns.addUnseen();
        await this.#goneRuns.removeState();
      }
      isFirst = false;
      reportStoredElsewhere(context, scanner);
      listing.consider();
      listing.throwIfRefused();
      schedule.release();
      const hasMore = (await this.#exportScheduler?.check(this.#stopSignal)) ?? false;
      await phases.check();
      await confirmLosses(context, { isLast: false });
      this.#mirrorDeletions();
      await this.#goneRuns.check(commitContext, signal);
      this.#alerts?.check();
      outage.check();
      this.#collect();
      workers.wake();
      const { isPaused } = this.#uploads;
      const isRootThere = context.rootWatch.unavailableReason === null;
      const isIdle = phases.areAllAtRest && !hasMore && !isPaused && isRootThere;
      await status.writeIfDue({ isPaused, isIdle });
      if (this.#options.until === 'ended' && phases.areAllSettled) return;
      await this.#rest(hasMore ? BUSY_TICK_MS : isIdle ? IDLE_TICK_MS : TICK_MS);
    }
  }

  async #drain(scanner: Scanner, listing: ListingLoop, status: StatusWriter): Promise<void> {
    const alerted = this.#alerts?.flush(Math.min(ALERTS_MS, this.#context.config.shutdownTimeoutMs));
    await drain({
      context: this.#context,
      scanner,
      uploads: this.#uploads,
      journalWriter: this.#journalWriter,
      status,
      listAll: () => listing.listAll(),
      exportAll: async (signal) => this.#exportScheduler?.exportAll(signal),
    });
    await alerted;
  }

  /** Joins the cluster, if one is configured. */
  async #join(scanner: Scanner): Promise<ClusterMember | null> {
    const { cluster } = this.#context.config;
    if (cluster === undefined) return null;
    const member = await ClusterMember.open(this.#context, cluster, {
      onGained: (runs) => {
        scanner.revisit(runs);
        this.#uploads.schedule.considerAll();
      },
      onLapsed: () => this.#uploads.abortTransfers(),
    });
    this.#context.ownership = member.ownership;
    await member.join((error) => {
      this.#fatal = { error };
    });
    return member;
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
    const { clock, inventory, startMs } = this.#context;
    const { commitContext, signal } = this.#uploads;
    const nowMs = clock.monotonicMs();
    const isDue = this.#collectedMs === null || nowMs - this.#collectedMs >= COLLECT_INTERVAL_MS;
    if (isDue && inventory.runs.some(({ isListed }) => isListed)) {
      this.#collectedMs = nowMs;
      this.#inBackground(removeOrphans(commitContext, signal));
    }
    if (this.#isSwept || nowMs - startMs < SWEEP_AFTER_MS) return;
    this.#isSwept = true;
    this.#inBackground(removeCrashed(commitContext, signal));
  }

  /** Starts a mirror check, unless one is still running: the store may be slow. */
  #mirrorDeletions(): void {
    if (this.#mirror === null || this.#isMirroring) return;
    this.#isMirroring = true;
    const check = this.#mirror.check(this.#uploads.signal).finally(() => {
      this.#isMirroring = false;
    });
    this.#inBackground(check);
  }

  /** Checks twice, a minute apart; waits that minute only when a file is missing. */
  async #mirrorTwice(): Promise<void> {
    if (this.#mirror === null) return;
    await this.#mirror.check(this.#stopSignal);
    if (!this.#mirror.isWaiting) return;
    await this.#context.clock.sleep(CONFIRM_AFTER_MS + 1_000, this.#stopSignal);
    await this.#mirror.check(this.#stopSignal);
  }

  #inBackground(work: Promise<void>): void {
    inBackground(work, (error) => {
      if (!this.#uploads.signal.aborted) this.#fatal = { error };
    });
  }

  async #unlessAborted(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#stopSignal.aborted) throw error;
    }
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

  #createStatusWriter(scanner: Scanner, phases: Pick<RunPhases, 'phaseOf'>): StatusWriter {
    const isStateless = (): boolean => this.#journalWriter.isDisabled;
    const { files } = this.#uploads;
    return new StatusWriter(this.#context, scanner, phases, files, isStateless, this.#options.onStatus);
  }

  #report(scanner: Scanner): SyncReport {
    const { isWatching } = this.#context;
    return toReport(this.#context, scanner, {
      isAborted: this.#stopSignal.aborted,
      uploads: isWatching ? [] : this.#uploads.toUploads(),
      files: this.#uploads.files,
      verifiedBytes: this.#uploads.verifiedBytes,
      // A watch exports again until it succeeds, and reports failures in the status.
      problems: isWatching ? [] : toUnexported(this.#exportScheduler),
    });
  }
}

/** Runs whose event files could not be exported. */
function toUnexported(exportScheduler: ExportScheduler | null): UnsentFile[] {
  return [...(exportScheduler?.problems() ?? [])].map(({ run, error }) => {
    return { path: `${run.uuid}/${EVENTS_DIRECTORY}`, sizeBytes: null, error };
  });
}
