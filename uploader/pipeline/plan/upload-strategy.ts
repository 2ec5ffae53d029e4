/** Chooses how a file is uploaded. Pure. */

import { canAppend, type StoreCapabilities } from '../../store/base/capabilities.js';
import type { Store } from '../../store/base/store.js';
import type { Strategy } from '../journal/journal-entry.js';

const MIB = 1024 * 1024;

/** Larger objects are uploaded in parts. */
export const SINGLE_PUT_MAX_BYTES = 16 * MIB;
/** S3 copies no part below 5 MiB, and at most that much is sent again. */
export const MIN_APPEND_BYTES = 5 * MIB;
/** The object of a file with segments is renewed once the segments reach this fraction of its size. */
const REFRESH_RATIO = 0.25;
export const REFRESH_AFTER_MS = 600_000;

interface StrategyFacts {
  /** Size that the object will have. */
  readonly targetBytes: number;
  /** Size of the object without segments, if its bytes match the beginning of the file; 0 when nothing can be kept. */
  readonly keptBytes: number;
  /** Time since the object itself was uploaded or extended. */
  readonly sinceCommitMs: number;
  /** The run is active, so the file is expected to grow. */
  readonly isLive: boolean;
  /** The last extension took so long that the next one would exceed `LAG_BUDGET_MS` in trigger.ts. */
  readonly isSlow: boolean;
  readonly capabilities: StoreCapabilities;
  /** See `toMinAppendBytes`. */
  readonly minAppendBytes: number;
}

interface ChosenStrategy {
  readonly strategy: Strategy;
  readonly reason: string;
}

/** Objects below this size are sent whole when they grow. */
export function toMinAppendBytes({ minAppendBytes = MIN_APPEND_BYTES }: Store): number {
  return minAppendBytes;
}

export function chooseStrategy(facts: StrategyFacts): ChosenStrategy {
  const { targetBytes, keptBytes, capabilities } = facts;
  const whole: ChosenStrategy =
    targetBytes <= SINGLE_PUT_MAX_BYTES
      ? { strategy: 'put', reason: 'it fits in one request' }
      : { strategy: 'mpu', reason: 'it is large' };
  if (keptBytes === 0 || targetBytes <= keptBytes) return whole;
  if (keptBytes < facts.minAppendBytes)
    return { ...whole, reason: 'it grew, and is small enough to be sent again' };

  const appends = canAppend(capabilities, keptBytes);
  if (appends && !(facts.isSlow && facts.isLive)) return { strategy: 'append', reason: 'it grew' };
  if (!facts.isLive) return whole;
  const waitingBytes = targetBytes - keptBytes;
  if (waitingBytes >= REFRESH_RATIO * keptBytes || facts.sinceCommitMs >= REFRESH_AFTER_MS)
    return appends
      ? { strategy: 'append', reason: 'much of it waits in segments' }
      : { ...whole, reason: 'much of it waits in segments' };
  const reason = appends
    ? 'it grew, and extending it takes too long'
    : 'it grew, and the store cannot extend it';
  return { strategy: 'segment', reason };
}
