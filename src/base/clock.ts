/**
 * Time, as an argument: everything that reads a clock or sleeps takes a `Clock`, so that tests pass a fake.
 */

export interface Clock {
  /** Seconds since the Unix epoch, with a fraction: the unit of `Event.wall_time`. May jump when the host's clock is set. */
  wallTime(): number;
  /** Milliseconds from an arbitrary start; never jumps. For durations and time-outs. */
  monotonicMs(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason once it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The host's clock. */
export const systemClock: Clock = {
  wallTime: () => Date.now() / 1000,
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};
