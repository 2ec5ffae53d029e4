/**
 * The goals of metrics, in the run's meta information: one entry for each metric, such as `"goal.val/loss": "minimize"`. One entry each, so that
 * several processes can declare goals of one run. `logMeta` cannot write such a name, because a name of Polyaxon has no dot. Pure.
 */

import type { JsonValue } from '../base/json-value.js';

/** Which value of a metric is its best: the smallest, the largest, or the last. */
export type MetricGoal = 'minimize' | 'maximize' | 'last';

/** Goals by the name of the metric. */
export type MetricGoals = Readonly<Record<string, MetricGoal>>;

export const METRIC_GOALS: readonly MetricGoal[] = ['minimize', 'maximize', 'last'];

const PREFIX = 'goal.';

/** The name of a goal in the meta information. */
export function toGoalKey(name: string): string {
  return `${PREFIX}${name}`;
}

export function isGoalKey(key: string): boolean {
  return key.startsWith(PREFIX);
}

/** Returns the goals in the meta information of a run. Leaves out what is no goal. */
export function readGoals(meta: Readonly<Record<string, JsonValue>>): MetricGoals {
  const goals = Object.entries(meta).flatMap(([key, value]) => {
    const goal = METRIC_GOALS.find((known) => known === value);
    return goal !== undefined && isGoalKey(key) ? [[key.slice(PREFIX.length), goal] as const] : [];
  });
  return Object.fromEntries(goals);
}
