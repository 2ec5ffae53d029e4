/** Turns failed HTTP requests into outcomes. Shared by all stores that use HTTP. */

import { CodedError } from '../../../src/base/errors.js';
import { describeFailure } from '../../base/describe-failure.js';
import { StoreError } from '../../base/errors.js';
import { type FailedOutcome, findRetryRow, OutcomeError, type RetryOutcome } from '../../base/retry-table.js';

export interface HttpFailure {
  /** The store's error code, or else the system's. */
  readonly code: string | undefined;
  readonly httpStatus: number | undefined;
  readonly afterMs: number | undefined;
}

/** The outcome of a failed request. Rethrows errors that the store has not caused: an abort, or an unreadable local file. */
export function httpOutcomeFrom(
  operation: string,
  error: unknown,
  options: {
    readonly failure: HttpFailure;
    readonly signal?: AbortSignal | undefined;
    readonly toError: (message: string, cause: unknown) => StoreError;
  },
): RetryOutcome | FailedOutcome {
  const { failure, signal, toError } = options;
  signal?.throwIfAborted();
  if (error instanceof OutcomeError) return error.outcome;
  if (error instanceof StoreError) return { status: 'failed', error };
  if (error instanceof CodedError) throw error;
  const row = findRetryRow(failure);
  if (row !== null) {
    const afterMs = failure.afterMs ?? row.afterMs;
    return { status: 'retry', cause: error, afterMs, maxAttempts: row.maxAttempts };
  }
  return { status: 'failed', error: toError(`${operation}: ${describeFailure(error)}`, error) };
}

/** Whether a failure is temporary. Errors with few attempts (wrong checksum, conflict) are not. */
export function isPassing(outcome: RetryOutcome | FailedOutcome): outcome is RetryOutcome {
  return (
    outcome.status === 'retry' &&
    (outcome.maxAttempts ?? Number.POSITIVE_INFINITY) === Number.POSITIVE_INFINITY
  );
}

/** `Retry-After` in seconds (RFC 9110 §10.2.3). A date is ignored, because it would need the server's clock. */
export function toRetryAfterMs(retryAfter: unknown): number | undefined {
  return typeof retryAfter === 'string' && /^\d{1,6}$/.test(retryAfter)
    ? Number(retryAfter) * 1000
    : undefined;
}

/** A property of a thrown value, whose type is unknown. */
export function readProperty(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

export function readNumber(value: unknown, name: string): number | undefined {
  const found = readProperty(value, name);
  return typeof found === 'number' ? found : undefined;
}
