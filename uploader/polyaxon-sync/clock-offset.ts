/** Corrects reported times by the difference between the clocks of this host and of the server. Pure. */

import type { V1StatusCondition } from '../../src/polyaxon/api-types.js';
import type { SyncRunBody } from '../polyaxon-api/types.js';

/** Returns the body that creates a run, with all of its times moved. */
export function withOffset(body: SyncRunBody, offsetMs: number): SyncRunBody {
  const { created_at, started_at, finished_at, status_conditions } = body;
  return {
    ...body,
    created_at: move(created_at, offsetMs),
    ...(started_at == null ? {} : { started_at: move(started_at, offsetMs) }),
    ...(finished_at == null ? {} : { finished_at: move(finished_at, offsetMs) }),
    ...(status_conditions === undefined
      ? {}
      : { status_conditions: status_conditions.map((each) => withConditionOffset(each, offsetMs)) }),
  };
}

/** Returns the condition with its times moved. */
export function withConditionOffset(condition: V1StatusCondition, offsetMs: number): V1StatusCondition {
  if (offsetMs === 0) return condition;
  const { last_update_time, last_transition_time } = condition;
  return {
    ...condition,
    ...(last_update_time == null ? {} : { last_update_time: move(last_update_time, offsetMs) }),
    ...(last_transition_time == null ? {} : { last_transition_time: move(last_transition_time, offsetMs) }),
  };
}

/** Keeps microseconds, which `Date` does not have. */
function move(time: string, offsetMs: number): string {
  const ms = Date.parse(time);
  if (offsetMs === 0 || Number.isNaN(ms)) return time;
  const micros = /\.\d{3}(\d{1,3})/.exec(time)?.[1] ?? '';
  return new Date(ms + offsetMs).toISOString().replace('Z', `${micros.padEnd(3, '0')}+00:00`);
}
