/**
 * Decides which progress updates are written. Like Polyaxon's client, it drops small increases when they are frequent.
 *
 * Source: polyaxon 2.16, `_client/run.py` (`log_progress`, `_throttle_updates`).
 */

import type { Clock } from '../base/clock.js';
import { describe } from '../base/describe.js';
import { InvalidArgumentError } from '../base/errors.js';

const SMALL_RISE = 0.025;
const UPDATES_PER_SECOND = 2;

export function parseProgress(progress: unknown): number {
  if (typeof progress === 'number' && progress >= 0 && progress <= 1) return progress;
  throw new InvalidArgumentError(
    'ERR_PROGRESS_INVALID',
    `progress is ${describe(progress)}, expected a number from 0 to 1`,
    'Pass the completed fraction, such as step / steps.',
  );
}

export class ProgressThrottle {
  readonly #clock: Clock;
  #last = 0;
  #second = Number.NEGATIVE_INFINITY;
  #updates = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether this progress should be written. */
  admits(progress: number): boolean {
    if (progress === this.#last) return false;
    const second = Math.floor(this.#clock.monotonicMs() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#updates = 0;
    }
    const isSmall = progress - this.#last < SMALL_RISE && progress < 1;
    if (isSmall && this.#updates >= UPDATES_PER_SECOND) return false;
    this.#updates++;
    this.#last = progress;
    return true;
  }
}
