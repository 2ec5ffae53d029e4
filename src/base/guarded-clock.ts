/** Wraps a clock of the program, whose errors must not stop tracking. */

import { type Clock, systemClock } from './clock.js';
import type { Diagnostics } from './diagnostics.js';

/** Returns a clock that reads the system's when `clock` throws or returns no finite number. */
export function guardClock(clock: Clock, diagnostics: Diagnostics): Clock {
  if (clock === systemClock || clock instanceof GuardedClock) return clock;
  return new GuardedClock(clock, diagnostics);
}

class GuardedClock implements Clock {
  readonly #clock: Clock;
  readonly #diagnostics: Diagnostics;

  constructor(clock: Clock, diagnostics: Diagnostics) {
    this.#clock = clock;
    this.#diagnostics = diagnostics;
  }

  wallTime(): number {
    const wallTime = this.#diagnostics.guard('clock', () => this.#clock.wallTime(), Number.NaN);
    return Number.isFinite(wallTime) ? wallTime : systemClock.wallTime();
  }

  monotonicMs(): number {
    const ms = this.#diagnostics.guard('clock', () => this.#clock.monotonicMs(), Number.NaN);
    return Number.isFinite(ms) ? ms : systemClock.monotonicMs();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return (
      this.#diagnostics.guard('clock', () => this.#clock.sleep(ms, signal), undefined) ??
      systemClock.sleep(ms, signal)
    );
  }
}
