/** The two time limits of a request: without progress, and in total (F39). */

import { inBackground } from '../../../src/base/background.js';
import { type Clock, systemClock } from '../../../src/base/clock.js';

export interface RequestTimeouts {
  /** The longest time without a byte in either direction. */
  readonly silenceMs: number;
  /** The limit for a whole request. Large bodies get more time. */
  readonly totalMs: number;
}

export const REQUEST_TIMEOUTS: RequestTimeouts = { silenceMs: 20_000, totalMs: 60_000 };

/** The slowest connection that is still useful: 256 KiB/s. */
const MIN_BYTES_PER_MS = 256 * 1.024;

export interface TimeLimitOptions {
  readonly clock?: Clock | undefined;
  readonly timeouts: RequestTimeouts;
  /** The size of the body, in either direction. Default: no total limit while bytes move. */
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
    inBackground(this.#watch());
  }

  /** Aborted when the caller aborts, or when a limit is exceeded. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Records progress. */
  touch(): void {
    this.#isPaused = false;
    this.#movedMs = this.#clock.monotonicMs();
  }

  /** Stops the limit without progress until the next `touch`, while the caller is busy. */
  pause(): void {
    this.#isPaused = true;
  }

  end(): void {
    this.#options.signal?.removeEventListener('abort', this.#abort);
    this.#ended.abort('ended'); // a string, because an error would record a stack for each request
  }

  /** A `TimeoutError` when a limit was exceeded, instead of the library's abort error; otherwise `error`. */
  toError(error: unknown): unknown {
    this.#options.signal?.throwIfAborted();
    if (this.#overMs === null) return error;
    const message = `no response within ${Math.round(this.#overMs / 1000)} s`;
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
      await this.#clock.sleep(waitMs, this.#ended.signal).catch(() => undefined); // the request has ended
    }
  }
}

/** Runs `work` and aborts its signal when a limit is exceeded. */
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
