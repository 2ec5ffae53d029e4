/**
 * Virtual time, and the order in which calls in flight complete. Time passes only while every program sleeps and no call is in flight, so that
 * hours of a whole uploader pass in milliseconds. A seed determines the order.
 */

import type { Clock } from '../../src/base/clock.js';
import { Random } from './random.js';

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

const START_SECONDS = 1_800_000_000;
const CALL_MS = 0.1;
/** Turns of the event loop without a call in flight after which all programs are asleep. */
const IDLE_TURNS = 3;
/** The time of the host without a sleeper or a call after which the work cannot end any more. */
const DEAD_MS = 60_000;
/** Most calls complete in the order in which they were made. */
const OUT_OF_ORDER = 0.2;

export class Scheduler {
  random = new Random(0);
  #nowMs = 0;
  #sleepers: Sleeper[] = [];
  #calls: (() => void)[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  get wallMs(): number {
    return START_SECONDS * 1000 + this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }

  /** Returns the clock of one machine. `aheadSeconds`: what its wall clock is ahead of this one. `rate`: how fast its clocks run. */
  toClock({ aheadSeconds, rate }: { aheadSeconds: () => number; rate: () => number }): Clock {
    return {
      wallTime: () => this.wallMs / 1000 + aheadSeconds(),
      monotonicMs: () => this.#nowMs * rate(),
      sleep: (ms, signal) => this.#sleep(ms / rate(), signal),
    };
  }

  /** Makes a call at some later time. */
  call<Result>(effect: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#calls.push(() => {
        try {
          resolve(effect());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Runs programs until `work` is done. Fails when it waits for something that never comes, or takes longer than `limitMs`. */
  async run<Result>(work: Promise<Result>, limitMs: number): Promise<Result> {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    work.then(done, done);
    const endMs = this.#nowMs + limitMs;
    let busyMs = performance.now();
    for (let idle = 0; ; idle += 1) {
      await new Promise(setImmediate);
      if (isDone) return work;
      if (this.#nowMs > endMs) throw new Error(`still runs after ${limitMs / 1000} virtual seconds`);
      if (this.#calls.length > 0) {
        idle = 0;
        busyMs = performance.now();
        this.#complete();
      } else if (idle >= IDLE_TURNS && this.#sleepers.length > 0) {
        idle = 0;
        this.#wakeFirst();
      } else if (performance.now() - busyMs > DEAD_MS)
        throw new Error('waits for something that never comes');
    }
  }

  #complete(): void {
    const { random } = this;
    const index = random.chance(OUT_OF_ORDER) ? random.below(this.#calls.length) : 0;
    this.#nowMs += CALL_MS;
    const [call] = this.#calls.splice(index, 1);
    call?.();
  }

  #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper = { atMs: this.#nowMs + Math.max(0, ms), wake: () => settle(resolve) };
      const onAbort = (): void => settle(() => reject(signal?.reason));
      const settle = (finish: () => void): void => {
        signal?.removeEventListener('abort', onAbort);
        this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
        finish();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  #wakeFirst(): void {
    let first = this.#sleepers[0]!;
    for (const each of this.#sleepers) if (each.atMs < first.atMs) first = each;
    this.#nowMs = Math.max(this.#nowMs, first.atMs);
    first.wake();
  }
}
