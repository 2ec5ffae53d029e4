/** The values of a run by the name of a column: facts of the run, its inputs, its outputs and the last values of its metrics. Pure. */

import type { JsonValue } from '../../../src/base/json-value.js';
import { toReadableName } from '../../../src/polyaxon/names.js';
import type { BestMetric } from '../../../src/reading/best-metric.js';
import type { LoadedRun } from '../../../src/reading/loaded-run.js';

/** One value of a table. `null`: the run has none. */
export type RunValue = string | number | boolean | null;

/** The best point of a metric with a goal. */
export type BestValue = Pick<BestMetric, 'goal' | 'value' | 'step'>;

export interface RunRow {
  readonly run: Pick<
    LoadedRun,
    | ('uuid' | 'name' | 'description' | 'owner' | 'project' | 'status' | 'tags' | 'inputs' | 'outputs')
    | ('createdAt' | 'startedAt' | 'finishedAt' | 'durationSeconds' | 'location')
  >;
  /** Whether the run has no writer any more although its status is not final. */
  readonly isLost: boolean;
  /** The last values that were read from event files, by the name of the metric. */
  readonly metrics: ReadonlyMap<string, number>;
  /** The best points of metrics with a goal, by the name of the metric. */
  readonly best: ReadonlyMap<string, BestValue>;
  readonly nowMs: number;
}

/** The columns that every run has. `age` and `duration` are in seconds, times are in ISO form. */
export const FACTS = {
  name: ({ run }) => run.name,
  uuid: ({ run }) => run.uuid,
  status: ({ run, isLost }) => (isLost ? 'lost' : run.status),
  age: ({ run, nowMs }) => {
    const date = run.createdAt ?? run.startedAt;
    return date === null ? null : Math.max(0, nowMs - date.getTime()) / 1000;
  },
  duration: (row) => row.run.durationSeconds ?? findElapsed(row),
  project: ({ run }) => run.project,
  owner: ({ run }) => run.owner,
  tags: ({ run }) => (run.tags.length === 0 ? null : run.tags.join(', ')),
  description: ({ run }) => run.description,
  created: ({ run }) => run.createdAt?.toISOString() ?? null,
  started: ({ run }) => run.startedAt?.toISOString() ?? null,
  finished: ({ run }) => run.finishedAt?.toISOString() ?? null,
  location: ({ run }) => run.location,
} satisfies Record<string, (row: RunRow) => RunValue>;

type FactName = keyof typeof FACTS;

export function isFact(name: string): name is FactName {
  return Object.hasOwn(FACTS, name);
}

/** The seconds since a run started, if it has not ended. */
function findElapsed({ run, isLost, nowMs }: RunRow): number | null {
  if (run.startedAt === null || isLost) return null;
  const endMs = run.finishedAt?.getTime() ?? nowMs;
  return Math.max(0, endMs - run.startedAt.getTime()) / 1000;
}

/** The prefixes with which a column names inputs, outputs or metrics only, or the best point of a metric. */
const PREFIXES: Readonly<Record<string, (row: RunRow, name: string) => RunValue>> = {
  'inputs.': findInput,
  'outputs.': findOutput,
  'metrics.': findMetric,
};

/**
 * Returns a function that returns the value of a column: a fact, else an input, an output or a metric of this name. `inputs.lr` names inputs only, `best.loss`
 * and `best_step.loss` the best point of a metric.
 */
export function createFinder(column: string): (row: RunRow) => RunValue {
  if (isFact(column)) return FACTS[column];
  for (const [prefix, find] of Object.entries(PREFIXES))
    if (column.startsWith(prefix)) {
      const name = column.slice(prefix.length);
      return (row) => find(row, name);
    }
  const findOther = (row: RunRow) =>
    findInput(row, column) ?? findMetric(row, column) ?? findOutput(row, column);
  const [, prefix, name = ''] = /^(best|best_step)\.(.*)$/s.exec(column) ?? [];
  if (prefix === undefined) return findOther;
  return (row) => findBest(row, name, prefix === 'best') ?? findOther(row);
}

/** Returns the value of a column of one row, see `createFinder`. */
export function findValue(row: RunRow, column: string): RunValue {
  return createFinder(column)(row);
}

function findBest({ best }: RunRow, name: string, isValue: boolean): RunValue {
  const found = findNamed(best, name);
  if (found === undefined) return null;
  if (isValue) return found.value;
  return typeof found.step === 'bigint' ? String(found.step) : found.step;
}

function findInput({ run }: RunRow, name: string): RunValue {
  return findNested(run.inputs, name);
}

function findOutput({ run }: RunRow, name: string): RunValue {
  return findNested(run.outputs, name);
}

function findMetric({ metrics }: RunRow, name: string): RunValue {
  return findNamed(metrics, name) ?? null;
}

/** Metrics are found by their own name, and by their name in Polyaxon, which the outputs have: `val/loss` and `val__loss`. */
export function findNamed<Value>(metrics: ReadonlyMap<string, Value>, name: string): Value | undefined {
  if (metrics.size === 0) return undefined;
  const exact = metrics.get(name);
  if (exact !== undefined) return exact;
  for (const [each, value] of metrics) if (toReadableName(each) === name) return value;
  return undefined;
}

/** Equals `flatten(values).get(name) ?? null`; a tenth of its time if the values are not nested. */
function findNested(values: Readonly<Record<string, JsonValue>>, name: string): RunValue {
  if (!name.includes('.')) {
    const value = Object.hasOwn(values, name) ? values[name]! : null;
    if (typeof value !== 'object' || value === null) return value;
  }
  return flatten(values).get(name) ?? null;
}

/** The names that `flatten(values)` has. */
export function listPaths(values: Readonly<Record<string, JsonValue>>): Iterable<string> {
  const names = Object.keys(values);
  return names.some((name) => typeof values[name] === 'object') ? flatten(values).keys() : names;
}

const flattened = new WeakMap<object, ReadonlyMap<string, RunValue>>();

/** Returns the values of nested objects by their path: `{model: {depth: 4}}` has `model.depth`. Lists stay JSON texts. */
export function flatten(values: Readonly<Record<string, JsonValue>>): ReadonlyMap<string, RunValue> {
  let found = flattened.get(values);
  if (found === undefined) {
    const map = new Map<string, RunValue>();
    collect(values, null, map);
    flattened.set(values, map);
    found = map;
  }
  return found;
}

function collect(
  values: Readonly<Record<string, JsonValue>>,
  path: string | null,
  found: Map<string, RunValue>,
): void {
  for (const [key, value] of Object.entries(values)) {
    const name = path === null ? key : `${path}.${key}`;
    if (typeof value !== 'object' || value === null) found.set(name, value);
    else if (Array.isArray(value) || Object.keys(value).length === 0) found.set(name, JSON.stringify(value));
    else collect(value as Readonly<Record<string, JsonValue>>, name, found);
  }
}
