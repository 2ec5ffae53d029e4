/** Writes the status of a watch: within `INTERVAL_MS` of a change, and at least every `SIGN_OF_LIFE_MS`. */

import type { KnownRun } from '../pipeline/inventory/known-run.js';
import type { Scanner } from '../pipeline/scan/scanner.js';
import type { UploaderContext } from './context/uploader-context.js';
import { countRuns, type Status, sumUpRuns, toProblems, writeStatus } from './monitor/status-file.js';
import type { RunPhases } from './run-phases.js';

const INTERVAL_MS = 2_000;
const SIGN_OF_LIFE_MS = 10_000;

export class StatusWriter {
  readonly #context: UploaderContext;
  readonly #scanner: Scanner;
  readonly #phases: RunPhases;
  readonly #isStateless: () => boolean;
  readonly #onStatus: (status: Status) => void;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #writtenMs = Number.NEGATIVE_INFINITY;
  #lastText = '';

  /** Calls `onStatus` every two seconds, whether the status is written or not. */
  constructor(
    context: UploaderContext,
    scanner: Scanner,
    phases: RunPhases,
    isStateless: () => boolean,
    onStatus: (status: Status) => void = () => undefined,
  ) {
    this.#context = context;
    this.#scanner = scanner;
    this.#phases = phases;
    this.#isStateless = isStateless;
    this.#onStatus = onStatus;
  }

  async writeIfDue(isPaused: boolean): Promise<void> {
    const { clock, rootWatch } = this.#context;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lookedMs < INTERVAL_MS) return;
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
    const { place, store, io, clock, retryPolicy, inventory, config, ownership, exportView, observer } =
      this.#context;
    const phaseOf = (run: KnownRun) => (ownership.worksOn(run) ? this.#phases.phaseOf(run) : 'elsewhere');
    const runs = countRuns(inventory, config.project, phaseOf, exportView, (runUuid) =>
      observer.statusOf?.(runUuid),
    );
    const problems = toProblems(this.#scanner);
    const { outageSinceMs } = retryPolicy.breaker;
    const text = JSON.stringify([
      state,
      reason,
      outageSinceMs,
      problems,
      runs.map((run) => ({ ...run, lagMs: 0, eventsLagMs: 0 })),
    ]);
    const status: Status = {
      version: 1,
      root: place.root.toString(),
      store: store.id,
      pid: (await io.processes.current()).pid,
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
    if (onlyIfChanged && text === this.#lastText) return;
    this.#lastText = text;
    this.#writtenMs = clock.monotonicMs();
    await writeStatus(this.#context, status);
  }
}
