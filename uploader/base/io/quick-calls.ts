/**
 * Which calls of the file system may be made synchronously.
 *
 * On a local disk such a call takes 1 to 3 µs of a processor's time, by way of Node's threads 24 to 44 µs. But a disk or a network that
 * has to be waited for must not hold up the event loop. So a call is made synchronously only just after one that was waited for has been
 * answered, and while such calls are quick.
 */

/** A network that was there so recently is not expected to be away. */
const TRUST_MS = 50;
/** Slower than this on average, and they are waited for again. */
const QUICK_MS = 0.1;
const SLOW_FOR_MS = 1_000;
/**
 * Of the last call in the average, and what a call counts at most: one that the scheduler has interrupted says nothing of the disk. Eight slow
 * calls in a row are enough; every tenth, on a busy machine, is not.
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

  /** A call that waits, whatever happens. */
  async wait<Result>(call: () => Promise<Result>): Promise<Result> {
    const result = await call();
    this.#answeredMs = this.#now();
    return result;
  }

  /** The same call in both ways; the one that fits is made. */
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
