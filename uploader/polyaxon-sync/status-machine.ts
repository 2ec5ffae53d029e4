/**
 * Which statuses the server lacks. Pure.
 *
 * The run's conditions are a sequence; the server has a beginning of it, perhaps with others' conditions between. What comes after the last one that
 * it has is sent, in order, and nothing is ever sent that lies before: statuses only go forward. A run that somebody else has ended keeps its status. One
 * that we have ended, and that goes on, is opened again (`force`).
 *
 * Source: haupt 2.16.1, `db/managers/statuses.py` (`new_status`): a run that is done keeps its status but for `force`; from `stopping` only a final
 * status is taken; a condition of the type of the last one takes its place.
 */

import type { StatusCondition } from '../../src/polyaxon/api-types.js';
import type { RunStatus } from '../../src/polyaxon/statuses.js';
import type { RunStatuses } from '../polyaxon-api/types.js';

/** Source: polyaxon 2.16.4, `LifeCycle.DONE_VALUES`. */
const DONE: readonly RunStatus[] = ['failed', 'upstream_failed', 'stopped', 'skipped', 'succeeded'];

/** The reason of a status that the uploader gives to a run whose writer is gone without a word. */
export const WRITER_LOST = 'WriterLost';

export function isDone(status: RunStatus | null | undefined): boolean {
  return status != null && DONE.includes(status);
}

export interface StatusPost {
  readonly condition: StatusCondition;
  /** Opens a run again that we have ended. */
  readonly force: boolean;
}

export interface StatusPlan {
  readonly posts: readonly StatusPost[];
  /** `foreign`: somebody else has ended the run, or is about to, and that stays. */
  readonly outcome: 'ours' | 'foreign';
}

/** `wanted`: the run's conditions so far, without `created`, oldest first; one that ends it comes last, once it may be sent. */
export function planStatuses(server: RunStatuses, wanted: readonly StatusCondition[]): StatusPlan {
  const known = server.conditions.filter(({ type }) => type !== 'created');
  if (isDone(server.status)) return planForDone(known, wanted);
  const rest = wanted.slice(wanted.findLastIndex((_, i) => findOnServer(known, wanted, i) >= 0) + 1);
  if (server.status === 'stopping') {
    const end = rest.at(-1);
    return { posts: end !== undefined && isDone(end.type) ? [toPost(end)] : [], outcome: 'foreign' };
  }
  return { posts: toPosts(rest, false), outcome: 'ours' };
}

/** Whether two conditions are one and the same. The status of a lost writer has the time at which that was noticed. */
export function isSameCondition(a: StatusCondition, b: StatusCondition): boolean {
  if (a.type !== b.type) return false;
  if (a.reason === WRITER_LOST && b.reason === WRITER_LOST) return true;
  return toMs(a) === toMs(b);
}

function planForDone(known: readonly StatusCondition[], wanted: readonly StatusCondition[]): StatusPlan {
  const end = known.length - 1;
  const index = wanted.findLastIndex((_, i) => findOnServer(known, wanted, i) === end);
  if (end >= 0 && index >= 0) return { posts: toPosts(wanted.slice(index + 1), true), outcome: 'ours' };
  const last = known[end];
  if (last?.reason !== WRITER_LOST) return { posts: [], outcome: 'foreign' };
  // We took the writer for lost; it has turned out to go on, or was gone on with.
  const later = wanted.filter((each) => (toMs(each) ?? 0) > (toMs(last) ?? 0) || isDone(each.type));
  return { posts: toPosts(later, true), outcome: 'ours' };
}

/** Where the server has a condition of ours; −1 when it has not. A writer that is lost again is so after what it had begun again. */
function findOnServer(
  known: readonly StatusCondition[],
  wanted: readonly StatusCondition[],
  index: number,
): number {
  const condition = wanted[index];
  if (condition === undefined) return -1;
  const found = known.findLastIndex((each) => isSameCondition(each, condition));
  if (found < 0 || condition.reason !== WRITER_LOST || index === 0) return found;
  const before = findOnServer(known, wanted, index - 1);
  return before >= 0 && before < found ? found : -1;
}

/** A run that is done takes nothing without force, neither at first nor after a status in between that ended it. */
function toPosts(conditions: readonly StatusCondition[], isServerDone: boolean): StatusPost[] {
  return conditions.map((condition, i) => ({
    condition,
    force: i === 0 ? isServerDone : isDone(conditions[i - 1]?.type),
  }));
}

function toPost(condition: StatusCondition): StatusPost {
  return { condition, force: false };
}

/** Servers write times in forms of their own, with microseconds or without. */
function toMs({ last_transition_time, last_update_time }: StatusCondition): number | null {
  const text = last_transition_time ?? last_update_time;
  if (text == null) return null;
  const ms = Date.parse(text.replace(/^(\d{4}-\d\d-\d\d) /, '$1T'));
  return Number.isFinite(ms) ? ms : null;
}
