import type { UploaderContext } from './context/uploader-context.js';

/** Failure row 38: an outage is survived in silence for this long. */
const TELL_AFTER_MS = 60_000;

/** Says, once each, that the store has been away for a while, and that it is back. */
export class OutageTeller {
  readonly #parts: UploaderContext;
  #toldSinceMs: number | null = null;

  constructor(parts: UploaderContext) {
    this.#parts = parts;
  }

  look(): void {
    const { retryPolicy, clock, emit } = this.#parts;
    const nowMs = clock.monotonicMs();
    const sinceMs = retryPolicy.breaker.awaySinceMs;
    if (sinceMs !== null && this.#toldSinceMs === null && nowMs - sinceMs >= TELL_AFTER_MS) {
      this.#toldSinceMs = sinceMs;
      emit({ kind: 'store-away', forMs: nowMs - sinceMs });
    }
    if (sinceMs !== null || this.#toldSinceMs === null) return;
    emit({ kind: 'store-back', afterMs: nowMs - this.#toldSinceMs });
    this.#toldSinceMs = null;
  }
}
