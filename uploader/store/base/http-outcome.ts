/** From a request that failed to an outcome: what every store that is reached by HTTP has in common. */

import { CodedError, messageOf } from '../../../src/base/errors.js';
import { StoreError } from '../../base/errors.js';
import { type FailedOutcome, findRetryRow, type RetryOutcome } from '../../base/retry.js';

export interface HttpFailure {
  /** The store's error code, else the system's. */
  readonly code: string | undefined;
  readonly httpStatus: number | undefined;
  readonly afterMs: number | undefined;
}

/** Rethrows what is no failure of the store: an abort, a local file that cannot be read. */
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
  if (error instanceof StoreError) return { status: 'failed', error };
  if (error instanceof CodedError) throw error;
  const row = findRetryRow(failure);
  if (row !== null) {
    const afterMs = failure.afterMs ?? row.afterMs;
    return { status: 'retry', cause: error, afterMs, maxAttempts: row.maxAttempts };
  }
  // The first line: Azure's have the number and the time of the request below.
  const [message] = messageOf(error).split('\n', 1);
  const answer = [failure.httpStatus, failure.code, message].filter(Boolean).join(' ');
  return { status: 'failed', error: toError(`${operation}: ${answer}`, error) };
}

/** `Retry-After` in seconds (RFC 9110 §10.2.3). The date that it may be instead would need the server's clock. */
export function toRetryAfterMs(retryAfter: unknown): number | undefined {
  return typeof retryAfter === 'string' && /^\d{1,6}$/.test(retryAfter)
    ? Number(retryAfter) * 1000
    : undefined;
}
