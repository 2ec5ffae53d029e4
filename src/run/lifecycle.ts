/**
 * The life of a run after its start: flushing, its end by the program or with the process, and the last writes.
 */

import { existsSync } from 'node:fs';
import { checkOptions, type OptionTable } from '../base/options.js';
import { type GitCapture, toCodeReference } from '../capture/git.js';
import { isDone, type RunRecord, toIsoTime, withoutEnd } from '../polyaxon/run-record.js';
import { Heartbeat } from '../run-directory/heartbeat.js';
import { parseWallTime } from '../summary/arguments.js';
import type { Tracer } from '../trace/tracer.js';
import { addCodeRef, writeEnv, writeFileArtifact } from './artifacts.js';
import { addStatus, STATUS_OPTIONS, STATUS_REASON, type StatusOptions } from './metadata.js';
import { lastScalars, toResults } from './metric-results.js';
import type { OpenedRun } from './open-run.js';
import {
  type EndListener,
  findHandledSignal,
  type ProcessEnd,
  registerForEnd,
  toProcessEnd,
  unregisterFromEnd,
} from './process-end.js';
import type { RunContext } from './run-context.js';
import { type FinalStatus, parseFinalStatus, type RunEnd, toRunEnd } from './run-end.js';

/** Options of `end`. */
export interface EndOptions extends StatusOptions {
  /** Default `succeeded`, or `stopped` in a handler of a stop signal. */
  readonly status?: FinalStatus | undefined;
}
const END_OPTIONS: OptionTable<EndOptions> = { ...STATUS_OPTIONS, status: 'any' };

export class RunLifecycle {
  readonly #context: RunContext;
  readonly #tracer: Tracer;
  readonly #run: OpenedRun;
  readonly #heartbeat: Heartbeat | undefined;
  readonly #listener: EndListener;
  #ending: Promise<void> | undefined;
  #end: RunEnd | undefined;
  /** The record before it got its end status. */
  #unended: RunRecord | undefined;
  /** True after `end()`; a later end of the process then changes nothing. */
  #isEnded = false;
  /** True if the run ends because its process is idle, whose exit code may still change. */
  #isIdleEnd = false;
  /** Whether the run was uploaded completely before its end. */
  #isStored = false;
  #exitCode: number | null | undefined;
  /** Whether the run directory existed when the process began to exit. */
  #hadDirectory: boolean | undefined;

  /** Starts what runs beside the program, unless the run writes nothing. */
  constructor(run: OpenedRun, tracer: Tracer) {
    this.#run = run;
    this.#context = run.context;
    this.#tracer = tracer;
    this.#listener = {
      onIdle: () => this.#settleIdle(),
      onSignal: () => this.#drain(),
      onExit: () => this.#drainAtExit(),
      onEnd: (end) => this.#finishAtExit(end),
    };
    const { environment, diagnostics } = run.context;
    if (environment.mode === 'no-op') return;
    const { heartbeatIntervalMs: intervalMs } = run;
    this.#heartbeat = new Heartbeat(environment.paths.run, environment.writer, { intervalMs, diagnostics });
    registerForEnd(this.#listener);
    run.announcement.start();
    run.capture.start({
      onCode: (code) => this.#recordCode(code),
      onEnvironment: (facts) => writeEnv(run.context, facts),
    });
  }

  /** Whether `end` was called, with valid options. */
  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /** Adds a text to the log of the run, if it has one. */
  log(stream: 'stdout' | 'stderr', text: string): void {
    this.#run.capture.log(stream, text);
  }

  flush(): Promise<void> {
    return this.#context.observe(this.#flush());
  }

  async #flush(): Promise<void> {
    await this.#run.capture.settle();
    await this.#context.settleWork();
    this.#run.capture.flush();
    this.#context.session?.settle();
    this.#tracer.save();
    const flushed = await Promise.allSettled([this.#run.flush()]);
    // Flush events first, because the lineage lists only events that are on disk.
    throwFirst([...flushed, ...(await Promise.allSettled([this.#settleDirectory()]))]);
  }

  /** Ends the run. Invalid options reject; with `onError: 'warn'` they are reported, and the run ends without them. */
  end(method: string, given: EndOptions, status?: FinalStatus): Promise<void> {
    const fixed: EndOptions = status === undefined ? {} : { status };
    const table: OptionTable<StatusOptions> = status === undefined ? END_OPTIONS : STATUS_OPTIONS;
    let options: EndOptions = fixed;
    try {
      checkOptions(method, given, table);
      options = { ...given, ...fixed };
      parseFinalStatus(options.status);
      parseWallTime(options.wallTime);
    } catch (error) {
      if (!this.#context.warnsOnMisuse) return this.#context.observe(Promise.reject(error));
      this.#context.reportMisuse(error);
      options = fixed;
    }
    const byDefault = findHandledSignal() === null ? 'succeeded' : 'stopped';
    const { status: final = byDefault, wallTime } = options;
    const reason = this.#context.maskText('reason', options.reason ?? STATUS_REASON);
    const message = this.#context.maskText('message', options.message ?? `Operation has ${toPhrase(final)}`);
    this.#ending ??= this.#context.observe(this.#endOnce({ status: final, reason, message, wallTime }));
    return this.#ending;
  }

  async #endOnce(end: RunEnd): Promise<void> {
    this.#end = end;
    this.#context.close();
    await this.#run.capture.settle();
    await this.#context.settleWork();
    this.#tracer.close();
    this.#run.capture.close();
    this.#endSession(end);
    const closed = await Promise.allSettled([this.#run.close()]);
    this.#tracer.save(closed[0].status === 'fulfilled');
    this.#finish(end, null, null);
    this.#isEnded = !this.#isIdleEnd;
    if (this.#isEnded) unregisterFromEnd(this.#listener);
    const settled = await Promise.allSettled([this.#settleDirectory()]);
    this.#isStored = (await this.#run.sync?.finish()) ?? false;
    if (this.#isEnded) this.#announceEnd(end);
    throwFirst([...closed, ...settled]);
  }

  /**
   * Writes the final record and end marker after the last event. Synchronous, because it also runs at the exit of the process. A later call
   * replaces the end of an earlier one.
   */
  #finish(end: RunEnd, exitCode: number | null, signal: string | null): void {
    const { directory, clock, environment } = this.#context;
    if (this.#unended === undefined) {
      directory.mergeWorkers();
      directory.addArtifacts(this.#run.exportedArtifacts());
    }
    directory.update((record) => {
      const complete = this.#unended === undefined ? this.#withResults(record) : record;
      this.#unended ??= record;
      const { status, status_conditions } = this.#unended;
      if (environment.isPlatformRun || isDone(status)) return complete;
      return addStatus(
        this.#context,
        { ...withoutEnd(complete), status, status_conditions },
        end.status,
        end,
      );
    });
    this.#heartbeat?.end({
      status: isDone(this.#status) ? this.#status : end.status,
      exit_code: exitCode,
      signal,
      reason: end.reason,
      message: end.message,
      ended_at: toIsoTime(clock.wallTime()),
    });
  }

  /** Ends the session of hyperparameters with all inputs and outputs, before the event files are closed. */
  #endSession({ status }: RunEnd): void {
    const { directory, session, loggedOutputs } = this.#context;
    if (session === undefined) return;
    directory.mergeWorkers();
    const { outputs = {}, ...before } = this.#unended ?? directory.record;
    // Most runs log no outputs, and a run may have very many metrics.
    const metrics =
      loggedOutputs.size === 0 ? {} : toResults(lastScalars(this.#context.events.writer.scalarRanges()), '');
    session.end(
      isDone(before.status) ? before.status : status,
      outputs,
      (key) => loggedOutputs.has(key) && !Object.is(outputs[key], metrics[key]),
    );
  }

  #withResults(record: RunRecord): RunRecord {
    const outputs = this.#run.results.addTo(record.outputs ?? {}, this.#context.loggedOutputs);
    return Object.keys(outputs).length > 0 ? { ...record, outputs } : record;
  }

  /** Does work that needs the event loop before an idle process exits. The exit handler sets the status, because it knows the exit code. */
  async #settleIdle(): Promise<void> {
    if (this.#run.sync !== undefined) {
      this.#isIdleEnd ||= this.#ending === undefined;
      const end = toRunEnd(toProcessEnd(Number(process.exitCode ?? 0)));
      // Diagnostics have already reported any failure.
      await Promise.allSettled([this.end('end', end)]);
      return;
    }
    if (!this.#run.capture.isWorking && !this.#context.isWorking && !this.#context.events.isEncoding) return;
    await this.#run.capture.settle();
    await this.#context.settleWork();
    await Promise.allSettled([this.#run.flush()]);
  }

  #drain(): void {
    this.#run.drain();
    this.#tracer.save();
    this.#run.capture.flush();
  }

  #drainAtExit(): void {
    this.#hadDirectory ??= existsSync(this.#context.environment.paths.run);
    if (!this.#isRemovedAtExit) this.#drain();
  }

  /** Whether an exit handler has removed the run, as programs do with temporary directories. Nothing is written again then. */
  get #isRemovedAtExit(): boolean {
    return this.#hadDirectory === true && !existsSync(this.#context.environment.paths.run);
  }

  #finishAtExit(processEnd: ProcessEnd): void {
    const { message, ...derived } = toRunEnd(processEnd);
    if (this.#isEnded || processEnd.exitCode === this.#exitCode || this.#isRemovedAtExit) return;
    // The uploader has already stored this end.
    if (this.#isIdleEnd && derived.status === this.#status) {
      this.#announceEnd({ message, ...derived });
      return;
    }
    const isFirst = this.#exitCode === undefined;
    this.#exitCode = processEnd.exitCode;
    const atExit = { ...derived, message: this.#context.masker.maskText(message) };
    const end = this.#isIdleEnd ? atExit : (this.#end ?? atExit);
    this.#context.close();
    this.#tracer.close();
    if (isFirst && processEnd.error !== null) this.#run.capture.logUncaught(processEnd.error);
    this.#endSession(end);
    this.#run.drain();
    this.#tracer.save(true);
    this.#run.capture.close();
    this.#finish(end, processEnd.exitCode, processEnd.signal);
    this.#announceEnd(end);
  }

  #announceEnd({ status }: RunEnd): void {
    const { announcement, sync } = this.#run;
    const upload = sync?.isUpload !== true ? 'none' : this.#isStored ? 'complete' : 'unfinished';
    announcement.end(isDone(this.#status) ? this.#status : status, { store: sync?.store, upload });
  }

  get #status(): RunRecord['status'] {
    return this.#context.directory.record.status;
  }

  #recordCode(code: GitCapture): void {
    const reference = toCodeReference(code);
    if (reference !== undefined) addCodeRef(this.#context, reference, true);
    if (code.diff === null) return;
    const facts = { size_bytes: code.diffBytes, is_cut: code.isDiffCut };
    writeFileArtifact(this.#context, 'git-diff', 'git.diff', code.diff, facts);
  }

  async #settleDirectory(): Promise<void> {
    this.#context.directory.mergeWorkers();
    this.#context.directory.addArtifacts(this.#run.exportedArtifacts());
    this.#context.directory.settle();
  }
}

function toPhrase(status: FinalStatus): string {
  return status === 'stopped' || status === 'skipped' ? `been ${status}` : status;
}

function throwFirst(results: readonly PromiseSettledResult<void>[]): void {
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
