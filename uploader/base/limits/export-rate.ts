/**
 * Limits how many Polyaxon event files of one root are uploaded each second, on average, in the order in which they change.
 *
 * A run with a thousand metrics changes a thousand small files at every step, and each request costs money or loads the store.
 */

/** Unused slots of this period may be used at once. */
const BURST_MS = 10_000;

export class ExportRate {
  readonly #intervalMs: number;
  readonly #slots = new Map<number, number>();
  #nextMs = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number) {
    this.#intervalMs = 1000 / perSecond;
  }

  /** Returns when a file may be uploaded. The time stays the same until `use` is called. */
  slotOf(id: number, nowMs: number): number {
    const known = this.#slots.get(id);
    if (known !== undefined) return known;
    const slotMs = Math.max(this.#nextMs, nowMs - BURST_MS);
    this.#nextMs = slotMs + this.#intervalMs;
    this.#slots.set(id, slotMs);
    return slotMs;
  }

  /** Uses the slot of a file that is being uploaded; the next upload needs another slot. */
  use(id: number): void {
    this.#slots.delete(id);
  }
}
