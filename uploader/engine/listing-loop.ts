/** Lists the objects of new runs in the background, so that a slow or unavailable store does not block the scan. */

import { CodedError } from '../../src/base/errors.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';
import { expectStore, listStoredRuns } from './context/listing.js';
import type { UploaderContext } from './context/uploader-context.js';

const RETRY_AFTER_MS = 60_000;
/** A conflict of owners ends when the other directory disappears, or the user takes the run over. */
const RECHECK_CONFLICT_MS = 60_000;

export class ListingLoop {
  readonly #context: UploaderContext;
  readonly #signal: AbortSignal;
  readonly #onRefused: (error: CodedError) => void;
  #isChecked = false;
  #running: Promise<void> | null = null;
  #notBeforeMs = 0;
  /** The error when the store rejected the first check: the watch then ends before it sends anything. */
  #refusal: CodedError | null = null;
  #fatal: { readonly error: unknown } | null = null;

  constructor(context: UploaderContext, signal: AbortSignal, onRefused: (error: CodedError) => void) {
    this.#context = context;
    this.#signal = signal;
    this.#onRefused = onRefused;
  }

  /** Checks the store and waits up to `FIRST_ANSWER_MS` for the answer. Throws when the store rejects the request within that time. */
  async start(): Promise<void> {
    this.#running = this.#check();
    const waiting = new AbortController();
    const limit = this.#context.clock.sleep(FIRST_ANSWER_MS, waiting.signal).catch(() => undefined);
    await Promise.race([this.#running, limit]);
    waiting.abort();
    this.throwIfRefused();
  }

  /** Starts listing runs that are not listed yet, unless a listing is already in progress. */
  consider(): void {
    const { inventory, clock, refused, ownership } = this.#context;
    const hasEnded = this.#refusal !== null || this.#fatal !== null;
    if (this.#running !== null || hasEnded || clock.monotonicMs() < this.#notBeforeMs) return;
    const runs = inventory.runs.filter(
      (run) =>
        run.directory !== null &&
        (!run.isListed || this.#isConflictDue(run)) &&
        !refused.has(run.index) &&
        ownership.ownsRun(run),
    );
    if (!this.#isChecked) this.#running = this.#check();
    else if (runs.length > 0) this.#running = this.#list(runs);
  }

  #isConflictDue({ conflict, conflictMs }: KnownRun): boolean {
    return conflict !== null && this.#context.clock.monotonicMs() - conflictMs >= RECHECK_CONFLICT_MS;
  }

  /** Lists all runs that are not listed yet, as far as the store answers. */
  async listAll(): Promise<void> {
    do {
      await this.#running;
      this.consider();
    } while (this.#running !== null && !this.#signal.aborted);
  }

  /** Throws what no listing was expected to throw. */
  throwIfBroken(): void {
    if (this.#fatal !== null) throw this.#fatal.error;
  }

  throwIfRefused(): void {
    this.throwIfBroken();
    if (this.#refusal !== null) throw this.#refusal;
  }

  /** Resolves once no request is in flight. The caller aborts the signal first. */
  async end(): Promise<void> {
    await this.#running;
  }

  async #check(): Promise<void> {
    await this.#run(
      async () => {
        await expectStore(this.#context, this.#signal);
        this.#isChecked = true;
      },
      (error) => {
        this.#refusal = error;
      },
    );
  }

  async #list(runs: readonly KnownRun[]): Promise<void> {
    await this.#run(
      () => listStoredRuns(this.#context, runs, this.#signal),
      (error) => {
        this.#notBeforeMs = this.#context.clock.monotonicMs() + RETRY_AFTER_MS;
        this.#onRefused(error);
      },
    );
  }

  async #run(work: () => Promise<void>, onRefused: (error: CodedError) => void): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#signal.aborted) return;
      if (error instanceof CodedError) onRefused(error);
      else this.#fatal = { error };
    } finally {
      this.#running = null;
    }
  }
}

/** Longer than a working store needs, and short enough for a user who has just started the command. */
const FIRST_ANSWER_MS = 5_000;
