/**
 * How often Polyaxon's event files of one root are brought up to date: so many a second on average, however many of them change, first come, first served.
 *
 * A run with a thousand metrics changes a thousand small files at every step, and a store is paid, or worn out, by the request.
 */

/** What was not used in this time may be used at once. */
const BURST_MS = 10_000;

export class ExportRate {
  readonly #intervalMs: number;
  readonly #slots = new Map<number, number>();
  #nextMs = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number) {
    this.#intervalMs = 1000 / perSecond;
  }

  /** When a file may be sent: the same until it is given back. */
  slotOf(id: number, nowMs: number): number {
    const known = this.#slots.get(id);
    if (known !== undefined) return known;
    const slotMs = Math.max(this.#nextMs, nowMs - BURST_MS);
    this.#nextMs = slotMs + this.#intervalMs;
    this.#slots.set(id, slotMs);
    return slotMs;
  }

  /** The file is being sent: it needs another slot the next time. */
  use(id: number): void {
    this.#slots.delete(id);
  }
}
