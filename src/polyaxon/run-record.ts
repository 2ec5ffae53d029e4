/**
 * The contents of `run.plx.json` and `lineages.plx.json`, and functions that change them. No I/O.
 *
 * Source: polyaxon 2.16 `V1Run` as its offline mode writes it, and `V1RunArtifact`: compact JSON, absent fields omitted,
 * times in ISO form with microseconds and offset.
 */

import type { JsonValue } from '../base/json-value.js';
import type { V1Run, V1RunArtifact, V1StatusCondition } from './api-types.js';
import type { ArtifactKind } from './polyaxon-value.js';
import type { RunStatus } from './statuses.js';

export type { RunStatus } from './statuses.js';

/** Final statuses. Source: polyaxon 2.16.4, `LifeCycle.DONE_VALUES`. */
const DONE_STATUSES: readonly RunStatus[] = ['failed', 'upstream_failed', 'stopped', 'skipped', 'succeeded'];

export interface StatusCondition extends V1StatusCondition {
  readonly status: true;
  readonly reason: string;
  readonly message?: string;
  readonly last_update_time: string;
  readonly last_transition_time: string;
}

/** One entry of `lineages.plx.json`. */
export interface RunArtifact extends Omit<V1RunArtifact, 'state' | 'connection' | 'meta_info'> {
  readonly kind: ArtifactKind;
  /** Relative to the run directory, with `/`; artifacts outside it have an absolute path or a URL. */
  readonly path?: string;
  readonly summary: Readonly<Record<string, JsonValue>>;
  readonly is_input: boolean;
}

type JsonObject = Readonly<Record<string, JsonValue>>;

/** The metadata that a process logs about a run, besides events. */
export interface RunMetadata {
  readonly tags?: readonly string[];
  readonly meta_info?: JsonObject;
  readonly inputs?: JsonObject;
  readonly outputs?: JsonObject;
}

export interface RunRecord extends RunMetadata, Omit<V1Run, keyof RunMetadata | 'updated_at' | 'settings'> {
  readonly name: string;
  /** The name, if the program did not choose it. Without this, or with another name, the program has named the run. */
  readonly default_name?: string;
  readonly description?: string;
  readonly readme?: string;
  readonly owner?: string;
  readonly project?: string;
  readonly kind: 'job';
  readonly runtime: 'job';
  readonly is_managed: boolean;
  readonly managed_by: 'user' | 'agent';
  readonly created_at: string;
  readonly started_at?: string;
  readonly finished_at?: string;
  /** Seconds. */
  readonly wait_time?: number;
  /** Seconds, with two decimals. */
  readonly duration?: number;
  readonly status: RunStatus;
  readonly status_conditions: readonly StatusCondition[];
}

/** Returns `YYYY-MM-DDTHH:MM:SS.ffffff+00:00`; `wallTime` is in seconds. */
export function toIsoTime(wallTime: number): string {
  const micros = Math.round(wallTime * 1e6);
  const millis = Math.floor(micros / 1000);
  const rest = String(micros - millis * 1000).padStart(3, '0');
  return new Date(millis).toISOString().replace('Z', `${rest}+00:00`);
}

/** Returns whether a status is final. */
export function isDone(status: RunStatus): boolean {
  return DONE_STATUSES.includes(status);
}

/**
 * Returns the record with one more status and the times that depend on it. A condition of the same type as the last one
 * replaces it, and the first `running` sets the start time, as on Polyaxon's server (haupt 2.16). `elapsedSeconds`: the measured time
 * since the start. Without it, the duration is the difference of the times; a clock that was set back makes it 0.
 */
export function withStatus(
  record: RunRecord,
  type: RunStatus,
  wallTime: number,
  details: { reason: string; message?: string | undefined; elapsedSeconds?: number | undefined },
): RunRecord {
  const time = toIsoTime(wallTime);
  const condition: StatusCondition = {
    type,
    status: true,
    reason: details.reason,
    ...(details.message === undefined ? {} : { message: details.message }),
    last_update_time: time,
    last_transition_time: time,
  };
  const before = record.status_conditions;
  const kept = before.at(-1)?.type === type ? before.slice(0, -1) : before;
  const next = { ...record, status: type, status_conditions: [...kept, condition] };
  if (isDone(type)) {
    const { elapsedSeconds } = details;
    const duration =
      elapsedSeconds === undefined
        ? secondsBetween(record.started_at ?? record.created_at, time)
        : Math.round(elapsedSeconds * 100) / 100;
    return { ...next, finished_at: time, duration };
  }
  if (type !== 'running' || record.started_at !== undefined) return next;
  return { ...next, started_at: time, wait_time: secondsBetween(record.created_at, time) };
}

/** Returns the record of a run that resumes after its end: without finish time and duration. */
export function withoutEnd(record: RunRecord): RunRecord {
  const { finished_at: _finished, duration: _duration, ...kept } = record;
  return kept;
}

/** Returns `metadata` updated with `added`: objects are merged by key, tags are combined. */
export function mergeMetadata<T extends RunMetadata>(metadata: T, added: RunMetadata): T {
  return {
    ...metadata,
    ...(added.tags === undefined ? {} : { tags: [...new Set([...(metadata.tags ?? []), ...added.tags])] }),
    ...mergeObject('meta_info', metadata, added),
    ...mergeObject('inputs', metadata, added),
    ...mergeObject('outputs', metadata, added),
  };
}

function mergeObject(
  field: 'meta_info' | 'inputs' | 'outputs',
  metadata: RunMetadata,
  added: RunMetadata,
): RunMetadata {
  const object = added[field];
  return object === undefined ? {} : { [field]: { ...metadata[field], ...object } };
}

/** Returns the seconds between two times, with two decimals; 0 if the clock was set back between them. */
export function secondsBetween(from: string, to: string): number {
  return Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 10) / 100);
}
