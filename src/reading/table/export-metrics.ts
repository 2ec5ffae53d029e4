/** Exports the metrics of runs for other programs: as CSV, JSON, Parquet or Arrow. */

import { describe } from '../../base/describe.js';
import { type CodedError, InvalidArgumentError, MetricUnknownError } from '../../base/errors.js';
import { checkOptions, type OptionTable } from '../../base/options.js';
import { guardUser } from '../../base/user-callback.js';
import type { LoadedRun, ReadMetricsOptions } from '../loaded-run.js';
import { encodeArrow } from './arrow.js';
import { encodeCsv, encodeJson } from './csv.js';
import { createBestTable, createLongTable, createWideTable, findNames } from './metric-table.js';
import { encodeParquet } from './parquet.js';

export type ExportFormat = 'csv' | 'json' | 'parquet' | 'arrow';

export interface ExportMetricsOptions extends ReadMetricsOptions {
  readonly format: ExportFormat;
  /** A row for each step of a run with a column for each metric, instead of a row for each point. Default false. */
  readonly isWide?: boolean | undefined;
  /** A row for each metric that has a goal, with its best point, instead of a row for each point. Default false. */
  readonly isBest?: boolean | undefined;
  /** Called for each problem of a run and its event files, and for each of `names` that no run has. What is readable is exported. Default: none. */
  readonly onProblem?: ((problem: CodedError) => void) | undefined;
}
const OPTIONS: OptionTable<ExportMetricsOptions> = {
  format: 'any',
  isWide: 'boolean',
  isBest: 'boolean',
  onProblem: 'function',
  names: 'any',
  kind: 'any',
  signal: 'object',
};

const ENCODERS = { csv: encodeCsv, json: encodeJson, parquet: encodeParquet, arrow: encodeArrow } as const;

/**
 * Yields the bytes of a file with the metrics of the runs: `run`, `name`, `tag`, `step`, `wall_time` and `value` of each point, or with `isBest` of the best ones, with their `goal`. `json` has an object in each line. `arrow` is an IPC file, which
 * `tableFromIPC` of any apache-arrow reads, also from this iterable.
 *
 * Memory: the points of one run, and 65,536 rows. With `isWide` and without `names`, iterates over `runs` twice, to find all names first. Throws
 * `ERR_OPTION_INVALID` at the call; the iteration throws `ERR_LIBRARY_MISSING` without the package of the format, and like `loadRuns`.
 */
export function exportMetrics(
  runs: AsyncIterable<LoadedRun>,
  options: ExportMetricsOptions,
): AsyncGenerator<Uint8Array, void, void> {
  checkOptions('exportMetrics', options, OPTIONS);
  const { format, isWide = false, isBest = false, onProblem, ...metrics } = options;
  if (!Object.hasOwn(ENCODERS, format)) {
    throw new InvalidArgumentError(
      'ERR_OPTION_INVALID',
      `exportMetrics: format is ${describe(format)}, expected csv, json, parquet or arrow`,
      'Pass format: csv, json, parquet or arrow.',
    );
  }
  if (isWide && isBest) {
    throw new InvalidArgumentError(
      'ERR_OPTION_INVALID',
      'exportMetrics: isWide and isBest exclude each other',
      'Pass one of them.',
    );
  }
  const rows = isWide ? 'wide' : isBest ? 'best' : 'long';
  return encode({ runs, metrics, onProblem: guardUser('onProblem', onProblem) }, format, rows);
}

async function* encode(
  source: Omit<Parameters<typeof createLongTable>[0], 'onMetric'>,
  format: ExportFormat,
  rows: 'wide' | 'best' | 'long',
): AsyncGenerator<Uint8Array, void, void> {
  const { names } = source.metrics;
  const missing = new Set(names);
  const observed = {
    ...source,
    onMetric: (name: string) => {
      missing.delete(name);
    },
  };
  // Problems are reported when the metrics are read.
  const table =
    rows === 'wide'
      ? createWideTable(observed, names ?? (await findNames({ ...source, onProblem: () => {} })))
      : rows === 'best'
        ? createBestTable(observed)
        : createLongTable(observed);
  yield* ENCODERS[format](table);
  for (const name of missing) source.onProblem(new MetricUnknownError(name));
}
