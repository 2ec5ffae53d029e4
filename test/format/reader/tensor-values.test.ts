import { describe, expect, it } from 'vitest';
import { InvalidValueError } from '../../../src/base/errors.js';
import { numberFrom, toDoubles } from '../../../src/format/reader/tensor-values.js';
import { DataType, type TensorProto } from '../../../src/format/wire/messages.js';

function floats(
  floatVal: readonly number[],
  doubleVal: readonly number[],
  shape = [floatVal.length],
): TensorProto {
  return {
    dtype: DataType.FLOAT,
    shape,
    floatVal: Float32Array.from(floatVal),
    doubleVal: Float64Array.from(doubleVal),
  };
}

describe('toDoubles', () => {
  it.each([
    ['the doubles that were rounded to floats', [0.1, 0.25], [0.1, 0.25], [0.1, 0.25]],
    ['the double of a float that overflowed', [1e300], [1e300], [1e300]],
    ['the floats, when the doubles differ', [0.1, 0.25], [0.1, 0.5], [Math.fround(0.1), 0.25]],
    ['the floats, when the doubles are too many', [0.25], [0.25, 0.5], [0.25]],
    ['the floats, when a zero has another sign', [-0], [0], [-0]],
  ])('returns %s', (_title, floatVal, doubleVal, expected) => {
    expect([...toDoubles('tag', floats(floatVal, doubleVal))]).toEqual(expected);
  });
});

describe('toDoubles with one value for all elements', () => {
  it('repeats the value', () => {
    expect([...toDoubles('tag', floats([2], [], [2, 2]))]).toEqual([2, 2, 2, 2]);
  });

  it('rejects shapes that exceed the memory', () => {
    expect(() => toDoubles('tag', floats([2], [], [1e9, 1e9]))).toThrow(InvalidValueError);
  });
});

describe('numberFrom', () => {
  it.each([
    ['a double that was rounded', floats([0.1], [0.1], []), 0.1],
    ['a float with a double that differs', floats([0.1], [0.2], []), Math.fround(0.1)],
    ['a float without a double', floats([0.1], [], []), Math.fround(0.1)],
    ['NaN', floats([Number.NaN], [], []), Number.NaN],
    ['the only number of a matrix', floats([0.1], [0.1], [1, 1]), 0.1],
    [
      'a double',
      { dtype: DataType.DOUBLE, shape: [], doubleVal: Float64Array.of(0.1) } satisfies TensorProto,
      0.1,
    ],
    [
      'the content instead of the fields',
      { ...floats([0.1], [], []), tensorContent: new Uint8Array(Float32Array.of(7).buffer) },
      7,
    ],
  ])('returns %s', (_title, tensor, expected) => {
    expect(numberFrom('tag', tensor)).toBe(expected);
  });

  it.each([
    ['several numbers', floats([1, 2], [])],
    ['no numbers', floats([], [], [0])],
    ['text', { dtype: DataType.STRING, shape: [], stringVal: [Uint8Array.of(49)] } satisfies TensorProto],
  ])('rejects %s', (_title, tensor) => {
    expect(() => numberFrom('tag', tensor)).toThrow(InvalidValueError);
  });
});
