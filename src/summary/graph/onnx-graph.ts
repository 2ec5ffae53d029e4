/**
 * ONNX models as graphs: operators, inputs, outputs and the shapes of weights. The weights themselves are not read.
 *
 * Source: onnx/onnx.proto. A value is named by the operator that makes it, so edges are found by the names of values.
 */

import { onnx } from '../../wire/generated/graph.js';
import { describe } from '../arguments.js';
import type { GraphAttribute, GraphDataType, GraphShape } from './graph-attributes.js';
import { GraphBuilder } from './graph-builder.js';
import { invalidGraph } from './invalid-graph.js';
import { NodeNames } from './node-names.js';

/** Element types by their numbers in ONNX. */
const DATA_TYPES: Readonly<Record<number, GraphDataType>> = {
  1: 'float',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'half',
  11: 'double',
  12: 'uint32',
  13: 'uint64',
  14: 'complex64',
  15: 'complex128',
  16: 'bfloat16',
};

const { AttributeType } = onnx.AttributeProto;

/** Converts the bytes of an ONNX model to a serialized `GraphDef`. Throws `ERR_GRAPH_INVALID`. */
export function onnxToGraphDef(model: Uint8Array): Uint8Array {
  if (!(model instanceof Uint8Array)) throw invalidGraph(`model is ${describe(model)}, expected bytes`);
  let graph: onnx.IGraphProto | null | undefined;
  try {
    ({ graph } = onnx.ModelProto.decode(model));
  } catch (cause) {
    throw invalidGraph(`model has ${model.length} bytes that are no ONNX model`, { cause });
  }
  if (graph == null) throw invalidGraph(`model has ${model.length} bytes without an ONNX graph`);
  const converter = new OnnxConverter();
  converter.addGraph(graph, '', new Map());
  return converter.builder.toGraphDef();
}

/** Where each value comes from: `node` or `node:output`. */
type Producers = Map<string, string>;

class OnnxConverter {
  readonly builder = new GraphBuilder();
  readonly #names = new NodeNames();

  /** Adds the nodes of a graph below `scope`; values of the graph around it are in `outer`. Gives what makes its outputs. */
  addGraph(graph: onnx.IGraphProto, scope: string, outer: Producers): string[] {
    const producers: Producers = new Map(outer);
    const shapes = readShapes(graph);
    this.#addConstants(graph, scope, producers);
    this.#addInputs(graph, scope, producers);
    const nodes = (graph.node ?? []).map((node, i) => {
      const name = this.#names.take(`${scope}${node.name || `${node.opType || 'node'}_${i}`}`);
      for (const [index, output] of (node.output ?? []).entries()) {
        if (output !== '') producers.set(output, index === 0 ? name : `${name}:${index}`);
      }
      return { node, name };
    });
    for (const { node, name } of nodes) this.#addNode(node, name, producers, shapes);
    return (graph.output ?? []).map(({ name }) => {
      const source = findProducer(producers, name ?? '', 'the graph');
      return this.builder.node({
        name: this.#names.take(`${scope}${name}`),
        op: 'Output',
        inputs: [source],
        attributes: shapes.get(name ?? '')?.attributes,
      });
    });
  }

  #addConstants(graph: onnx.IGraphProto, scope: string, producers: Producers): void {
    for (const { name, dims, dataType } of graph.initializer ?? []) {
      const shape = (dims ?? []).map(Number);
      const node = this.builder.node({
        name: this.#names.take(`${scope}${name}`),
        op: 'Const',
        attributes: toTypeAttributes(dataType, shape),
        outputShapes: [shape],
      });
      producers.set(name ?? '', node);
    }
  }

  #addInputs(graph: onnx.IGraphProto, scope: string, producers: Producers): void {
    const constants = new Set((graph.initializer ?? []).map(({ name }) => name));
    for (const value of graph.input ?? []) {
      if (constants.has(value.name)) continue;
      const { attributes, shape } = readType(value);
      const node = this.builder.node({
        name: this.#names.take(`${scope}${value.name}`),
        op: 'Placeholder',
        attributes,
        outputShapes: shape && [shape],
      });
      producers.set(value.name ?? '', node);
    }
  }

  #addNode(node: onnx.INodeProto, name: string, producers: Producers, shapes: Map<string, ValueType>): void {
    const attributes: Record<string, GraphAttribute> = {};
    const inputs = (node.input ?? [])
      .filter((input) => input !== '')
      .map((input) => findProducer(producers, input, name));
    if (node.domain) attributes.domain = node.domain;
    for (const attribute of node.attribute ?? []) {
      const key = attribute.name || 'attribute';
      const graphs = [...(attribute.g == null ? [] : [attribute.g]), ...(attribute.graphs ?? [])];
      for (const graph of graphs) inputs.push(...this.addGraph(graph, `${name}/${key}/`, producers));
      const value = graphs.length > 0 ? undefined : toAttribute(attribute);
      if (value !== undefined) attributes[key] = value;
    }
    const known = (node.output ?? []).map((output) => shapes.get(output)?.shape);
    const outputShapes = known.every((shape) => shape !== undefined) ? known : undefined;
    this.builder.node({ name, op: node.opType || 'unknown', inputs, attributes, outputShapes });
  }
}

function findProducer(producers: Producers, value: string, consumer: string): string {
  const producer = producers.get(value);
  if (producer !== undefined) return producer;
  throw invalidGraph(`${consumer} takes ${JSON.stringify(value)}, which nothing in the model makes`);
}

interface ValueType {
  readonly shape: GraphShape | undefined;
  readonly attributes: Record<string, GraphAttribute>;
}

function readShapes(graph: onnx.IGraphProto): Map<string, ValueType> {
  const values = [...(graph.valueInfo ?? []), ...(graph.output ?? [])];
  return new Map(values.map((value) => [value.name ?? '', readType(value)]));
}

function readType({ type }: onnx.IValueInfoProto): ValueType {
  const dims = type?.tensorType?.shape?.dim;
  // A dimension with a name, as `batch`, is one that is not known.
  const shape = dims?.map(({ dimValue }) => (dimValue == null ? null : Number(dimValue)));
  return { shape, attributes: toTypeAttributes(type?.tensorType?.elemType, shape) };
}

function toTypeAttributes(
  dataType: number | null | undefined,
  shape: GraphShape | undefined,
): Record<string, GraphAttribute> {
  const type = DATA_TYPES[dataType ?? 0];
  return {
    ...(type === undefined ? {} : { dtype: { type } }),
    ...(shape === undefined ? {} : { shape: { shape } }),
  };
}

/** An attribute's value; of tensors the shape; undefined for what has no form in a graph. */
function toAttribute(attribute: onnx.IAttributeProto): GraphAttribute | undefined {
  switch (attribute.type) {
    case AttributeType.FLOAT:
      return { float: attribute.f ?? 0 };
    case AttributeType.INT:
      return Number(attribute.i ?? 0);
    case AttributeType.STRING:
      return attribute.s ?? '';
    case AttributeType.TENSOR:
      return { shape: (attribute.t?.dims ?? []).map(Number) };
    case AttributeType.FLOATS:
      return (attribute.floats ?? []).map(Number);
    case AttributeType.INTS:
      return (attribute.ints ?? []).map(Number);
    case AttributeType.STRINGS:
      return (attribute.strings ?? []).map((bytes) => Buffer.from(bytes).toString());
    default:
      return undefined;
  }
}
