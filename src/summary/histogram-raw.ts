/** Histograms in the form of TensorFlow 1: upper limits and counts, with the smallest and the largest value. */

import { describe } from '../base/describe.js';
import { invalidArgument } from '../base/errors.js';
import { isArrayLike } from './arguments.js';
import type { HistogramBuckets } from './histogram.js';

/** Counted buckets, with edges or with upper limits. */
export type RawHistogram =
  | HistogramBuckets
  | {
      /** The smallest and the largest counted value. */
      readonly min: number;
      readonly max: number;
      /** The upper limit of each bucket, ascending. The last one may be infinite. */
      readonly bucketLimits: ArrayLike<number>;
      readonly bucketCounts: ArrayLike<number>;
    };

/**
 * The edges and counts, without the empty buckets at both ends. Throws `ERR_HISTOGRAM_INVALID` when the numbers of limits and
 * counts differ.
 *
 * Source: tensorboard/data_compat.py: `min` is the first edge, `max` the last.
 */
export function parseHistogramBuckets(histogram: RawHistogram): HistogramBuckets {
  if (typeof histogram !== 'object' || histogram === null) {
    throw invalid(`histogram is ${describe(histogram)}, expected { min, max, bucketLimits, bucketCounts }`);
  }
  if (!('bucketLimits' in histogram)) return histogram;
  for (const name of ['bucketLimits', 'bucketCounts'] as const) {
    if (isArrayLike(histogram[name])) continue;
    throw invalid(`${name} is ${describe(histogram[name])}, expected an array of numbers`);
  }
  const { min, max, bucketLimits, bucketCounts } = histogram;
  if (bucketLimits.length !== bucketCounts.length) {
    throw invalid(
      `${bucketLimits.length} bucketLimits and ${bucketCounts.length} bucketCounts, expected equal numbers`,
    );
  }
  const counts = Array.from(bucketCounts);
  const first = counts.findIndex((count) => count !== 0);
  if (first < 0) return { edges: [min], counts: [] };
  const last = counts.findLastIndex((count) => count !== 0);
  const inner = Array.from(bucketLimits).slice(first, last);
  return { edges: [min, ...inner, max], counts: counts.slice(first, last + 1) };
}

const invalid = invalidArgument('ERR_HISTOGRAM_INVALID', 'Pass one upper limit for each count.');
