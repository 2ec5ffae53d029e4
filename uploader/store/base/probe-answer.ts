import type { FailedOutcome, RetryOutcome } from '../../base/retry.js';

/** Whether a failure is temporary and so no result of a probe. Errors with few attempts (wrong checksum, conflict) are results. */
export function isPassing(outcome: RetryOutcome | FailedOutcome): outcome is RetryOutcome {
  return (
    outcome.status === 'retry' &&
    (outcome.maxAttempts ?? Number.POSITIVE_INFINITY) === Number.POSITIVE_INFINITY
  );
}
