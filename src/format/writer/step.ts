/** Steps as int64: numbers while these are exact, else bigints. */

export type Step = number | bigint;

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** The next step. The largest int64 has no next step, so it is returned unchanged. */
export function stepAfter(step: Step): Step {
  if (typeof step === 'number' && step < Number.MAX_SAFE_INTEGER) return step + 1;
  const next = BigInt(step) + 1n;
  return next > INT64_MAX ? INT64_MAX : next;
}

/** The step before. The smallest int64 has none, so it is returned unchanged. */
export function stepBefore(step: Step): Step {
  if (typeof step === 'number' && step > Number.MIN_SAFE_INTEGER) return step - 1;
  const before = BigInt(step) - 1n;
  return before < INT64_MIN ? INT64_MIN : before;
}
