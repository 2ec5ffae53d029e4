/** Time as an argument: code that reads a clock or sleeps takes a `Clock`, so that tests can pass a fake one. */

export interface Clock {
  /** Seconds since the Unix epoch, with a fraction, as in `Event.wall_time`. May jump when the host's clock is set. */
  wallTime(): number;
  /** Milliseconds since an arbitrary start; never jumps. Use it for durations and timeouts. */
  monotonicMs(): number;
  /** Resolves after `ms` milliseconds. Rejects with the signal's reason when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

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
