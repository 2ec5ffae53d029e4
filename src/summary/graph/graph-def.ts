/** Validates a `GraphDef`, so that TensorBoard's page can draw it. */

import { describe } from '../../base/describe.js';
import { tensorboard } from '../../format/wire/generated/graph.js';
import { invalidGraph } from './invalid-graph.js';
import { isDrawableName } from './node-names.js';

/**
 * Validates a serialized `GraphDef` and returns an identical copy. Throws `ERR_GRAPH_INVALID`.
 *
 * Inputs may name nodes that do not exist: PyTorch writes such graphs, and TensorBoard draws them.
 */
export function parseGraphDef(graphDef: Uint8Array): Uint8Array {
  if (!(graphDef instanceof Uint8Array)) {
    throw invalidGraph(`graph is ${describe(graphDef)}, expected a GraphBuilder or the bytes of a GraphDef`);
  }
  let graph: tensorboard.GraphDef;
  try {
    graph = tensorboard.GraphDef.decode(graphDef);
  } catch (cause) {
    throw invalidGraph(`graph has ${graphDef.length} bytes, which are not a GraphDef`, { cause });
  }
  if (graph.node.length === 0) throw invalidGraph(`graph has ${graphDef.length} bytes, but no GraphDef node`);
  checkNames(graph.node);
  // Not `slice()`: a Buffer's `slice()` shares its memory.
  return new Uint8Array(graphDef);
}

/** Checks that node names are unique and can be drawn. Throws `ERR_GRAPH_INVALID`. */
function checkNames(nodes: readonly tensorboard.INodeDef[]): void {
  const names = new Set<string>();
  for (const node of nodes) {
    const name = node.name ?? '';
    if (!isDrawableName(name)) throw invalidGraph(`${describe(name)} is not a valid node name`);
    if (names.has(name)) throw invalidGraph(`two nodes have the name ${name}`);
    names.add(name);
  }
}

/** Checks that all inputs name existing nodes. Throws `ERR_GRAPH_INVALID`. */
export function checkInputs(
  nodes: Iterable<tensorboard.INodeDef>,
  names: Pick<ReadonlySet<string>, 'has'>,
): void {
  for (const { name, input } of nodes) {
    for (const reference of input ?? []) {
      if (names.has(toSourceName(reference))) continue;
      throw invalidGraph(`node ${name} has the input ${reference}, which is not a node of the graph`);
    }
  }
}

/** The name of the node in an input, without the `^` of a control input and the `:1` or `:out:1` of an output. */
function toSourceName(input: string): string {
  return input.replace(/^\^/, '').replace(/(:\w+)?:\d+$/, '');
}
