/**
 * Converts the attributes of a node to TensorFlow's `AttrValue`.
 *
 * Source: tensorflow/core/framework/attr_value.proto.
 */

import { describe } from '../../base/describe.js';
import type { tensorboard } from '../../format/wire/generated/graph.js';
import { DataType } from '../../format/wire/messages.js';
import type { GraphAttribute, GraphDataType, GraphShape, GraphTensor } from './graph-attributes.js';
import { invalidGraph } from './invalid-graph.js';

/** Converts a copy of an attribute. Lone surrogates become U+FFFD. Throws `ERR_GRAPH_INVALID` with the name of the attribute. */
export function parseAttrValue(name: string, attribute: GraphAttribute): tensorboard.IAttrValue {
  if (Array.isArray(attribute)) return { list: parseList(name, attribute) };
  if (typeof attribute === 'string') return { s: Buffer.from(attribute) };
  // Not `slice()`: a Buffer's `slice()` shares its memory.
  if (attribute instanceof Uint8Array) return { s: new Uint8Array(attribute) };
  if (typeof attribute === 'boolean') return { b: attribute };
  if (typeof attribute === 'bigint') return { i: parseLong(name, attribute) };
  if (typeof attribute === 'number') {
    return Number.isInteger(attribute) ? { i: parseLong(name, attribute) } : { f: attribute };
  }
  if (typeof attribute === 'object' && attribute !== null) {
    if ('float' in attribute) return { f: parseFloatAttribute(name, attribute.float) };
    if ('int' in attribute) return { i: parseLong(name, attribute.int) };
    if ('type' in attribute) return { type: parseDataType(name, attribute.type) };
    if ('shape' in attribute) return { shape: parseShape(name, attribute.shape) };
    if ('tensor' in attribute) return { tensor: parseTensor(name, attribute.tensor) };
  }
  throw invalidGraph(`attribute ${name} is ${describe(attribute)}, which a graph cannot represent`);
}

function parseList(name: string, items: readonly GraphAttribute[]): tensorboard.AttrValue.IListValue {
  const isFractional = items.some((item) => typeof item === 'number' && !Number.isInteger(item));
  const list: Required<{ [Kind in ListKind]: unknown[] }> = {
    s: [],
    i: [],
    f: [],
    b: [],
    type: [],
    shape: [],
  };
  for (const item of items) {
    const value =
      isFractional && typeof item === 'number' ? { f: item } : (parseAttrValue(name, item) as ListItem);
    const [kind] = Object.keys(value) as (keyof ListItem)[];
    if (kind === undefined || !(kind in list)) {
      throw invalidGraph(`attribute ${name} is a list of ${kind}s, which a graph cannot represent`);
    }
    list[kind].push(value[kind]);
  }
  const kinds = (Object.keys(list) as ListKind[]).filter((kind) => list[kind].length > 0);
  if (kinds.length > 1) throw invalidGraph(`attribute ${name} is a list of several kinds, expected one kind`);
  return list as tensorboard.AttrValue.IListValue;
}

/** The kinds of attributes that lists can contain. */
type ListKind = 's' | 'i' | 'f' | 'b' | 'type' | 'shape';
type ListItem = Pick<tensorboard.IAttrValue, ListKind>;

function parseFloatAttribute(name: string, value: number): number {
  if (typeof value === 'number') return value;
  throw invalidGraph(`attribute ${name} is a float of ${describe(value)}, expected a number`);
}

/** An int64 in the two halves that protobufjs accepts. Its type declarations require a class from a package that is not needed here. */
function parseLong(name: string, given: number | bigint): number {
  if (typeof given !== 'bigint' && !Number.isSafeInteger(given)) {
    throw invalidGraph(
      `attribute ${name} is an integer of ${describe(given)}, expected a whole number below 2^53, or a bigint`,
    );
  }
  const value = BigInt(given);
  if (BigInt.asIntN(64, value) !== value) throw invalidGraph(`attribute ${name} is ${value}, outside int64`);
  return { low: Number(BigInt.asIntN(32, value)), high: Number(value >> 32n) } as unknown as number;
}

function parseDataType(name: string, type: GraphDataType): DataType {
  const key = String(type).toUpperCase();
  if (Object.hasOwn(DataType, key)) return DataType[key as keyof typeof DataType];
  throw invalidGraph(`attribute ${name} has the type ${describe(type)}, expected a type of TensorFlow`);
}

function parseShape(name: string, shape: GraphShape): tensorboard.ITensorShapeProto {
  if (!Array.isArray(shape)) {
    throw invalidGraph(`attribute ${name} has the shape ${describe(shape)}, expected a list of sizes`);
  }
  const dim = shape.map((size: number | null) => {
    if (size === null) return { size: -1 };
    if (!Number.isSafeInteger(size) || size < -1) {
      throw invalidGraph(`attribute ${name} has a dimension of ${describe(size)}, expected a size or null`);
    }
    return size === 0 ? {} : { size };
  });
  return { dim };
}

function parseTensor(name: string, tensor: GraphTensor): tensorboard.ITensorProto {
  const { type, shape, content } = tensor ?? {};
  if (!(content instanceof Uint8Array)) {
    throw invalidGraph(
      `attribute ${name} is a tensor with a content of ${describe(content)}, expected bytes`,
    );
  }
  const tensorShape = parseShape(name, shape);
  return { dtype: parseDataType(name, type), tensorShape, tensorContent: new Uint8Array(content) };
}
