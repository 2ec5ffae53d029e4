import type { UploaderContext } from './context/uploader-context.js';

/** F38: report an outage once it has lasted this long. */
const TELL_AFTER_MS = 60_000;

/** Reports once per outage that the store is unavailable, and once that it is available again. */
export class OutageNotices {
  readonly #context: UploaderContext;
  #reportedSinceMs: number | null = null;

  constructor(context: UploaderContext) {
    this.#context = context;
  }

  check(): void {
    const { retryPolicy, clock, emit } = this.#context;
    const nowMs = clock.monotonicMs();
    const sinceMs = retryPolicy.breaker.outageSinceMs;
    if (sinceMs !== null && this.#reportedSinceMs === null && nowMs - sinceMs >= TELL_AFTER_MS) {
      this.#reportedSinceMs = sinceMs;
      emit({ kind: 'store-unavailable', forMs: nowMs - sinceMs });
    }
    if (sinceMs !== null || this.#reportedSinceMs === null) return;
    emit({ kind: 'store-available', afterMs: nowMs - this.#reportedSinceMs });
    this.#reportedSinceMs = null;
  }
}
