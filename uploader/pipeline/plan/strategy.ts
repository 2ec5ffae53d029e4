/** How a file is brought into the store. Pure. */

import { canAppend, type StoreCapabilities } from '../../store/base/capabilities.js';
import type { Strategy } from '../journal/journal-entry.js';

const MIB = 1024 * 1024;

/** Larger objects are uploaded in parts. */
export const SINGLE_PUT_MAX_BYTES = 16 * MIB;
/** Smaller objects are sent whole when they grow: S3 copies no part below 5 MiB, and the waste is bounded by that. */
export const MIN_APPEND_BYTES = 5 * MIB;
/** Where the store cannot extend an object, it is made anew once this share of it waits in segments. */
const REFRESH_RATIO = 0.25;
export const REFRESH_AFTER_MS = 600_000;

export interface StrategyFacts {
  /** Bytes that the object is to have. */
  readonly targetBytes: number;
  /** Bytes of the object, without segments behind it, all of them proven to be the first of the file; 0 when nothing can be kept. */
  readonly keptBytes: number;
  /** Since the object itself was made or extended. */
  readonly sinceCommitMs: number;
  /** The run goes on: the file will grow further. */
  readonly isLive: boolean;
  /** The last extension took so long that the next one would come too late: `LAG_BUDGET_MS` in trigger.ts. */
  readonly isSlow: boolean;
  readonly capabilities: StoreCapabilities;
}

export interface ChosenStrategy {
  readonly strategy: Strategy;
  readonly reason: string;
}

/** Chooses for a file that is to be uploaded. */
export function chooseStrategy(facts: StrategyFacts): ChosenStrategy {
  const { targetBytes, keptBytes, capabilities } = facts;
  const whole: ChosenStrategy =
    targetBytes <= SINGLE_PUT_MAX_BYTES
      ? { strategy: 'put', reason: 'it fits in one request' }
      : { strategy: 'mpu', reason: 'it is large' };
  if (keptBytes === 0 || targetBytes <= keptBytes) return whole;
  if (keptBytes < MIN_APPEND_BYTES)
    return { ...whole, reason: 'it grew, and is small enough to be sent again' };

  const appends = canAppend(capabilities, keptBytes);
  if (appends && !(facts.isSlow && facts.isLive)) return { strategy: 'append', reason: 'it grew' };
  if (!facts.isLive) return appends ? { strategy: 'append', reason: 'it grew' } : whole;
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
