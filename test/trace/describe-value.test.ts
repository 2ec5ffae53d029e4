import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValueDescriber } from '../../src/trace/describe-value.js';
import { resolveTraceLimits } from '../../src/trace/trace-limits.js';

function describeWith(value: unknown, limits = {}, maxLength = 100_000): ValueDescriber & { json: unknown } {
  const describer = new ValueDescriber(resolveTraceLimits(limits), maxLength, undefined);
  return Object.assign(describer, { json: describer.describe(value, 'value') });
}

class Session {
  readonly id = 1;
  #secret = 2;
  get secret(): number {
    return this.#secret;
  }
}

const cyclic: { self?: unknown; list: unknown[] } = { list: [] };
cyclic.self = cyclic;
cyclic.list.push(cyclic);

describe('ValueDescriber', () => {
  it.each([
    ['undefined', undefined, null],
    ['NaN', Number.NaN, 'NaN'],
    ['a large bigint', 2n ** 64n, '18446744073709551616'],
    ['a small bigint', 7n, 7],
    ['negative zero', -0, 0],
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['a regular expression', /a+/g, '/a+/g'],
    ['a URL', new URL('http://a/b'), 'http://a/b'],
    ['an instance', new Session(), { id: 1 }],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['numbers', new Float32Array([0.5, 1]), [0.5, 1]],
    [
      'a Map',
      new Map<unknown, unknown>([
        ['a', 1],
        [2, { b: 3 }],
      ]),
      { a: 1, 2: { b: 3 } },
    ],
    ['a Map with objects as keys', new Map([[{ a: 1 }, 1]]), [[{ a: 1 }, 1]]],
    [
      'a Map whose keys convert to the same text',
      new Map<unknown, number>([
        [1, 1],
        ['1', 2],
      ]),
      [
        [1, 1],
        ['1', 2],
      ],
    ],
    ['a Set', new Set([1, 2]), [1, 2]],
    ['a key named __proto__', JSON.parse('{"__proto__": {"a": 1}}'), JSON.parse('{"__proto__": {"a": 1}}')],
    ['lone surrogates', { 'k\ud800': 'v\udc00' }, { 'k\ufffd': 'v\ufffd' }],
  ])('writes %s', (_, value, expected) => {
    const { json, cut, described } = describeWith(value);

    expect(json).toEqual(expected);
    expect([cut, described]).toEqual([0, 0]);
  });

  it.each([
    ['a function', () => 1, '[function]'],
    ['a named function', function search() {}, '[function search]'],
    ['a class', Session, '[function Session]'],
    ['a symbol', Symbol('a'), '[Symbol(a)]'],
    ['bytes', Buffer.from('abc'), '[Uint8Array of 3 bytes]'],
    ['a buffer', new ArrayBuffer(5), '[ArrayBuffer of 5 bytes]'],
    ['a promise', Promise.resolve(1), '[Promise]'],
    ['a generator', [1].values(), '[Array Iterator]'],
    ['an async generator', (async function* () {})(), '[AsyncGenerator]'],
    ['a stream', new ReadableStream(), '[ReadableStream]'],
    ['an invalid date', new Date('x'), '[Invalid Date]'],
    ['a WeakMap', new WeakMap(), '[WeakMap]'],
  ])('describes %s, and counts it', (_, value, expected) => {
    const { json, cut, described } = describeWith(value);

    expect(json).toEqual(expected);
    expect([cut, described]).toEqual([0, 1]);
  });

  it('describes a circular reference', () => {
    expect(describeWith(cyclic).json).toEqual({ list: ['[circular]'], self: '[circular]' });
  });

  it('writes a shared object twice if it is not circular', () => {
    const shared = { a: 1 };

    expect(describeWith({ b: shared, c: shared }).json).toEqual({ b: { a: 1 }, c: { a: 1 } });
  });

  it('describes an error with its type, message and cause', () => {
    expect(describeWith(new RangeError('far', { cause: new Error('near') })).json).toMatchObject({
      type: 'RangeError',
      message: 'far',
      cause: { type: 'Error', message: 'near' },
    });
  });

  it('describes the other properties when one cannot be read', () => {
    const hostile = {
      a: 1,
      get b(): never {
        throw new Error('no b');
      },
      c: {
        toJSON(): never {
          throw new Error('no c');
        },
      },
      d: new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('no d');
          },
        },
      ),
      e: 2,
    };

    expect(describeWith(hostile).json).toEqual({
      a: 1,
      b: '[unreadable: no b]',
      c: '[unreadable: no c]',
      d: '[unreadable: no d]',
      e: 2,
    });
  });

  it('does not consume an iterator', () => {
    const iterator = [1, 2].values();

    describeWith({ iterator });

    expect(iterator.next()).toEqual({ done: false, value: 1 });
  });

  it('truncates texts between characters', () => {
    expect(describeWith('ab😀d', { maxTextLength: 3 }).json).toBe('ab[… 2 more characters]');
    expect(describeWith('ab😀d', { maxTextLength: 4 }).json).toBe('ab😀[… 1 more characters]');
  });

  it('masks a text before truncating it, so that no part of a secret remains', () => {
    const mask = (text: string): string => text.replaceAll('secret', '******');
    const describer = new ValueDescriber(resolveTraceLimits({ maxTextLength: 9 }), 1000, mask);

    expect(describer.describe('the key: secret', 'a')).toBe('the key: [… 6 more characters]');
    expect(describer.describe('a secret key', 'a')).toBe('a ****** [… 3 more characters]');
  });

  it('never throws, and returns JSON for any value', () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withTypedArray: true,
          withNullPrototype: true,
          withSparseArray: true,
          maxDepth: 5,
        }),
        fc.integer({ min: 0, max: 500 }),
        (value, maxLength) => {
          const { json } = describeWith(
            value,
            { maxItems: 20, maxValueDepth: 4, maxTextLength: 50 },
            maxLength,
          );

          expect(JSON.parse(JSON.stringify(json))).toEqual(json);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('limits the size of endless values', () => {
    const endless = (): Record<string, unknown> => ({
      get next() {
        return endless();
      },
      text: 'x'.repeat(1000),
    });
    const wide = Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`key ${index}`, endless()]));

    const { json, length, cut } = describeWith(wide, {}, 20_000);

    expect(JSON.stringify(json).length).toBeLessThan(60_000);
    expect(length).toBeLessThan(25_000);
    expect(cut).toBeGreaterThan(0);
  });
});
