/**
 * Histograms with custom bins, and Polyaxon's limit on their number.
 *
 * Source of the limit: traceml 1.3.0, `events_metrics_processors.py` (`np_histogram`).
 */

import { describe } from '../base/describe.js';
import { invalidArgument } from '../base/errors.js';
import type { OptionTable } from '../base/options.js';
import {
  createHistogramRows,
  type HistogramBuckets,
  type HistogramInput,
  type HistogramRows,
} from './histogram.js';
import { checkBinCount, countBins, type HistogramBins } from './numpy-bins.js';

/** The most bins that Polyaxon's client accepts. */
const DEFAULT_MAX_BINS = 512;

export interface BinOptions {
  /** The number of equal buckets for values; 0 or more. Default 30, as in TensorBoard. Not used with edges. */
  readonly buckets?: number | undefined;
  /** Bins as in numpy: a number, a rule such as `auto`, or edges. Use instead of `buckets`. Not used with counts and edges. */
  readonly bins?: HistogramBins | undefined;
  /** The most bins that `bins` may result in; more throw. Default 512. */
  readonly maxBins?: number | undefined;
}
export const BIN_OPTIONS: OptionTable<BinOptions> = { buckets: 'any', bins: 'any', maxBins: 'any' };

/** Counts values into buckets or bins, or uses the given counts. Throws `ERR_HISTOGRAM_INVALID`. */
export function createBinnedRows(
  input: HistogramInput,
  { buckets, bins, maxBins }: BinOptions,
): HistogramRows {
  const isCounted = typeof input === 'object' && input !== null && 'edges' in input;
  if (bins === undefined || isCounted) {
    const rows = createHistogramRows(input, buckets);
    if (maxBins !== undefined) checkBinCount(rows.rows.length / 3, maxBins);
    return rows;
  }
  if (buckets !== undefined) throw invalid('bins and buckets are given, expected only one of them');
  const { finite, nonFinite } = splitFinite(input);
  const binned = countBins(finite, bins, maxBins ?? DEFAULT_MAX_BINS);
  return { rows: createHistogramRows(binned).rows, nonFinite };
}

/** Converts counts of bins from `np.histogram`. Throws `ERR_HISTOGRAM_INVALID`. */
export function createNumpyRows(
  heights: HistogramBuckets['counts'],
  edges: HistogramBuckets['edges'],
  maxBins = DEFAULT_MAX_BINS,
): HistogramRows {
  for (const [name, row] of Object.entries({ heights, edges })) {
    if (typeof row !== 'object' || row === null || !('length' in row)) {
      throw invalid(`${name} is ${describe(row)}, expected an array of numbers`);
    }
  }
  checkBinCount(heights.length, maxBins);
  return createHistogramRows({ edges, counts: heights });
}

function splitFinite(values: HistogramInput): { finite: Float64Array; nonFinite: number } {
  if (!Array.isArray(values) && !ArrayBuffer.isView(values)) {
    throw invalid(`values is ${describe(values)}, expected an array of numbers`);
  }
  const list = values as ArrayLike<unknown>;
  const finite = new Float64Array(list.length);
  let count = 0;
  for (let i = 0; i < list.length; i++) {
    const value = list[i];
    if (typeof value !== 'number') throw invalid(`values[${i}] is ${describe(value)}, expected a number`);
    if (Number.isFinite(value)) finite[count++] = value;
  }
  return { finite: finite.subarray(0, count), nonFinite: list.length - count };
}

const invalid = invalidArgument(
  'ERR_HISTOGRAM_INVALID',
  'Pass an array of numbers with bins or buckets, or counts of bins and their edges.',
);
