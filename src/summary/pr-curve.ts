/**
 * Precision-recall curves, from labels and predictions or from given counts.
 *
 * TensorBoard's form is a float32 tensor of shape [6, n]. Its rows are true positives, false positives, true negatives, false
 * negatives, precision and recall, at n thresholds that are evenly spaced on [0, 1].
 * Source: tensorboard/plugins/pr_curve/summary.py.
 */

import { describe } from '../base/describe.js';
import { invalidArgument } from '../base/errors.js';
import { tensorboard } from '../format/wire/generated/plugins.js';
import { DataType, type SummaryValue } from '../format/wire/messages.js';
import { isArrayLike } from './arguments.js';
import { createMetadata, type SeriesLabels } from './plugin-data.js';

/** The predictions of a binary classifier, and the true classes. All arrays have the same length. */
export interface PrCurvePredictions {
  /** The true class of each sample: booleans, or 0 and 1. */
  readonly labels: ArrayLike<boolean | number>;
  /** The probability of the positive class, 0–1. */
  readonly predictions: ArrayLike<number>;
  /** The weight of each sample; finite, 0 or more. Default: 1 for each. */
  readonly weights?: ArrayLike<number> | undefined;
  /** The number of thresholds; 2 or more. Default 201, as in TensorBoard. */
  readonly thresholds?: number | undefined;
}

/** Counts at n ≥ 2 thresholds, evenly spaced from 0 to 1. All arrays have length n. */
export interface PrCurveCounts {
  readonly truePositives: ArrayLike<number>;
  readonly falsePositives: ArrayLike<number>;
  readonly trueNegatives: ArrayLike<number>;
  readonly falseNegatives: ArrayLike<number>;
  /** 0–1. */
  readonly precision: ArrayLike<number>;
  /** 0–1. */
  readonly recall: ArrayLike<number>;
}

export type PrCurveInput = PrCurvePredictions | PrCurveCounts;

/** TensorBoard's default number of thresholds. */
export const DEFAULT_THRESHOLDS = 201;

/** A curve of this many thresholds has 24 MB. */
const MAX_THRESHOLDS = 1_000_000;

/** The smallest divisor of a quotient, as in TensorBoard; it avoids a division by 0. */
const MINIMUM_COUNT = 1e-7;

/** The order of the tensor's rows. */
const ROWS = [
  'truePositives',
  'falsePositives',
  'trueNegatives',
  'falseNegatives',
  'precision',
  'recall',
] as const;

/** Builds the value of a precision-recall curve. Throws `ERR_PR_CURVE_INVALID`. */
export function createPrCurveValue(tag: string, input: PrCurveInput, labels?: SeriesLabels): SummaryValue {
  const counts = parsePrCurve(input);
  const thresholds = counts.truePositives.length;
  const floatVal = new Float32Array(ROWS.length * thresholds);
  for (const [row, name] of ROWS.entries()) floatVal.set(counts[name], row * thresholds);
  const content = tensorboard.PrCurvePluginData.encode({ numThresholds: thresholds }).finish();
  return {
    tag,
    metadata: createMetadata('pr_curves', labels, content),
    value: {
      kind: 'tensor',
      tensor: { dtype: DataType.FLOAT, shape: [ROWS.length, thresholds], floatVal },
    },
  };
}

/** The counts of predictions, or given counts once they are checked. Throws `ERR_PR_CURVE_INVALID`. */
export function parsePrCurve(input: PrCurveInput): PrCurveCounts {
  if (typeof input !== 'object' || input === null) {
    throw invalid(`curve is ${describe(input)}, expected { labels, predictions } or counts`);
  }
  return 'predictions' in input ? countPredictions(input) : checkCounts(input);
}

/** Counts predictions at evenly spaced thresholds. Predictions at or above a threshold are positive. Throws `ERR_PR_CURVE_INVALID`. */
export function countPredictions(input: PrCurvePredictions): PrCurveCounts {
  const { labels, predictions, weights, thresholds = DEFAULT_THRESHOLDS } = input;
  checkSamples(labels, predictions, weights);
  if (!Number.isInteger(thresholds) || thresholds < 2 || thresholds > MAX_THRESHOLDS) {
    throw invalid(
      `thresholds is ${describe(thresholds)}, expected a whole number from 2 to ${MAX_THRESHOLDS}`,
    );
  }
  const truePositives = new Float64Array(thresholds);
  const falsePositives = new Float64Array(thresholds);
  // Compute in single precision for single-precision input: the reference multiplies in the type of its input.
  const toBucket = predictions instanceof Float32Array ? Math.fround : (value: number) => value;
  for (let i = 0; i < predictions.length; i++) {
    const prediction = predictions[i]!;
    const label = labels[i];
    if (typeof prediction !== 'number' || !(prediction >= 0 && prediction <= 1)) {
      throw invalid(`predictions[${i}] is ${describe(prediction)}, expected a number from 0 to 1`);
    }
    if (label !== true && label !== false && label !== 0 && label !== 1) {
      throw invalid(`labels[${i}] is ${describe(label)}, expected true, false, 0 or 1`);
    }
    const weight = weights === undefined ? 1 : weights[i]!;
    if (typeof weight !== 'number' || !(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw invalid(`weights[${i}] is ${describe(weight)}, expected a finite number of 0 or more`);
    }
    const bucket = Math.floor(toBucket(prediction * (thresholds - 1)));
    const target = label ? truePositives : falsePositives;
    target[bucket]! += weight;
  }
  for (let i = thresholds - 2; i >= 0; i--) {
    truePositives[i]! += truePositives[i + 1]!;
    falsePositives[i]! += falsePositives[i + 1]!;
  }
  const positives = truePositives[0]!;
  const negatives = falsePositives[0]!;
  const ratio = (count: number, of: number): number => count / Math.max(MINIMUM_COUNT, of);
  return {
    truePositives,
    falsePositives,
    trueNegatives: falsePositives.map((count) => negatives - count),
    falseNegatives: truePositives.map((count) => positives - count),
    precision: truePositives.map((count, i) => ratio(count, count + falsePositives[i]!)),
    recall: truePositives.map((count) => ratio(count, positives)),
  };
}

function checkSamples(labels: unknown, predictions: unknown, weights: unknown): void {
  if (!isArrayLike(predictions)) throw invalid(`predictions is ${describe(predictions)}, expected an array`);
  const expected = predictions.length;
  const given = { labels, ...(weights === undefined ? {} : { weights }) };
  for (const [name, value] of Object.entries(given)) {
    if (!isArrayLike(value)) throw invalid(`${name} is ${describe(value)}, expected an array`);
    if (value.length !== expected) {
      throw invalid(`${name} has ${value.length} values, expected ${expected}, one for each prediction`);
    }
  }
}

function checkCounts(counts: PrCurveCounts): PrCurveCounts {
  const thresholds = counts.truePositives?.length;
  for (const name of ROWS) {
    const row: unknown = counts[name];
    if (!isArrayLike(row)) throw invalid(`${name} is ${describe(row)}, expected an array of numbers`);
    if (row.length < 2 || row.length !== thresholds) {
      throw invalid(`${name} has ${row.length} values, expected as many as truePositives, and at least 2`);
    }
    const max = name === 'precision' || name === 'recall' ? 1 : Number.MAX_VALUE;
    for (let i = 0; i < row.length; i++) {
      const value = row[i];
      if (typeof value === 'number' && value >= 0 && value <= max) continue;
      const range = max === 1 ? 'a number from 0 to 1' : 'a finite number of 0 or more';
      throw invalid(`${name}[${i}] is ${describe(value)}, expected ${range}`);
    }
  }
  return counts;
}

const invalid = invalidArgument(
  'ERR_PR_CURVE_INVALID',
  'Pass { labels, predictions } of equal length, or all six arrays of counts.',
);
