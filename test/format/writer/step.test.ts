import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stepAfter, stepBefore } from '../../../src/format/writer/step.js';

const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);
const safe = BigInt(Number.MAX_SAFE_INTEGER);

/** Steps around the limits of numbers and of int64, in both forms. */
const step = fc
  .tuple(fc.constantFrom(0n, safe, -safe, MAX, MIN), fc.bigInt({ min: -3n, max: 3n }))
  .map(([from, by]) => from + by)
  .filter((each) => each >= MIN && each <= MAX)
  .chain((each) => fc.constantFrom(each, ...(each >= -safe && each <= safe ? [Number(each)] : [])));

describe('the steps around a step', () => {
  it('are exact, and numbers only while they are safe integers', () => {
    fc.assert(
      fc.property(step, (each) => {
        const [before, after] = [stepBefore(each), stepAfter(each)];

        expect(BigInt(before)).toBe(BigInt(each) === MIN ? MIN : BigInt(each) - 1n);
        expect(BigInt(after)).toBe(BigInt(each) === MAX ? MAX : BigInt(each) + 1n);
        for (const other of [before, after])
          if (typeof other === 'number') expect(Number.isSafeInteger(other)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
