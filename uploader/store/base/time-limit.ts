/** Time limits of one request: how long it may stay without progress, and how long it may take in total (F39). */

import { type Clock, systemClock } from '../../../src/base/clock.js';

export interface RequestTimeouts {
  /** No byte in either direction. */
  readonly silenceMs: number;
  /** A whole request: at least this, more for a large body. */
  readonly totalMs: number;
}

export const REQUEST_TIMEOUTS: RequestTimeouts = { silenceMs: 20_000, totalMs: 60_000 };

/** What a connection of the slowest useful kind carries: 256 KiB/s. */
const MIN_BYTES_PER_MS = 256 * 1.024;

export interface TimeLimitOptions {
  readonly clock?: Clock | undefined;
  readonly timeouts: RequestTimeouts;
  /** Of the body, in either direction; without it a request may take as long as bytes move. */
  readonly sizeBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class TimeLimit {
  readonly #clock: Clock;
  readonly #options: TimeLimitOptions;
  readonly #controller = new AbortController();
  readonly #ended = new AbortController();
  readonly #startMs: number;
  #movedMs: number;
  #isPaused = false;
  #overMs: number | null = null;
  readonly #abort = (): void => this.#controller.abort(this.#options.signal?.reason);

  constructor(options: TimeLimitOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#startMs = this.#clock.monotonicMs();
    this.#movedMs = this.#startMs;
    options.signal?.throwIfAborted();
    options.signal?.addEventListener('abort', this.#abort, { once: true });
    void this.#watch();
  }

  /** Aborted when the caller gives up, or when time is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something moved. */
  touch(): void {
    this.#isPaused = false;
    this.#movedMs = this.#clock.monotonicMs();
  }

  /** Nothing is expected to move until the next `touch`: the caller is busy. */
  pause(): void {
    this.#isPaused = true;
  }

  end(): void {
    this.#options.signal?.removeEventListener('abort', this.#abort);
    this.#ended.abort('ended'); // no error with a stack for each request
  }

  /** In place of whatever a library makes of an abort: what it was about. */
  toError(error: unknown): unknown {
    this.#options.signal?.throwIfAborted();
    if (this.#overMs === null) return error;
    const message = `no answer within ${Math.round(this.#overMs / 1000)} s`;
    return Object.assign(new Error(message, { cause: error }), { name: 'TimeoutError' });
  }

  async #watch(): Promise<void> {
    const { timeouts, sizeBytes } = this.#options;
    const { silenceMs } = timeouts;
    const totalMs =
      sizeBytes === undefined
        ? Number.POSITIVE_INFINITY
        : Math.max(timeouts.totalMs, sizeBytes / MIN_BYTES_PER_MS);
    while (!this.#ended.signal.aborted) {
      const nowMs = this.#clock.monotonicMs();
      const isSilent = !this.#isPaused && nowMs - this.#movedMs >= silenceMs;
      if (isSilent || nowMs - this.#startMs >= totalMs) {
        this.#overMs = isSilent ? silenceMs : totalMs;
        this.#controller.abort();
        return;
      }
      const silentAtMs = (this.#isPaused ? nowMs : this.#movedMs) + silenceMs;
      const waitMs = Math.min(silentAtMs, this.#startMs + totalMs) - nowMs;
      await this.#clock.sleep(waitMs, this.#ended.signal).catch(() => undefined); // it has ended
    }
  }
}

/** Runs `work` until it is done or its time is over. */
export async function withinTime<Result>(
  options: TimeLimitOptions,
  work: (limit: TimeLimit) => Promise<Result>,
): Promise<Result> {
  const limit = new TimeLimit(options);
  try {
    return await work(limit);
  } catch (error) {
    throw limit.toError(error);
  } finally {
    limit.end();
  }
}
