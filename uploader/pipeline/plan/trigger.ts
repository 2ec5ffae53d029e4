/**
 * Decides when a changed file is committed while its run is active. Pure.
 *
 * Without it, a growing file would be sent after every scan, and a file that is being written would be sent incomplete.
 */

/** An artifact counts as completely written after this long without a change. */
export const QUIET_MS = 2_000;
/** F6: bytes after the last whole record are uploaded unchanged after this long without growth. */
export const RECORD_TIMEOUT_MS = 30_000;
/** A file without changes for this long is sent, or compared completely if it is stored. */
const MAX_AGE_MS = 60_000;
/** Extending a large object makes the store copy it, so the next extension waits for this multiple of the last one's duration. */
const DUTY_RATIO = 4;
/** The lag that extensions may cause before segments are used instead. */
export const LAG_BUDGET_MS = 60_000;

export interface TriggerFacts {
  /** It has grown with its old content unchanged, or files of its class grow this way. */
  readonly isAppended: boolean;
  readonly fileBytes: number;
  /** Null when nothing is stored. */
  readonly storedBytes: number | null;
  /** Time since the last change was seen; `ageMs`: since the first change that is not stored. */
  readonly quietMs: number;
  readonly ageMs: number;
  /** All bytes are stored; only a complete comparison remains. */
  readonly isStored: boolean;
  /** Times of the last commit; null before the first. */
  readonly lastCommit: {
    readonly agoMs: number;
    readonly durationMs: number;
    readonly repeatMs: number;
  } | null;
  /** Objects below this size are sent whole when they grow. */
  readonly minAppendBytes: number;
  /** Interval between commits of a growing file. */
  readonly intervalMs: number;
}

/** Returns how long to wait before the file is committed; 0 for now. Further changes may shorten the wait. */
export function msUntilDue(facts: TriggerFacts): number {
  const { storedBytes, fileBytes, ageMs, quietMs, intervalMs, lastCommit } = facts;
  if (facts.isStored) return Math.max(0, (facts.isAppended ? MAX_AGE_MS : QUIET_MS) - quietMs);
  if (!facts.isAppended) return Math.max(0, Math.min(QUIET_MS - quietMs, intervalMs - ageMs));
  if (storedBytes === null) return Math.max(0, Math.min(QUIET_MS, intervalMs) - ageMs);
  const tailBytes = fileBytes - storedBytes;
  if (tailBytes < 0) return 0; // truncated and restarted: nothing of the new content is stored

  const turnMs = Math.max(ageMs, sinceLastTurnMs(lastCommit));
  const untilInterval = Math.max(intervalMs - turnMs, Math.min(QUIET_MS, intervalMs) - ageMs);
  if (storedBytes >= facts.minAppendBytes) {
    const untilDuty = lastCommit === null ? 0 : DUTY_RATIO * lastCommit.repeatMs - lastCommit.agoMs;
    return Math.max(0, untilInterval, Math.min(untilDuty, LAG_BUDGET_MS - ageMs));
  }
  // Below the threshold the file is sent whole each time, as far as the budget allows; see repeat-budget.ts.
  return Math.max(0, untilInterval);
}

/** The longest that a growing file waits until it may be sent whole again. */
const MAX_REPEAT_WAIT_MS = 600_000;

/** Limits the wait for the budget: a file that has stopped growing for a minute, or has waited for ten, is sent anyway. */
export function limitRepeatWait(
  waitMs: number,
  { ageMs, quietMs }: Pick<TriggerFacts, 'ageMs' | 'quietMs'>,
): number {
  return Math.max(0, Math.min(waitMs, MAX_REPEAT_WAIT_MS - ageMs, MAX_AGE_MS - quietMs));
}

/**
 * Returns the time since the last commit began: a change long after it need not wait for a whole interval. Segments do not count as
 * commits of the object; their interval begins with the change.
 */
function sinceLastTurnMs(lastCommit: TriggerFacts['lastCommit']): number {
  if (lastCommit === null || isTooSlowToExtend(lastCommit.repeatMs)) return 0;
  return lastCommit.agoMs + lastCommit.durationMs;
}

/** Returns true when extensions that spend this long on stored bytes would exceed the lag budget. */
export function isTooSlowToExtend(repeatMs: number): boolean {
  return DUTY_RATIO * repeatMs > LAG_BUDGET_MS;
}
