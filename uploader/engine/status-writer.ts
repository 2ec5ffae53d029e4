/** Writes the status of a watch: soon after a change, and at least every `SIGN_OF_LIFE_MS`. A sync writes its status at its end. */

import { guardUser } from '../../src/base/user-callback.js';
import { systemErrorCode } from '../base/io/system-error.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';
import type { Scanner } from '../pipeline/scan/scanner.js';
import type { UploaderContext } from './context/uploader-context.js';
import { judgeFile, type WorkOnFiles } from './file-evidence.js';
import { SettledFile } from './monitor/settled-file.js';
import {
  isSettled,
  type RunUploadStatus,
  readStatus,
  type Status,
  sumUpRuns,
  toProblems,
  toRunStatus,
  writeStatus,
} from './monitor/status-file.js';
import type { RunPhases } from './run-phases.js';

const INTERVAL_MS = 2_000;
/** The interval while all runs are at rest: nothing but times can have changed. */
const IDLE_INTERVAL_MS = 10_000;
const SIGN_OF_LIFE_MS = 30_000;
const RECOUNT_AFTER_MS = 60_000;

export class StatusWriter {
  readonly #context: UploaderContext;
  readonly #scanner: Scanner;
  readonly #phases: Pick<RunPhases, 'phaseOf'>;
  readonly #files: WorkOnFiles;
  readonly #isStateless: () => boolean;
  readonly #onStatus: (status: Status) => void;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Whether all runs were at rest at the last count. */
  #wasIdle = false;
  #writtenMs = Number.NEGATIVE_INFINITY;
  #lastText = '';
  /** The runs of the root outside of the path that is uploaded, as they were written last; null before they are read. */
  #outside: readonly RunUploadStatus[] | null = null;
  readonly #settledFile: SettledFile;
  readonly #counted = new WeakMap<KnownRun, { readonly status: RunUploadStatus; readonly untilMs: number }>();

  /** Calls `onStatus` at each count, whether the status is written or not. */
  constructor(
    context: UploaderContext,
    scanner: Scanner,
    phases: Pick<RunPhases, 'phaseOf'>,
    files: WorkOnFiles,
    isStateless: () => boolean,
    onStatus: ((status: Status) => void) | undefined,
  ) {
    this.#context = context;
    this.#scanner = scanner;
    this.#phases = phases;
    this.#files = files;
    this.#isStateless = isStateless;
    this.#onStatus = guardUser('onStatus', onStatus);
    this.#settledFile = new SettledFile(context.io.fileSystem, context.paths.settled);
  }

  async writeIfDue({ isPaused, isIdle }: { isPaused: boolean; isIdle: boolean }): Promise<void> {
    const { clock, rootWatch } = this.#context;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lookedMs < (isIdle && this.#wasIdle ? IDLE_INTERVAL_MS : INTERVAL_MS)) return;
    this.#wasIdle = isIdle;
    this.#lookedMs = nowMs;
    const reason = rootWatch.unavailableReason ?? (isPaused ? 'the store rejects requests' : null);
    await this.write(
      reason === null ? 'watching' : 'paused',
      reason,
      nowMs - this.#writtenMs < SIGN_OF_LIFE_MS,
    );
  }

  /** Writes the status. With `onlyIfChanged`, skips the write when nothing but times has changed. */
  async write(state: Status['state'], reason: string | null = null, onlyIfChanged = false): Promise<void> {
    const { place, store, io, clock, retryPolicy, inventory } = this.#context;
    const runs = this.#countRuns();
    const { outageSinceMs } = retryPolicy.breaker;
    const problems = toProblems(this.#scanner);
    const status: Status = {
      version: 1,
      root: place.root.toString(),
      store: store.id,
      pid: (await io.processes.current()).pid,
      lock: this.#context.lockToken,
      state,
      reason,
      updatedAt: clock.wallTime(),
      storeOutageMs: outageSinceMs === null ? null : Math.round(clock.monotonicMs() - outageSinceMs),
      isStateless: this.#isStateless(),
      runs,
      total: { ...sumUpRuns(runs), lostBytes: inventory.lostBytes },
      problems,
    };
    this.#onStatus(status);
    await this.#store(status, onlyIfChanged);
  }

  /** Writes settled runs into a separate file, until the end. */
  async #store(status: Status, onlyIfChanged: boolean): Promise<void> {
    this.#outside ??= await this.#readOutside();
    const uuids = new Set(status.runs.map(({ uuid }) => uuid));
    const outside = this.#outside.filter(({ uuid }) => !uuids.has(uuid));
    const isLast = status.state === 'ended';
    const others = isLast ? status.runs : status.runs.filter((run) => !isSettled(run));
    if (!isLast) await this.#settledFile.update(status.runs.filter(isSettled)).catch(ignoreDisk);
    const { state, reason, storeOutageMs, total, problems } = status;
    const text = JSON.stringify([
      state,
      reason,
      storeOutageMs === null,
      problems,
      [total, ...others].map((each) => ({ ...each, lagMs: 0, eventsLagMs: 0 })),
    ]);
    if (onlyIfChanged && text === this.#lastText) return;
    this.#lastText = text;
    this.#writtenMs = this.#context.clock.monotonicMs();
    const all = outside.length === 0 ? total : sumUpRuns([...status.runs, ...outside]);
    await writeStatus(this.#context, { ...status, runs: [...others, ...outside], total: all });
  }

  async #readOutside(): Promise<readonly RunUploadStatus[]> {
    const { io, paths, place } = this.#context;
    if (place.start.equals(place.root)) return [];
    const written = await readStatus(io.fileSystem, paths);
    return (written?.runs ?? []).filter(({ directory }) => directory !== place.start.toString());
  }

  #countRuns(): RunUploadStatus[] {
    const { inventory } = this.#context;
    return inventory.runs.filter(({ directory }) => directory !== null).map((run) => this.#count(run));
  }

  /** Counts the files of a run. Those of a settled run are counted less often. */
  #count(run: KnownRun): RunUploadStatus {
    const { inventory, clock, ownership, config, exportView, observer } = this.#context;
    const phase = ownership.isRunElsewhere(run) ? 'elsewhere' : this.#phases.phaseOf(run);
    const nowMs = clock.monotonicMs();
    const last = this.#counted.get(run);
    const isFresh = last !== undefined && nowMs < last.untilMs && run.dirtyFiles === 0;
    if (isFresh && last.status.phase === phase && isSettled(last.status)) return last.status;
    const status = toRunStatus(inventory, run, config.project, {
      phase,
      stateOf: (id) => judgeFile(this.#context, id, this.#files).state,
      behindMs: exportView.behindMs(run),
      api: observer.statusOf?.(run.uuid),
    });
    this.#counted.set(run, { status, untilMs: nowMs + RECOUNT_AFTER_MS });
    return status;
  }
}

function ignoreDisk(error: unknown): void {
  // The journal has already reported the failing disk.
  if (systemErrorCode(error) === undefined) throw error;
}
