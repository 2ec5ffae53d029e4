import type { FailedOutcome, RetryOutcome } from '../../base/retry.js';

/** Whether a failure says nothing about the store. A wrong checksum or a conflict has a few attempts elsewhere: to a probe they are answers. */
export function isPassing(outcome: RetryOutcome | FailedOutcome): outcome is RetryOutcome {
  return (
    outcome.status === 'retry' &&
    (outcome.maxAttempts ?? Number.POSITIVE_INFINITY) === Number.POSITIVE_INFINITY
  );
}
