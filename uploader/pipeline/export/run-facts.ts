/** The facts of a run's export: read from its exporter while that is open, and from a copy afterwards. */

import type { JsonValue } from '../../../src/base/json-value.js';
import type { ExportCounts, Exporter, SeriesArtifact } from '../../../src/polyaxon/export/exporter.js';
import type { ExportFacts } from '../report/export-facts.js';
import type { RunExporter } from './run-exporter.js';
import type { ExportResult } from './saved-state.js';

const NO_COUNTS: ExportCounts = {
  values: 0,
  exported: {},
  rows: {},
  inputs: 0,
  previews: 0,
  unexported: {},
  invalid: {},
  superseded: 0,
};
const NOTHING: ExportResult = { inputs: {}, lastValues: {}, artifacts: [], counts: NO_COUNTS };

export class RunFacts implements ExportFacts {
  state: ExportFacts['state'] = 'undecided';
  isCaughtUp = false;
  #source: RunExporter | ExportResult = NOTHING;

  /** Reads facts from this exporter from now on. */
  follow(exporter: RunExporter): void {
    this.#source = exporter.result ?? exporter;
  }

  /** Copies the facts of the exporter, releases it, and returns them. */
  freeze(): ExportResult {
    const { inputs, counts } = this;
    const result = { inputs, counts, lastValues: this.lastValues(), artifacts: this.artifacts() };
    this.#source = result;
    return result;
  }

  forget(): void {
    this.#source = NOTHING;
  }

  get inputs(): Readonly<Record<string, JsonValue>> {
    return this.#source.inputs;
  }

  lastValues(): Readonly<Record<string, number | null>> {
    if ('artifacts' in this.#source) return this.#source.lastValues;
    return this.#source.exporterFor('events')?.lastValues() ?? {};
  }

  artifacts(): readonly SeriesArtifact[] {
    if ('artifacts' in this.#source) return this.#source.artifacts;
    const events = this.#source.exporterFor('events')?.artifacts() ?? [];
    const taken = new Set(events.map(({ name }) => name));
    const system = this.#source.exporterFor('resources')?.artifacts() ?? [];
    return [...events, ...system.map((artifact) => toUnique(artifact, taken))];
  }

  get counts(): ExportCounts {
    if ('artifacts' in this.#source) return this.#source.counts;
    const exporters = [this.#source.exporterFor('events'), this.#source.exporterFor('resources')];
    return exporters
      .filter((exporter): exporter is Exporter => exporter !== undefined)
      .reduce((sum, { counts }) => addCounts(sum, counts), NO_COUNTS);
  }
}

/** Renames a system metric whose name an event has: Polyaxon requests events by the name of their file. As in `run-directory.ts`. */
function toUnique(artifact: SeriesArtifact, taken: Set<string>): SeriesArtifact {
  let { name } = artifact;
  while (taken.has(name)) name = `${name}-${artifact.kind}`;
  taken.add(name);
  return name === artifact.name ? artifact : { ...artifact, name };
}

function addCounts(a: ExportCounts, b: ExportCounts): ExportCounts {
  return {
    values: a.values + b.values,
    exported: addEach(a.exported, b.exported),
    rows: addEach(a.rows, b.rows),
    inputs: a.inputs + b.inputs,
    previews: a.previews + b.previews,
    unexported: addEach(a.unexported, b.unexported),
    invalid: addEach(a.invalid, b.invalid),
    superseded: a.superseded + b.superseded,
  };
}

function addEach(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
