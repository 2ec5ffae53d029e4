/**
 * Checks of a `GraphDef`: what TensorBoard's page needs to draw it.
 */

import { tensorboard } from '../../format/wire/generated/graph.js';
import { describe } from '../arguments.js';
import { invalidGraph } from './invalid-graph.js';
import { isDrawableName } from './node-names.js';

/**
 * Checks a serialized `GraphDef` and gives a copy of it, byte by byte. Throws `ERR_GRAPH_INVALID`.
 *
 * Inputs may name nodes that are not there: PyTorch writes such graphs, and TensorBoard draws them.
 */
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
  if (graph.node.length === 0)
    throw invalidGraph(`graph has ${graphDef.length} bytes without a GraphDef node`);
  checkNames(graph.node);
  // Not `slice()`: that of a Buffer shares its memory.
  return new Uint8Array(graphDef);
}

/** Checks that nodes have names of their own that can be drawn. Throws `ERR_GRAPH_INVALID`. */
function checkNames(nodes: readonly tensorboard.INodeDef[]): void {
  const names = new Set<string>();
  for (const node of nodes) {
    const name = node.name ?? '';
    if (!isDrawableName(name)) throw invalidGraph(`${JSON.stringify(name)} is no name of a node`);
    if (names.has(name)) throw invalidGraph(`two nodes have the name ${name}`);
    names.add(name);
  }
}

/** Checks that inputs name nodes. Throws `ERR_GRAPH_INVALID`. */
export function checkInputs(
  nodes: Iterable<tensorboard.INodeDef>,
  names: Pick<ReadonlySet<string>, 'has'>,
): void {
  for (const { name, input } of nodes) {
    for (const reference of input ?? []) {
      if (names.has(toSourceName(reference))) continue;
      throw invalidGraph(`node ${name} has the input ${reference}, which names no node`);
    }
  }
}

/** The name of the node that an input names: without the `^` of a control input and the `:1` or `:out:1` of an output. */
function toSourceName(input: string): string {
  return input.replace(/^\^/, '').replace(/(:\w+)?:\d+$/, '');
}
