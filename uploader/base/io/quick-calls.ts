/**
 * Decides which file-system calls are made synchronously.
 *
 * On a local disk, a synchronous call takes 1 to 3 µs of processor time, and 24 to 44 µs through Node's threads. But a slow disk or
 * network must not block the event loop. So a call is synchronous only shortly after an asynchronous call has succeeded, and only
 * while synchronous calls are quick.
 */

/** A disk or network that answered this recently is assumed to be reachable. */
const TRUST_MS = 50;
/** If synchronous calls are slower than this on average, calls become asynchronous for `SLOW_FOR_MS`. */
const QUICK_MS = 0.1;
const SLOW_FOR_MS = 1_000;
/**
 * The weight of the last call in the average, and the most that one call counts, because the scheduler may have interrupted it. Eight slow
 * calls in a row exceed `QUICK_MS`; one slow call in ten, as on a busy machine, does not.
 */
const WEIGHT = 0.03;
const MAX_COUNTED_MS = 0.5;

export class QuickCalls {
  readonly #now: () => number;
  #answeredMs = Number.NEGATIVE_INFINITY;
  #slowUntilMs = Number.NEGATIVE_INFINITY;
  #averageMs = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Makes an asynchronous call. */
  async wait<Result>(call: () => Promise<Result>): Promise<Result> {
    const result = await call();
    this.#answeredMs = this.#now();
    return result;
  }

  /** Makes a call synchronously or asynchronously. Both arguments make the same call. */
  async run<Result>(synchronously: () => Result, call: () => Promise<Result>): Promise<Result> {
    const startMs = this.#now();
    if (startMs - this.#answeredMs > TRUST_MS || startMs < this.#slowUntilMs) return this.wait(call);
    try {
      return synchronously();
    } finally {
      this.#learn(startMs);
    }
  }

  #learn(startMs: number): void {
    const nowMs = this.#now();
    const countedMs = Math.min(nowMs - startMs, MAX_COUNTED_MS);
    this.#averageMs += WEIGHT * (countedMs - this.#averageMs);
    if (this.#averageMs <= QUICK_MS) return;
    this.#slowUntilMs = nowMs + SLOW_FOR_MS;
    this.#averageMs = 0;
  }
}
