/** Time that passes only when all programs of a simulation sleep: hours of a thousand uploaders take seconds. */

import type { Clock } from '../../../src/base/clock.js';

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

export class VirtualTime {
  #nowMs = 0;
  /** In the order in which they wake. */
  readonly #sleepers: Sleeper[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  /** A clock of one host. Its wall clock differs from those of other hosts by `offsetMs`. */
  createClock(offsetMs = 0): Clock {
    return {
      wallTime: () => 1.7e9 + (this.#nowMs + offsetMs) / 1000,
      monotonicMs: () => this.#nowMs + Math.abs(offsetMs),
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) {
            reject(signal.reason);
            return;
          }
          const onAbort = (): void => {
            this.#sleepers.splice(this.#sleepers.indexOf(sleeper), 1);
            reject(signal?.reason);
          };
          const wake = (): void => {
            signal?.removeEventListener('abort', onAbort);
            resolve();
          };
          const sleeper = { atMs: this.#nowMs + ms, wake };
          this.#sleepers.splice(this.#indexOf(sleeper.atMs), 0, sleeper);
          signal?.addEventListener('abort', onAbort);
        }),
    };
  }

  /** Lets this much time pass. Each program that wakes runs until it sleeps again. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (let next = this.#sleepers[0]; next !== undefined && next.atMs <= endMs; next = this.#sleepers[0]) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      for (const { wake } of this.#sleepers.splice(0, this.#indexOf(next.atMs))) wake();
      await settle();
    }
    this.#nowMs = endMs;
  }

  /** Behind all that sleep until then or earlier. */
  #indexOf(atMs: number): number {
    let [low, high] = [0, this.#sleepers.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sleepers[middle]!.atMs <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Resolves when all promises that wait for nothing else have been settled. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
