/** Facts about a run from the export of its event files, for observers that report them to an API. */

import type { JsonValue } from '../../../src/base/json-value.js';
import type { ExportCounts, SeriesArtifact } from '../../../src/polyaxon/export/exporter.js';

/** The facts of one run. Each property and call returns the current state. */
export interface ExportFacts {
  /**
   * `exported`: the uploader generates the Polyaxon event files. `provided`: the run's writer writes them, or no program does; the other facts are
   * then only kept up to date while the run is active or its writer is lost. `undecided`: not known yet.
   */
  readonly state: 'exported' | 'provided' | 'undecided';
  /** Hyperparameters found in the events, for the inputs of the run. */
  readonly inputs: Readonly<Record<string, JsonValue>>;
  /** Returns the last value of each metric by name, without system metrics; null for values that are not finite. */
  lastValues(): Readonly<Record<string, number | null>>;
  /** Returns lineage entries with unique names, system metrics last; `path` is the `relPath` under which the file is stored. */
  artifacts(): readonly SeriesArtifact[];
  /** Counts of all values by outcome, including system metrics and dropped values. */
  readonly counts: ExportCounts;
  /** Whether everything known of the event files is exported. */
  readonly isCaughtUp: boolean;
}

/** Called after each change; `facts` is the same object each time. */
export type OnExported = (runUuid: string, facts: ExportFacts) => void;
