/**
 * Converts ONNX models to graphs: operators, inputs, outputs and the shapes of weights. Does not read the weights.
 *
 * Source: onnx/onnx.proto. The operator that produces a value names it, so edges are found by the names of values. A graph inside
 * a node (If, Loop, Scan) becomes a scope with its name. Each call of a function that the model defines is a single node.
 */

import { describe } from '../../base/describe.js';
import { onnx } from '../../format/wire/generated/onnx.js';
import type { GraphAttribute, GraphShape } from './graph-attributes.js';
import { GraphBuilder } from './graph-builder.js';
import { convertModel, invalidModel } from './invalid-graph.js';
import { NodeNames } from './node-names.js';
import { type OnnxType, readValueType, toAttribute, toShape, toTypeAttributes } from './onnx-types.js';

/** Converts the bytes of an ONNX model to a serialized `GraphDef`. Throws `ERR_GRAPH_INVALID`. */
export function onnxToGraphDef(model: Uint8Array): Uint8Array {
  if (!(model instanceof Uint8Array)) throw invalidModel(`model is ${describe(model)}, expected bytes`);
  let graph: onnx.IGraphProto | null | undefined;
  try {
    ({ graph } = onnx.ModelProto.decode(model));
  } catch (cause) {
    throw invalidModel(`model has ${model.length} bytes, which are not an ONNX model`, { cause });
  }
  if (graph == null) throw invalidModel(`model has ${model.length} bytes, but no ONNX graph`);
  return convertModel(() => {
    const converter = new OnnxConverter();
    converter.addGraph(graph, '', new Map());
    return converter.builder.build();
  });
}

/** The source of each value: `node` or `node:output`. */
type Producers = Map<string, string>;

class OnnxConverter {
  readonly builder = new GraphBuilder();
  readonly #names = new NodeNames();

  /** Adds the nodes of a graph below `scope`; `outer` has the values of the surrounding graph. Returns the sources of the graph's outputs. */
  addGraph(graph: onnx.IGraphProto, scope: string, outer: Producers): string[] {
    const producers: Producers = new Map(outer);
    const types = readTypes(graph);
    this.#addConstants(graph, scope, producers);
    this.#addInputs(graph, scope, producers);
    const nodes = (graph.node ?? []).map((node, i) => {
      const name = this.#names.take(`${scope}${node.name || `${node.opType || 'node'}_${i}`}`);
      for (const [index, output] of (node.output ?? []).entries()) {
        if (output !== '') producers.set(output, index === 0 ? name : `${name}:${index}`);
      }
      return { node, name };
    });
    for (const { node, name } of nodes) this.#addNode(node, name, producers, types);
    return (graph.output ?? []).map((value) => {
      const name = value.name ?? '';
      const source = findProducer(producers, name, scope || 'the graph');
      return this.builder.node({
        name: this.#names.take(`${scope}${name}`),
        op: 'Output',
        inputs: [source],
        attributes: types.get(name)?.attributes,
      });
    });
  }

  #addConstants(graph: onnx.IGraphProto, scope: string, producers: Producers): void {
    const sparse = (graph.sparseInitializer ?? []).map(({ values, dims }) => ({ ...values, dims }));
    for (const { name, dims, dataType } of [...(graph.initializer ?? []), ...sparse]) {
      const shape = toShape(dims);
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
    const initializers = [
      ...(graph.initializer ?? []),
      ...(graph.sparseInitializer ?? []).map(({ values }) => values),
    ];
    const constants = new Set(initializers.map((initializer) => initializer?.name));
    for (const { name, type } of graph.input ?? []) {
      if (constants.has(name)) continue;
      const { attributes, shape } = readValueType(type);
      const node = this.builder.node({
        name: this.#names.take(`${scope}${name}`),
        op: 'Placeholder',
        attributes,
        outputShapes: shape && [shape],
      });
      producers.set(name ?? '', node);
    }
  }

  #addNode(node: onnx.INodeProto, name: string, producers: Producers, types: Map<string, OnnxType>): void {
    const attributes: [string, GraphAttribute][] = [];
    const inputs = (node.input ?? [])
      .filter((input) => input !== '')
      .map((input) => findProducer(producers, input, name));
    if (node.domain) attributes.push(['domain', node.domain]);
    for (const attribute of node.attribute ?? []) {
      const key = attribute.name || 'attribute';
      const graphs = [...(attribute.g == null ? [] : [attribute.g]), ...(attribute.graphs ?? [])];
      for (const [i, graph] of graphs.entries()) {
        const scope = `${name}/${key}${graphs.length > 1 ? `_${i}` : ''}/`;
        for (const input of this.addGraph(graph, scope, producers)) inputs.push(input);
      }
      if (graphs.length === 0) attributes.push([key, toAttribute(attribute)]);
    }
    this.builder.node({
      name,
      op: node.opType || 'unknown',
      inputs,
      attributes: Object.fromEntries(attributes),
      outputShapes: findShapes(node.output ?? [], types),
    });
  }
}

/** The shapes of a node's outputs; undefined if any of them is unknown. */
function findShapes(
  outputs: readonly string[],
  types: ReadonlyMap<string, OnnxType>,
): GraphShape[] | undefined {
  const shapes = outputs.map((output) => types.get(output)?.shape);
  return shapes.length > 0 && shapes.every((shape) => shape !== undefined) ? shapes : undefined;
}

function findProducer(producers: Producers, value: string, consumer: string): string {
  const producer = producers.get(value);
  if (producer !== undefined) return producer;
  throw invalidModel(`${consumer} has the input ${describe(value)}, which nothing in the model produces`);
}

function readTypes(graph: onnx.IGraphProto): Map<string, OnnxType> {
  const values = [...(graph.valueInfo ?? []), ...(graph.output ?? [])];
  return new Map(values.map(({ name, type }) => [name ?? '', readValueType(type)]));
}
