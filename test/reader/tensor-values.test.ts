import { describe, expect, it } from 'vitest';
import { toDoubles } from '../../src/reader/tensor-values.js';
import { DataType, type TensorProto } from '../../src/wire/messages.js';

function floats(floatVal: readonly number[], doubleVal: readonly number[]): TensorProto {
  return {
    dtype: DataType.FLOAT,
    shape: [floatVal.length],
    floatVal: Float32Array.from(floatVal),
    doubleVal: Float64Array.from(doubleVal),
  };
}

describe('toDoubles', () => {
  it.each([
    ['the doubles that were rounded', [0.1, 0.25], [0.1, 0.25], [0.1, 0.25]],
    ['the double of a float that overflowed', [1e300], [1e300], [1e300]],
    ['the floats, when the doubles are others', [0.1, 0.25], [0.1, 0.5], [Math.fround(0.1), 0.25]],
    ['the floats, when the doubles are too many', [0.25], [0.25, 0.5], [0.25]],
    ['the floats, when a zero has another sign', [-0], [0], [-0]],
  ])('gives %s', (_title, floatVal, doubleVal, expected) => {
    expect([...toDoubles('tag', floats(floatVal, doubleVal))]).toEqual(expected);
  });
});
