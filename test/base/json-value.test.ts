import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../src/base/errors.js';
import { parseJsonObject } from '../../src/base/json-value.js';

/** Nested in arrays and objects in turn. */
function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

describe('parseJsonObject', () => {
  it('keeps every key, such as __proto__', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.oneof(fc.constant('__proto__'), fc.string()), fc.integer()), (values) => {
        const json = JSON.stringify(parseJsonObject('inputs', values));

        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(values).toWellFormed()));
      }),
    );
    expect(
      JSON.stringify(parseJsonObject('inputs', JSON.parse('{"__proto__":{"x":1},"constructor":2}'))),
    ).toBe('{"__proto__":{"x":1},"constructor":2}');
  });

  const thrower = Object.defineProperty({}, 'b', {
    enumerable: true,
    get: () => {
      throw new Error('not today');
    },
  });
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const cyclic: Record<string, unknown> = {};
  cyclic.self = [cyclic];

  it.each<[string, unknown, string]>([
    ['10,000 levels', nested(10_000), 'is nested deeper than 250 levels'],
    ['251 levels', nested(250), 'is nested deeper than 250 levels'],
    ['a cycle', cyclic, 'inputs.a.self[0] is a circular reference'],
    ['a getter that throws', thrower, 'inputs.a cannot be read: not today'],
    [
      'toJSON that throws',
      { toJSON: () => BigInt('x') },
      'inputs.a cannot be read: Cannot convert x to a BigInt',
    ],
    ['a revoked proxy', revoked.proxy, 'inputs.a cannot be read: '],
    ['a function', () => 1, 'inputs.a is a function'],
  ])('rejects %s', (_name, value, message) => {
    expect(() => parseJsonObject('inputs', { a: value })).toThrow(
      expect.objectContaining({ code: 'ERR_PARAMS_INVALID', message: expect.stringContaining(message) }),
    );
  });

  it('accepts 249 levels below a value, and integers beyond 2^53 as text', () => {
    expect(parseJsonObject('inputs', { a: nested(249), b: 2n ** 60n })).toMatchObject({
      b: '1152921504606846976',
    });
  });

  it('returns JSON or throws a coded error, whatever the values', () => {
    fc.assert(
      fc.property(
        fc.object({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withNullPrototype: true,
          withSparseArray: true,
        }),
        (values) => {
          try {
            JSON.stringify(parseJsonObject('inputs', values));
          } catch (error) {
            expect(error).toBeInstanceOf(CodedError);
          }
        },
      ),
    );
  });
});
