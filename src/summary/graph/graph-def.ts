/**
 * Checks of a `GraphDef`: what TensorBoard's page needs to draw it.
 */

import { tensorboard } from '../../wire/generated/graph.js';
import { describe } from '../arguments.js';
import { invalidGraph } from './invalid-graph.js';

/** TensorFlow's rule for names of operations, in a wider form: whatever its importers write. */
const NAME_PATTERN = /^[^\s^:/][^\s^:]*$/;

/** Checks a serialized `GraphDef` and gives it as it is. Throws `ERR_GRAPH_INVALID`. */
export function parseGraphDef(graphDef: Uint8Array): Uint8Array {
  if (!(graphDef instanceof Uint8Array)) {
    throw invalidGraph(`graph is ${describe(graphDef)}, expected a GraphBuilder or the bytes of a GraphDef`);
  }
  let graph: tensorboard.GraphDef;
  try {
    graph = tensorboard.GraphDef.decode(graphDef);
  } catch (cause) {
    throw invalidGraph(`graph has ${graphDef.length} bytes that are no GraphDef`, { cause });
  }
  checkNodes(graph.node);
  return graphDef.slice();
}

/** Checks that there are nodes, with names of their own and inputs that name nodes. Throws `ERR_GRAPH_INVALID`. */
export function checkNodes(nodes: readonly tensorboard.INodeDef[]): void {
  if (nodes.length === 0) throw invalidGraph('the graph has no nodes');
  const names = new Set<string>();
  for (const { name } of nodes) {
    if (!name || !NAME_PATTERN.test(name) || name.endsWith('/')) {
      throw invalidGraph(`${JSON.stringify(name ?? '')} is no name of a node`);
    }
    if (names.has(name)) throw invalidGraph(`two nodes have the name ${name}`);
    names.add(name);
  }
  for (const { name, input } of nodes) {
    for (const reference of input ?? []) {
      const source = reference.replace(/^\^/, '').replace(/(:\w+)?:\d+$/, '');
      if (!names.has(source))
        throw invalidGraph(`node ${name} has the input ${reference}, which names no node`);
    }
  }
}
