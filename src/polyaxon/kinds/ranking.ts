/**
 * Computes ROC and precision-recall curves of one class against the rest.
 *
 * Source: scikit-learn 1.9.1, `sklearn/metrics/_ranking.py` (`roc_curve`, `auc`, `precision_recall_curve`,
 * `average_precision_score`); the results have the same points.
 */

import { pairwiseSum } from '../../summary/pairwise-sum.js';

/** For each distinct score, highest first: the number of samples with this score or more. Both have the same length. */
export interface ThresholdCounts {
  readonly truePositives: Float64Array;
  readonly falsePositives: Float64Array;
}

interface RocCurve {
  /** False positive rates, ascending; NaN without negative samples. */
  readonly fpr: Float64Array;
  /** True positive rates, ascending; NaN without positive samples. */
  readonly tpr: Float64Array;
}

interface PrecisionRecallCurve {
  readonly precision: Float64Array;
  /** Descending to 0. */
  readonly recall: Float64Array;
}

/** Counts samples at each distinct score. `scores` has no NaN. */
export function countAtThresholds(
  isPositive: ArrayLike<boolean>,
  scores: ArrayLike<number>,
): ThresholdCounts {
  const positives = sortedScores(scores, (i) => isPositive[i] === true);
  const negatives = sortedScores(scores, (i) => isPositive[i] !== true);
  const truePositives: number[] = [];
  const falsePositives: number[] = [];
  let p = positives.length;
  let n = negatives.length;
  while (p > 0 || n > 0) {
    const threshold = Math.max(p > 0 ? positives[p - 1]! : -Infinity, n > 0 ? negatives[n - 1]! : -Infinity);
    while (p > 0 && positives[p - 1] === threshold) p--;
    while (n > 0 && negatives[n - 1] === threshold) n--;
    truePositives.push(positives.length - p);
    falsePositives.push(negatives.length - n);
  }
  return {
    truePositives: Float64Array.from(truePositives),
    falsePositives: Float64Array.from(falsePositives),
  };
}

/** Arrays of numbers sort natively, which is faster than sorting indices by score. */
function sortedScores(scores: ArrayLike<number>, isWanted: (i: number) => boolean): Float64Array {
  const wanted = new Float64Array(scores.length);
  let count = 0;
  for (let i = 0; i < scores.length; i++) if (isWanted(i)) wanted[count++] = scores[i]!;
  return wanted.subarray(0, count).sort();
}

/** Computes the ROC curve, from (0, 0) to (1, 1). `dropIntermediate` drops points inside straight lines. */
export function rocCurve(counts: ThresholdCounts, dropIntermediate: boolean): RocCurve {
  const { truePositives: tps, falsePositives: fps } = counts;
  const isCorner = (i: number): boolean => bend(fps, i) !== 0 || bend(tps, i) !== 0;
  const kept = keepPoints(tps.length, dropIntermediate, isCorner);
  const toRates = (count: Float64Array): Float64Array => {
    const total = count.at(-1)!;
    return Float64Array.from([0, ...kept.map((i) => count[i]!)], (value) =>
      total > 0 ? value / total : Number.NaN,
    );
  };
  return { fpr: toRates(fps), tpr: toRates(tps) };
}

function bend(values: Float64Array, i: number): number {
  return values[i + 1]! - 2 * values[i]! + values[i - 1]!;
}

/** Computes the precision-recall curve, from recall 1 to (precision 1, recall 0). Without positive samples, recall is 1 before the last point. */
export function precisionRecallCurve(
  counts: ThresholdCounts,
  dropIntermediate: boolean,
): PrecisionRecallCurve {
  const { truePositives: tps, falsePositives: fps } = counts;
  const isEnd = (i: number): boolean => tps[i]! !== tps[i - 1]! || tps[i + 1]! !== tps[i]!;
  const kept = keepPoints(tps.length, dropIntermediate, isEnd).reverse();
  const total = tps.at(-1)!;
  return {
    precision: Float64Array.from([...kept.map((i) => tps[i]! / (tps[i]! + fps[i]!)), 1]),
    recall: Float64Array.from([...kept.map((i) => (total === 0 ? 1 : tps[i]! / total)), 0]),
  };
}

/** Returns the indices of the points to keep: the first, the last, and those in between that `isNeeded` selects. */
function keepPoints(count: number, dropsOthers: boolean, isNeeded: (i: number) => boolean): number[] {
  const all = Array.from({ length: count }, (_, i) => i);
  return dropsOthers && count > 2 ? all.filter((i) => i === 0 || i === count - 1 || isNeeded(i)) : all;
}

/** Computes the area under a curve with ascending x by trapezoids. Needs at least two points. */
export function areaUnder(x: Float64Array, y: Float64Array): number {
  const parts = new Float64Array(x.length - 1);
  for (let i = 0; i < parts.length; i++) parts[i] = ((x[i + 1]! - x[i]!) * (y[i + 1]! + y[i]!)) / 2;
  return pairwiseSum(parts);
}

/** Computes the mean precision, weighted by the increase in recall at each point. */
export function averagePrecision({ precision, recall }: PrecisionRecallCurve): number {
  const parts = new Float64Array(recall.length - 1);
  for (let i = 0; i < parts.length; i++) parts[i] = (recall[i + 1]! - recall[i]!) * precision[i]!;
  return Math.max(0, -pairwiseSum(parts));
}
