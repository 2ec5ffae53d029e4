/**
 * Keeps the data of all runs of a root up to date on a Polyaxon server. Each run has at most one request in flight, all runs together
 * four. Never delays the upload of files, and keeps no queue of updates: only which runs have changed.
 */

import { setMaxListeners } from 'node:events';
import { CodedError, messageOf } from '../../src/base/errors.js';
import { StoreError, StoreUnavailableError } from '../base/errors.js';
import { ConcurrencyLimit } from '../base/limits/concurrency-limit.js';
import { type RetryNotice, RetryPolicy } from '../base/limits/retry-policy.js';
import type { ExportFacts } from '../pipeline/report/export-facts.js';
import type {
  ObservedRun,
  RunCompletion,
  RunObserver,
  StoredFile,
  SyncedStatus,
} from '../pipeline/report/run-observer.js';
import { attempt, PolyaxonApiError } from '../polyaxon-api/api-error.js';
import type { Liveness } from '../run-directory/run-liveness.js';
import { ensureProject } from './ensure-run.js';
import { notSynced, Refusals, removedTooEarly } from './refusals.js';
import { findPlace } from './run-place.js';
import { type RoundOutcome, RunSync, type SyncedRunOptions } from './run-sync.js';

interface PolyaxonSyncOptions extends SyncedRunOptions {
  /** While watching, runs are reported continuously; otherwise only by `flush`. */
  readonly isWatching: boolean;
  /** Whether this uploader reports a run. */
  readonly isOurs: (runUuid: string) => boolean;
  /** How long `flush` retries while the server does not answer. */
  readonly flushTimeoutMs: number;
  readonly onRetry: (notice: RetryNotice) => void;
  /** Called once for each reason why a run cannot be reported. */
  readonly onProblem: (runUuid: string, error: CodedError) => void;
}

const AT_ONCE = 4;
const TICK_MS = 250;
/** The delay between two rounds of a run. */
const ROUND_MS = 1_000;
/** The delay between two checks of the files of a run without a notification. The more runs there are, the longer it is. */
const CHECK_MS = { min: 500, max: 5_000, perRun: 25 };
/** The same for complete runs: the upload of a changed file is notified. */
const COMPLETE_CHECK_MS = 300_000;
const UNDECIDED_TRIES = 20;
const UNDECIDED_MS = 100;

interface Lane {
  readonly runSync: RunSync;
  state: SyncedStatus['state'];
  error: CodedError | null;
  isBusy: boolean;
  dueMs: number;
}

export class PolyaxonSync implements RunObserver {
  readonly wantsExport = true;
  readonly #options: PolyaxonSyncOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #refusals = new Refusals();
  /** The database of the open server fails under many concurrent writes. Then fewer runs are reported at the same time. */
  readonly #limit = new ConcurrencyLimit(AT_ONCE);
  #working = 0;
  readonly #stop = new AbortController();
  #loop: Promise<void> | null = null;
  /** Rounds that began before the files of their runs were proven. */
  readonly #early = new Set<Promise<void>>();
  #isFlushed = false;
  /** The last reported error that concerns all runs. */
  #reportedOfAll: CodedError | null = null;

  constructor(options: PolyaxonSyncOptions) {
    this.#options = options;
    setMaxListeners(0, this.#stop.signal); // one listener for each call in flight is not a leak
  }

  onRun(run: ObservedRun): void {
    const known = this.#lanes.get(run.runUuid);
    if (known?.runSync.run.directory === run.directory) return;
    const runSync = new RunSync(run, this.#options);
    this.#lanes.set(run.runUuid, { runSync, state: 'pending', error: null, isBusy: false, dueMs: 0 });
    if (this.#options.isWatching) this.#loop ??= this.#run();
  }

  onRunGone(runUuid: string): void {
    const lane = this.#lanes.get(runUuid);
    this.#lanes.delete(runUuid);
    this.#refusals.forget(runUuid);
    if (lane === undefined || lane.state === 'synced' || !this.#options.isOurs(runUuid)) return;
    this.#options.onProblem(runUuid, removedTooEarly(runUuid));
  }

  onStored({ runUuid }: StoredFile): void {
    this.#touch(runUuid, (runSync) => runSync.onStored());
  }

  /** Sends what it can while the engine is busy with the files. What fails here is repeated and reported by `flush`. */
  onListed(runUuid: string, relPaths: readonly string[], signal: AbortSignal): void {
    const lane = this.#lanes.get(runUuid);
    if (lane === undefined || this.#early.size >= AT_ONCE || !this.#options.isOurs(runUuid)) return;
    lane.runSync.onListed(relPaths);
    const forget = (): void => {
      this.#early.delete(early);
    };
    const early: Promise<void> = lane.runSync.tell(signal).then(forget, forget);
    this.#early.add(early);
  }

  onExported(runUuid: string, facts: ExportFacts): void {
    this.#touch(runUuid, (runSync) => runSync.onFacts(facts));
  }

  onLiveness(runUuid: string, liveness: Liveness): void {
    this.#touch(runUuid, (runSync) => runSync.onLiveness(liveness));
  }

  onRunComplete(runUuid: string, completion?: RunCompletion): void {
    this.#touch(runUuid, (runSync) => runSync.onComplete(completion?.unsendable ?? []));
  }

  async prepareProject(signal?: AbortSignal): Promise<void> {
    const { client, createsProject, defaults } = this.#options;
    const place = findPlace(null, defaults);
    if (!createsProject || place === null) return;
    try {
      await ensureProject(client, place, signal);
    } catch (error) {
      // The first run creates the project when the server accepts it.
      if (!(error instanceof PolyaxonApiError) && signal?.aborted !== true) throw error;
    }
  }

  /** What fails here is repeated, and reported, when the run is reported. */
  async lookAhead(signal: AbortSignal = this.#stop.signal): Promise<void> {
    const lanes = [...this.#lanes.values()].slice(0, AT_ONCE);
    await Promise.allSettled(lanes.map(({ runSync }) => runSync.lookAhead(signal)));
  }

  async prepare(signal: AbortSignal = this.#stop.signal): Promise<void> {
    const retryPolicy = this.#createRetryPolicy(this.#options.flushTimeoutMs);
    await this.#forEach(signal, async (lane) => {
      if (this.#options.isOurs(lane.runSync.run.runUuid))
        await this.#work(lane, retryPolicy, signal, (each) => lane.runSync.introduce(each));
    });
  }

  async flush(signal?: AbortSignal): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await Promise.all(this.#early);
    const { flushTimeoutMs, isOurs } = this.#options;
    const retryPolicy = this.#createRetryPolicy(flushTimeoutMs);
    const ended = signal ?? new AbortController().signal;
    // Retry once what the server rejected earlier.
    this.#refusals.clear();
    this.#isFlushed = true;
    await this.#forEach(ended, async (lane) => {
      if (!isOurs(lane.runSync.run.runUuid) || !(await this.#isPending(lane))) return;
      lane.runSync.isFinishing = true;
      await this.#work(lane, retryPolicy, ended, (each) => lane.runSync.tell(each));
    });
  }

  statusOf(runUuid: string): SyncedStatus | undefined {
    const lane = this.#lanes.get(runUuid);
    if (lane === undefined || !this.#options.isOurs(runUuid)) return undefined;
    const { state, error, runSync } = lane;
    const lastError = error === null ? null : { code: error.code, message: error.message, hint: error.hint };
    return { state, lastError, refused: runSync.refused };
  }

  *problems(): Generator<{ readonly runUuid: string; readonly error: CodedError }> {
    for (const [runUuid, { state, error, runSync }] of this.#lanes) {
      if (!this.#options.isOurs(runUuid)) continue;
      if (error !== null) yield { runUuid, error };
      else if (state !== 'synced' && this.#isFlushed)
        yield { runUuid, error: runSync.unreadable ?? notSynced(runUuid) };
      for (const { message } of runSync.refused)
        yield { runUuid, error: new PolyaxonApiError('ERR_API_INVALID', message) };
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await Promise.all(this.#early);
    await this.#options.client.close();
  }

  #touch(runUuid: string, change: (runSync: RunSync) => void): void {
    const lane = this.#lanes.get(runUuid);
    if (lane === undefined) return;
    change(lane.runSync);
    if (lane.state === 'synced') lane.state = 'pending';
    lane.dueMs = Math.min(lane.dueMs, this.#nowMs() + ROUND_MS);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const retryPolicy = this.#createRetryPolicy(Number.POSITIVE_INFINITY);
    const working = new Set<Promise<void>>();
    while (!signal.aborted) {
      for (const lane of this.#takeDue(this.#limit.at(this.#nowMs()) - working.size)) {
        const work = this.#check(lane, retryPolicy, signal).finally(() => working.delete(work));
        working.add(work);
      }
      await this.#options.io.clock.sleep(TICK_MS, signal).catch(() => undefined); // stopped
    }
    await Promise.all(working);
  }

  #takeDue(count: number): Lane[] {
    const nowMs = this.#nowMs();
    const due: Lane[] = [];
    for (const lane of this.#lanes.values()) {
      if (due.length >= count) break;
      const { runUuid } = lane.runSync.run;
      if (lane.isBusy || lane.dueMs > nowMs || !this.#options.isOurs(runUuid)) continue;
      const refusal = this.#refusals.find(runUuid, lane.runSync.place, nowMs);
      if (refusal === null) due.push(lane);
      else this.#refuse(lane, refusal.error, refusal.untilMs);
    }
    return due;
  }

  async #check(lane: Lane, retryPolicy: RetryPolicy, signal: AbortSignal): Promise<void> {
    lane.isBusy = true;
    try {
      const isDue = lane.runSync.waitsForValues ? lane.runSync.hasNews() : this.#isPending(lane);
      if (await isDue) await this.#work(lane, retryPolicy, signal, (each) => lane.runSync.tell(each));
      else lane.dueMs = this.#toNextCheckMs(lane);
    } finally {
      lane.isBusy = false;
    }
  }

  async #isPending({ state, runSync }: Lane): Promise<boolean> {
    return state !== 'synced' || (await runSync.hasNews());
  }

  /** Runs rounds with retries until one succeeds or a retry cannot help. Never rejects. */
  async #work(
    lane: Lane,
    retryPolicy: RetryPolicy,
    signal: AbortSignal,
    round: (signal: AbortSignal) => Promise<RoundOutcome>,
  ): Promise<void> {
    const { runUuid } = lane.runSync.run;
    const refusal = this.#refusals.find(runUuid, lane.runSync.place, this.#nowMs());
    if (refusal !== null) {
      this.#refuse(lane, refusal.error, refusal.untilMs);
      return;
    }
    lane.state = 'pending';
    lane.dueMs = Number.POSITIVE_INFINITY;
    let { progress } = lane.runSync;
    const madeProgress = (): boolean => {
      const hasMore = lane.runSync.progress > progress;
      progress = lane.runSync.progress;
      return hasMore;
    };
    try {
      const result = await retryPolicy.withRetry(
        `sync the run ${runUuid} with Polyaxon`,
        async () => {
          const outcome = await attempt(() => this.#untilDecided(round, signal));
          if (outcome.status === 'retry') this.#wait(lane, outcome.cause);
          return outcome;
        },
        { signal, madeProgress },
      );
      if (result.status === 'failed') this.#fail(lane, this.#toServerError(result.error) ?? result.error);
      else this.#succeed(lane, result.value);
    } catch (error) {
      if (!signal.aborted) this.#fail(lane, toCoded(error));
      lane.dueMs = Math.min(lane.dueMs, this.#nowMs() + ROUND_MS);
    }
  }

  /** The error without the run, if the server rejects every call or does not answer: the same error for all runs. */
  #toServerError(error: CodedError): CodedError | null {
    const cause = error instanceof StoreUnavailableError ? error.cause : error;
    if (!(cause instanceof PolyaxonApiError) || !cause.concernsAllFiles) return null;
    const known = this.#refusals.findOfAll(this.#nowMs());
    if (known?.code === error.code) return known;
    if (error instanceof StoreUnavailableError)
      return new StoreUnavailableError(this.#reach(), error.attempts, true, { cause: cause.cause ?? cause });
    // The message begins with the call, which names the run.
    const answer = cause.message.slice(cause.message.indexOf(': ') + 2);
    const { code, httpStatus, fields } = cause;
    return new PolyaxonApiError(
      code,
      `${this.#reach()}: ${answer}`,
      { httpStatus: httpStatus ?? undefined, fields },
      { cause },
    );
  }

  #reach(): string {
    return `reach Polyaxon at ${this.#options.client.connection.host}`;
  }

  /** Repeats a round while a file is being replaced. While watching, the next round reads it. */
  async #untilDecided(
    round: (signal: AbortSignal) => Promise<RoundOutcome>,
    signal: AbortSignal,
  ): Promise<RoundOutcome> {
    const { io, isWatching } = this.#options;
    for (let tries = 1; ; tries += 1) {
      const outcome = await round(signal);
      if (outcome !== 'undecided' || isWatching || tries === UNDECIDED_TRIES) return outcome;
      await io.clock.sleep(UNDECIDED_MS, signal);
    }
  }

  #succeed(lane: Lane, outcome: RoundOutcome): void {
    const { runSync } = lane;
    lane.error = null;
    this.#refusals.remove(runSync.run.runUuid, runSync.place);
    // The run may have changed during the round; it may even have ended.
    const isSynced = outcome === 'synced' && !runSync.hasChanged;
    lane.state = isSynced ? 'synced' : 'pending';
    lane.dueMs = isSynced ? this.#toNextCheckMs(lane) : this.#nowMs() + ROUND_MS;
    if (isSynced && runSync.isComplete) runSync.release();
  }

  #fail(lane: Lane, error: CodedError): void {
    const { runSync } = lane;
    if (this.#lanes.get(runSync.run.runUuid) !== lane) return; // the run is gone
    const untilMs = this.#refusals.add(error, runSync.run.runUuid, runSync.place, this.#nowMs());
    this.#refuse(lane, error, untilMs);
  }

  #refuse(lane: Lane, error: CodedError, untilMs: number): void {
    const isNew = lane.error?.code !== error.code;
    lane.state = error instanceof StoreUnavailableError ? 'waiting' : 'rejected';
    lane.error = error;
    lane.dueMs = untilMs;
    const isOfAll = error instanceof StoreError && error.concernsAllFiles;
    if (isOfAll && this.#reportedOfAll === error) return;
    if (isOfAll) this.#reportedOfAll = error;
    if (isNew) this.#options.onProblem(lane.runSync.run.runUuid, error);
  }

  #wait(lane: Lane, cause: unknown): void {
    lane.state = 'waiting';
    if (cause instanceof CodedError) lane.error = cause;
  }

  #toNextCheckMs({ runSync }: Lane): number {
    const { min, max, perRun } = CHECK_MS;
    const checkMs = Math.min(max, Math.max(min, this.#lanes.size * perRun));
    return this.#nowMs() + (runSync.isComplete ? COMPLETE_CHECK_MS : checkMs);
  }

  async #forEach(signal: AbortSignal, work: (lane: Lane) => Promise<void>): Promise<void> {
    const lanes = [...this.#lanes.values()];
    const next = async (): Promise<void> => {
      // On overload, fewer workers continue, but always at least one.
      while (lanes.length > 0 && !signal.aborted && this.#working < this.#limit.at(this.#nowMs())) {
        this.#working += 1;
        const lane = lanes.shift();
        if (lane !== undefined) await work(lane);
        this.#working -= 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  }

  #createRetryPolicy(retryTimeoutMs: number): RetryPolicy {
    const { io } = this.#options;
    const onRetry = (notice: RetryNotice): void => {
      const { cause } = notice;
      const isOfServer = cause instanceof PolyaxonApiError && cause.concernsAllFiles;
      this.#options.onRetry(
        isOfServer ? { ...notice, operation: this.#reach(), cause: cause.cause ?? cause } : notice,
      );
    };
    const onTrouble = (): void => this.#limit.onTrouble(this.#nowMs());
    return new RetryPolicy({ ...io, retryTimeoutMs, onRetry, onTrouble });
  }

  #nowMs(): number {
    return this.#options.io.clock.monotonicMs();
  }
}

function toCoded(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  return new PolyaxonApiError('ERR_API_SERVER', messageOf(error), {}, { cause: error });
}
