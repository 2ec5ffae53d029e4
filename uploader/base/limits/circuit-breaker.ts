/**
 * One circuit breaker for all calls to a store: during an outage, one call at a time tests the store, and all others wait for its result.
 *
 * Separate back-off for each call would not be enough: a thousand files would still send a thousand requests, all at once after the outage.
 */

import { backoffMs } from '../retry-table.js';

/** During an outage, a request this often costs little, and waiting files are uploaded soon after the store recovers. */
export const MAX_PROBE_DELAY_MS = 15_000;

export class CircuitBreaker {
  #failures = 0;
  #sinceMs = 0;
  #nextProbeMs = 0;
  #isProbing = false;

  /** When the outage began; null if the store is available. */
  get outageSinceMs(): number | null {
    return this.#failures === 0 ? null : this.#sinceMs;
  }

  /** Returns true if a call may start, false if it has to wait. A call that started must report how it ended. */
  tryEnter(nowMs: number): boolean {
    if (this.#failures === 0) return true;
    if (this.#isProbing || nowMs < this.#nextProbeMs) return false;
    this.#isProbing = true;
    return true;
  }

  /** The store answered, whatever the answer was. */
  onAnswer(): void {
    this.#failures = 0;
    this.#isProbing = false;
  }

  /** The store was unreachable or unable to work. `fraction` ∈ [0, 1). */
  onOutage(nowMs: number, fraction: number, afterMs?: number): void {
    if (this.#failures === 0) this.#sinceMs = nowMs;
    this.#failures += 1;
    this.#isProbing = false;
    const delayMs = Math.min(backoffMs(this.#failures, fraction), MAX_PROBE_DELAY_MS);
    this.#nextProbeMs = nowMs + Math.max(delayMs, afterMs ?? 0);
  }

  /** The call was cancelled before it ended. */
  onAbandoned(): void {
    this.#isProbing = false;
  }
}
