/**
 * Merges the lineage that the writer of a run recorded with the entries of exported events. Pure.
 *
 * The server identifies an output of a run by its name alone (haupt 2.16.1, `db/managers/artifacts.py`: name and state, and the state of an
 * output is the run). An event has the name of its file, by which Polyaxon requests it. So another artifact of that name is renamed to
 * `<name>-<kind>`, as in tracking (`src/run-directory/run-directory.ts`). The state of an input depends on its content, so its name is unchanged.
 */

import { toCleanMap } from '../../src/base/clean-json.js';
import type { V1RunArtifact } from '../../src/polyaxon/api-types.js';
import type { SeriesArtifact } from '../../src/polyaxon/export/exporter.js';

/** Merges all entries so that output names are unique. A later entry of `own` replaces an earlier one with the same name and kind. */
export function mergeLineage(
  own: readonly V1RunArtifact[],
  exported: readonly SeriesArtifact[],
): V1RunArtifact[] {
  const events = new Map(exported.map((each) => [toEntryKey(each), toRunArtifact(each)]));
  const paths = new Set(exported.map(({ path }) => path));
  const others = new Map<string, V1RunArtifact>();
  for (const entry of own) {
    // If both have an entry, use that of the export, which is always up to date.
    if (entry.is_input !== true && entry.path != null && paths.has(entry.path)) continue;
    const named = toUnique(entry, events, others);
    others.set(toEntryKey(named), named);
  }
  return [...events.values(), ...others.values()];
}

/** Returns the key by which the server identifies an entry, except for the content of an input. */
export function toEntryKey({ name, is_input }: Pick<V1RunArtifact, 'name' | 'is_input'>): string {
  return `${is_input === true ? 'input' : 'output'}:${name}`;
}

function toUnique(
  entry: V1RunArtifact,
  events: ReadonlyMap<string, V1RunArtifact>,
  others: ReadonlyMap<string, V1RunArtifact>,
): V1RunArtifact {
  for (let named = entry; ; named = { ...named, name: `${named.name}-${entry.kind}` }) {
    const key = toEntryKey(named);
    const other = others.get(key);
    if (!events.has(key) && (other === undefined || other.kind === entry.kind)) return named;
  }
}

function toRunArtifact({ name, kind, path, summary }: SeriesArtifact): V1RunArtifact {
  return { name, kind, path, summary: toCleanMap(summary), is_input: false };
}
