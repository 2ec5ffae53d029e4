/** A clock whose time passes only while a program sleeps and nothing is in flight, so that hours of a whole uploader pass in milliseconds. */

import type { Clock } from '../../../src/base/clock.js';

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

const CALL_MS = 0.1;
/** Event loop turns without a call in flight after which all programs are asleep. */
const IDLE_TURNS = 4;

export class SimulatedClock {
  #nowMs = 0;
  #sleepers: Sleeper[] = [];
  #isTurning = false;
  #inFlight = 0;
  #idleTurns = 0;
  readonly #startSeconds = Date.now() / 1000;

  /** Returns the clock of one machine; `skewSeconds` is what its wall clock is ahead of the others. */
  toMachineClock(skewSeconds: () => number): Clock {
    return {
      wallTime: () => this.#startSeconds + this.#nowMs / 1000 + skewSeconds(),
      monotonicMs: () => this.#nowMs,
      sleep: (ms, signal) => this.#sleep(ms, signal),
    };
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }

  /** Makes a call, which takes `CALL_MS`. */
  async during<Result>(call: () => Promise<Result>): Promise<Result> {
    this.#inFlight += 1;
    this.#nowMs += CALL_MS;
    try {
      return await call();
    } finally {
      this.#inFlight -= 1;
      this.#idleTurns = 0;
    }
  }

  #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper = { atMs: this.#nowMs + Math.max(0, ms), wake: () => settle(resolve) };
      const onAbort = (): void => settle(() => reject(signal?.reason));
      const settle = (finish: () => void): void => {
        signal?.removeEventListener('abort', onAbort);
        this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
        this.#idleTurns = 0;
        finish();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#sleepers.push(sleeper);
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#isTurning || this.#sleepers.length === 0) return;
    this.#isTurning = true;
    setImmediate(() => {
      this.#isTurning = false;
      this.#idleTurns = this.#inFlight === 0 ? this.#idleTurns + 1 : 0;
      if (this.#idleTurns >= IDLE_TURNS) this.#wakeFirst();
      this.#turn();
    });
  }

  #wakeFirst(): void {
    const [first] = this.#sleepers.toSorted((a, b) => a.atMs - b.atMs);
    if (first === undefined) return;
    this.#nowMs = Math.max(this.#nowMs, first.atMs);
    first.wake();
  }
}
