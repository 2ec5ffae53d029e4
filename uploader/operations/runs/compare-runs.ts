/** Compares runs: facts, parameters, results, environment and git. Pure. */

import { toReadableName } from '../../../src/polyaxon/names.js';
import { listComparedEnvironment } from './environment-facts.js';
import type { RunDetails } from './run-details.js';
import { FACTS, findValue, flatten, type RunRow, type RunValue } from './run-row.js';

interface ComparedRun {
  readonly row: RunRow;
  readonly details: Pick<RunDetails, 'environment' | 'git'>;
}

interface ComparedValue {
  readonly name: string;
  /** One value for each run, in their order. */
  readonly values: readonly RunValue[];
  readonly isEqual: boolean;
}

export interface Comparison {
  readonly section: 'run' | 'parameters' | 'results' | 'environment' | 'git';
  readonly values: readonly ComparedValue[];
}

const COMPARED_FACTS = ['status', 'created', 'duration', 'project', 'owner', 'tags', 'description'] as const;

type Values = ReadonlyMap<string, RunValue>;

/** Returns all values of the runs by section, those that are equal too. */
export function compareRuns(runs: readonly ComparedRun[]): Comparison[] {
  const section = (name: Comparison['section'], valuesOf: (run: ComparedRun) => Values): Comparison => ({
    section: name,
    values: compareValues(runs.map(valuesOf)),
  });
  return [
    section('run', ({ row }) => new Map(COMPARED_FACTS.map((name) => [name, FACTS[name](row)]))),
    section('parameters', ({ row }) => flatten(row.run.inputs)),
    section('results', ({ row }) => listResults(row)),
    section('environment', ({ details }) => listComparedEnvironment(details.environment)),
    section('git', ({ details }) => flatten(details.git)),
  ];
}

/** The last values of metrics under their own names, the best ones of those with a goal, and the other outputs. */
function listResults(row: RunRow): Values {
  const { run, metrics, best } = row;
  const outputs = new Map(flatten(run.outputs));
  for (const name of metrics.keys()) outputs.delete(toReadableName(name));
  const bestColumns = [...best.keys()].flatMap((name) => [`best.${name}`, `best_step.${name}`]);
  const bestValues = bestColumns.map((name) => [name, findValue(row, name)] as const);
  return new Map<string, RunValue>([...metrics, ...bestValues, ...outputs]);
}

function compareValues(runs: readonly Values[]): ComparedValue[] {
  const names = new Set<string>();
  for (const values of runs) for (const name of values.keys()) names.add(name);
  return Array.from(names, (name) => {
    const values = runs.map((each) => each.get(name) ?? null);
    return { name, values, isEqual: values.every((value) => Object.is(value, values[0])) };
  });
}
