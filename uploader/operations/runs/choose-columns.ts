/** Chooses which columns a table of runs has if the user names none. Pure. */

import { toReadableName } from '../../../src/polyaxon/names.js';
import { createFinder, FACTS, listPaths, type RunRow, type RunValue } from './run-row.js';

/** Facts that are shown if a run has them. */
const SHOWN_FACTS = ['name', 'uuid', 'status', 'age', 'duration', 'project'] as const;
/** Facts for programs: times instead of ages. */
const EXPORTED_FACTS = ['uuid', 'name', 'status', 'created', 'duration', 'project', 'tags', 'location'];

const PREFIXED = /^(?:inputs|outputs|metrics|best|best_step)\./;

/** The columns for people: facts, parameters in which the runs differ, and results. */
export function chooseColumns(rows: readonly RunRow[]): string[] {
  const facts = SHOWN_FACTS.filter(
    (name) => name !== 'project' || rows.some((row) => FACTS.project(row) !== null),
  );
  const inputs = listInputs(rows).filter((name) => rows.length === 1 || differs(rows, `inputs.${name}`));
  return [
    ...facts,
    ...toColumns(inputs, 'inputs.'),
    ...toColumns(listResults(rows), 'outputs.', inputs),
    ...listBest(rows).map((name) => `best.${name}`),
  ];
}

/** The columns for programs: all facts, parameters and results. */
export function listColumns(rows: readonly RunRow[]): string[] {
  const inputs = listInputs(rows);
  return [
    ...EXPORTED_FACTS,
    ...toColumns(inputs, 'inputs.'),
    ...toColumns(listResults(rows), 'outputs.', inputs),
    ...listBest(rows).flatMap((name) => [`best.${name}`, `best_step.${name}`]),
  ];
}

/** A name that could mean something else gets its prefix. */
function toColumns(names: readonly string[], prefix: string, taken: readonly string[] = []): string[] {
  return names.map((name) =>
    name in FACTS || PREFIXED.test(name) || taken.includes(name) ? `${prefix}${name}` : name,
  );
}

function listInputs(rows: readonly RunRow[]): string[] {
  return listNames(rows, ({ run }) => listPaths(run.inputs));
}

/** The outputs, and the metrics of runs that have not ended, which are not outputs yet. */
function listResults(rows: readonly RunRow[]): string[] {
  const readable = new Map<string, string>();
  const toReadable = (name: string): string => {
    const known = readable.get(name) ?? toReadableName(name);
    readable.set(name, known);
    return known;
  };
  return listNames(rows, ({ run, metrics }) => [
    ...listPaths(run.outputs),
    ...Array.from(metrics.keys(), toReadable),
  ]);
}

function listBest(rows: readonly RunRow[]): string[] {
  return listNames(rows, ({ best }) => best.keys());
}

function listNames(rows: readonly RunRow[], namesOf: (row: RunRow) => Iterable<string>): string[] {
  const names = new Set<string>();
  for (const row of rows) for (const name of namesOf(row)) names.add(name);
  return [...names];
}

function differs(rows: readonly RunRow[], column: string): boolean {
  const values = new Set<RunValue>(rows.map(createFinder(column)));
  return values.size > 1;
}
