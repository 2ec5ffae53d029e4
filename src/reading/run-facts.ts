/** What is known of a run: the fields of its record, and the last values of its metrics. */

import type { CodedError } from '../base/errors.js';
import type { JsonValue } from '../base/json-value.js';
import type { MetricGoals } from '../polyaxon/metric-goal.js';
import type { RunStatus } from '../polyaxon/statuses.js';

/** The fields of a run that its record has. */
export interface LoadedRunFields {
  readonly uuid: string | null;
  readonly name: string | null;
  readonly description: string | null;
  readonly owner: string | null;
  readonly project: string | null;
  readonly status: RunStatus | null;
  readonly createdAt: Date | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly durationSeconds: number | null;
  readonly tags: readonly string[];
  readonly inputs: Readonly<Record<string, JsonValue>>;
  readonly outputs: Readonly<Record<string, JsonValue>>;
  readonly goals: MetricGoals;
  readonly location: string;
  readonly problems: readonly CodedError[];
}

/** The last point of a metric that no restart supersedes. */
export interface LastMetric {
  /** As in `MetricPoints`. */
  readonly name: string;
  readonly tag: string;
  readonly logDirectory: string;
  readonly value: number;
  /** A bigint beyond 2^53. */
  readonly step: number | bigint;
  /** Seconds since 1970. */
  readonly wallTime: number;
}

/** A metric's last point, and the first points of its least and its largest finite value; null if no value is finite. */
export interface MetricRange extends LastMetric {
  readonly min: Pick<LastMetric, 'value' | 'step' | 'wallTime'> | null;
  readonly max: Pick<LastMetric, 'value' | 'step' | 'wallTime'> | null;
}

/** What a source knows of a run without reading its files, equal to what they contain. */
export interface IndexedRun {
  readonly fields: LoadedRunFields;
  /** Whether the run has no writer any more although its status is not final. */
  readonly isLost: boolean;
  /** In the order in which all metrics are found. */
  readonly metrics: readonly MetricRange[];
}
