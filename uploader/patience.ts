/** Waits for a store to come back, and knows when to stop waiting. */

import type { Clock } from '../src/clock.js';
import { StoreUnavailableError } from './errors.js';
import type { Randomness } from './io/randomness.js';
import { backoffMs, type FailedOutcome, OutcomeError, type RetryOutcome } from './retry.js';

export interface RetryNotice {
  readonly operation: string;
  readonly attempt: number;
  readonly delayMs: number;
  readonly cause: unknown;
}

/**
 * The patience of one pass, shared by all of its calls: a call goes on until `patienceMs` have gone by since it began. If nothing
 * at all has succeeded meanwhile, the store is taken to be down for every file, not for this one.
 */
export class Patience {
  readonly #clock: Clock;
  readonly #randomness: Randomness;
  readonly #patienceMs: number;
  readonly #onRetry: (notice: RetryNotice) => void;
  #lastSuccessMs = Number.NEGATIVE_INFINITY;

  constructor(options: {
    clock: Clock;
    randomness: Randomness;
    patienceMs: number;
    onRetry?: ((notice: RetryNotice) => void) | undefined;
  }) {
    this.#clock = options.clock;
    this.#randomness = options.randomness;
    this.#patienceMs = options.patienceMs;
    this.#onRetry = options.onRetry ?? (() => undefined);
  }

  /**
   * Repeats `call` while it answers `retry` and patience lasts. `madeProgress` tells that a failed attempt still got
   * something done (parts of a large file), which starts its patience anew.
   */
  async withRetry<Outcome extends { readonly status: string }>(
    operation: string,
    call: () => Promise<Outcome>,
    options: { signal?: AbortSignal | undefined; madeProgress?: (() => boolean) | undefined } = {},
  ): Promise<Exclude<Outcome, RetryOutcome> | FailedOutcome> {
    const { signal, madeProgress = () => false } = options;
    let startMs = this.#clock.monotonicMs();
    for (let attempt = 1; ; attempt += 1) {
      signal?.throwIfAborted();
      const outcome: Outcome | RetryOutcome = await call();
      if (!isRetry(outcome)) {
        this.#lastSuccessMs = this.#clock.monotonicMs();
        return outcome as Exclude<Outcome, RetryOutcome>;
      }
      signal?.throwIfAborted();
      if (madeProgress()) {
        attempt = 1;
        startMs = this.#clock.monotonicMs();
        this.#lastSuccessMs = startMs;
      }
      const delayMs = backoffMs(attempt, this.#randomness.fraction(), outcome.afterMs);
      const isPatienceOver = this.#clock.monotonicMs() + delayMs - startMs > this.#patienceMs;
      if (isPatienceOver || attempt >= (outcome.maxAttempts ?? Number.POSITIVE_INFINITY)) {
        const concernsAllFiles = isPatienceOver && this.#lastSuccessMs < startMs;
        const options = { cause: outcome.cause };
        return {
          status: 'failed',
          error: new StoreUnavailableError(operation, attempt, concernsAllFiles, options),
        };
      }
      this.#onRetry({ operation, attempt, delayMs, cause: outcome.cause });
      await this.#clock.sleep(delayMs, signal);
    }
  }

  /** All of a stream that can be opened again after its last item, such as a listing. Throws `OutcomeError` once patience is over. */
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
