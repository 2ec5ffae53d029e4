import fc from 'fast-check';
import { expect, describe as group, it } from 'vitest';
import { describe } from '../../src/base/describe.js';

group('describe', () => {
  it.each<[unknown, string]>([
    ['abc', '"abc"'],
    [5, '5 (number)'],
    [5n, '5 (bigint)'],
    [true, 'true (boolean)'],
    [undefined, 'undefined'],
    [null, 'null'],
    [() => 1, 'a function'],
    [[1, 2], 'an array of length 2'],
    [new Float32Array(3), 'a Float32Array of length 3'],
    [{}, 'an empty object'],
    [{ frames: 1 }, 'an object with the key frames'],
    [{ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7 }, 'an object with the keys a, b, c, d, e and 2 more'],
    [new Map(), 'an object (Map)'],
    [Object.create(null), 'an empty object'],
  ])('describes %o', (value, text) => {
    expect(describe(value)).toBe(text);
  });

  it('describes any value in at most 200 characters, and never throws', () => {
    const throwing = new Proxy({}, { ownKeys: () => fc.pre(false) as never, getPrototypeOf: () => null });
    const huge = fc.constantFrom<unknown>(
      'x'.repeat(1e6),
      10n ** 5000n,
      Symbol('x'.repeat(1e5)),
      { ['k'.repeat(1e6)]: 1 },
      throwing,
      Object.create({ constructor: { name: 'x'.repeat(1e6) } }),
    );

    fc.assert(
      fc.property(fc.oneof(huge, fc.anything({ withBigInt: true })), (value) => {
        expect(describe(value).length).toBeLessThanOrEqual(200);
      }),
    );
  });
});
