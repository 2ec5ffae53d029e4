/** The best point of a metric, by the goal that the run has declared. Pure. */

import { toFullName } from '../polyaxon/export/name-space.js';
import type { MetricGoal, MetricGoals } from '../polyaxon/metric-goal.js';
import type { MetricPoints } from './metric-points.js';
import type { LastMetric, MetricRange } from './run-facts.js';

/** The best point of a metric. Of equal values, the first one. */
export interface BestMetric extends LastMetric {
  readonly goal: MetricGoal;
}

/** The goal of a metric by its name, or else by the tag that the process has declared: `worker-1/loss` has the goal of `loss`. */
export function findGoal(goals: MetricGoals, name: string, logDirectory = ''): MetricGoal | undefined {
  if (Object.hasOwn(goals, name)) return goals[name];
  const tag = name.slice(toFullName({ logDirectory, rawName: '' }).length);
  return Object.hasOwn(goals, tag) ? goals[tag] : undefined;
}

/** Returns the best point; null if no value is finite. With the goal `last`, it is the last point, also if it is NaN. */
export function findBest(points: MetricPoints, goal: MetricGoal): BestMetric | null {
  const { name, tag, logDirectory, values, steps, wallTimes, exactSteps } = points;
  const row = goal === 'last' ? values.length - 1 : findExtreme(values, goal);
  if (row === -1) return null;
  const exact = exactSteps?.[row];
  const step = exact !== undefined && !Number.isSafeInteger(Number(exact)) ? exact : steps[row]!;
  return { name, tag, logDirectory, goal, value: values[row]!, step, wallTime: wallTimes[row]! };
}

/** Like `findBest`, for a metric of which only the range is known. */
export function toBest(range: MetricRange, goal: MetricGoal): BestMetric | null {
  const { name, tag, logDirectory, value, step, wallTime, min, max } = range;
  const point = goal === 'last' ? { value, step, wallTime } : goal === 'minimize' ? min : max;
  return point === null ? null : { name, tag, logDirectory, goal, ...point };
}

function findExtreme(values: Float64Array, goal: MetricGoal): number {
  let best = -1;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (!Number.isFinite(value)) continue;
    if (best === -1 || (goal === 'minimize' ? value < values[best]! : value > values[best]!)) best = row;
  }
  return best;
}
