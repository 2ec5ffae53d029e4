/** Graphs in a form that is easy to compare in tests. */

import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { tensorboard } from '../../../src/format/wire/generated/graph.js';
import { GraphBuilder, type GraphNode } from '../../../src/index.js';

export const refused = expect.objectContaining({
  code: 'ERR_GRAPH_INVALID',
  hint: expect.stringMatching(/^(Give every node|Pass a model)/),
});

export function readFixture(path: string): Buffer {
  return readFileSync(new URL(`../../../fixtures/${path}`, import.meta.url));
}

/** The nodes of a graph, one line each: name, op, inputs. */
export function describeNodes(graphDef: Uint8Array): string[] {
  return tensorboard.GraphDef.decode(graphDef).node.map(({ name, op, input }) =>
    [name, op, ...(input ?? [])].join(' '),
  );
}

/** The attributes of a node: texts, numbers (integers as bigints), booleans, `{ type }`, `{ shape }`, or lists of them. */
export function attributesOf(graphDef: Uint8Array, node: string): Record<string, unknown> {
  const found = tensorboard.GraphDef.decode(graphDef).node.find(({ name }) => name === node);
  return Object.fromEntries(Object.entries(found?.attr ?? {}).map(([key, value]) => [key, toPlain(value)]));
}

function toPlain({ list, s, i, f, b, type, shape }: tensorboard.IAttrValue): unknown {
  if (list != null) {
    return [
      ...(list.s ?? []).map((item) => toPlain({ s: item })),
      ...(list.i ?? []).map((item) => toPlain({ i: item })),
      ...(list.f ?? []).map((item) => toPlain({ f: item })),
      ...(list.b ?? []).map((item) => toPlain({ b: item })),
      ...(list.type ?? []).map((item) => toPlain({ type: item })),
      ...(list.shape ?? []).map((item) => toPlain({ shape: item })),
    ];
  }
  if (s != null) return Buffer.from(s).toString();
  if (i != null) return BigInt(i.toString());
  if (shape != null) return { shape: (shape.dim ?? []).map(({ size }) => Number(size ?? 0)) };
  return type != null ? { type } : (f ?? b);
}

/** The bytes of a graph with these nodes. */
export function build(...nodes: GraphNode[]): Uint8Array {
  const graph = new GraphBuilder();
  for (const node of nodes) graph.node(node);
  return graph.build();
}
