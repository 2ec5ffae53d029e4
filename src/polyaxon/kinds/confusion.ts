/**
 * Builds confusion matrices, from a matrix or from predictions and targets.
 *
 * Source of the form: traceml 1.3.0, `traceml/events/schemas.py` (`V1EventConfusionMatrix`) and `confusion_matrix` in
 * `events_metrics_processors.py`: y[i] labels row i of z, and x[j] labels column j; each row and column has a label.
 * Counts: as scikit-learn's `confusion_matrix`: row i, column j counts the samples of class i that were predicted as class j.
 */

import { describe } from '../../base/describe.js';
import { invalidArgument } from '../../base/errors.js';
import type { JsonValue } from '../../base/json-value.js';
import { toWellFormedText } from '../../base/well-formed-text.js';
import { isArrayLike } from '../../summary/arguments.js';
import { type ConfusionTitles, drawConfusion } from './confusion-image.js';
import { imagePreview, type KindEvent } from './kind-event.js';
import { type ClassLabel, distinctLabels, toLabelText } from './numbers.js';

/** A matrix that the caller has computed. */
export interface ConfusionMatrix {
  /** Labels of the columns. Shape: [n]. */
  readonly x: ArrayLike<ClassLabel>;
  /** Labels of the rows. Shape: [n]. */
  readonly y: ArrayLike<ClassLabel>;
  /** n rows of n numbers or strings; NaN and infinities become null. */
  readonly z: ArrayLike<ArrayLike<number | string>>;
}

/** The predictions of a classifier, and the true classes. */
export interface ConfusionSamples {
  /** The same length as `targets`. */
  readonly predictions: ArrayLike<ClassLabel>;
  readonly targets: ArrayLike<ClassLabel>;
  /**
   * The classes, in the order of rows and columns. If predictions and targets are integers, these can be names for 0, 1, … Default: all
   * classes that occur, ascending.
   */
  readonly labels?: ArrayLike<ClassLabel> | undefined;
}

export type ConfusionInput = ConfusionMatrix | ConfusionSamples;

/** Builds a confusion matrix with an image as preview. Throws `ERR_CONFUSION_INVALID`. */
export function createConfusion(input: ConfusionInput): KindEvent {
  if (typeof input !== 'object' || input === null) {
    throw invalid(`matrix is ${describe(input)}, expected { x, y, z } or { predictions, targets }`);
  }
  const isCounted = 'predictions' in input || 'targets' in input;
  const matrix = isCounted ? countSamples(input) : input;
  const { x, y, z } = parseMatrix(matrix);
  const titles: ConfusionTitles = isCounted ? { x: 'predicted', y: 'true' } : {};
  const image = drawConfusion({
    columns: Array.from(x, String),
    rows: Array.from(y, String),
    cells: z,
    titles,
  });
  return { kind: 'confusion', value: { x, y, z }, preview: image && imagePreview('confusion', image) };
}

/** Counts how often each class was predicted as each other class. Throws `ERR_CONFUSION_INVALID`. */
function countSamples({ predictions, targets, labels }: ConfusionSamples): ConfusionMatrix {
  checkLabels('predictions', predictions);
  checkLabels('targets', targets);
  if (predictions.length !== targets.length) {
    throw invalid(`predictions has ${predictions.length} values, expected ${targets.length} as in targets`);
  }
  if (targets.length === 0) throw invalid('targets is empty, expected at least one sample');
  if (labels !== undefined) checkLabels('labels', labels);
  const classes =
    labels === undefined
      ? distinctLabels([...Array.from(targets), ...Array.from(predictions)])
      : Array.from(labels);
  const toIndex = createIndex(classes);
  const z = classes.map(() => new Array<number>(classes.length).fill(0));
  for (let i = 0; i < targets.length; i++) {
    z[toIndex('targets', i, targets[i]!)]![toIndex('predictions', i, predictions[i]!)]! += 1;
  }
  return { x: classes, y: classes, z };
}

/** Creates a function that returns the index of a label's class. If all classes are strings, numbers count as indices. */
function createIndex(classes: readonly ClassLabel[]) {
  const places = new Map(classes.map((label, i) => [label, i]));
  if (places.size !== classes.length)
    throw invalid('labels contains a label twice, expected distinct labels');
  const areNames = classes.every((label) => typeof label === 'string');
  return (what: string, i: number, label: ClassLabel): number => {
    const place = places.get(label);
    if (place !== undefined) return place;
    const number = Number(label);
    if (areNames && typeof label !== 'string' && classes[number] !== undefined) return number;
    throw invalid(`${what}[${i}] is ${describe(label)}, expected one of the ${classes.length} labels`);
  };
}

function parseMatrix({ x, y, z }: ConfusionMatrix) {
  checkLabels('x', x);
  checkLabels('y', y);
  if (!isArrayLike(z)) throw invalid(`z is ${describe(z)}, expected rows of numbers`);
  if (x.length === 0) throw invalid('x is empty, expected at least one class');
  if (x.length !== y.length || x.length !== z.length) {
    throw invalid(`x has ${x.length} labels, y ${y.length}, z ${z.length} rows, expected equal numbers`);
  }
  return {
    x: Array.from(x, toJsonLabel),
    y: Array.from(y, toJsonLabel),
    z: Array.from(z, (row, i) => {
      if (!isArrayLike(row)) throw invalid(`z[${i}] is ${describe(row)}, expected an array of numbers`);
      if (row.length !== x.length) throw invalid(`z[${i}] has ${row.length} values, expected ${x.length}`);
      return Array.from(row, (cell, j) => parseCell(cell, i, j));
    }),
  };
}

function toJsonLabel(label: ClassLabel): JsonValue {
  return typeof label === 'string' ? toLabelText(label) : label;
}

function parseCell(cell: unknown, i: number, j: number): number | string | null {
  if (typeof cell === 'number') return Number.isFinite(cell) ? cell : null;
  if (typeof cell === 'string') return toWellFormedText(cell).text;
  throw invalid(`z[${i}][${j}] is ${describe(cell)}, expected a number`);
}

function checkLabels(name: string, labels: unknown): void {
  if (!isArrayLike(labels)) throw invalid(`${name} is ${describe(labels)}, expected an array of labels`);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    if (typeof label === 'string' || typeof label === 'boolean' || Number.isFinite(label)) continue;
    throw invalid(`${name}[${i}] is ${describe(label)}, expected a string, a number or a boolean`);
  }
}

const invalid = invalidArgument(
  'ERR_CONFUSION_INVALID',
  'Pass { x, y, z } with n labels, n labels and n rows of n numbers, or { predictions, targets } of equal length.',
);
