/** Chooses which facts of a recorded environment are shown, and by which runs are compared. Pure. */

import type { JsonMap } from '../../../src/base/clean-json.js';
import type { JsonValue } from '../../../src/base/json-value.js';
import { flatten, type RunValue } from './run-row.js';

/** The keys of polytrack, and of Polyaxon's Python client (clipped 0.11, `utils/env.py`), with what people call them. */
const SHOWN: Readonly<Record<string, string>> = {
  'sys.argv': 'command',
  working_directory: 'directory',
  hostname: 'host',
  user: 'user',
  os: 'system',
  node_version: 'Node.js',
  python_version_verbose: 'Python',
  polytrack_version: 'polytrack',
  cpu_model: 'processor',
  cpu_count: 'processors',
  memory_total_bytes: 'memory',
};

/** What differs between any two processes, and says nothing about the experiment. */
const PER_PROCESS = /^(?:pid|container\.id|environment_variables\.(?:POLYAXON_RUN_\w+|SLURM_JOB_?ID))$/;

/** The most important facts, by the words that people use. */
export function listEnvironment(environment: JsonMap): readonly (readonly [string, RunValue])[] {
  const found = Object.entries(SHOWN).flatMap(([key, word]): [string, RunValue][] => {
    const value = environment[key];
    return value === undefined || value === null ? [] : [[word, toFact(key, value)]];
  });
  const { packages } = environment;
  return Array.isArray(packages) && packages.length > 0 ? [...found, ['packages', packages.length]] : found;
}

/** All facts that runs are compared by. Each package is one. */
export function listComparedEnvironment({
  packages,
  ...environment
}: JsonMap): ReadonlyMap<string, RunValue> {
  const facts = new Map([...flatten(environment)].filter(([name]) => !PER_PROCESS.test(name)));
  if (Array.isArray(packages))
    for (const each of packages) {
      const [name, version] = Array.isArray(each) ? each : String(each).split('==');
      const key = `packages.${String(name)}`;
      const others = facts.get(key);
      facts.set(key, others === undefined ? String(version) : `${others}, ${String(version)}`);
    }
  return facts;
}

function toFact(key: string, value: JsonValue): RunValue {
  if (key === 'memory_total_bytes' && typeof value === 'number') return `${(value / 1e9).toFixed(1)} GB`;
  if (Array.isArray(value)) return value.map(String).join(' ');
  return typeof value === 'object' ? JSON.stringify(value) : value;
}
