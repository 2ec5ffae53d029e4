/**
 * Limits the bytes that are sent again because a small file grows: a store cannot extend a small object, so each upload of such a file sends
 * all of it, and its next upload repeats that.
 *
 * Every byte that is stored for the first time pays for a fraction of a repeated one, so the bytes sent stay in proportion to the bytes
 * stored, however many files grow and however often. Decision: docs/decisions/0056.
 */

/** Repeated bytes that each new byte pays for, and that each second pays for, at the default interval. A shorter interval allows more. */
const SHARE = 0.1;
const BYTES_PER_SECOND = 2 * 1024;
const DEFAULT_INTERVAL_MS = 10_000;
/** What this many seconds pay for is available at the start, and is the most that time can save. */
const BURST_SECONDS = 32;

export class RepeatBudget {
  readonly #factor: number;
  readonly #bytesPerSecond: number;
  #bytes: number;
  #countedMs: number;

  /** `intervalMs`: the wanted interval between uploads of a growing file. `bytesPerSecond`: what each second pays for at the default interval. */
  constructor(intervalMs: number, nowMs: number, bytesPerSecond = BYTES_PER_SECOND) {
    this.#factor = DEFAULT_INTERVAL_MS / intervalMs;
    this.#bytesPerSecond = bytesPerSecond * this.#factor;
    this.#bytes = this.#mostBytes;
    this.#countedMs = nowMs;
  }

  /** How long to wait until `bytes` may be sent that a later upload will repeat, if nothing else is stored meanwhile. */
  msUntil(bytes: number, nowMs: number): number {
    this.#count(nowMs);
    return Math.max(0, (1000 * (bytes - this.#bytes)) / this.#bytesPerSecond);
  }

  /** Such bytes are being sent. They may exceed the budget: later ones then wait longer. */
  spend(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Bytes were stored for the first time. */
  earn(bytes: number): void {
    this.#bytes += SHARE * this.#factor * bytes;
  }

  #count(nowMs: number): void {
    const gained = ((nowMs - this.#countedMs) * this.#bytesPerSecond) / 1000;
    this.#countedMs = nowMs;
    this.#bytes = Math.max(this.#bytes, Math.min(this.#bytes + gained, this.#mostBytes));
  }

  get #mostBytes(): number {
    return BURST_SECONDS * this.#bytesPerSecond;
  }
}
