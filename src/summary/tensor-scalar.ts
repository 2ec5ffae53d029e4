/** Metrics given as tensors of one value. */

import { describe } from '../base/describe.js';
import { invalidArgument } from '../base/errors.js';
import { type Encoding, mapEncoding } from './encoding.js';
import { isTensor, parseTensor, type Tensor } from './tensor.js';

/** A number, or a tensor that has one value, of any rank. */
export type ScalarInput = number | Tensor;

/** The number of a metric that is no plain number; it may have to be read. Throws `ERR_SCALAR_INVALID` and `ERR_TENSOR_INVALID`. */
export function parseScalarTensor(tag: string, value: unknown): number | Encoding<number> {
  if (!isTensor(value)) throw invalidScalar(`${tag} is ${describe(value)}, expected a number`);
  const { shape, size, values } = parseTensor(tag, value);
  if (size !== 1)
    throw invalidScalar(`${tag} is a tensor of shape [${shape.join(', ')}], expected one value`);
  const number = mapEncoding(values, (read) => Number(read[0]));
  return number.mustRead === true ? number : number.now();
}

const invalidScalar = invalidArgument(
  'ERR_SCALAR_INVALID',
  'Pass a number, or a tensor of one value; NaN and Infinity are allowed.',
);
