/**
 * How many files may be sent at the same time: half as many after each sign of trouble, one more after each quiet while.
 *
 * Additive increase, multiplicative decrease: what many clients of one store need to share it. Source: Chiu and Jain, "Analysis of
 * the Increase and Decrease Algorithms for Congestion Avoidance in Computer Networks", 1989.
 */

const INCREASE_AFTER_MS = 10_000;
/** Requests that were under way together fail together: that is one sign. */
const SAME_SIGN_MS = 1_000;

export class ConcurrencyLimit {
  readonly #max: number;
  #limit: number;
  #changedMs = Number.NEGATIVE_INFINITY;

  constructor(max: number) {
    this.#max = max;
    this.#limit = max;
  }

  /** The limit by now. */
  at(nowMs: number): number {
    if (this.#limit < this.#max && nowMs - this.#changedMs >= INCREASE_AFTER_MS) {
      const steps = Math.floor((nowMs - this.#changedMs) / INCREASE_AFTER_MS);
      this.#limit = Math.min(this.#max, this.#limit + steps);
      this.#changedMs += steps * INCREASE_AFTER_MS;
    }
    return this.#limit;
  }

  /** The store is overloaded, or away. */
  onTrouble(nowMs: number): void {
    if (nowMs - this.#changedMs < SAME_SIGN_MS) return;
    this.#limit = Math.max(1, Math.floor(this.at(nowMs) / 2));
    this.#changedMs = nowMs;
  }
}
