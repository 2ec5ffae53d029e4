/** Reads the rows of runs: their records, and from event files only what is asked for and no record has. */

import type { CodedError } from '../../../src/base/errors.js';
import { isDone } from '../../../src/polyaxon/run-record.js';
import type { LoadedRun } from '../../../src/reading/loaded-run.js';
import { mapInParallel } from '../../base/in-parallel.js';
import type { Io } from '../../base/io/io.js';
import { isRunLive } from '../../run-directory/is-run-live.js';
import { findValue, isFact, type RunRow } from './run-row.js';

interface ReadRowsOptions {
  readonly io: Io;
  readonly signal: AbortSignal;
  /** The columns to fill. Default: the facts, inputs and outputs; of runs on disk that have not ended, also all metrics. */
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
    return { run, isLost, metrics: new Map<string, number>(), problems: [...run.problems], nowMs };
  });
  const named = [...(options.columns ?? []), ...options.others].filter((name) => !isFact(name));
  // A name that is an input of some run is not a metric of the others.
  const names = new Set(
    named
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
  return rows;
}

/** A row that is being filled. */
interface GrowingRow extends LoadedRow {
  readonly metrics: Map<string, number>;
  readonly problems: CodedError[];
}

async function fillMetrics(
  row: GrowingRow,
  names: ReadonlySet<string>,
  { columns, signal }: ReadRowsOptions,
): Promise<void> {
  const { run, metrics } = row;
  const isOnDisk = !run.location.includes('://');
  const readsAll = columns === undefined && isOnDisk && !isEnded(run);
  const missing = [...names].filter((name) => findValue(row, `outputs.${name}`) === null);
  if (!readsAll && missing.length === 0) return;
  const found = await run.lastMetrics({ ...(readsAll ? {} : { names: missing }), signal });
  for (const { name, value } of found.metrics) metrics.set(name, value);
  for (const problem of found.problems) row.problems.push(problem);
}

function isEnded({ status }: LoadedRun): boolean {
  return status !== null && isDone(status);
}

/** Whether the process of a run on disk has ended without recording it. */
async function findLost(run: LoadedRun, io: Io): Promise<boolean> {
  if (isEnded(run) || run.location.includes('://')) return false;
  return !(await isRunLive(io, Buffer.from(run.location), Number.POSITIVE_INFINITY));
}
