/**
 * Determines the statuses that the server lacks. Pure.
 *
 * The conditions of a run are a sequence. The server has the start of it, possibly mixed with conditions of other clients. The conditions
 * after the last one on the server are sent, in order; earlier ones never are. If another client has ended the run, its status is kept. If
 * polytrack has ended the run and the run was resumed, it is reopened (`force`).
 *
 * Source: haupt 2.16.1, `db/managers/statuses.py` (`new_status`): a run that is done keeps its status unless `force` is set; after
 * `stopping`, only an end status is accepted; a condition replaces the last one if both have the same type.
 */

import type { V1StatusCondition } from '../../src/polyaxon/api-types.js';
import { isDone as isDoneStatus, type RunStatus } from '../../src/polyaxon/run-record.js';
import type { RunStatuses } from '../polyaxon-api/types.js';

/** The reason of the end status if the writer stopped without an end marker. */
export const WRITER_LOST = 'WriterLost';

export function isFinalStatus(status: RunStatus | null | undefined): boolean {
  return status != null && isDoneStatus(status);
}

export interface StatusPost {
  readonly condition: V1StatusCondition;
  /** Reopens a run that polytrack has ended. */
  readonly force: boolean;
}

interface StatusPlan {
  readonly posts: readonly StatusPost[];
  /** `other-client`: another client has ended or is stopping the run, and its status is kept. */
  readonly outcome: 'ours' | 'other-client';
}

/** Plans the statuses to send. `wanted`: the conditions of the run without `created`, oldest first, with the end status once it may be sent. */
export function planStatuses(server: RunStatuses, wanted: readonly V1StatusCondition[]): StatusPlan {
  const known = server.conditions.filter(({ type }) => type !== 'created');
  if (isFinalStatus(server.status)) return planForDone(known, wanted);
  const rest = wanted.slice(wanted.findLastIndex((_, i) => findOnServer(known, wanted, i) >= 0) + 1);
  if (server.status === 'stopping') {
    const end = rest.at(-1);
    return {
      posts: end !== undefined && isFinalStatus(end.type) ? toPosts([end], false) : [],
      outcome: 'other-client',
    };
  }
  return { posts: toPosts(rest, false), outcome: 'ours' };
}

/** Whether two conditions are the same. Ignores the time of `WriterLost`, which is when the loss was detected. */
function isSameCondition(a: V1StatusCondition, b: V1StatusCondition): boolean {
  if (a.type !== b.type) return false;
  if (a.reason === WRITER_LOST && b.reason === WRITER_LOST) return true;
  return toMs(a) === toMs(b);
}

function planForDone(known: readonly V1StatusCondition[], wanted: readonly V1StatusCondition[]): StatusPlan {
  const end = known.length - 1;
  const index = wanted.findLastIndex((_, i) => findOnServer(known, wanted, i) === end);
  if (end >= 0 && index >= 0) return { posts: toPosts(wanted.slice(index + 1), true), outcome: 'ours' };
  const last = known[end];
  if (last?.reason !== WRITER_LOST) return { posts: [], outcome: 'other-client' };
  // polytrack assumed that the writer was lost, but it was still alive or the run was resumed.
  const later = wanted.filter((each) => (toMs(each) ?? 0) > (toMs(last) ?? 0) || isFinalStatus(each.type));
  return { posts: toPosts(later, true), outcome: 'ours' };
}

/** Returns the index of a condition on the server, or −1. A second `WriterLost` must come after the conditions of the resume. */
function findOnServer(
  known: readonly V1StatusCondition[],
  wanted: readonly V1StatusCondition[],
  index: number,
): number {
  const condition = wanted[index];
  if (condition === undefined) return -1;
  const found = known.findLastIndex((each) => isSameCondition(each, condition));
  if (found < 0 || condition.reason !== WRITER_LOST || index === 0) return found;
  const before = findOnServer(known, wanted, index - 1);
  return before >= 0 && before < found ? found : -1;
}

/** Sets `force` on each condition that follows an end status, because a run that is done accepts nothing without it. */
function toPosts(conditions: readonly V1StatusCondition[], isServerDone: boolean): StatusPost[] {
  return conditions.map((condition, i) => ({
    condition,
    force: i === 0 ? isServerDone : isFinalStatus(conditions[i - 1]?.type),
  }));
}

/** Parses a time. Servers use different formats, with or without microseconds. */
function toMs({ last_transition_time, last_update_time }: V1StatusCondition): number | null {
  const text = last_transition_time ?? last_update_time;
  if (text == null) return null;
  const ms = Date.parse(text.replace(/^(\d{4}-\d\d-\d\d) /, '$1T'));
  return Number.isFinite(ms) ? ms : null;
}
