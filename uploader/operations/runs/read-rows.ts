/** Reads the rows of runs: their records, and from event files only what is asked for and no record has. */

import type { CodedError } from '../../../src/base/errors.js';
import type { MetricGoals } from '../../../src/polyaxon/metric-goal.js';
import { toReadableName } from '../../../src/polyaxon/names.js';
import { isDone } from '../../../src/polyaxon/run-record.js';
import type { BestMetric } from '../../../src/reading/best-metric.js';
import type { LoadedRun } from '../../../src/reading/loaded-run.js';
import { mapInParallel } from '../../base/in-parallel.js';
import type { Io } from '../../base/io/io.js';
import { isRunLive } from '../../run-directory/is-run-live.js';
import { findValue, isFact, type RunRow } from './run-row.js';

interface ReadRowsOptions {
  readonly io: Io;
  readonly signal: AbortSignal;
  /** The columns to fill. Default: the facts, inputs and outputs; of runs on disk or in the index of a store that have not ended, also all metrics. */
  readonly columns: readonly string[] | undefined;
  /** Columns that are needed besides. */
  readonly others: readonly string[];
}

export interface LoadedRow extends RunRow {
  readonly run: LoadedRun;
  /** What of the run could not be read. */
  readonly problems: readonly CodedError[];
}

export async function readRows(runs: readonly LoadedRun[], options: ReadRowsOptions): Promise<LoadedRow[]> {
  const nowMs = options.io.clock.wallTime() * 1000;
  const rows = await mapInParallel(runs, async (run) => {
    const isLost = await findLost(run, options.io);
    const metrics = new Map<string, number>();
    const best = new Map<string, BestMetric>();
    return { run, isLost, metrics, best, problems: [...run.problems], nowMs };
  });
  const named = [...(options.columns ?? []), ...options.others].filter((name) => !isFact(name));
  // A name that is an input of some run is not a metric of the others.
  const names = new Set(
    named
      .filter((name) => !BEST.test(name))
      .filter(
        (name) =>
          !/^(?:in|out)puts\./.test(name) && !rows.some((row) => findValue(row, `inputs.${name}`) !== null),
      )
      .map((name) => name.replace(/^metrics\./, '')),
  );
  for (const row of rows) {
    options.signal.throwIfAborted();
    await fillMetrics(row, names, options);
  }
  await fillBest(rows, named, options);
  return rows;
}

const BEST = /^best(?:_step)?\./;

/**
 * Reads the best points of the metrics with a goal that `named` mentions. Without columns: of all, if the run is on disk. A goal that one of the
 * runs has declared is that of the others too, so that they can be compared.
 */
async function fillBest(
  rows: readonly GrowingRow[],
  named: readonly string[],
  { columns, signal }: ReadRowsOptions,
): Promise<void> {
  const all = mergeGoals(rows.map(({ run }) => run));
  const wanted = new Set(named.map((name) => name.replace(BEST, '')));
  const isWanted = ([name]: readonly [string, unknown]) =>
    wanted.has(name) || wanted.has(toReadableName(name));
  const asked = Object.fromEntries(Object.entries(all).filter(isWanted));
  for (const row of rows) {
    signal.throwIfAborted();
    const { run } = row;
    const goals = columns === undefined && isCheap(run) ? { ...run.goals, ...asked } : asked;
    const found = await run.bestMetrics({ goals, signal });
    for (const best of found.metrics) row.best.set(best.name, best);
    for (const problem of found.problems) row.problems.push(problem);
  }
}

/** Returns the goals of several runs. Of different goals of one metric, the first one. */
export function mergeGoals(runs: readonly Pick<LoadedRun, 'goals'>[]): MetricGoals {
  return Object.fromEntries(runs.toReversed().flatMap(({ goals }) => Object.entries(goals)));
}

/** A row that is being filled. */
interface GrowingRow extends LoadedRow {
  readonly metrics: Map<string, number>;
  readonly best: Map<string, BestMetric>;
  readonly problems: CodedError[];
}

async function fillMetrics(
  row: GrowingRow,
  names: ReadonlySet<string>,
  { columns, signal }: ReadRowsOptions,
): Promise<void> {
  const { run, metrics } = row;
  const readsAll = columns === undefined && isCheap(run) && !isEnded(run);
  const missing = [...names].filter((name) => findValue(row, `outputs.${name}`) === null);
  if (!readsAll && missing.length === 0) return;
  const found = await run.lastMetrics({ ...(readsAll ? {} : { names: missing }), signal });
  for (const { name, value } of found.metrics) metrics.set(name, value);
  for (const problem of found.problems) row.problems.push(problem);
}

function isOnDisk({ location }: LoadedRun): boolean {
  return !location.includes('://');
}

/** Whether the metrics of a run are read without a download. */
function isCheap(run: LoadedRun): boolean {
  return run.indexed !== undefined || isOnDisk(run);
}

function isEnded({ status }: LoadedRun): boolean {
  return status !== null && isDone(status);
}

/** Whether the process of a run on disk has ended without recording it. */
async function findLost(run: LoadedRun, io: Io): Promise<boolean> {
  if (run.indexed !== undefined) return run.indexed.isLost;
  if (isEnded(run) || !isOnDisk(run)) return false;
  return !(await isRunLive(io, Buffer.from(run.location), Number.POSITIVE_INFINITY));
}
