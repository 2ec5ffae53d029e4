/**
 * Converts the types and attributes of ONNX models to those of graphs.
 *
 * Source: onnx/onnx.proto of onnx 1.23.
 */

import { onnx } from '../../format/wire/generated/onnx.js';
import type { GraphAttribute, GraphDataType, GraphShape } from './graph-attributes.js';

/** The names of element types, indexed by their ONNX numbers. */
const ELEMENT_TYPES = [
  ...['undefined', 'float', 'uint8', 'int8', 'uint16', 'int16', 'int32', 'int64', 'string', 'bool'],
  ...['float16', 'double', 'uint32', 'uint64', 'complex64', 'complex128', 'bfloat16'],
  ...['float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2', 'float8e5m2fnuz', 'uint4', 'int4', 'float4e2m1'],
  ...['float8e8m0', 'uint2', 'int2', 'float6e2m3', 'float6e3m2'],
];

/** The last element type that TensorFlow also has. */
const LAST_SHARED_TYPE = 16;

const { AttributeType } = onnx.AttributeProto;

/** The known type information of a value. */
export interface OnnxType {
  readonly shape: GraphShape | undefined;
  readonly attributes: Record<string, GraphAttribute>;
}

/** The `dtype` and `shape` of a tensor. Types that TensorFlow does not have are given in ONNX's notation as `onnx_type`. */
export function readValueType(type: onnx.ITypeProto | null | undefined): OnnxType {
  const tensor = type?.tensorType ?? type?.sparseTensorType;
  // A named dimension, such as `batch`, has an unknown size.
  const shape = tensor?.shape?.dim?.map(({ dimValue }) => (dimValue == null ? null : toSize(dimValue)));
  const attributes = toTypeAttributes(tensor?.elemType, shape);
  if (type != null && type.tensorType == null) attributes.onnx_type = describeType(type);
  return { shape, attributes };
}

export function toTypeAttributes(
  elementType: number | null | undefined,
  shape: GraphShape | undefined,
): Record<string, GraphAttribute> {
  const type = toDataType(elementType ?? 0);
  const isForeign = type === undefined && elementType != null && elementType !== 0;
  return {
    ...(type === undefined ? {} : { dtype: { type } }),
    ...(isForeign ? { onnx_type: nameElementType(elementType) } : {}),
    ...(shape === undefined ? {} : { shape: { shape } }),
  };
}

export function toShape(dims: readonly (number | { toString(): string })[] | null | undefined): GraphShape {
  return (dims ?? []).map(toSize);
}

/** The value of an attribute: for tensors the shape, for types ONNX's notation. Does not handle graphs. */
export function toAttribute(attribute: onnx.IAttributeProto): GraphAttribute {
  if (attribute.refAttrName) return `@${attribute.refAttrName}`;
  const type = attribute.type || inferType(attribute);
  switch (type) {
    case AttributeType.FLOAT:
      return { float: attribute.f ?? 0 };
    case AttributeType.INT:
      return toBigInt(attribute.i ?? 0);
    case AttributeType.STRING:
      return attribute.s ?? '';
    case AttributeType.TENSOR:
      return { shape: toShape(attribute.t?.dims) };
    case AttributeType.SPARSE_TENSOR:
      return { shape: toShape(attribute.sparseTensor?.dims) };
    case AttributeType.TYPE_PROTO:
      return describeType(attribute.tp);
    case AttributeType.FLOATS:
      return (attribute.floats ?? []).map((float) => ({ float }));
    case AttributeType.INTS:
      return (attribute.ints ?? []).map(toBigInt);
    case AttributeType.STRINGS:
      return attribute.strings ?? [];
    case AttributeType.TENSORS:
      return (attribute.tensors ?? []).map(({ dims }) => ({ shape: toShape(dims) }));
    case AttributeType.SPARSE_TENSORS:
      return (attribute.sparseTensors ?? []).map(({ dims }) => ({ shape: toShape(dims) }));
    case AttributeType.TYPE_PROTOS:
      return (attribute.typeProtos ?? []).map(describeType);
    default:
      return `ONNX attribute of type ${type}`;
  }
}

/** The kind of an attribute of IR version 1, which does not store it: the kind of the field that is set. */
function inferType(attribute: onnx.IAttributeProto): onnx.AttributeProto.AttributeType {
  if (attribute.f != null) return AttributeType.FLOAT;
  if (attribute.i != null) return AttributeType.INT;
  if (attribute.s != null) return AttributeType.STRING;
  if (attribute.t != null) return AttributeType.TENSOR;
  if (attribute.floats?.length) return AttributeType.FLOATS;
  if (attribute.ints?.length) return AttributeType.INTS;
  if (attribute.strings?.length) return AttributeType.STRINGS;
  if (attribute.tensors?.length) return AttributeType.TENSORS;
  return AttributeType.UNDEFINED;
}

/** A type in ONNX's notation: `tensor(float)`, `seq(tensor(int64))`. Source: onnx/defs/data_type_utils.cc. */
function describeType(type: onnx.ITypeProto | null | undefined): string {
  if (type?.tensorType != null) return `tensor(${nameElementType(type.tensorType.elemType)})`;
  if (type?.sparseTensorType != null)
    return `sparse_tensor(${nameElementType(type.sparseTensorType.elemType)})`;
  if (type?.sequenceType != null) return `seq(${describeType(type.sequenceType.elemType)})`;
  if (type?.optionalType != null) return `optional(${describeType(type.optionalType.elemType)})`;
  if (type?.mapType != null)
    return `map(${nameElementType(type.mapType.keyType)},${describeType(type.mapType.valueType)})`;
  return 'undefined';
}

function nameElementType(type: number | null | undefined): string {
  return ELEMENT_TYPES[type ?? 0] ?? `type ${type}`;
}

function toDataType(type: number): GraphDataType | undefined {
  if (type < 1 || type > LAST_SHARED_TYPE) return undefined;
  const name = ELEMENT_TYPES[type]!;
  return name === 'float16' ? 'half' : (name as GraphDataType);
}

/** A size; null for a negative one, which some exporters write for an unknown size. */
function toSize(size: number | { toString(): string }): number | null {
  const number = Number(size);
  return number < 0 ? null : number;
}

/** The exact value of a protobufjs int64. */
function toBigInt(value: number | { toString(): string }): bigint {
  return BigInt(value.toString());
}
