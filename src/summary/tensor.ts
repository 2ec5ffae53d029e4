/**
 * Tensors: values that carry their shape, of TensorFlow.js, onnxruntime, ndarray and other libraries. Types are structural, so that no
 * library has to be installed.
 *
 * Sources: `Tensor` in @tensorflow/tfjs-core 4.22 (tensor.ts), `Tensor` in onnxruntime-common 1.30 (tensor-impl.ts), ndarray 1.1.
 */

import { describe } from '../base/describe.js';
import { InvalidArgumentError, invalidArgument, messageOf } from '../base/errors.js';
import { isArrayLike } from './arguments.js';
import { type Encoding, readLater, ready } from './encoding.js';
import type { HistogramValues } from './histogram.js';

/**
 * A `tf.Tensor` of TensorFlow.js. Reading begins in the call, without waiting, so that the tensor may be disposed right after it; with the
 * WebGPU backend only once it has arrived. Its type is `float32`, `int32` or `bool`.
 */
export interface TensorFlowTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly isDisposed: boolean;
  data(): Promise<unknown>;
  dataSync(): unknown;
}

/** A `Tensor` of onnxruntime. One that is not on the CPU is downloaded with `getData()`, and must not be disposed before it has arrived. */
export interface OnnxTensor {
  readonly dims: readonly number[];
  readonly type: string;
  readonly data: unknown;
  readonly location?: string;
  getData?(): Promise<unknown>;
}

/** The numbers of an array. Booleans are 0 and 1 in a `Uint8Array`, with the type `bool`. */
export type TensorData = HistogramValues | BigInt64Array | BigUint64Array;

/** Numbers with a shape: row-major, or with `strides` and `offset` in elements. */
export type ShapedArray = ({ readonly shape: ArrayLike<number> } | { readonly dims: ArrayLike<number> }) & {
  readonly data: TensorData;
  /** `bool` for 0 and 1 as truth values, `float16` for half precision in a `Uint16Array`. Default: by the type of `data`. */
  readonly dtype?: unknown;
  readonly strides?: ArrayLike<number>;
  /** The same as `strides`, as in ndarray. */
  readonly stride?: ArrayLike<number>;
  readonly offset?: number;
};

export type Tensor = TensorFlowTensor | OnnxTensor | ShapedArray;

/** Numbers as read from a tensor, row-major. */
export type TensorValues = Exclude<TensorData, Uint8ClampedArray> | Uint8ClampedArray;

/** A tensor whose form is checked, and whose values may still have to be read. */
export interface ParsedTensor {
  readonly shape: readonly number[];
  /** The number of values. */
  readonly size: number;
  /** Whether 0 and 1 are truth values. */
  readonly isBool: boolean;
  /** Whether images usually have their channels first: in onnxruntime, whose tensors have `dims`. TensorFlow has them last. */
  readonly isChannelsFirst: boolean;
  /** The type's name, if the tensor has one. */
  readonly dtype: string | undefined;
  /** The values, which may be the caller's. */
  readonly values: Encoding<TensorValues>;
}

/** A tensor was not read before it was needed. */
export class UnreadTensorError extends Error {}

/** Types whose elements are no single numbers in an array. */
const UNREADABLE_TYPE = /^(?:complex|string|bfloat|float8|u?int4|u?int2|object)/;
/** Above that of any library: numpy has 64. */
const MAX_RANK = 64;
/** The memory that a tensor takes while it is read, besides its values. */
const READ_BYTES = 512;

/** Whether a value has the form of a tensor: a shape, and data or a function that reads it. */
export function isTensor(value: unknown): value is Tensor {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  try {
    return !Array.isArray(value) && ('shape' in value || 'dims' in value) && 'data' in value;
  } catch {
    // A proxy may throw at any access.
    return false;
  }
}

/** Checks the form of a tensor. Does not read it yet if that takes time. Throws `ERR_TENSOR_INVALID`. */
export function parseTensor(subject: string, tensor: Tensor): ParsedTensor {
  try {
    return parse(subject, tensor as Readonly<Record<string, unknown>>);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause) throw cause;
    // The getters of a tensor throw, for example once it is disposed.
    throw invalidTensor(`${subject} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function parse(subject: string, tensor: Readonly<Record<string, unknown>>): ParsedTensor {
  const shape = parseShape(subject, tensor.shape ?? tensor.dims);
  const size = shape.reduce((product, length) => product * length, 1);
  const dtype = [tensor.dtype, tensor.type].find((name) => typeof name === 'string');
  if (dtype !== undefined && UNREADABLE_TYPE.test(dtype)) {
    throw invalidTensor(`${subject} has the type ${dtype}, expected real numbers or booleans`);
  }
  if (tensor.isDisposed === true || tensor.location === 'none')
    throw invalidTensor(`${subject} is disposed, expected a tensor with values`);
  const isBool = dtype === 'bool' || dtype === 'boolean';
  const isFloat16 = dtype === 'float16';
  const check = (data: unknown): TensorValues => {
    const values = parseValues(subject, data, isFloat16);
    if (values.length === size) return values;
    throw invalidTensor(`${subject} has ${values.length} values, expected ${size} for [${shape.join(', ')}]`);
  };
  const bytes = size * bytesOf(dtype) + READ_BYTES;
  const form = { shape, size, isBool, dtype, isChannelsFirst: tensor.shape === undefined };
  const { dataSync, getData, location } = tensor;
  const isRemote = typeof location === 'string' && !location.startsWith('cpu');
  // The getter of a tensor that is not on the CPU throws.
  const data = isRemote && typeof getData === 'function' ? undefined : tensor.data;
  const read = typeof data === 'function' ? data : isRemote && typeof getData === 'function' ? getData : null;
  if (read !== null) {
    let failure: unknown = new Error('it has not arrived yet');
    const readSoon = async (): Promise<TensorValues> => {
      try {
        return check(await read.call(tensor));
      } catch (cause) {
        failure = cause;
        throw cause;
      }
    };
    const readNow = (): TensorValues => {
      if (typeof dataSync !== 'function') throw failure;
      return check(dataSync.call(tensor));
    };
    return { ...form, values: readLater(bytes, readSoon, () => attempt(readNow)) };
  }
  return { ...form, values: ready(check(parseRowMajor(subject, tensor, shape, size))) };
}

function parseShape(subject: string, shape: unknown): number[] {
  if (!isArrayLike(shape))
    throw invalidTensor(`the shape of ${subject} is ${describe(shape)}, expected a list`);
  if (shape.length > MAX_RANK)
    throw invalidTensor(`${subject} has ${shape.length} dimensions, expected at most ${MAX_RANK}`);
  return Array.from(shape, (length) => {
    if (typeof length === 'number' && Number.isInteger(length) && length >= 0) return length;
    throw invalidTensor(`the shape of ${subject} has ${describe(length)}, expected whole numbers`);
  });
}

function parseValues(subject: string, data: unknown, isFloat16: boolean): TensorValues {
  if (!isArrayLike(data))
    throw invalidTensor(`the data of ${subject} is ${describe(data)}, expected an array`);
  if (Array.isArray(data)) {
    const odd = data.findIndex((value) => typeof value !== 'number');
    if (odd < 0) return data as readonly number[];
    throw invalidTensor(`${subject}: value ${odd} is ${describe(data[odd])}, expected a number`);
  }
  if (isFloat16 && data instanceof Uint16Array) return float16ToFloat32(data);
  // Float16Array, which Node.js has from version 24 on.
  const isHalf = Object.prototype.toString.call(data) === '[object Float16Array]';
  return isHalf ? Float32Array.from(data as ArrayLike<number>) : (data as TensorValues);
}

/** The data in row-major order; unchanged if it is already. Throws if the strides do not fit. */
function parseRowMajor(
  subject: string,
  tensor: Readonly<Record<string, unknown>>,
  shape: readonly number[],
  size: number,
): unknown {
  const { data } = tensor;
  const given = tensor.strides ?? tensor.stride;
  if (given === undefined || !isArrayLike(data)) return data;
  const strides = Array.from(given as ArrayLike<unknown>, Number);
  if (strides.length !== shape.length || !strides.every(Number.isInteger)) {
    throw invalidTensor(`the strides of ${subject} are [${strides.join(', ')}], expected ${shape.length}`);
  }
  if (size === 0 || (data.length === size && isRowMajor(shape, strides))) return data;
  const ends = shape.map((length, i) => (length - 1) * strides[i]!);
  const last = ends.reduce((sum, end) => sum + Math.max(end, 0), 0);
  const first = ends.reduce((sum, end) => sum + Math.min(end, 0), 0);
  const { offset = first === 0 && last === data.length - 1 ? 0 : undefined } = tensor;
  if (typeof offset !== 'number' || !(offset + first >= 0) || !(offset + last < data.length)) {
    // Without an offset, nothing says which part of a larger array the tensor is.
    throw invalidTensor(
      `${subject} has strides [${strides.join(', ')}] and offset ${describe(offset)}, which do not fit its ${data.length} values`,
    );
  }
  return gather(data, shape, strides, offset);
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== expected) return false;
    expected *= shape[i]!;
  }
  return true;
}

/** Copies the elements of a strided array in row-major order. */
function gather(
  data: ArrayLike<unknown>,
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
): unknown {
  const size = shape.reduce((product, length) => product * length, 1);
  const out = new (data.constructor as new (length: number) => unknown[])(size);
  const position = shape.map(() => 0);
  let at = offset;
  for (let i = 0; i < size; i++) {
    out[i] = data[at];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++position[axis]! < shape[axis]!) break;
      at -= shape[axis]! * strides[axis]!;
      position[axis] = 0;
    }
  }
  return out;
}

function bytesOf(dtype: string | undefined): number {
  const bits = Number(/\d+$/.exec(dtype ?? '')?.[0] ?? 32);
  return Math.min(8, Math.max(1, Math.ceil(bits / 8)));
}

/** Reads a tensor, which may have been disposed since it was logged. Passes on the errors of values that do not fit. */
function attempt<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof InvalidArgumentError) throw cause;
    throw new UnreadTensorError(`the tensor could not be read: ${messageOf(cause)}`, { cause });
  }
}

/** Values as doubles, so that 64-bit integers can be counted and shown. */
export function toNumbers(values: TensorValues): Exclude<TensorValues, BigInt64Array | BigUint64Array> {
  const isBig = values instanceof BigInt64Array || values instanceof BigUint64Array;
  return isBig ? Float64Array.from(values, Number) : values;
}

const invalidTensor = invalidArgument(
  'ERR_TENSOR_INVALID',
  'Pass a tensor of real numbers that is not disposed, row-major or with strides and offset in elements.',
);

/** Converts bit patterns to numbers. Every half-precision number is exact in single precision. */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, float16Of);
}

function float16Of(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
