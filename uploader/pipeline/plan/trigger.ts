/**
 * When a file that has changed is worth a commit, while its run goes on. Pure.
 *
 * A file that grows would otherwise be sent at every look, and a file that is being written would be sent half.
 */

import { MIN_APPEND_BYTES } from './strategy.js';

const KIB = 1024;

/** A file of no known way of growing is taken to be written when nothing has changed for this long; what is written at once is sent at once. */
export const QUIET_MS = 2_000;
/** F6: bytes after the last whole record are uploaded unchanged after this long without growth. */
export const RECORD_PATIENCE_MS = 30_000;
const MIN_TAIL_BYTES = 64 * KIB;
const MIN_TAIL_RATIO = 0.25;
/** However little was added, it is sent after this long; a file that rests for this long is compared as a whole. */
export const MAX_AGE_MS = 60_000;
/** What repeating a small file may cost on average: it is sent whole so rarely that it stays below, and every minute at the latest. */
const REPEAT_BYTES_PER_SECOND = 128 * KIB;
/** Extending a large object costs the store a copy: the store is left in peace for this many times as long as the last one took. */
const DUTY_RATIO = 4;
/** The lag that extensions may cause before segments are used in their place. */
export const LAG_BUDGET_MS = 60_000;

export interface TriggerFacts {
  /** It has been seen to grow with its content unchanged, or its class says that it does. */
  readonly isAppended: boolean;
  readonly fileBytes: number;
  /** Null when nothing is stored. */
  readonly storedBytes: number | null;
  /** Since the last change was seen, and since the first that is not stored. */
  readonly quietMs: number;
  readonly ageMs: number;
  /** Everything is stored; what is left is to compare all of it once. */
  readonly isStored: boolean;
  /** Of the last commit; null when there was none. */
  readonly lastCommit: {
    readonly agoMs: number;
    readonly durationMs: number;
    readonly repeatMs: number;
  } | null;
  /** How often a growing file is committed. */
  readonly intervalMs: number;
}

/** How long to wait until the file is due; 0 when it is. More changes may make it due earlier. */
export function msUntilDue(facts: TriggerFacts): number {
  const { storedBytes, fileBytes, ageMs, quietMs, intervalMs, lastCommit } = facts;
  if (facts.isStored) return Math.max(0, (facts.isAppended ? MAX_AGE_MS : QUIET_MS) - quietMs);
  if (!facts.isAppended) return Math.max(0, Math.min(QUIET_MS - quietMs, intervalMs - ageMs));
  if (storedBytes === null) return Math.max(0, Math.min(QUIET_MS, intervalMs) - ageMs);
  const tailBytes = fileBytes - storedBytes;
  if (tailBytes < 0) return 0; // begun anew: nothing of it is stored

  const turnMs = Math.max(ageMs, sinceLastTurnMs(lastCommit));
  const untilInterval = Math.max(intervalMs - turnMs, Math.min(QUIET_MS, intervalMs) - ageMs);
  if (storedBytes >= MIN_APPEND_BYTES) {
    const untilDuty = lastCommit === null ? 0 : DUTY_RATIO * lastCommit.repeatMs - lastCommit.agoMs;
    return Math.max(0, untilInterval, Math.min(untilDuty, LAG_BUDGET_MS - ageMs));
  }
  // Below the threshold the file is sent whole each time: rarely enough for what has grown to outweigh what is repeated.
  const isWorthIt = tailBytes >= Math.max(MIN_TAIL_BYTES, MIN_TAIL_RATIO * storedBytes);
  const isCheap = storedBytes <= MIN_TAIL_BYTES;
  if (isWorthIt || isCheap) return Math.max(0, untilInterval);
  const repeatMs = Math.min(MAX_AGE_MS, (1000 * storedBytes) / REPEAT_BYTES_PER_SECOND);
  return Math.max(0, untilInterval, repeatMs - turnMs);
}

/**
 * The interval is one between commits: what is written long after the last one need not wait for it. Segments are no commits of the
 * object; they are written at the interval from the change on.
 */
function sinceLastTurnMs(lastCommit: TriggerFacts['lastCommit']): number {
  if (lastCommit === null || isTooSlowToExtend(lastCommit.repeatMs)) return 0;
  return lastCommit.agoMs + lastCommit.durationMs;
}

/** Whether extensions that take this long for what is stored already would make the file lag behind more than is allowed. */
export function isTooSlowToExtend(repeatMs: number): boolean {
  return DUTY_RATIO * repeatMs > LAG_BUDGET_MS;
}
