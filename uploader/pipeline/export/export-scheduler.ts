/** Exports all runs round-robin, in small steps, so that no run waits for the backlog of another one. */

import type { KnownRun } from '../inventory/known-run.js';
import type { ExportContext, ExportOutcome, ExportView } from './export-view.js';
import { RunExport } from './run-export.js';

/** The longest time for one call; the next call resumes the rest. */
const SLICE_MS = 100;
const MANIFEST_TIMEOUT_MS = 60_000;

export class ExportScheduler implements ExportView {
  readonly #context: ExportContext;
  readonly #runs = new Map<number, RunExport>();
  /** Complete runs and when they became complete; removed once their exporters are released. */
  readonly #complete = new Map<KnownRun, number>();
  #next = 0;

  constructor(context: ExportContext) {
    this.#context = context;
    context.runKeepers.push({
      onRunGone: (run) => {
        this.#runs.delete(run.index);
        this.#complete.delete(run);
      },
    });
  }

  /** Exports runs that are due, for at most `SLICE_MS`. Returns true when work remains. */
  async check(signal?: AbortSignal): Promise<boolean> {
    const { clock } = this.#context;
    const startMs = clock.monotonicMs();
    await this.#releaseComplete();
    const due = this.#takeTurn(this.#find().filter((run) => run.isDue(startMs)));
    for (let done = 0; due.length > 0; done += 1) {
      if (signal?.aborted) return true;
      if (clock.monotonicMs() - startMs > SLICE_MS) {
        this.#next += done;
        return true;
      }
      const run = due.shift()!;
      await run.check();
      if (run.hasMore) due.push(run);
    }
    return false;
  }

  /** Exports everything that the event files contain now. */
  async exportAll(signal: AbortSignal): Promise<void> {
    for (const run of this.#find())
      do {
        if (signal.aborted) return;
        await run.check();
      } while (run.hasMore);
  }

  /** Saves the export state of all runs. */
  async save(): Promise<void> {
    await this.#releaseComplete();
    for (const run of this.#runs.values()) await run.save();
  }

  /** Runs whose export fails, with the error. */
  *problems(): Generator<{ readonly run: KnownRun; readonly error: NonNullable<RunExport['problem']> }> {
    for (const [index, { problem }] of this.#runs)
      if (problem !== null) yield { run: this.#context.inventory.runs[index]!, error: problem };
  }

  outcomeOf(run: KnownRun): ExportOutcome {
    return this.#runs.get(run.index)?.outcome ?? 'busy';
  }

  behindMs(run: KnownRun): number {
    return this.#runs.get(run.index)?.behindMs(this.#context.clock.monotonicMs()) ?? 0;
  }

  onComplete(run: KnownRun): void {
    this.#complete.set(run, this.#context.clock.monotonicMs());
  }

  /** Releases complete runs and deletes their generated files. It waits for the manifest, which reads the files a last time. */
  async #releaseComplete(): Promise<void> {
    const nowMs = this.#context.clock.monotonicMs();
    for (const [run, sinceMs] of this.#complete) {
      const hasManifest = !this.#context.config.manifests || run.manifestKeys.size > 0;
      if (!hasManifest && nowMs - sinceMs < MANIFEST_TIMEOUT_MS) continue;
      if (hasManifest) await this.#runs.get(run.index)?.removeStored();
      await this.#runs.get(run.index)?.release();
      this.#complete.delete(run);
    }
  }

  #find(): RunExport[] {
    const { inventory } = this.#context;
    return inventory.runs
      .filter((run) => run.directory !== null && this.#context.isOurs(run))
      .map((run) => this.#of(run));
  }

  #of(run: KnownRun): RunExport {
    const known = this.#runs.get(run.index);
    if (known !== undefined) return known;
    const exportView = new RunExport(this.#context, run);
    this.#runs.set(run.index, exportView);
    return exportView;
  }

  /** Starts after the runs that were handled before the last slice ended. */
  #takeTurn(due: RunExport[]): RunExport[] {
    if (due.length === 0) return due;
    const first = this.#next % due.length;
    return [...due.slice(first), ...due.slice(0, first)];
  }
}
