import type { Clock } from '../../src/base/clock.js';

/** A clock that advances only when a test sets it. */
export class FakeClock implements Clock {
  seconds: number;

  constructor(seconds = 1_700_000_000) {
    this.seconds = seconds;
  }

  wallTime(): number {
    return this.seconds;
  }

  monotonicMs(): number {
    return this.seconds * 1000;
  }

  sleep(ms: number): Promise<void> {
    this.seconds += ms / 1000;
    return Promise.resolve();
  }
}
