/**
 * One lineage of a run, from what its writer recorded and what its events were projected to. Pure.
 *
 * The server tells two outputs of a run apart by their names alone (haupt 2.16.1, `db/managers/artifacts.py`: name and state, and the state of an
 * output is the run). An event's name is that of its file, by which Polyaxon asks for it, so what is no event gives way: it is called
 * `<name>-<kind>`, as tracking does it (`src/run-directory/run-directory.ts`). Inputs have a state of their own, made of their content, and stay as they are.
 */

import type { RunArtifact } from '../../src/polyaxon/api-types.js';
import type { SeriesArtifact } from '../../src/polyaxon/export/exporter.js';
import { toCleanMap } from '../base/canonical-json.js';

/** All entries, no two outputs of one name. A later entry of `own` takes the place of an earlier one of its name and kind. */
export function mergeLineage(
  own: readonly RunArtifact[],
  exported: readonly SeriesArtifact[],
): RunArtifact[] {
  const events = new Map(exported.map((each) => [toEntryKey(each), toRunArtifact(each)]));
  const paths = new Set(exported.map(({ path }) => path));
  const others = new Map<string, RunArtifact>();
  for (const entry of own) {
    // What both tell of is the projection's to tell: it is never behind.
    if (entry.is_input !== true && entry.path != null && paths.has(entry.path)) continue;
    const named = toUnique(entry, events, others);
    others.set(toEntryKey(named), named);
  }
  return [...events.values(), ...others.values()];
}

/** What the server keeps one entry for, as far as it does not depend on the content of an input. */
export function toEntryKey({ name, is_input }: Pick<RunArtifact, 'name' | 'is_input'>): string {
  return `${is_input === true ? 'input' : 'output'}:${name}`;
}

function toUnique(
  entry: RunArtifact,
  events: ReadonlyMap<string, RunArtifact>,
  others: ReadonlyMap<string, RunArtifact>,
): RunArtifact {
  for (let named = entry; ; named = { ...named, name: `${named.name}-${entry.kind}` }) {
    const key = toEntryKey(named);
    const other = others.get(key);
    if (!events.has(key) && (other === undefined || other.kind === entry.kind)) return named;
  }
}

function toRunArtifact({ name, kind, path, summary }: SeriesArtifact): RunArtifact {
  return { name, kind, path, summary: toCleanMap(summary), is_input: false };
}
