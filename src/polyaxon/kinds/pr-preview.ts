/**
 * Converts precision-recall curves to the form of TensorBoard's plugin: counts at 201 thresholds.
 */

import { countPredictions, DEFAULT_THRESHOLDS, type PrCurveCounts } from '../../summary/pr-curve.js';

/** The assumed number of positive samples for curves of which only the points are known. */
const NOMINAL_POSITIVES = 10_000;

/** The description of such a curve. */
export const POINTS_DESCRIPTION = `Drawn from precision and recall only: counts assume ${NOMINAL_POSITIVES.toLocaleString('en')} positive samples, and thresholds are unknown.`;

/**
 * Counts samples at TensorBoard's thresholds. Scores outside 0–1 are scaled to 0–1, lowest to highest: the curve stays the
 * same, but its thresholds are relative.
 */
export function countScores(isPositive: readonly boolean[], scores: ArrayLike<number>): PrCurveCounts {
  let min = 0;
  let max = 1;
  for (let i = 0; i < scores.length; i++) {
    min = Math.min(min, scores[i]!);
    max = Math.max(max, scores[i]!);
  }
  const isProbability = min === 0 && max === 1;
  const predictions = isProbability ? scores : Float64Array.from(scores, (score) => scale(score, min, max));
  return countPredictions({ labels: isPositive, predictions });
}

function scale(score: number, min: number, max: number): number {
  // Halve both sides, because the distance of two doubles may overflow.
  return Math.min(1, (score / 2 - min / 2) / (max / 2 - min / 2));
}

/**
 * Returns counts that reproduce a curve, at points evenly spaced along its line; undefined for fewer than two points.
 *
 * TensorBoard cuts the end of a curve where both counts are 0 (pr_curves_plugin.py), so one count is always at least 1.
 */
export function countPoints(
  precision: ArrayLike<number>,
  recall: ArrayLike<number>,
): PrCurveCounts | undefined {
  const points = pickEvenly(toDescendingRecall(precision, recall), DEFAULT_THRESHOLDS);
  if (points === undefined) return undefined;
  const truePositives = points.map(({ precision: share, recall: rate }) =>
    share === 0 ? 0 : Math.max(1, Math.round(rate * NOMINAL_POSITIVES)),
  );
  const falsePositives = points.map(({ precision: share }, i) =>
    share === 0 ? 1 : Math.round(Math.min(truePositives[i]! * (1 / share - 1), MAX_COUNT)),
  );
  return {
    truePositives,
    falsePositives,
    trueNegatives: points.map(() => 0),
    falseNegatives: truePositives.map((count) => NOMINAL_POSITIVES - count),
    precision: points.map((point) => point.precision),
    recall: points.map((point) => point.recall),
  };
}

/** The largest value up to which float32 represents all integers. */
const MAX_COUNT = 2 ** 24;

interface Point {
  readonly precision: number;
  readonly recall: number;
}

/** Returns the points inside the unit square, in the order of ascending thresholds in TensorBoard. */
function toDescendingRecall(precision: ArrayLike<number>, recall: ArrayLike<number>): Point[] {
  const points = Array.from(precision, (value, i) => ({ precision: value, recall: recall[i]! })).filter(
    (point) => isRate(point.precision) && isRate(point.recall),
  );
  return (points[0]?.recall ?? 0) < (points.at(-1)?.recall ?? 0) ? points.reverse() : points;
}

function isRate(value: number): boolean {
  return value >= 0 && value <= 1;
}

/** Picks `count` points at even distances along the line through them. */
function pickEvenly(points: readonly Point[], count: number): Point[] | undefined {
  if (points.length < 2) return undefined;
  const lengths = new Float64Array(points.length);
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1]!, points[i]!];
    lengths[i] = lengths[i - 1]! + Math.hypot(b.recall - a.recall, b.precision - a.precision);
  }
  const total = lengths.at(-1)!;
  let at = 0;
  return Array.from({ length: count }, (_, i) => {
    const wanted = (total * i) / (count - 1);
    while (at < points.length - 1 && lengths[at]! < wanted) at++;
    return points[i === count - 1 ? points.length - 1 : at]!;
  });
}
