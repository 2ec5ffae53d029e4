/** Tracks which runs are still written, which have ended, and which are completely stored. */

import { FLAG } from '../pipeline/inventory/file-table.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';
import type { Scanner } from '../pipeline/scan/scanner.js';
import type { Liveness } from '../run-directory/run-liveness.js';
import type { UploaderContext } from './context/uploader-context.js';
import { reportComplete, reportPartial } from './run-completion.js';
import type { Schedule } from './schedule.js';

/**
 * `closing`: the run has ended, and the scan and uploads after its end are not finished yet. `incomplete`: every file that can be stored is
 * stored; at least one file cannot be stored.
 */
export type RunPhase = 'live' | 'closing' | 'complete' | 'incomplete';

const LOOK_INTERVAL_MS = 500;
/** The interval for complete runs without a change of their files. */
const COMPLETE_INTERVAL_MS = 300_000;
/** The interval for runs that another uploader works on. */
const ELSEWHERE_INTERVAL_MS = 10_000;
/** The longest time that one call spends on checking runs; the next call continues with the next run. */
const SLICE_MS = 20;

export class RunPhases {
  readonly #context: UploaderContext;
  readonly #scanner: Scanner;
  readonly #schedule: Schedule;
  readonly #phases = new Map<number, RunPhase>();
  readonly #lookedMs = new Map<number, number>();
  readonly #livenessByRun = new Map<number, Liveness>();
  #next = 0;
  #areAllAtRest = false;

  constructor(context: UploaderContext, scanner: Scanner, schedule: Schedule) {
    this.#context = context;
    this.#scanner = scanner;
    this.#schedule = schedule;
    context.runKeepers.push({
      onRunGone: ({ index }) => {
        for (const facts of [this.#phases, this.#lookedMs, this.#livenessByRun]) facts.delete(index);
      },
    });
  }

  phaseOf(run: KnownRun): RunPhase {
    if (run.conflict !== null) return 'incomplete';
    return this.#phases.get(run.index) ?? 'live';
  }

  /** Whether at least one run exists and all runs are complete or incomplete. */
  get areAllSettled(): boolean {
    const runs = this.#found();
    return runs.length > 0 && runs.every((run) => ['complete', 'incomplete'].includes(this.phaseOf(run)));
  }

  /** Whether at least one run exists and all runs were at rest at the last check. */
  get areAllAtRest(): boolean {
    return this.#areAllAtRest;
  }

  /** Checks the liveness of some runs, and concludes runs that have ended. */
  async check(): Promise<void> {
    const runs = this.#found();
    const nowMs = this.#context.clock.monotonicMs();
    for (let checks = 0; checks < runs.length; checks += 1) {
      if (this.#context.clock.monotonicMs() - nowMs > SLICE_MS) break;
      const run = runs[this.#next % runs.length]!;
      this.#next += 1;
      const lookedMs = this.#lookedMs.get(run.index) ?? Number.NEGATIVE_INFINITY;
      if (nowMs - lookedMs < this.#toIntervalMs(run, lookedMs)) continue;
      this.#lookedMs.set(run.index, nowMs);
      await this.#check(run, nowMs);
    }
    const busy = runs.filter((run) => !this.isAtRest(run));
    for (const run of busy) if (this.phaseOf(run) !== 'live') this.#conclude(run);
    this.#areAllAtRest = runs.length > 0 && busy.length === 0;
  }

  /** Whether the run is completely stored and nothing has happened to it since. */
  isAtRest(run: KnownRun): boolean {
    if (this.phaseOf(run) !== 'complete' || run.dirtyFiles > 0 || run.conflict !== null) return false;
    return this.#context.exportView.outcomeOf(run) === 'settled';
  }

  #toIntervalMs(run: KnownRun, lookedMs: number): number {
    if (!this.#context.ownership.ownsRun(run)) return ELSEWHERE_INTERVAL_MS;
    return this.isAtRest(run) && run.changedMs < lookedMs ? COMPLETE_INTERVAL_MS : LOOK_INTERVAL_MS;
  }

  async #check(run: KnownRun, nowMs: number): Promise<void> {
    const liveness = await this.#context.livenessByRun.get(run.index)?.check(nowMs - run.changedMs);
    if (liveness !== undefined && liveness !== this.#livenessByRun.get(run.index)) {
      this.#livenessByRun.set(run.index, liveness);
      this.#context.observer.onLiveness?.(run.uuid, liveness);
    }
    const isLive = liveness === undefined || liveness === 'live';
    const phase = this.phaseOf(run);
    if (isLive && phase !== 'live') this.#phases.set(run.index, 'live');
    if (isLive || phase !== 'live') return;
    this.#phases.set(run.index, 'closing');
    // Scan again: the last writes before the end may not have been seen yet.
    this.#scanner.revisit(new Set([run.index]));
    this.#schedule.retryRun(run.index);
  }

  #conclude(run: KnownRun): void {
    const { inventory, rootWatch, ownership, exportView } = this.#context;
    const phase = this.phaseOf(run);
    if (!ownership.ownsRun(run) || run.conflict !== null) return;
    if (phase === 'live' || rootWatch.unavailableReason !== null || !run.isListed) return;
    if (this.#scanner.isVisiting(run.index)) return;
    const dirty = this.#context.sendsFiles
      ? [...inventory.filesOf(run)].filter((id) => inventory.table.has(id, FLAG.dirty))
      : [];
    const open = dirty.filter(
      (id) => !this.#schedule.failures.has(id) || inventory.table.has(id, FLAG.taken),
    );
    const exported = exportView.outcomeOf(run);
    if (open.length > 0 || exported === 'busy') this.#phases.set(run.index, 'closing');
    else if (dirty.length > 0 || exported === 'failed') {
      this.#phases.set(run.index, 'incomplete');
      if (phase !== 'incomplete' && exported !== 'failed')
        reportPartial(this.#context, this.#scanner, run, dirty, this.#schedule.failures);
    } else if (phase !== 'complete') {
      this.#phases.set(run.index, 'complete');
      reportComplete(this.#context, this.#scanner, run);
    }
  }

  #found(): KnownRun[] {
    const { inventory, refused } = this.#context;
    return inventory.runs.filter(({ directory, index }) => directory !== null && !refused.has(index));
  }
}
