/** A clock that runs `factor` times faster than the host's, so that minutes pass in seconds for a whole uploader. */

import { type Clock, systemClock } from '../../../src/base/clock.js';

export function createFastClock(factor: number): Clock {
  const startMs = systemClock.monotonicMs();
  return {
    wallTime: () => systemClock.wallTime(),
    monotonicMs: () => startMs + (systemClock.monotonicMs() - startMs) * factor,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  };
}
