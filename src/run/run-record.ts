/**
 * What `run.plx.json` and `lineages.plx.json` say of a run. Plain values, no I/O.
 *
 * Source: polyaxon 2.16 `V1Run` as its offline mode writes it, and `V1RunArtifact`: compact JSON, absent fields left out,
 * times in ISO form with microseconds and offset.
 */

import type { JsonValue } from '../json-value.js';

/** Statuses that a tracked run can have. */
export type RunStatus = 'created' | 'running' | 'succeeded' | 'failed' | 'stopped';

export interface StatusCondition {
  readonly type: RunStatus;
  readonly status: true;
  readonly reason: string;
  readonly message?: string;
  readonly last_update_time: string;
  readonly last_transition_time: string;
}

/** One entry of `lineages.plx.json`. */
export interface RunArtifact {
  readonly name: string;
  readonly kind: string;
  /** Relative to the run directory, with `/`. */
  readonly path?: string;
  readonly is_input: boolean;
  readonly summary: Readonly<Record<string, JsonValue>>;
}

export interface RunRecord {
  readonly uuid: string;
  readonly name: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly owner?: string;
  readonly project?: string;
  readonly kind: 'job';
  readonly runtime: 'job';
  readonly is_managed: false;
  readonly managed_by: 'user';
  readonly created_at: string;
  readonly started_at?: string;
  readonly finished_at?: string;
  /** Seconds. */
  readonly wait_time?: number;
  /** Seconds, two decimals. */
  readonly duration?: number;
  readonly status: RunStatus;
  readonly status_conditions: readonly StatusCondition[];
  readonly meta_info?: Readonly<Record<string, JsonValue>>;
  readonly inputs?: Readonly<Record<string, JsonValue>>;
  readonly outputs?: Readonly<Record<string, JsonValue>>;
}

/** `YYYY-MM-DDTHH:MM:SS.ffffff+00:00`; `wallTime` in seconds. */
export function toIsoTime(wallTime: number): string {
  const micros = Math.round(wallTime * 1e6);
  const millis = Math.floor(micros / 1000);
  const rest = String(micros - millis * 1000).padStart(3, '0');
  return new Date(millis).toISOString().replace('Z', `${rest}+00:00`);
}

/** The record with one more status, and the times that follow from it. */
export function withStatus(
  record: RunRecord,
  type: RunStatus,
  wallTime: number,
  details: { reason: string; message?: string | undefined },
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
  const next = { ...record, status: type, status_conditions: [...record.status_conditions, condition] };
  if (type === 'created') return next;
  if (type === 'running')
    return { ...next, started_at: time, wait_time: secondsBetween(record.created_at, time) };
  return {
    ...next,
    finished_at: time,
    duration: secondsBetween(record.started_at ?? record.created_at, time),
  };
}

function secondsBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / 10) / 100;
}
