/**
 * One for all calls to a store: while it is away, one call at a time tries whether it is back, and all others wait for that.
 *
 * Each caller's own back-off would not do: a thousand files would still ask a thousand times, and all at once when the store comes back.
 */

import { backoffMs } from '../retry.js';

/** While nothing is sent, asking this often costs nobody anything, and what waits is sent soon after the store is back. */
export const MAX_PROBE_DELAY_MS = 15_000;

export class CircuitBreaker {
  #failures = 0;
  #sinceMs = 0;
  #nextProbeMs = 0;
  #isProbing = false;

  /** Since when the store is away; null when it is not. */
  get awaySinceMs(): number | null {
    return this.#failures === 0 ? null : this.#sinceMs;
  }

  /** Lets a call through; false when it has to wait. One that was let through says how it ended. */
  tryEnter(nowMs: number): boolean {
    if (this.#failures === 0) return true;
    if (this.#isProbing || nowMs < this.#nextProbeMs) return false;
    this.#isProbing = true;
    return true;
  }

  /** The store has answered, whatever it said. */
  onAnswer(): void {
    this.#failures = 0;
    this.#isProbing = false;
  }

  /** The store was not reached, or cannot work. `fraction` ∈ [0, 1). */
  onOutage(nowMs: number, fraction: number, afterMs?: number): void {
    if (this.#failures === 0) this.#sinceMs = nowMs;
    this.#failures += 1;
    this.#isProbing = false;
    const delayMs = Math.min(backoffMs(this.#failures, fraction), MAX_PROBE_DELAY_MS);
    this.#nextProbeMs = nowMs + Math.max(delayMs, afterMs ?? 0);
  }

  /** The call was given up before it ended. */
  onAbandoned(): void {
    this.#isProbing = false;
  }
}
