/** Reads the rows of runs: their records, and from event files only what is asked for and no record has. */

import type { CodedError } from '../../../src/base/errors.js';
import type { MetricGoals } from '../../../src/polyaxon/metric-goal.js';
import { toReadableName } from '../../../src/polyaxon/names.js';
import { isDone } from '../../../src/polyaxon/run-record.js';
import type { BestMetric } from '../../../src/reading/best-metric.js';
import type { LoadedRun } from '../../../src/reading/loaded-run.js';
import type { IndexedRun } from '../../../src/reading/run-facts.js';
import { mapInParallel } from '../../base/in-parallel.js';
import type { Io } from '../../base/io/io.js';
import { isRunLive } from '../../run-directory/is-run-live.js';
import { createFinder, isFact, type RunRow } from './run-row.js';

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
  const rows = runs.map((run): GrowingRow => {
    const isLost = run.indexed?.isLost ?? false;
    return { run, isLost, metrics: new Map(), best: new Map(), problems: [...run.problems], nowMs };
  });
  await mapInParallel(
    rows.filter(({ run }) => run.indexed === undefined && !isEnded(run) && isOnDisk(run)),
    async (row) => {
      row.isLost = !(await isRunLive(options.io, Buffer.from(row.run.location), Number.POSITIVE_INFINITY));
    },
  );
  const named = [...(options.columns ?? []), ...options.others].filter((name) => !isFact(name));
  // A name that is an input of some run is not a metric of the others.
  const names = new Set(
    named
      .filter((name) => !BEST.test(name))
      .filter(
        (name) =>
          !/^(?:in|out)puts\./.test(name) &&
          rows.map(createFinder(`inputs.${name}`)).every((value) => value === null),
      )
      .map((name) => name.replace(/^metrics\./, '')),
  );
  const outputs = Array.from(names, (name) => ({ name, find: createFinder(`outputs.${name}`) }));
  for (const row of rows) {
    options.signal.throwIfAborted();
    const readsAll = options.columns === undefined && isCheap(row.run) && !isEnded(row.run);
    const missing = readsAll
      ? undefined
      : outputs.filter(({ find }) => find(row) === null).map(({ name }) => name);
    if (missing !== undefined) await fillNotFinite(row, options);
    if (missing?.length === 0) continue;
    // Without waiting: of 10,000 runs of an index, waiting would take most of the time.
    if (row.run.indexed !== undefined) fillIndexed(row, row.run.indexed, missing);
    else await fillMetrics(row, missing, options);
  }
  await fillBest(rows, named, options);
  return rows;
}

/** Without columns: reads the last values that are null in the record, because JSON has neither NaN nor infinity. */
async function fillNotFinite({ run, metrics, problems }: GrowingRow, { columns, signal }: ReadRowsOptions) {
  const names = Object.keys(run.outputs).filter((name) => run.outputs[name] === null);
  if (names.length === 0 || columns !== undefined || !isCheap(run)) return;
  const found = await run.lastMetrics({ signal });
  for (const { name, value } of found.metrics)
    if (names.includes(toReadableName(name))) metrics.set(name, value);
  for (const problem of found.problems) problems.push(problem);
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
    if (Object.keys(goals).length === 0) continue;
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
  isLost: boolean;
  readonly metrics: Map<string, number>;
  readonly best: Map<string, BestMetric>;
  readonly problems: CodedError[];
}

/** `names`: undefined for all metrics. */
function fillIndexed(row: GrowingRow, { metrics }: IndexedRun, names: readonly string[] | undefined): void {
  for (const { name, value } of metrics)
    if (names === undefined || names.includes(name)) row.metrics.set(name, value);
}

async function fillMetrics(
  { run, metrics, problems }: GrowingRow,
  names: readonly string[] | undefined,
  { signal }: ReadRowsOptions,
): Promise<void> {
  const found = await run.lastMetrics({ names, signal });
  for (const { name, value } of found.metrics) metrics.set(name, value);
  for (const problem of found.problems) problems.push(problem);
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
