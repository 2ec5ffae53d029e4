/**
 * Reads the values of a tensor from any of the fields that may contain them.
 *
 * Source: tensorboard/util/tensor_util.py (`make_ndarray`): `tensor_content` wins; one value in a typed field stands for all.
 */

import { InvalidValueError } from '../../base/errors.js';
import { DataType, type TensorProto } from '../wire/messages.js';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The number of elements of a shape. */
export function countElements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The numbers of a numeric tensor, row-major; bigints for 64-bit integers. Throws `InvalidValueError`. */
export function toTensorNumbers(tag: string, tensor: TensorProto): number[] | bigint[] {
  const values =
    tensor.tensorContent === undefined
      ? fromFields(tag, tensor)
      : fromContent(tag, tensor, tensor.tensorContent);
  return fill(tag, values as number[], tensor.shape);
}

/** A complex number. */
export interface Complex {
  readonly re: number;
  readonly im: number;
}

/** Whether the elements of a tensor are complex numbers. */
export function isComplex({ dtype }: TensorProto): boolean {
  return dtype === DataType.COMPLEX64 || dtype === DataType.COMPLEX128;
}

/** The elements of a complex tensor, row-major. Throws `InvalidValueError`. */
export function complexNumbersFrom(tag: string, tensor: TensorProto): Complex[] {
  const { dtype, shape, tensorContent, scomplexVal, dcomplexVal } = tensor;
  const isSingle = dtype === DataType.COMPLEX64;
  const partType = isSingle ? DataType.FLOAT : DataType.DOUBLE;
  const parts =
    tensorContent === undefined
      ? [...((isSingle ? scomplexVal : dcomplexVal) ?? [])]
      : (fromContent(tag, { dtype: partType, shape: [...shape, 2] }, tensorContent) as number[]);
  if (parts.length % 2 !== 0) {
    throw new InvalidValueError(
      tag,
      `the tensor has ${parts.length} parts of complex numbers, expected pairs`,
    );
  }
  const values = Array.from({ length: parts.length / 2 }, (_, i) => ({
    re: parts[2 * i]!,
    im: parts[2 * i + 1]!,
  }));
  return fill(tag, values, shape);
}

/** The numbers of a tensor, with 64-bit integers rounded. Throws `InvalidValueError`. */
export function toDoubles(tag: string, tensor: TensorProto): Float64Array {
  return Float64Array.from(toTensorNumbers(tag, tensor) as number[], Number);
}

/** The only number of a tensor of any rank. Throws `InvalidValueError` when it has none or several. */
export function numberFrom(tag: string, tensor: TensorProto): number {
  const { dtype, shape, tensorContent, floatVal, doubleVal } = tensor;
  // The common case; avoids an array of one.
  if (
    dtype === DataType.FLOAT &&
    shape.length === 0 &&
    tensorContent === undefined &&
    floatVal?.length === 1
  ) {
    const float = floatVal[0]!;
    const double = doubleVal?.length === 1 ? doubleVal[0]! : float;
    return Object.is(Math.fround(double), float) ? double : float;
  }
  if (countElements(shape) === 1) return toDoubles(tag, tensor)[0]!;
  throw new InvalidValueError(tag, `shape [${shape.join(', ')}], expected one number`);
}

/** The strings of a tensor, as bytes. Throws `InvalidValueError`. */
export function blobsFrom(tag: string, tensor: TensorProto): readonly Uint8Array[] {
  if (tensor.dtype !== DataType.STRING) {
    throw new InvalidValueError(tag, `the tensor has type ${tensor.dtype}, expected strings`);
  }
  return fill(tag, [...(tensor.stringVal ?? [])], tensor.shape);
}

/** Decodes UTF-8. Throws `InvalidValueError`. */
export function textFrom(tag: string, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new InvalidValueError(tag, 'the text is not valid UTF-8', { cause });
  }
}

/** The most elements that one value may stand for, so that a few damaged bytes cannot exhaust the memory. */
const MAX_REPEATED = 2 ** 24;

function fill<T>(tag: string, values: T[], shape: readonly number[]): T[] {
  const expected = countElements(shape);
  if (values.length === expected) return values;
  if (values.length === 1 && expected > 1 && expected <= MAX_REPEATED) {
    return new Array<T>(expected).fill(values[0]!);
  }
  throw new InvalidValueError(
    tag,
    `the tensor has ${values.length} values for the shape [${shape.join(', ')}]`,
  );
}

function fromFields(tag: string, tensor: TensorProto): (number | bigint)[] {
  const { dtype } = tensor;
  switch (dtype) {
    case DataType.FLOAT:
      return [...(toExactDoubles(tensor) ?? tensor.floatVal ?? [])];
    case DataType.DOUBLE:
      return [...(tensor.doubleVal ?? [])];
    case DataType.INT64:
      return [...(tensor.int64Val ?? [])];
    case DataType.UINT64:
      return [...(tensor.uint64Val ?? [])];
    case DataType.UINT32:
      return [...(tensor.uint32Val ?? [])];
    case DataType.BOOL:
      return (tensor.boolVal ?? []).map(Number);
    case DataType.HALF:
      return Array.from(tensor.halfVal ?? [], halfToNumber);
    case DataType.BFLOAT16:
      return Array.from(tensor.halfVal ?? [], bfloat16ToNumber);
    case DataType.INT32:
    case DataType.INT16:
    case DataType.INT8:
    case DataType.UINT16:
    case DataType.UINT8:
      return [...(tensor.intVal ?? [])];
    default:
      throw new InvalidValueError(tag, `the tensor has type ${dtype}, expected numbers`);
  }
}

/**
 * The doubles that polytrack stores with a float tensor for values that float32 cannot represent
 * (src/format/writer/scalar-table.ts). Used only if they round to the floats: in other writers' float tensors the field has no
 * meaning.
 */
function toExactDoubles({ floatVal, doubleVal }: TensorProto): Float64Array | undefined {
  if (floatVal === undefined || doubleVal?.length !== floatVal.length) return undefined;
  const isSame = doubleVal.every((value, i) => Object.is(Math.fround(value), floatVal[i]));
  return isSame ? doubleVal : undefined;
}

/** The size of an element, and how to read it from little-endian bytes. */
const ELEMENTS: Partial<
  Record<number, [bytes: number, read: (view: DataView, at: number) => number | bigint]>
> = {
  [DataType.FLOAT]: [4, (view, at) => view.getFloat32(at, true)],
  [DataType.DOUBLE]: [8, (view, at) => view.getFloat64(at, true)],
  [DataType.INT32]: [4, (view, at) => view.getInt32(at, true)],
  [DataType.UINT32]: [4, (view, at) => view.getUint32(at, true)],
  [DataType.INT64]: [8, (view, at) => view.getBigInt64(at, true)],
  [DataType.UINT64]: [8, (view, at) => view.getBigUint64(at, true)],
  [DataType.INT16]: [2, (view, at) => view.getInt16(at, true)],
  [DataType.UINT16]: [2, (view, at) => view.getUint16(at, true)],
  [DataType.INT8]: [1, (view, at) => view.getInt8(at)],
  [DataType.UINT8]: [1, (view, at) => view.getUint8(at)],
  [DataType.BOOL]: [1, (view, at) => view.getUint8(at)],
  [DataType.HALF]: [2, (view, at) => halfToNumber(view.getUint16(at, true))],
  [DataType.BFLOAT16]: [2, (view, at) => bfloat16ToNumber(view.getUint16(at, true))],
};

function fromContent(tag: string, { dtype, shape }: TensorProto, content: Uint8Array): (number | bigint)[] {
  const element = ELEMENTS[dtype];
  if (element === undefined)
    throw new InvalidValueError(tag, `the tensor has type ${dtype}, expected numbers`);
  const [bytes, read] = element;
  const count = countElements(shape);
  if (content.length !== count * bytes) {
    throw new InvalidValueError(
      tag,
      `the tensor has ${content.length} bytes for the shape [${shape.join(', ')}] with ${bytes} bytes per element`,
    );
  }
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  return Array.from({ length: count }, (_, i) => read(view, i * bytes));
}

function bfloat16ToNumber(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, (bits & 0xffff) << 16);
  return view.getFloat32(0);
}

/** IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
