/**
 * Builds the lineage entry of a series, with its summary.
 *
 * Source: traceml 1.3.0, `V1Events.get_summary`, `V1RunArtifact`; polyaxon 2.16.4, `RunClient._collect_events_summaries`.
 */

import type { ArtifactKind } from '../polyaxon-value.js';
import type { ExporterState } from './exporter-state.js';
import { Series } from './series.js';
import type { MetricSummary } from './statistics.js';
import { toIsoTimestamp } from './timestamp-text.js';

/** The summary of a series; fields in Python's order. */
export type EventsSummary = {
  readonly is_event: true;
  /** `min` and `max` are the steps of the first and last row, not the extrema; rounded beyond 2^53. Absent if the file has no steps. */
  readonly step?: { readonly count: number; readonly min: number; readonly max: number };
  /** The timestamps of the first and last row. Absent if the file has no rows. */
  readonly timestamp?: { readonly min: string; readonly max: string };
  readonly metric?: { readonly [field in keyof MetricSummary]: MetricSummary[field] };
};

/** An entry of a run's lineage; fields in Python's order. */
export interface SeriesArtifact {
  readonly name: string;
  /** The kind of the file's directory; `system` for system metrics. */
  readonly kind: ArtifactKind;
  /** Relative to the run directory. */
  readonly path: string;
  readonly summary: EventsSummary;
  readonly is_input: false;
}

/** Returns the lineage entry of a series that has a file. */
export function toSeriesArtifact(series: Series): SeriesArtifact {
  const { identity, path } = series;
  return {
    name: identity.name,
    kind: identity.target === 'resources' ? 'system' : identity.kind,
    path,
    summary: series.rows === 0 ? { is_event: true } : summarize(series),
    is_input: false,
  };
}

function summarize({ range, rows, statistics }: Series): EventsSummary {
  const { steps, wallTimes } = range;
  return {
    is_event: true,
    ...(steps === undefined ? {} : { step: { count: rows, min: Number(steps[0]), max: Number(steps[1]) } }),
    timestamp: { min: toIsoTimestamp(wallTimes[0]), max: toIsoTimestamp(wallTimes[1]) },
    ...(statistics === undefined ? {} : { metric: statistics.summarize() }),
  };
}

/** Returns the lineage entries of all series from the state of an exporter, in the order of their first rows. */
export function artifactsOf({ target, series }: ExporterState): SeriesArtifact[] {
  // `exactValues` does not matter, because no values are added.
  return series
    .map((state) => new Series({ target, ...state }, 0, state))
    .filter(({ hasFile }) => hasFile)
    .map(toSeriesArtifact);
}
