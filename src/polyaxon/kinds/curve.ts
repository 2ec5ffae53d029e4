/**
 * Builds ROC, precision-recall and other curves, from points or from labels and scores.
 *
 * Source of the form: traceml 1.3.0, `traceml/events/schemas.py` (`V1EventCurve`) and
 * `traceml/processors/events_processors/events_metrics_processors.py`: x is the false positive rate or the precision; y is
 * the true positive rate or the recall; the annotation is the area as text.
 */

import { describe } from '../../base/describe.js';
import type { JsonValue } from '../../base/json-value.js';
import { toWellFormedText } from '../../base/well-formed-text.js';
import { isArrayLike } from '../../summary/arguments.js';
import {
  createPrCurveValue,
  type PrCurveCounts,
  type PrCurveInput,
  parsePrCurve,
} from '../../summary/pr-curve.js';
import { toFinite, toPythonFloat } from '../number-text.js';
import { type CurveChart, drawCurve } from './curve-chart.js';
import { imagePreview, type KindEvent, type NamedEvent, type Preview, valuePreview } from './kind-event.js';
import { countPoints, countScores, POINTS_DESCRIPTION } from './pr-preview.js';
import { toPythonNumber } from './python-text.js';
import {
  areaUnder,
  averagePrecision,
  countAtThresholds,
  precisionRecallCurve,
  rocCurve,
  type ThresholdCounts,
} from './ranking.js';
import { invalidCurve, type ScoredSamples, splitByClass } from './scored-samples.js';

/** Points of a ROC curve. NaN and infinities become null. */
export interface RocPoints {
  /** False positive rate of each point. */
  readonly fpr: ArrayLike<number>;
  /** True positive rate of each point; the same length as `fpr`. */
  readonly tpr: ArrayLike<number>;
  /** The area under the curve. */
  readonly auc?: number | undefined;
}

/** Points of a precision-recall curve. NaN and infinities become null. */
export interface PrecisionRecallPoints {
  readonly precision: ArrayLike<number>;
  /** The same length as `precision`. */
  readonly recall: ArrayLike<number>;
  readonly averagePrecision?: number | undefined;
}

/** Points of any curve. NaN and infinities become null. */
export interface CurvePoints {
  readonly x: ArrayLike<number>;
  /** The same length as `x`. */
  readonly y: ArrayLike<number>;
  /** Shown beside the curve. */
  readonly annotation?: string | number | undefined;
}

export type RocCurveInput = RocPoints | ScoredSamples;
export type PrecisionRecallInput = PrecisionRecallPoints | ScoredSamples | PrCurveInput;

/** Builds a ROC curve, or one for each class. Throws `ERR_CURVE_INVALID`. */
export function createRocCurves(input: RocCurveInput): NamedEvent[] {
  if (isScored(input)) return ofEachClass(input, toRocEvent);
  const { fpr, tpr, auc } = input;
  checkPoints({ fpr, tpr });
  checkArea('auc', auc);
  return [{ suffix: '', event: createRocEvent(fpr, tpr, auc) }];
}

/** Builds a precision-recall curve, or one for each class. Throws `ERR_CURVE_INVALID`, and `ERR_PR_CURVE_INVALID` for predictions and counts. */
export function createPrecisionRecallCurves(input: PrecisionRecallInput): NamedEvent[] {
  if (isAtThresholds(input)) {
    const atThresholds = parsePrCurve(input);
    const curve = toValue('pr', atThresholds.precision, atThresholds.recall, undefined);
    return [{ suffix: '', event: { kind: 'curve', value: curve, preview: prPreview(atThresholds) } }];
  }
  if (isScored(input)) return ofEachClass(input, toPrecisionRecallEvent);
  const { precision, recall, averagePrecision: area } = input;
  checkPoints({ precision, recall });
  checkArea('averagePrecision', area);
  const value = toValue('pr', precision, recall, area === undefined ? undefined : toPythonFloat(area));
  const counts = countPoints(precision, recall);
  const preview = counts && prPreview(counts, POINTS_DESCRIPTION);
  return [{ suffix: '', event: { kind: 'curve', value, preview } }];
}

/** Builds any other curve. Throws `ERR_CURVE_INVALID`. */
export function createCurve(input: CurvePoints): NamedEvent[] {
  if (!isObject(input)) throw invalidCurve(`curve is ${describe(input)}, expected { x, y }`);
  const { x, y, annotation } = input;
  checkPoints({ x, y });
  if (annotation !== undefined && typeof annotation !== 'string' && typeof annotation !== 'number') {
    throw invalidCurve(`annotation is ${describe(annotation)}, expected a string or a number`);
  }
  const text = typeof annotation === 'number' ? toPythonNumber(annotation) : annotation;
  const value = toValue('custom', x, y, text && toWellFormedText(text).text);
  const preview = chartPreview('curve', { x, y, title: text });
  return [{ suffix: '', event: { kind: 'curve', value, preview } }];
}

interface ClassCounts {
  readonly counts: ThresholdCounts;
  readonly isPositive: readonly boolean[];
  readonly scores: ArrayLike<number>;
  readonly dropIntermediate: boolean | undefined;
}

function ofEachClass(samples: ScoredSamples, create: (counts: ClassCounts) => KindEvent): NamedEvent[] {
  const { dropIntermediate } = samples;
  return splitByClass(samples).map(({ suffix, isPositive, scores }) => {
    const counts = countAtThresholds(isPositive, scores);
    return { suffix, event: create({ counts, isPositive, scores, dropIntermediate }) };
  });
}

function toRocEvent({ counts, dropIntermediate = true }: ClassCounts): KindEvent {
  const { fpr, tpr } = rocCurve(counts, dropIntermediate);
  const missing = [
    ...(counts.falsePositives.at(-1) === 0 ? ['negative'] : []),
    ...(counts.truePositives.at(-1) === 0 ? ['positive'] : []),
  ];
  const event = createRocEvent(fpr, tpr, areaUnder(fpr, tpr));
  return missing.length === 0
    ? event
    : { ...event, warning: undefinedRate(`no ${missing.join(' and no ')} samples: the area is undefined`) };
}

function createRocEvent(fpr: ArrayLike<number>, tpr: ArrayLike<number>, auc: number | undefined): KindEvent {
  const area = auc === undefined ? undefined : toPythonFloat(auc);
  const chart: CurveChart = {
    x: fpr,
    y: tpr,
    xTitle: 'false positive rate',
    yTitle: 'true positive rate',
    title: auc === undefined ? '' : `AUC ${Number(auc.toPrecision(4))}`,
    isRate: true,
  };
  return { kind: 'curve', value: toValue('roc', fpr, tpr, area), preview: chartPreview('roc', chart) };
}

function toPrecisionRecallEvent({
  counts,
  isPositive,
  scores,
  dropIntermediate = false,
}: ClassCounts): KindEvent {
  const { precision, recall } = precisionRecallCurve(counts, dropIntermediate);
  // As in scikit-learn: computed over all points, including those dropped from the curve.
  const area = averagePrecision(precisionRecallCurve(counts, false));
  const event: KindEvent = {
    kind: 'curve',
    value: toValue('pr', precision, recall, toPythonFloat(area)),
    preview: prPreview(countScores(isPositive, scores)),
  };
  return counts.truePositives.at(-1) === 0
    ? { ...event, warning: undefinedRate('no positive samples: recall is set to 1') }
    : event;
}

function undefinedRate(message: string): KindEvent['warning'] {
  return { code: 'WARN_CURVE_UNDEFINED', message };
}

function toValue(
  kind: string,
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  annotation: string | undefined,
): JsonValue {
  return {
    kind,
    x: Array.from(x, toFinite),
    y: Array.from(y, toFinite),
    ...(annotation === undefined || annotation === '' ? {} : { annotation }),
  };
}

function prPreview(counts: PrCurveCounts, description?: string): Preview {
  return valuePreview('pr', 'pr_curves', (tag, labels) =>
    createPrCurveValue(tag, counts, { ...labels, description: labels.description ?? description }),
  );
}

function chartPreview(series: string, chart: CurveChart): Preview | undefined {
  const image = drawCurve(chart);
  return image && imagePreview(series, image);
}

function isAtThresholds(input: PrecisionRecallInput): input is PrCurveInput {
  return isObject(input) && ('predictions' in input || 'truePositives' in input);
}

function isScored(input: RocCurveInput | PrecisionRecallInput): input is ScoredSamples {
  if (isObject(input)) return 'scores' in input || 'labels' in input;
  throw invalidCurve(`curve is ${describe(input)}, expected an object with points or { labels, scores }`);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !isArrayLike(value);
}

/** Checks that two rows hold the same number of numbers. */
function checkPoints(rows: Readonly<Record<string, unknown>>): void {
  let expected: readonly [name: string, length: number] | undefined;
  for (const [name, row] of Object.entries(rows)) {
    if (!isArrayLike(row)) throw invalidCurve(`${name} is ${describe(row)}, expected an array of numbers`);
    for (let i = 0; i < row.length; i++) {
      if (typeof row[i] !== 'number')
        throw invalidCurve(`${name}[${i}] is ${describe(row[i])}, expected a number`);
    }
    expected ??= [name, row.length];
    if (row.length === expected[1]) continue;
    throw invalidCurve(`${name} has ${row.length} values, expected ${expected[1]} as in ${expected[0]}`);
  }
}

function checkArea(name: string, area: unknown): void {
  if (area === undefined || typeof area === 'number') return;
  throw invalidCurve(`${name} is ${describe(area)}, expected a number`);
}
