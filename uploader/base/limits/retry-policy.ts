/** Retries failed calls to a store, and gives up after the retry timeout. */

import { setMaxListeners } from 'node:events';
import type { Clock } from '../../../src/base/clock.js';
import { StoreUnavailableError } from '../errors.js';
import type { Randomness } from '../io/randomness.js';
import { backoffMs, type FailedOutcome, OutcomeError, type RetryOutcome } from '../retry-table.js';
import { CircuitBreaker, MAX_PROBE_DELAY_MS } from './circuit-breaker.js';

export interface RetryNotice {
  readonly operation: string;
  readonly attempt: number;
  readonly delayMs: number;
  readonly cause: unknown;
}

interface RetryPolicyOptions {
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** How long a call is retried without success. Infinity: without limit. */
  readonly retryTimeoutMs: number;
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
  /** Called when the store is overloaded or unavailable. */
  readonly onTrouble?: (() => void) | undefined;
}

/** How often a waiting call checks whether the circuit breaker lets it start. */
const BREAKER_POLL_MS = 100;

/**
 * The retry policy of one uploader, shared by all of its calls. A call is retried until `retryTimeoutMs` after its start. If no other call
 * succeeded in that time, the error says that the outage concerns every file, not only this one.
 */
export class RetryPolicy {
  readonly breaker = new CircuitBreaker();
  readonly #options: RetryPolicyOptions;
  readonly #clock: Clock;
  #lastSuccessMs = Number.NEGATIVE_INFINITY;

  constructor(options: RetryPolicyOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /**
   * Repeats `call` while it returns `retry`, until the retry timeout. `madeProgress` returns true if a failed attempt still
   * made progress (parts of a large file); the retry timeout then starts again.
   */
  async withRetry<Outcome extends { readonly status: string }>(
    operation: string,
    call: () => Promise<Outcome>,
    options: { signal?: AbortSignal | undefined; madeProgress?: (() => boolean) | undefined } = {},
  ): Promise<Exclude<Outcome, RetryOutcome> | FailedOutcome> {
    const { signal, madeProgress = () => false } = options;
    if (signal !== undefined) setMaxListeners(0, signal); // one listener for each call in flight is not a leak
    const { retryTimeoutMs, randomness, onRetry } = this.#options;
    let startMs = this.#clock.monotonicMs();
    let last: { readonly attempt: number; readonly cause: unknown } | null = null;
    for (let attempt = 1; ; attempt += 1) {
      if (!(await this.#enter(startMs + retryTimeoutMs, signal)))
        return this.#giveUp(operation, last?.attempt ?? 0, last?.cause, startMs);
      const outcome: Outcome | RetryOutcome = await this.#attempt(call);
      if (!isRetry(outcome)) {
        this.#lastSuccessMs = this.#clock.monotonicMs();
        return outcome as Exclude<Outcome, RetryOutcome>;
      }
      signal?.throwIfAborted();
      last = { attempt, cause: outcome.cause };
      if (madeProgress()) {
        attempt = 1;
        startMs = this.#clock.monotonicMs();
        this.#lastSuccessMs = startMs;
      }
      const delayMs = Math.min(
        backoffMs(attempt, randomness.fraction(), outcome.afterMs),
        // During an outage, the circuit breaker sets the delay for all calls together.
        isOutage(outcome) && outcome.afterMs === undefined ? MAX_PROBE_DELAY_MS : Number.POSITIVE_INFINITY,
      );
      const isTimedOut = this.#clock.monotonicMs() + delayMs - startMs > retryTimeoutMs;
      if (isTimedOut || attempt >= (outcome.maxAttempts ?? Number.POSITIVE_INFINITY))
        return this.#giveUp(operation, attempt, outcome.cause, isTimedOut ? startMs : null);
      onRetry?.({ operation, attempt, delayMs, cause: outcome.cause });
      await this.#clock.sleep(delayMs, signal);
    }
  }

  /** Yields all items of a stream that can be reopened after its last item, such as a listing. Throws `OutcomeError` on failure. */
  async *streamWithRetry<Item>(
    operation: string,
    open: (last: Item | undefined) => AsyncIterable<Item>,
    signal?: AbortSignal,
  ): AsyncGenerator<Item, void> {
    let iterator: AsyncIterator<Item> | undefined;
    let last: Item | undefined;
    for (;;) {
      const outcome = await this.withRetry(
        operation,
        () => {
          iterator ??= open(last)[Symbol.asyncIterator]();
          return nextItem(iterator).then((next) => {
            if (isRetry(next)) iterator = undefined;
            return next;
          });
        },
        { signal },
      );
      if (outcome.status === 'failed') throw new OutcomeError(outcome);
      if (outcome.status === 'end') return;
      last = outcome.item;
      yield outcome.item;
    }
  }

  async #attempt<Outcome extends { readonly status: string }>(
    call: () => Promise<Outcome>,
  ): Promise<Outcome> {
    try {
      const outcome: Outcome | RetryOutcome = await call();
      if (isRetry(outcome) && isOutage(outcome)) {
        this.#options.onTrouble?.();
        this.breaker.onOutage(
          this.#clock.monotonicMs(),
          this.#options.randomness.fraction(),
          outcome.afterMs,
        );
      } else this.breaker.onAnswer();
      return outcome;
    } catch (error) {
      this.breaker.onAbandoned();
      throw error;
    }
  }

  /** Waits for the circuit breaker. Returns false after the retry timeout. */
  async #enter(untilMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    for (;;) {
      signal?.throwIfAborted();
      const nowMs = this.#clock.monotonicMs();
      if (this.breaker.tryEnter(nowMs)) return true;
      if (nowMs > untilMs) return false;
      await this.#clock.sleep(BREAKER_POLL_MS, signal);
    }
  }

  #giveUp(operation: string, attempts: number, cause: unknown, startMs: number | null): FailedOutcome {
    const concernsAllFiles = startMs !== null && this.#lastSuccessMs < startMs;
    const found = cause ?? new Error('the store is unavailable');
    const error = new StoreUnavailableError(operation, attempts, concernsAllFiles, { cause: found });
    return { status: 'failed', error };
  }
}

/** Whether the cause is the store or the network, so that every other call would fail too. */
function isOutage({ maxAttempts = Number.POSITIVE_INFINITY }: RetryOutcome): boolean {
  return maxAttempts === Number.POSITIVE_INFINITY;
}

type NextOutcome<Item> = { status: 'item'; item: Item } | { status: 'end' } | RetryOutcome | FailedOutcome;

async function nextItem<Item>(iterator: AsyncIterator<Item>): Promise<NextOutcome<Item>> {
  try {
    const next = await iterator.next();
    return next.done === true ? { status: 'end' } : { status: 'item', item: next.value };
  } catch (error) {
    if (error instanceof OutcomeError) return error.outcome;
    throw error;
  }
}

function isRetry(outcome: { readonly status: string }): outcome is RetryOutcome {
  return outcome.status === 'retry';
}
