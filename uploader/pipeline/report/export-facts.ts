/** What the projection of a run's event files knows of the run: for whoever tells somebody else, such as an API. */

import type { JsonValue } from '../../../src/base/json-value.js';
import type { ExportCounts, SeriesArtifact } from '../../../src/polyaxon/export/exporter.js';

/** Of one run, as of now: each property and call gives what is true at that moment. */
export interface ExportFacts {
  /**
   * `projected`: the uploader makes Polyaxon's files. `ready-made`: the run's writer does so itself, and all else here is empty. `undecided`: not
   * known yet.
   */
  readonly state: 'exported' | 'provided' | 'undecided';
  /** Hyperparameters that were found among the events, for the run's inputs. */
  readonly inputs: Readonly<Record<string, JsonValue>>;
  /** The last value of each metric by its name, without system metrics; null for what is no finite number. */
  lastValues(): Readonly<Record<string, number | null>>;
  /** Lineage entries, system metrics last; their `path` is the `relPath` under which the file is stored. No two have one name. */
  artifacts(): readonly SeriesArtifact[];
  /** What became of all values, system metrics included: nothing is dropped without being counted. */
  readonly counts: ExportCounts;
  /** Everything that is known of the event files is projected. */
  readonly isCaughtUp: boolean;
}

/** Told after each change; `facts` is the same object each time. */
export type OnExported = (runUuid: string, facts: ExportFacts) => void;
