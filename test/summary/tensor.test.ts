import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { float16ToFloat32, isTensor, parseTensor, type Tensor } from '../../src/summary/tensor.js';

function valuesOf(tensor: Tensor): unknown[] {
  return [...parseTensor('tensor', tensor).values.now()];
}

/** A view of an array: a permutation and a reversal of its axes, and a part of each axis, as in ndarray and numpy. */
const view = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 0, maxLength: 4 }).chain((lengths) =>
  fc.record({
    lengths: fc.constant(lengths),
    order: fc.shuffledSubarray(
      lengths.map((_, i) => i),
      { minLength: lengths.length },
    ),
    parts: fc.tuple(
      ...lengths.map((length) => fc.tuple(fc.nat(length - 1), fc.integer({ min: 1, max: length }))),
    ),
    isReversed: fc.tuple(...lengths.map(() => fc.boolean())),
  }),
);

describe('parseTensor', () => {
  it('reads any view of an array in row-major order', () => {
    fc.assert(
      fc.property(view, ({ lengths, order, parts, isReversed }) => {
        const size = lengths.reduce((product, length) => product * length, 1);
        const data = Float64Array.from({ length: size }, (_, i) => i);
        const whole = lengths.map((_, i) =>
          lengths.slice(i + 1).reduce((product, length) => product * length, 1),
        );
        const axes = order.map((axis) => {
          const [start, wanted] = parts[axis]!;
          const length = Math.min(wanted, lengths[axis]! - start);
          const first = isReversed[axis] ? start + length - 1 : start;
          return {
            length,
            offset: first * whole[axis]!,
            stride: isReversed[axis] ? -whole[axis]! : whole[axis]!,
          };
        });
        const offset = axes.reduce((sum, axis) => sum + axis.offset, 0);

        // The same by nested loops.
        const expected = axes.reduce<number[]>(
          (found, { length, stride }) =>
            found.flatMap((at) => Array.from({ length }, (_, i) => at + i * stride)),
          [offset],
        );

        const shape = axes.map(({ length }) => length);
        const strides = axes.map(({ stride }) => stride);
        expect(valuesOf({ data, shape, strides, offset })).toEqual(expected);
        expect(valuesOf({ data, dims: shape, stride: strides, offset })).toEqual(expected);
        // Without an offset, a tensor is either read correctly or rejected.
        let found: unknown[] | undefined;
        try {
          found = valuesOf({ data, shape, strides });
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_TENSOR_INVALID' });
        }
        if (found !== undefined) expect(found).toEqual(expected);
      }),
    );
  });

  it('reads a transposed array without an offset, and a repeated value with one', () => {
    const data = [1, 2, 3, 4, 5, 6];

    expect(valuesOf({ data, shape: [3, 2], strides: [1, 3] })).toEqual([1, 4, 2, 5, 3, 6]);
    expect(valuesOf({ data: [7], shape: [2, 2], strides: [0, 0], offset: 0 })).toEqual([7, 7, 7, 7]);
  });

  it.each<[string, unknown]>([
    ['strides in bytes', { data: new Float32Array(6), shape: [2, 3], strides: [12, 4] }],
    ['strides of another number of dimensions', { data: [1, 2], shape: [2], strides: [1, 1] }],
    ['fractional strides', { data: [1, 2], shape: [2], strides: [0.5] }],
    ['a view without an offset', { data: [1, 2, 3, 4], shape: [2], strides: [1] }],
    ['a reversed view without an offset', { data: [1, 2], shape: [2], strides: [-1] }],
    ['an offset outside of the data', { data: [1, 2, 3], shape: [2], strides: [1], offset: 2 }],
    ['data that are no array', { data: 'text', shape: [4] }],
    ['values that are no numbers', { data: [1, 'b'], shape: [2] }],
    ['packed integers', { data: new Uint8Array(2), dims: [4], type: 'uint4' }],
    ['too many dimensions', { data: [1], shape: Array(65).fill(1) }],
    ['a negative length', { data: [], shape: [-1] }],
    [
      'a getter that throws',
      {
        get data(): never {
          throw new Error('on a GPU');
        },
        dims: [1],
        type: 'float32',
      },
    ],
  ])('rejects %s', (_, tensor) => {
    expect(() => valuesOf(tensor as Tensor)).toThrow(expect.objectContaining({ code: 'ERR_TENSOR_INVALID' }));
  });

  it('says why a tensor was lost that can only be read with a promise', async () => {
    const tensor = {
      ...{ dims: [1], type: 'float32', location: 'gpu-buffer', data: null },
      getData: () => Promise.reject(new Error('the device was lost')),
    };
    const { values } = parseTensor('tensor', tensor);

    expect(() => values.now()).toThrow('the tensor could not be read: it has not arrived yet');
    await expect(values.later()).rejects.toThrow('the device was lost');
    expect(() => values.now()).toThrow('the tensor could not be read: the device was lost');
  });

  it('knows tensors from the other values that can be logged', () => {
    const others = [
      1,
      null,
      'text',
      [1],
      new Float32Array(1),
      { pixels: [1] },
      { data: [1] },
      { shape: [1] },
    ];

    expect(others.filter(isTensor)).toEqual([]);
    expect(
      [
        { data: [1], shape: [1] },
        { data: [1], dims: [1] },
      ].every(isTensor),
    ).toBe(true);
  });
});

describe('float16ToFloat32', () => {
  it('converts every pattern to sign × significand × power of two', () => {
    const bits = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
    const numbers = float16ToFloat32(bits);

    const finite = [...bits].filter((pattern) => (pattern & 0x7c00) !== 0x7c00);
    const decoded = finite.map((pattern) => numbers[pattern]!);
    expect(finite).toHaveLength(63_488);
    // Positive numbers increase with their patterns, and negative ones mirror them.
    for (let i = 1; i < 31_744; i++) expect(decoded[i]! > decoded[i - 1]!).toBe(true);
    expect(decoded.slice(31_744).every((value, i) => Object.is(value, -decoded[i]!))).toBe(true);
    const known = { 1: 2 ** -24, 1024: 2 ** -14, 13653: 1365 / 4096, 15360: 1, 31743: 65_504 };
    for (const [pattern, value] of Object.entries(known)) expect(numbers[Number(pattern)]).toBe(value);
    expect([numbers[0x7c00], numbers[0xfc00], numbers[0x7e00]]).toEqual([Infinity, -Infinity, Number.NaN]);
  });
});
