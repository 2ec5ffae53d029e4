/**
 * Attributes of a node as TensorFlow writes them: `AttrValue`.
 */

import type { tensorboard } from '../../wire/generated/graph.js';
import { DataType } from '../../wire/messages.js';
import { describe } from '../arguments.js';
import { invalidGraph } from './invalid-graph.js';

/** Names of element types. */
export type GraphDataType = Lowercase<keyof typeof DataType>;

/** Sizes of dimensions; null is one that is not known. */
export type GraphShape = readonly (number | null)[];

/**
 * An attribute: text, raw bytes, a whole number (int64), any other number (float32), a boolean, a type, a shape, or a list of one
 * kind. `{ float }` and `{ int }` say which number is meant.
 */
export type GraphAttribute =
  | string
  | Uint8Array
  | number
  | bigint
  | boolean
  | { readonly float: number }
  | { readonly int: number | bigint }
  | { readonly type: GraphDataType }
  | { readonly shape: GraphShape }
  /** A constant; `content` is row-major and little-endian. */
  | {
      readonly tensor: {
        readonly type: GraphDataType;
        readonly shape: readonly number[];
        readonly content: Uint8Array;
      };
    }
  | readonly string[]
  | readonly number[]
  | readonly boolean[]
  | readonly { readonly shape: GraphShape }[]
  | readonly { readonly type: GraphDataType }[];

/** Converts an attribute. Throws `ERR_GRAPH_INVALID` that names it. */
export function toAttrValue(name: string, attribute: GraphAttribute): tensorboard.IAttrValue {
  if (isList(attribute)) return { list: toList(name, attribute) };
  if (typeof attribute === 'string') return { s: Buffer.from(attribute) };
  if (attribute instanceof Uint8Array) return { s: attribute };
  if (typeof attribute === 'boolean') return { b: attribute };
  if (typeof attribute === 'number') {
    return Number.isSafeInteger(attribute) ? { i: attribute } : { f: attribute };
  }
  if (typeof attribute === 'bigint') return { i: toLong(attribute) };
  if (typeof attribute === 'object' && attribute !== null) {
    if ('float' in attribute) return { f: attribute.float };
    if ('int' in attribute) return { i: toLong(BigInt(attribute.int)) };
    if ('type' in attribute) return { type: toDataType(name, attribute.type) };
    if ('shape' in attribute) return { shape: toShape(name, attribute.shape) };
    if ('tensor' in attribute) {
      const { type, shape, content } = attribute.tensor;
      const tensorShape = toShape(name, shape);
      return { tensor: { dtype: toDataType(name, type), tensorShape, tensorContent: content } };
    }
  }
  throw invalidGraph(`attribute ${name} is ${describe(attribute)}, which has no form in a graph`);
}

function toList(name: string, items: readonly unknown[]): tensorboard.AttrValue.IListValue {
  const [first] = items;
  if (items.some((item) => typeof item !== typeof first)) {
    throw invalidGraph(`attribute ${name} is a list of several kinds`);
  }
  const values = items.map((item) => toAttrValue(name, item as GraphAttribute));
  if (typeof first === 'number') {
    const isInteger = items.every((item) => Number.isSafeInteger(item));
    return isInteger ? { i: items as number[] } : { f: items as number[] };
  }
  return {
    s: values.flatMap(({ s }) => (s == null ? [] : [s])),
    b: values.flatMap(({ b }) => (b == null ? [] : [b])),
    type: values.flatMap(({ type }) => (type == null ? [] : [type])),
    shape: values.flatMap(({ shape }) => (shape == null ? [] : [shape])),
  };
}

function toDataType(name: string, type: GraphDataType): DataType {
  const number = DataType[String(type).toUpperCase() as keyof typeof DataType];
  if (number !== undefined) return number;
  throw invalidGraph(`attribute ${name} has the type ${describe(type)}, which is none of TensorFlow's`);
}

function toShape(name: string, shape: GraphShape): tensorboard.ITensorShapeProto {
  const dim = shape.map((size) => {
    if (size === null) return { size: -1 };
    if (!Number.isInteger(size) || size < -1) {
      throw invalidGraph(`attribute ${name} has a dimension of ${describe(size)}, expected a size or null`);
    }
    return size === 0 ? {} : { size };
  });
  return { dim };
}

/** An int64 in the two halves that protobufjs takes; its types know the class of a package that is not needed. */
function toLong(value: bigint): number {
  if (BigInt.asIntN(64, value) !== value) throw invalidGraph(`${value} is outside int64`);
  return { low: Number(BigInt.asIntN(32, value)), high: Number(value >> 32n) } as unknown as number;
}

function isList(attribute: GraphAttribute): attribute is Extract<GraphAttribute, readonly unknown[]> {
  return Array.isArray(attribute);
}
