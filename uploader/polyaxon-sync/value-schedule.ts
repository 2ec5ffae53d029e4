/**
 * Says when new values of names that the server knows are sent while a run is active: outputs, and the summaries of series in the lineage.
 *
 * Names and everything else are sent at once. Sending values takes at most a fixed part of the time, so that a slow server is not asked without a pause.
 */

import type { Clock } from '../../src/base/clock.js';
import { PARTS, type Part } from './diff.js';

const MIN_INTERVAL_MS = 1_000;
/** Sending takes at most 1/`RATIO` of the time, up to the longest interval. The outputs of a thousand metrics are one request, their summaries ten. */
const RATIO = 20;
const MAX_INTERVAL_MS: Readonly<Record<Part, number>> = { fields: 5_000, lineage: 10_000 };

export class ValueSchedule {
  readonly #clock: Clock;
  readonly #dueMs = new Map<Part, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The parts whose values may be sent now. */
  get due(): readonly Part[] {
    return PARTS.filter((part) => this.#clock.monotonicMs() >= (this.#dueMs.get(part) ?? 0));
  }

  /** Whether any of the parts that were sent before is due. True if none was sent. */
  get isAnyDue(): boolean {
    return this.#dueMs.size === 0 || this.due.some((part) => this.#dueMs.has(part));
  }

  /** Call when parts were sent, with the time that this took. */
  onSent(tookMs: ReadonlyMap<Part, number>): void {
    for (const [part, ms] of tookMs) {
      const restMs = Math.min(MAX_INTERVAL_MS[part], Math.max(MIN_INTERVAL_MS, RATIO * ms));
      this.#dueMs.set(part, this.#clock.monotonicMs() + restMs);
    }
  }
}
