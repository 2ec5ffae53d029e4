/**
 * Checks labels and scores of a classifier: one score for each sample, or one for each sample and class.
 */

import { describe, quote } from '../../base/describe.js';
import { invalidArgument } from '../../base/errors.js';
import { isArrayLike } from '../../summary/arguments.js';
import { type ClassLabel, distinctLabels } from './numbers.js';

/** The scores of a classifier, for one class or several. */
export interface ScoredSamples {
  /** The true class of each sample. Shape: [n]. */
  readonly labels: ArrayLike<ClassLabel>;
  /**
   * Probabilities, or any numbers that increase with the classifier's confidence; no NaN. Shape: [n] for one class; for several
   * classes n rows of k, or n×k row-major in one array together with `classes`.
   */
  readonly scores: ArrayLike<number> | readonly ArrayLike<number>[];
  /** The positive label, if each sample has one score. Default: 1 (or `true`) for labels 0 and 1, or -1 and 1. */
  readonly positiveLabel?: ClassLabel | undefined;
  /** The label of each column of scores. Default: the labels that occur, ascending. */
  readonly classes?: readonly ClassLabel[] | undefined;
  /** Drops points that do not change the line. Default, as in scikit-learn: true for ROC, false for precision and recall. */
  readonly dropIntermediate?: boolean | undefined;
}

/** The samples of one class against the rest. */
interface ClassSamples {
  /** The suffix of the curve's name: '' or `_<column>`. */
  readonly suffix: string;
  readonly isPositive: readonly boolean[];
  readonly scores: ArrayLike<number>;
}

/** Checks samples and splits them by class. Throws `ERR_CURVE_INVALID`. */
export function splitByClass(samples: ScoredSamples): ClassSamples[] {
  const { scores, positiveLabel } = samples;
  const labels = parseLabels(samples.labels);
  if (!isArrayLike(scores)) throw invalidCurve(`scores is ${describe(scores)}, expected an array`);
  const rows = parseRows(samples, labels);
  if (rows === undefined) {
    checkScores('scores', scores as ArrayLike<number>, labels.length);
    const positive = positiveLabel === undefined ? defaultPositive(labels) : toComparable(positiveLabel);
    const isPositive = labels.map((label) => label === positive);
    return [{ suffix: '', isPositive, scores: scores as ArrayLike<number> }];
  }
  if (positiveLabel !== undefined) {
    throw invalidCurve(
      'positiveLabel is set and scores has several classes, expected one score for each sample',
    );
  }
  const classes = samples.classes?.map(toComparable) ?? distinctLabels(labels);
  if (rows.length !== labels.length) {
    throw invalidCurve(`scores has ${rows.length} rows, expected ${labels.length} as in labels`);
  }
  for (const [i, row] of rows.entries()) checkScores(`scores[${i}]`, row, classes.length);
  return classes.map((label, column) => ({
    suffix: `_${column}`,
    isPositive: labels.map((other) => other === label),
    scores: Float64Array.from(rows, (row) => row[column]!),
  }));
}

/** Returns the rows of scores of several classes; undefined if each sample has one score. */
function parseRows({ scores, classes }: ScoredSamples, labels: readonly ClassLabel[]) {
  if (isArrayLike(scores[0])) return Array.from(scores as readonly ArrayLike<number>[]);
  if (classes === undefined) return undefined;
  const count = classes.length;
  if (scores.length !== count * labels.length) {
    throw invalidCurve(
      `scores has ${scores.length} values, expected ${labels.length}×${count} for ${labels.length} labels and ${count} classes`,
    );
  }
  const flat = Float64Array.from(scores as ArrayLike<number>);
  return labels.map((_, i) => flat.subarray(i * count, (i + 1) * count));
}

function parseLabels(labels: unknown): ClassLabel[] {
  if (!isArrayLike(labels)) throw invalidCurve(`labels is ${describe(labels)}, expected an array`);
  if (labels.length === 0) throw invalidCurve('labels is empty, expected at least one sample');
  return Array.from(labels, (label, i) => {
    const isLabel = typeof label === 'string' || typeof label === 'boolean' || Number.isFinite(label);
    if (isLabel) return toComparable(label as ClassLabel);
    throw invalidCurve(`labels[${i}] is ${describe(label)}, expected a number, a string or a boolean`);
  });
}

/** As in Python, `true` equals 1. */
function toComparable(label: ClassLabel): ClassLabel {
  return typeof label === 'boolean' ? Number(label) : label;
}

/** Source: scikit-learn 1.9.1, `sklearn/utils/validation.py` (`_check_pos_label_consistency`). */
function defaultPositive(labels: readonly ClassLabel[]): ClassLabel {
  const distinct = distinctLabels(labels);
  const fits = [
    [0, 1],
    [-1, 1],
  ].some((pair) => distinct.every((label) => pair.includes(label as number)));
  if (fits) return 1;
  const shown = distinct.slice(0, 5).map((label) => (typeof label === 'string' ? quote(label) : label));
  throw invalidCurve(
    `labels are ${shown.join(', ')}${distinct.length > 5 ? ', …' : ''}, expected 0 and 1, or a positiveLabel`,
  );
}

function checkScores(what: string, scores: ArrayLike<number>, expected: number): void {
  if (!isArrayLike(scores))
    throw invalidCurve(`${what} is ${describe(scores)}, expected an array of numbers`);
  if (scores.length !== expected)
    throw invalidCurve(`${what} has ${scores.length} values, expected ${expected}`);
  for (let i = 0; i < scores.length; i++) {
    if (Number.isFinite(scores[i])) continue;
    throw invalidCurve(`${what}[${i}] is ${describe(scores[i])}, expected a finite number`);
  }
}

/** Creates the error for an invalid curve. */
export const invalidCurve = invalidArgument(
  'ERR_CURVE_INVALID',
  'Pass the points of the curve as two arrays of equal length, or { labels, scores }.',
);
