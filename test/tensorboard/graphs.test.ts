/** TensorBoard serves graphs of every source with both readers: each node with its inputs and attributes. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tensorboard } from '../../src/format/wire/generated/graph.js';
import { GraphBuilder, SummaryWriter } from '../../src/index.js';
import { KERAS_MODEL_TAG } from '../../src/summary/graph/graph-values.js';
import { layersModelToGraphDef } from '../../src/summary/graph/layers-model.js';
import { onnxToGraphDef } from '../../src/summary/graph/onnx-graph.js';
import { FIXTURES } from '../support/expected-runs.js';
import { describeWithPeers } from '../support/peers.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

const readFixture = (path: string) => readFileSync(join(FIXTURES, path));

/** Layers models, by file name. */
const MODELS = ['sequential', 'functional', 'twice'] as const;
const readModel = (name: string) => readFixture(`tfjs/${name}.json`).toString();

/** A graph with names that TensorBoard escapes, every kind of attribute, and a node with the name of a scope. */
function buildGraph(): GraphBuilder {
  const graph = new GraphBuilder();
  const content = Uint8Array.of(0, 0, 0, 0x3f);
  const input = graph.node({
    name: 'scope',
    op: 'Placeholder',
    outputShapes: [[null, 64], []],
    attributes: {
      text: 'a "b"\n\\ é',
      bytes: Uint8Array.of(0xff, 0),
      int: -(2n ** 63n),
      float: 0.5,
      bool: false,
      type: { type: 'bfloat16' },
      shape: { shape: [0, null] },
      tensor: { tensor: { type: 'float', shape: [1], content } },
    },
  });
  graph.node({
    name: 'scope/ä"\\[0]',
    op: 'Op',
    inputs: [input, `${input}:1`],
    controlInputs: [input],
    device: '/device:GPU:0',
    attributes: {
      texts: ['a', ''],
      ints: [1, 2n ** 40n].map(BigInt),
      floats: [0.5, 1],
      bools: [true],
      types: [{ type: 'half' }],
    },
  });
  return graph;
}

/** For each run, the bytes of its graph and a function that writes it. */
const GRAPHS: Record<string, { graphDef: Uint8Array; add: (writer: SummaryWriter) => void }> = {
  builder: { graphDef: buildGraph().build(), add: (writer) => writer.addGraph(buildGraph()) },
  raw: { graphDef: buildGraph().build(), add: (writer) => writer.addGraph(buildGraph().build()) },
  ...Object.fromEntries(
    ['perceptron', 'condition', 'attributes'].map((name) => {
      const graphDef = onnxToGraphDef(readFixture(`onnx/${name}.onnx`));
      return [name, { graphDef, add: (writer) => writer.addOnnxGraph(join(FIXTURES, `onnx/${name}.onnx`)) }];
    }),
  ),
  ...Object.fromEntries(
    MODELS.map((name) => {
      const graphDef = layersModelToGraphDef(readModel(name));
      return [name, { graphDef, add: (writer) => writer.addLayersModel(readModel(name)) }];
    }),
  ),
};

const ESCAPES: Record<string, string> = {
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '"': '\\"',
  "'": "\\'",
  '\\': '\\\\',
};

/** Returns Protobuf's text form: strings with escaped control characters, bytes with octal escapes beyond ASCII. */
function quote(value: Uint8Array | string): string {
  const characters = typeof value === 'string' ? [...value] : [...Buffer.from(value).toString('latin1')];
  const isPlain = typeof value === 'string' ? /[^\p{Cc}]/u : /[ -~]/;
  const escaped = characters.map((character) => {
    if (ESCAPES[character] !== undefined) return ESCAPES[character];
    return isPlain.test(character) ? character : `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;
  });
  return `"${escaped.join('')}"`;
}

const { DataType } = tensorboard;

/** Returns the lines of an attribute's value in Protobuf's text form, without indentation. */
function printValue({ s, i, f, b, type, shape, tensor, list }: tensorboard.IAttrValue): string[] {
  if (list != null) {
    const one = (key: string, items: readonly unknown[] | null | undefined) =>
      (items ?? []).flatMap((item) => printValue({ [key]: item }));
    const { s, i, f, b, type, shape } = list;
    const values = [
      one('s', s),
      one('i', i),
      one('f', f),
      one('b', b),
      one('type', type),
      one('shape', shape),
    ];
    return ['list {', ...values.flat(), '}'];
  }
  if (s != null) return [`s: ${quote(s)}`];
  if (i != null) return [`i: ${i}`];
  if (f != null) return [`f: ${f}`];
  if (b != null) return [`b: ${b}`];
  if (type != null) return [`type: ${DataType[type]}`];
  if (shape != null) return ['shape {', ...printShape(shape), '}'];
  const dtype = `dtype: ${DataType[tensor!.dtype!]}`;
  const tensorShape = ['tensor_shape {', ...printShape(tensor!.tensorShape!), '}'];
  return ['tensor {', dtype, ...tensorShape, `tensor_content: ${quote(tensor!.tensorContent!)}`, '}'];
}

function printShape({ dim }: tensorboard.ITensorShapeProto): string[] {
  return (dim ?? []).flatMap(({ size }) => ['dim {', ...(Number(size) === 0 ? [] : [`size: ${size}`]), '}']);
}

/** Returns the fields of a node without attributes, then each attribute, sorted by text. */
function printNode({ name, op, input, device, attr }: tensorboard.INodeDef): string[] {
  const fields = [
    `name: ${quote(name!)}`,
    ...(op ? [`op: ${quote(op)}`] : []),
    ...(input ?? []).map((source) => `input: ${quote(source)}`),
    ...(device ? [`device: ${quote(device)}`] : []),
  ];
  const attributes = Object.entries(attr ?? {}).map(([key, value]) =>
    ['attr {', `key: ${quote(key)}`, 'value {', ...printValue(value), '}', '}'].join('\n'),
  );
  return [['node {', ...fields, '}'].join('\n'), ...attributes.sort()];
}

function printGraph(graphDef: Uint8Array): string[][] {
  const { node, versions } = tensorboard.GraphDef.decode(graphDef);
  return [...node.map(printNode), [`versions {\nproducer: ${versions!.producer}\n}`]];
}

/** Reads the response of `graphs/graph` in the form of `printGraph`. Sorts attributes, because their order is not defined. */
async function readGraph(board: TensorBoard, query: Record<string, string>): Promise<string[][]> {
  const text = Buffer.from(await board.getBytes('plugin/graphs/graph', query)).toString();
  const attribute = /^ {2}attr \{\n[\s\S]*?^ {2}\}\n/gm;
  return text.split(/^(?=\w+ \{)/m).map((part) => {
    const pieces = [part.replace(attribute, ''), ...(part.match(attribute) ?? []).sort()];
    return pieces.map((piece) => piece.replace(/^ +/gm, '').trim());
  });
}

describeWithPeers(['tensorboard'], 'graphs in TensorBoard', () => {
  it.each([true, false])('have each node with inputs and attributes, with load_fast %s', async (fast) => {
    const logdir = createTempDir();
    for (const [run, { add }] of Object.entries(GRAPHS)) {
      await using writer = new SummaryWriter(join(logdir, run));
      add(writer);
    }
    const board = await TensorBoard.start({ logdir, fast });

    const info = await board.waitFor('plugin/graphs/info', {}, (answer) => {
      const runs = answer as Record<string, { tags: object }>;
      const isThere = MODELS.every((name) => Object.keys(runs[name]?.tags ?? {}).length === 1);
      return isThere && Object.keys(runs).length === Object.keys(GRAPHS).length ? runs : undefined;
    });
    const tag = KERAS_MODEL_TAG;
    const conceptual = { [tag]: { tag, conceptual_graph: true, op_graph: false, profile: false } };
    for (const [run, { graphDef }] of Object.entries(GRAPHS)) {
      const tags = (MODELS as readonly string[]).includes(run) ? conceptual : {};
      expect(info[run]).toEqual({ run, run_graph: true, tags });
      expect(await readGraph(board, { run }), run).toEqual(printGraph(graphDef));
    }

    // TensorBoard's conceptual view of Keras models has the same nodes and edges.
    for (const run of MODELS) {
      const served = await readGraph(board, { run, tag, conceptual: 'true' });
      expect(describeNodes(served), run).toEqual(describeNodes(printGraph(GRAPHS[run]!.graphDef)));
    }
    expect(board.output()).not.toMatch(/warn|error|exception|traceback/i);
  });
});

/** Returns the name and inputs of each node of a printed graph. The Keras view does not distinguish the outputs of a layer. */
function describeNodes(graph: readonly string[][]): string[] {
  return graph.flatMap(([node = '']) => {
    const names = [...node.matchAll(/^(?:name|input): "(.*?)(?::\d+)?"$/gm)].map(([, name]) => name);
    return names.length === 0 ? [] : [names.join(' ')];
  });
}
