/**
 * Limits how many files are uploaded at the same time: halves the limit on overload, and raises it by one after each period without one.
 *
 * With additive increase and multiplicative decrease, many clients share one store fairly. Source: Chiu and Jain, "Analysis of
 * the Increase and Decrease Algorithms for Congestion Avoidance in Computer Networks", 1989.
 */

const INCREASE_AFTER_MS = 10_000;
/** Requests that are in flight together fail together; count their failures once. */
const SAME_SIGN_MS = 1_000;

export class ConcurrencyLimit {
  readonly #max: number;
  #limit: number;
  #changedMs = Number.NEGATIVE_INFINITY;

  constructor(max: number) {
    this.#max = max;
    this.#limit = max;
  }

  /** Returns the current limit. */
  at(nowMs: number): number {
    if (this.#limit < this.#max && nowMs - this.#changedMs >= INCREASE_AFTER_MS) {
      const steps = Math.floor((nowMs - this.#changedMs) / INCREASE_AFTER_MS);
      this.#limit = Math.min(this.#max, this.#limit + steps);
      this.#changedMs += steps * INCREASE_AFTER_MS;
    }
    return this.#limit;
  }

  /** The store is overloaded or unavailable. */
  onTrouble(nowMs: number): void {
    if (nowMs - this.#changedMs < SAME_SIGN_MS) return;
    this.#limit = Math.max(1, Math.floor(this.at(nowMs) / 2));
    this.#changedMs = nowMs;
  }
}
