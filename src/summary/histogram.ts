/**
 * Histograms of values, in TensorBoard's 30 equal buckets, or of given edges and counts.
 *
 * TensorBoard's form is a float64 tensor of shape [k, 3] with rows (left edge, right edge, count). Its corner cases are kept: a
 * single distinct value gives k rows of that value with the whole count in the last row; no values give k rows of zeros.
 * Source: tensorboard/plugins/histogram/summary_v2.py.
 */

import { describe } from '../base/describe.js';
import { invalidArgument } from '../base/errors.js';
import { DataType, type SummaryValue } from '../format/wire/messages.js';
import { isArrayLike } from './arguments.js';
import { createMetadata, type SeriesLabels } from './plugin-data.js';

/** Numbers to count: a numeric typed array or a plain array. NaN and ±Infinity are skipped and reported. */
export type HistogramValues =
  | readonly number[]
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** Counts from the caller: bucket i is [edges[i], edges[i + 1]) and contains counts[i] values. */
export interface HistogramBuckets {
  /** Shape: [k + 1], ascending, finite. */
  readonly edges: ArrayLike<number>;
  /** Shape: [k]; finite, 0 or more. Fractions are allowed, for weights. */
  readonly counts: ArrayLike<number>;
}

export type HistogramInput = HistogramValues | HistogramBuckets;

/** TensorBoard's default number of buckets. */
const DEFAULT_BUCKETS = 30;

/** Rows (left, right, count), and the number of values that could not be counted. */
export interface HistogramRows {
  readonly rows: Float64Array;
  /** The number of NaN and ±Infinity values. */
  readonly nonFinite: number;
}

/** Builds the value of a histogram from its rows. */
export function createHistogramValue(tag: string, rows: Float64Array, labels?: SeriesLabels): SummaryValue {
  return {
    tag,
    metadata: createMetadata('histograms', labels),
    value: {
      kind: 'tensor',
      tensor: { dtype: DataType.DOUBLE, shape: [rows.length / 3, 3], doubleVal: rows },
    },
  };
}

/** Counts values into buckets, or uses the given counts. Throws `ERR_HISTOGRAM_INVALID`. */
export function createHistogramRows(input: HistogramInput, buckets = DEFAULT_BUCKETS): HistogramRows {
  if (isBuckets(input)) return { rows: parseRows(input), nonFinite: 0 };
  if (!Array.isArray(input) && !ArrayBuffer.isView(input)) {
    throw invalid(`values is ${describe(input)}, expected an array of numbers or { edges, counts }`);
  }
  if (!Number.isInteger(buckets) || buckets < 0) {
    throw invalid(`buckets is ${describe(buckets)}, expected a whole number of 0 or more`);
  }
  return countValues(input as HistogramValues, buckets);
}

function countValues(values: HistogramValues, buckets: number): HistogramRows {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let finite = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) {
      if (typeof value !== 'number') throw invalid(`values[${i}] is ${describe(value)}, expected a number`);
      continue;
    }
    finite++;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const nonFinite = values.length - finite;
  const rows = new Float64Array(buckets * 3);
  if (buckets === 0 || finite === 0) return { rows, nonFinite };
  if (min === max) {
    for (let row = 0; row < buckets; row++) rows.set([min, max, 0], row * 3);
    rows[rows.length - 1] = finite;
    return { rows, nonFinite };
  }
  // max − min can overflow near the largest double; then count everything at half the scale.
  const scale = Number.isFinite(max - min) ? 1 : 0.5;
  const width = (max * scale - min * scale) / buckets;
  for (let row = 0; row < buckets; row++) {
    rows[row * 3] = min + (row * width) / scale;
    rows[row * 3 + 1] = row === buckets - 1 ? max : min + ((row + 1) * width) / scale;
  }
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    const row = Math.min(Math.floor((value * scale - min * scale) / width), buckets - 1);
    rows[row * 3 + 2]! += 1;
  }
  return { rows, nonFinite };
}

function parseRows({ edges, counts }: HistogramBuckets): Float64Array {
  for (const [name, values] of Object.entries({ edges, counts }))
    if (!isArrayLike(values)) throw invalid(`${name} is ${describe(values)}, expected numbers`);
  if (edges.length !== counts.length + 1) {
    throw invalid(`${edges.length} edges and ${counts.length} counts, expected one edge more than counts`);
  }
  const rows = new Float64Array(counts.length * 3);
  for (let i = 0; i < counts.length; i++) {
    const left = edges[i]!;
    const right = edges[i + 1]!;
    const count = counts[i]!;
    if (!Number.isFinite(left) || !Number.isFinite(right) || left > right) {
      throw invalid(
        `edges[${i}] to edges[${i + 1}] is ${describe(left)} to ${describe(right)}, expected finite and ascending edges`,
      );
    }
    if (!Number.isFinite(count) || count < 0)
      throw invalid(`counts[${i}] is ${describe(count)}, expected a finite number of 0 or more`);
    rows.set([left, right, count], i * 3);
  }
  return rows;
}

function isBuckets(input: HistogramInput): input is HistogramBuckets {
  return typeof input === 'object' && input !== null && 'edges' in input && 'counts' in input;
}

const invalid = invalidArgument(
  'ERR_HISTOGRAM_INVALID',
  'Pass an array of numbers, or { edges, counts } with one edge more than counts.',
);
