/**
 * Graphs of operations, node by node: what the graphs dashboard draws.
 *
 * Source: tensorflow/core/framework/{graph,node_def}.proto. `/` in names makes scopes; an input is the name of a node, with
 * `:<n>` for its n-th output; a control input begins with `^`.
 */

import { tensorboard } from '../../format/wire/generated/graph.js';
import { describe } from '../arguments.js';
import { type GraphAttribute, type GraphShape, parseAttrValue } from './graph-attributes.js';
import { checkInputs } from './graph-def.js';
import { invalidGraph } from './invalid-graph.js';
import { isPlainName } from './node-names.js';

export interface GraphNode {
  /** Unique, without spaces, `^` and `:`; `/` makes scopes, as in `encoder/dense_1/matmul`. A node may be named as a scope. */
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

  /** Adds a copy of a node; gives its name, for the inputs of others. Throws `ERR_GRAPH_INVALID`. */
  node(node: GraphNode): string {
    if (typeof node !== 'object' || node === null) {
      throw invalidGraph(`node is ${describe(node)}, expected { name, op, … }`);
    }
    const { name, op, device = '' } = node;
    checkText('name of a node', name);
    if (!isPlainName(name)) throw invalidGraph(`${JSON.stringify(name)} is no name of a node`);
    if (this.#nodes.has(name)) throw invalidGraph(`node ${name} is there already`);
    checkText(`op of node ${name}`, op);
    if (device !== '') checkText(`device of node ${name}`, device);
    const inputs = parseNames(`inputs of node ${name}`, node.inputs);
    const controlInputs = parseNames(`controlInputs of node ${name}`, node.controlInputs);
    this.#nodes.set(name, {
      name,
      op,
      input: [...inputs, ...controlInputs.map((input) => `^${input}`)],
      ...(device === '' ? {} : { device }),
      attr: parseAttributes(name, node),
    });
    return name;
  }

  /** The serialized `GraphDef`. Throws `ERR_GRAPH_INVALID` when there is no node, or an input names none. */
  build(): Uint8Array {
    if (this.#nodes.size === 0) throw invalidGraph('the graph has no nodes');
    const node = [...this.#nodes.values()];
    checkInputs(node, this.#nodes);
    return tensorboard.GraphDef.encode({ node, versions: { producer: PRODUCER } }).finish();
  }
}

/** Attributes in the order of their names, as protobuf's deterministic form has them. */
function parseAttributes(
  node: string,
  { attributes = {}, outputShapes }: GraphNode,
): Record<string, tensorboard.IAttrValue> {
  if (typeof attributes !== 'object' || attributes === null) {
    throw invalidGraph(`attributes of node ${node} is ${describe(attributes)}, expected an object`);
  }
  const all = new Map<string, GraphAttribute>(Object.entries(attributes));
  if (outputShapes !== undefined) {
    if (!Array.isArray(outputShapes)) {
      throw invalidGraph(
        `outputShapes of node ${node} is ${describe(outputShapes)}, expected a list of shapes`,
      );
    }
    all.set(
      '_output_shapes',
      outputShapes.map((shape) => ({ shape })),
    );
  }
  const entries = [...all].map(([key, attribute]) => {
    checkText(`name of an attribute of node ${node}`, key);
    return [key, parseAttrValue(`${key} of node ${node}`, attribute)] as const;
  });
  entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return Object.fromEntries(entries);
}

function parseNames(what: string, names: unknown = []): readonly string[] {
  if (!Array.isArray(names)) throw invalidGraph(`${what} is ${describe(names)}, expected a list of names`);
  for (const name of names) checkText(`one of ${what}`, name);
  return names as string[];
}

function checkText(what: string, text: unknown): void {
  if (typeof text !== 'string') throw invalidGraph(`${what} is ${describe(text)}, expected a text`);
  if (text === '') throw invalidGraph(`${what} is empty, expected a text`);
  if (!text.isWellFormed()) throw invalidGraph(`${what} has a lone surrogate: ${JSON.stringify(text)}`);
}
