/**
 * Histograms like those of numpy: a number of equal bins, bins by a rule, or bins between given edges.
 *
 * Source: numpy 2.4.6, `numpy/lib/_histograms_impl.py` (`histogram`, `histogram_bin_edges`), on float64, as Polyaxon's client calls
 * it. The rule `auto` of numpy before 2.3 gives more bins when the middle half of the values is close together.
 */

import { describe } from '../base/describe.js';
import { invalidArgument } from '../base/errors.js';
import type { HistogramBuckets } from './histogram.js';
import { mean, pairwiseSum, standardDeviation } from './pairwise-sum.js';

/** The rules that choose the number of bins. */
export const BIN_RULES = ['auto', 'doane', 'fd', 'rice', 'scott', 'sqrt', 'stone', 'sturges'] as const;
export type BinRule = (typeof BIN_RULES)[number];

/** A number of bins, a rule that chooses it, or the edges of the bins. */
export type HistogramBins = number | BinRule | ArrayLike<number>;

/** Counts finite values into at most `maxBins` bins. Bins are half-open; the last one is closed. Throws `ERR_HISTOGRAM_INVALID`. */
export function countBins(values: Float64Array, bins: HistogramBins, maxBins: number): HistogramBuckets {
  if (typeof bins === 'number') {
    if (!Number.isInteger(bins) || bins < 1) {
      throw invalid(`bins is ${bins}, expected a whole number of 1 or more`);
    }
    checkBinCount(bins, maxBins);
    return countEqualBins(values, bins);
  }
  if (typeof bins === 'string') {
    const estimate = ESTIMATORS.get(bins);
    if (estimate === undefined) throw invalid(`bins is ${bins}, expected one of ${BIN_RULES.join(', ')}`);
    const count = chooseCount(values, estimate);
    // Check before creating the bins: with an outlier, a rule may ask for more bins than fit in memory.
    checkBinCount(count, maxBins);
    return countEqualBins(values, count);
  }
  if (typeof bins === 'object' && bins !== null && 'length' in bins) {
    const edges = parseEdges(bins);
    checkBinCount(edges.length - 1, maxBins);
    return { edges, counts: countBetween(values.slice().sort(), edges) };
  }
  throw invalid(`bins is ${describe(bins)}, expected a number, the name of a rule, or edges`);
}

/** Throws `ERR_HISTOGRAM_INVALID` for more than `maxBins` bins. */
export function checkBinCount(count: number, maxBins: number): void {
  if (!(maxBins >= 1)) throw invalid(`maxBins is ${describe(maxBins)}, expected 1 or more`);
  if (count > maxBins) throw invalid(`the histogram has ${count} bins, expected at most ${maxBins}`);
}

function parseEdges(bins: ArrayLike<number>): Float64Array {
  const edges = Float64Array.from(bins);
  const bad = edges.findIndex((edge, i) => !Number.isFinite(edge) || (i > 0 && edge < edges[i - 1]!));
  if (bad >= 0) throw invalid(`bins[${bad}] is ${describe(bins[bad])}, expected finite and ascending edges`);
  if (edges.length < 2) throw invalid(`bins has ${edges.length} edges, expected two or more`);
  return edges;
}

/** The input of an estimator: at least one value, all finite. */
interface Sample {
  readonly values: Float64Array;
  readonly sorted: Float64Array;
  /** The difference between the largest and the smallest value. */
  readonly extent: number;
}

/** Returns the width of a bin; 0 if the values do not determine it. */
type Estimator = (sample: Sample) => number;

function chooseCount(values: Float64Array, estimate: Estimator): number {
  if (values.length === 0) return 1;
  const sorted = values.slice().sort();
  const extent = sorted.at(-1)! - sorted[0]!;
  if (!Number.isFinite(extent))
    throw invalid(`values range from ${sorted[0]} to ${sorted.at(-1)}, which overflows a double`);
  const width = estimate({ values, sorted, extent });
  const { first, last } = outerEdges(sorted[0]!, sorted.at(-1)!);
  return width > 0 ? Math.max(1, Math.ceil((last - first) / width)) : 1;
}

const sqrt: Estimator = ({ values, extent }) => extent / Math.sqrt(values.length);

const sturges: Estimator = ({ values, extent }) => extent / (Math.log2(values.length) + 1);

const rice: Estimator = ({ values, extent }) => extent / (2 * toOneThird(values.length).value);

const scott: Estimator = ({ values }) =>
  toOneThird((24 * Math.sqrt(Math.PI)) / values.length).value * standardDeviation(values);

const fd: Estimator = ({ values, sorted }) =>
  2 * (percentile(sorted, 0.75) - percentile(sorted, 0.25)) * toOneThird(values.length).inverse;

const auto: Estimator = (sample) => Math.min(Math.max(fd(sample), sqrt(sample) / 2), sturges(sample));

const doane: Estimator = ({ values, extent }) => {
  const count = values.length;
  const deviation = standardDeviation(values);
  if (count <= 2 || !(deviation > 0)) return 0;
  const center = mean(values);
  const skewness = mean(values.map((value) => ((value - center) / deviation) ** 3));
  const error = Math.sqrt((6 * (count - 2)) / ((count + 1) * (count + 3)));
  return extent / (1 + Math.log2(count) + Math.log2(1 + Math.abs(skewness) / error));
};

const stone: Estimator = ({ values, sorted, extent }) => {
  const count = values.length;
  if (count <= 1 || extent === 0) return 0;
  let [best, least] = [1, Number.POSITIVE_INFINITY];
  for (let bins = 1; bins <= Math.max(100, Math.floor(Math.sqrt(count))); bins++) {
    const shares = countBetween(sorted, spaceEvenly(sorted[0]!, sorted.at(-1)!, bins)).map((n) => n / count);
    const loss = (2 - (count + 1) * pairwiseSum(shares.map((share) => share * share))) / (extent / bins);
    if (loss < least) [best, least] = [bins, loss];
  }
  return extent / best;
};

const ESTIMATORS: ReadonlyMap<string, Estimator> = new Map(
  Object.entries({ auto, doane, fd, rice, scott, sqrt, stone, sturges } satisfies Record<BinRule, Estimator>),
);

/** numpy's `linear` method. */
function percentile(sorted: Float64Array, share: number): number {
  const place = (sorted.length - 1) * share;
  const lower = Math.floor(place);
  const [a, b] = [sorted[lower]!, sorted[Math.min(lower + 1, sorted.length - 1)]!];
  const part = place - lower;
  return part >= 0.5 ? b - (b - a) * (1 - part) : a + (b - a) * part;
}

/**
 * `x ** (1 / 3)` and `x ** (-1 / 3)`, rounded once like in the C library that Python uses. V8's `**` is off by one bit in one of
 * ten cases, and one bit can change the number of bins where the root is a whole number.
 *
 * The double next to 1/3 is less than it by `δ`; `x^(1/3 - δ) = ∛x ∙ (1 - δ ln x)`.
 */
function toOneThird(x: number): { value: number; inverse: number } {
  const root = Math.cbrt(x);
  const [square, squareError] = multiplyExactly(root, root);
  const [cube, cubeError] = multiplyExactly(square, root);
  const rest = x - cube - cubeError - squareError * root;
  const correction = rest / (3 * square) - root * THIRD_ERROR * Math.log(x);
  const quotient = 1 / root;
  const [product, productError] = multiplyExactly(quotient, root);
  const remainder = 1 - product - productError - quotient * correction;
  return { value: root + correction, inverse: quotient + quotient * remainder };
}

const THIRD_ERROR = 2 ** -54 / 3;

/** The product of two doubles, and its rounding error (Dekker). */
function multiplyExactly(a: number, b: number): [product: number, error: number] {
  const [aHigh, aLow] = split(a);
  const [bHigh, bLow] = split(b);
  const product = a * b;
  return [product, aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow)];
}

function split(a: number): [high: number, low: number] {
  const scaled = a * 134_217_729;
  const high = scaled - (scaled - a);
  return [high, a - high];
}

/** The range of the bins: that of the values, or a range around a single distinct value. */
function outerEdges(min: number, max: number): { first: number; last: number } {
  return min === max ? { first: min - 0.5, last: max + 0.5 } : { first: min, last: max };
}

/** The edges of `count` equal bins, like `np.linspace`. */
function spaceEvenly(first: number, last: number, count: number): Float64Array {
  const step = (last - first) / count;
  const edges = Float64Array.from({ length: count + 1 }, (_, i) => i * step + first);
  edges[count] = last;
  return edges;
}

function countEqualBins(values: Float64Array, count: number): HistogramBuckets {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const { first, last } = values.length === 0 ? { first: 0, last: 1 } : outerEdges(min, max);
  const extent = last - first;
  if (!Number.isFinite(extent)) throw invalid(`values range from ${min} to ${max}, which overflows a double`);
  const edges = spaceEvenly(first, last, count);
  if (edges.some((edge, i) => i > 0 && edge <= edges[i - 1]!)) {
    throw invalid(`values range from ${min} to ${max}, too close together for ${count} bins`);
  }
  const counts = new Float64Array(count);
  for (const value of values) {
    let bin = Math.min(Math.floor(((value - first) / extent) * count), count - 1);
    // Within a rounding error, compare with the edge itself.
    if (value < edges[bin]!) bin--;
    else if (value >= edges[bin + 1]! && bin !== count - 1) bin++;
    counts[bin]! += 1;
  }
  return { edges, counts };
}

/** Counts sorted values between edges; the last bin includes both of its edges. */
function countBetween(sorted: Float64Array, edges: Float64Array): Float64Array {
  const counts = new Float64Array(edges.length - 1);
  let from = findFirst(sorted, edges[0]!, false);
  for (let bin = 0; bin < counts.length; bin++) {
    const to = findFirst(sorted, edges[bin + 1]!, bin === counts.length - 1);
    counts[bin] = to - from;
    from = to;
  }
  return counts;
}

/** The index of the first value that is at least `limit`; with `isAfter`, of the first value above it. */
function findFirst(sorted: Float64Array, limit: number, isAfter: boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const value = sorted[middle]!;
    if (value < limit || (isAfter && value === limit)) low = middle + 1;
    else high = middle;
  }
  return low;
}

const invalid = invalidArgument(
  'ERR_HISTOGRAM_INVALID',
  "Pass a number of bins, ascending edges, or a rule such as 'auto'; maxBins allows more.",
);
