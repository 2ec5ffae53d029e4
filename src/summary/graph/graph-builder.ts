/**
 * Graphs of operations, node by node: what the graphs dashboard draws.
 *
 * Source: tensorflow/core/framework/{graph,node_def}.proto. `/` in names makes scopes; an input is the name of a node, with
 * `:<n>` for its n-th output; a control input begins with `^`.
 */

import { tensorboard } from '../../wire/generated/graph.js';
import { describe } from '../arguments.js';
import { type GraphAttribute, type GraphShape, toAttrValue } from './graph-attributes.js';
import { checkNodes } from './graph-def.js';
import { invalidGraph } from './invalid-graph.js';

export interface GraphNode {
  /** Unique; letters, digits, `_`, `.`, `-`, and `/` for scopes, as in `encoder/dense_1/matmul`. */
  readonly name: string;
  /** What the node does, as `MatMul`. */
  readonly op: string;
  /** Names of the nodes whose outputs it takes, as `dense/w` or `split:1`; they may be added later. */
  readonly inputs?: readonly string[] | undefined;
  /** Names of the nodes that have to be done before it. */
  readonly controlInputs?: readonly string[] | undefined;
  /** Where it runs, as `/device:GPU:0`; the dashboard colours by it. */
  readonly device?: string | undefined;
  readonly attributes?: Readonly<Record<string, GraphAttribute>> | undefined;
  /** Shape of each output; drawn on the edges. */
  readonly outputShapes?: readonly GraphShape[] | undefined;
}

/** The version of graphs that TensorFlow has written since 1.0. */
const PRODUCER = 22;

export class GraphBuilder {
  readonly #nodes = new Map<string, tensorboard.INodeDef>();

  /** Adds a node; gives its name, for the inputs of others. Throws `ERR_GRAPH_INVALID`. */
  node(node: GraphNode): string {
    if (typeof node !== 'object' || node === null) throw invalidGraph(`node is ${describe(node)}`);
    const { name, op, inputs = [], controlInputs = [], device = '', outputShapes } = node;
    for (const [what, text] of Object.entries({ name, op, device })) {
      if (typeof text !== 'string' || (text === '' && what !== 'device')) {
        throw invalidGraph(`${what} of a node is ${text === '' ? 'empty' : describe(text)}, expected a text`);
      }
    }
    if (this.#nodes.has(name)) throw invalidGraph(`node ${name} is there already`);
    const attributes: Record<string, GraphAttribute> = { ...node.attributes };
    if (outputShapes !== undefined) attributes._output_shapes = outputShapes.map((shape) => ({ shape }));
    // In the order of their names, as protobuf's deterministic form has them.
    const names = Object.keys(attributes).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const attr = names.map((key) => [key, toAttrValue(key, attributes[key]!)]);
    this.#nodes.set(name, {
      name,
      op,
      input: [...inputs, ...controlInputs.map((input) => `^${input}`)],
      ...(device === '' ? {} : { device }),
      attr: Object.fromEntries(attr),
    });
    return name;
  }

  /** The serialized `GraphDef`. Throws `ERR_GRAPH_INVALID` when there is no node, or an input names none. */
  toGraphDef(): Uint8Array {
    const node = [...this.#nodes.values()];
    checkNodes(node);
    return tensorboard.GraphDef.encode({ node, versions: { producer: PRODUCER } }).finish();
  }
}
