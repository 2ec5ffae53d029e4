/**
 * Builds graphs of operations node by node, for the graphs dashboard.
 *
 * Source: tensorflow/core/framework/{graph,node_def}.proto. `/` in names creates scopes. An input is the name of a node, with
 * `:<n>` for its n-th output; a control input begins with `^`.
 */

import { describe } from '../../base/describe.js';
import { tensorboard } from '../../format/wire/generated/graph.js';
import { parseAttrValue } from './attribute-value.js';
import type { GraphAttribute, GraphShape } from './graph-attributes.js';
import { checkInputs } from './graph-def.js';
import { invalidGraph } from './invalid-graph.js';
import { isPlainName } from './node-names.js';

export interface GraphNode {
  /** A unique name without spaces, `^` and `:`. `/` creates scopes, as in `encoder/dense_1/matmul`. A node and a scope may have the same name. */
  readonly name: string;
  /** The operation, such as `MatMul`. */
  readonly op: string;
  /** The names of the nodes whose outputs this node uses, such as `dense/w` or `split:1`. They may be added later. */
  readonly inputs?: readonly string[] | undefined;
  /** The names of the nodes that must finish before this node. */
  readonly controlInputs?: readonly string[] | undefined;
  /** The device, such as `/device:GPU:0`. The dashboard can colour nodes by device. */
  readonly device?: string | undefined;
  readonly attributes?: Readonly<Record<string, GraphAttribute>> | undefined;
  /** The shape of each output; the dashboard shows it on the edges. */
  readonly outputShapes?: readonly GraphShape[] | undefined;
}

/** The graph version that TensorFlow has written since 1.0. */
const PRODUCER = 22;

export class GraphBuilder {
  readonly #nodes = new Map<string, tensorboard.INodeDef>();

  /** Adds a copy of a node. Returns its name, for use as an input of other nodes. Throws `ERR_GRAPH_INVALID`. */
  node(node: GraphNode): string {
    if (typeof node !== 'object' || node === null) {
      throw invalidGraph(`node is ${describe(node)}, expected { name, op, … }`);
    }
    const { name, op, device = '' } = node;
    checkText('name of a node', name);
    if (!isPlainName(name)) throw invalidGraph(`${describe(name)} is not a valid node name`);
    if (this.#nodes.has(name)) throw invalidGraph(`the graph already has a node named ${name}`);
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

  /** The serialized `GraphDef`. Throws `ERR_GRAPH_INVALID` when the graph has no nodes, or an input names an unknown node. */
  build(): Uint8Array {
    if (this.#nodes.size === 0) throw invalidGraph('the graph has no nodes');
    const node = [...this.#nodes.values()];
    checkInputs(node, this.#nodes);
    return tensorboard.GraphDef.encode({ node, versions: { producer: PRODUCER } }).finish();
  }
}

/** Sorts attributes by name, as in protobuf's deterministic form. */
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
  if (typeof text !== 'string') throw invalidGraph(`${what} is ${describe(text)}, expected a string`);
  if (text === '') throw invalidGraph(`${what} is empty, expected a non-empty string`);
  if (!text.isWellFormed()) throw invalidGraph(`${what} has a lone surrogate: ${describe(text)}`);
}
