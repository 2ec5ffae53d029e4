/**
 * What the probes of all cloud stores share: test objects below `.plx/probe/`, and requests that are accepted, are rejected, or end the probe.
 *
 * A rejected request is a result. A temporary failure, or a missing permission to write, ends the probe without a result.
 */

import { randomBytes } from 'node:crypto';
import { type FailedOutcome, OutcomeError, type RetryOutcome } from '../../base/retry-table.js';
import type { StoreCapabilities } from './capabilities.js';
import { type HttpFailure, isPassing } from './http-outcome.js';
import type { ProbeOutcome } from './store.js';

/** How a store reads its error responses. */
export interface ProbeAnswers {
  readonly toFailure: (error: unknown) => HttpFailure;
  readonly outcomeFrom: (
    operation: string,
    error: unknown,
    signal?: AbortSignal,
  ) => RetryOutcome | FailedOutcome;
}

export abstract class ProbeObjects {
  protected readonly signal: AbortSignal | undefined;
  protected readonly prefix: string;
  readonly #answers: ProbeAnswers;
  /** The missing permission that made the probe fail. */
  #lacks: 'get' | 'put' | undefined;

  /** `keyPrefix`: empty, or ends with a slash. */
  constructor(keyPrefix: string, answers: ProbeAnswers, signal: AbortSignal | undefined) {
    this.signal = signal;
    // Unique for each probe: two concurrent probes must not see each other's objects.
    this.prefix = `${keyPrefix}.plx/probe/${randomBytes(8).toString('hex')}/`;
    this.#answers = answers;
  }

  /** Whether objects may be read. Reads a test object, so call it before `remove`. */
  abstract mayRead(name: string): Promise<boolean>;

  /** Removes what the probe has made, as far as permissions allow. `remaining`: the keys that could not be deleted. */
  abstract remove(): Promise<{ remaining: string[]; mayAbort: boolean }>;

  /** Runs all tests, one of which writes `small`. A failure is an outcome; rejects only when the signal is aborted. */
  async probe(askAll: () => Promise<StoreCapabilities>): Promise<ProbeOutcome> {
    try {
      const capabilities = await askAll();
      const get = await this.mayRead('small');
      const { remaining, mayAbort } = await this.remove();
      const permissions = { get, abort: mayAbort, delete: remaining.length === 0 };
      return { status: 'probed', capabilities, permissions, remaining };
    } catch (error) {
      await this.remove();
      if (!(error instanceof OutcomeError)) throw error;
      const { outcome } = error;
      return outcome.status === 'failed' ? { ...outcome, lacks: this.#lacks } : outcome;
    }
  }

  /** The result of `send`; null when the store rejects the request. */
  protected async ask<Answer>(question: string, send: () => Promise<Answer>): Promise<Answer | null> {
    try {
      return await send();
    } catch (error) {
      if (error instanceof OutcomeError) throw error;
      const outcome = this.#answers.outcomeFrom(question, error, this.signal);
      if (isPassing(outcome)) throw new OutcomeError(outcome);
      return null;
    }
  }

  /** Whether the store accepts the request. */
  protected async accepts(question: string, send: () => Promise<unknown>): Promise<boolean> {
    return (await this.ask(question, send)) !== null;
  }

  /** The error that ends the probe, for a request that must succeed. */
  protected endFrom(operation: string, permission: 'get' | 'put', error: unknown): OutcomeError {
    if (this.#answers.toFailure(error).httpStatus === 403) this.#lacks = permission;
    return new OutcomeError(this.#answers.outcomeFrom(operation, error, this.signal));
  }
}
