import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../../src/index.js';
import { parseGraphDef } from '../../../src/summary/graph/graph-def.js';
import { layersModelToGraphDef } from '../../../src/summary/graph/layers-model.js';
import { onnxToGraphDef } from '../../../src/summary/graph/onnx-graph.js';
import { tensorboard } from '../../../src/wire/generated/graph.js';

const fixtures = new URL('../../../fixtures/', import.meta.url);

function readFixture(path: string): Buffer {
  return readFileSync(new URL(path, fixtures));
}

/** The nodes of a graph: name, op, inputs, one line each. */
function describeNodes(graphDef: Uint8Array): string[] {
  return tensorboard.GraphDef.decode(graphDef).node.map(({ name, op, input }) =>
    [name, op, ...(input ?? [])].join(' '),
  );
}

/** An attribute of a node, decoded. */
function attributeOf(
  graphDef: Uint8Array,
  node: string,
  attribute: string,
): tensorboard.IAttrValue | undefined {
  return tensorboard.GraphDef.decode(graphDef).node.find(({ name }) => name === node)?.attr?.[attribute];
}

const refused = expect.objectContaining({ code: 'ERR_GRAPH_INVALID' });

describe('GraphBuilder', () => {
  it('serializes what the official classes serialize', () => {
    const golden = JSON.parse(readFixture('golden/events.json').toString()) as {
      name: string;
      eventHex: string;
    }[];
    const graph = new GraphBuilder();
    const shape = { shape: [null, 64] };
    const content = Uint8Array.of(0, 0, 0, 0x3f, 0, 0, 0, 0xbf);
    const dtype = { type: 'float' } as const;
    graph.node({ name: 'input/x', op: 'Placeholder', attributes: { shape, dtype } });
    graph.node({
      name: 'dense/w',
      op: 'Const',
      device: '/device:CPU:0',
      attributes: { dtype, value: { tensor: { type: 'float', shape: [2], content } } },
    });
    graph.node({
      name: 'dense/matmul',
      op: 'MatMul',
      inputs: ['input/x', 'dense/w'],
      attributes: { T: dtype, transpose_a: false, transpose_b: true },
    });
    graph.node({
      name: 'softmax',
      op: 'Softmax',
      inputs: ['dense/matmul:0'],
      controlInputs: ['input/x'],
      attributes: { axis: -1, axes: [0, -1], scale: 0.5, label: Buffer.from('636c61737320ff', 'hex') },
      outputShapes: [[10]],
    });

    const hex = Buffer.from(graph.toGraphDef()).toString('hex');

    expect(golden.find(({ name }) => name === 'graph/event')?.eventHex).toContain(hex);
  });

  it('writes the numbers that are meant', () => {
    const graph = new GraphBuilder();
    const attributes = {
      a: 3,
      b: { float: 3 },
      c: 2n ** 62n,
      d: -1n,
      e: { int: 5n },
      f: [0.5, 2],
      g: ['x', ''],
    };
    graph.node({ name: 'n', op: 'N', attributes });
    const graphDef = graph.toGraphDef();

    expect(attributeOf(graphDef, 'n', 'b')).toMatchObject({ f: 3 });
    const integers = ['a', 'c', 'd', 'e'].map((name) => String(attributeOf(graphDef, 'n', name)?.i));
    expect(integers).toEqual(['3', String(2n ** 62n), '-1', '5']);
    expect(attributeOf(graphDef, 'n', 'f')?.list?.f).toEqual([0.5, 2]);
    expect(attributeOf(graphDef, 'n', 'g')?.list?.s?.map((text) => Buffer.from(text).toString())).toEqual([
      'x',
      '',
    ]);
  });

  it.each([
    ['no nodes', (): unknown => new GraphBuilder().toGraphDef()],
    ['an empty name', (): unknown => new GraphBuilder().node({ name: '', op: 'X' })],
    ['an empty op', (): unknown => new GraphBuilder().node({ name: 'x', op: '' })],
    ['a name with a space', (): unknown => build({ name: 'a b', op: 'X' })],
    ['a name with a colon', (): unknown => build({ name: 'a:0', op: 'X' })],
    ['an input that names no node', (): unknown => build({ name: 'a', op: 'X', inputs: ['b'] })],
    ['a name twice', (): unknown => build({ name: 'a', op: 'X' }, { name: 'a', op: 'X' })],
    [
      'a list of several kinds',
      (): unknown => build({ name: 'a', op: 'X', attributes: { x: [1, 'a'] as never } }),
    ],
    [
      'a type that is none',
      (): unknown => build({ name: 'a', op: 'X', attributes: { x: { type: 'f' } as never } }),
    ],
    ['an integer beyond int64', (): unknown => build({ name: 'a', op: 'X', attributes: { x: 2n ** 63n } })],
  ])('refuses %s', (_title, call) => {
    expect(call).toThrow(refused);
  });
});

function build(...nodes: Parameters<GraphBuilder['node']>[0][]): Uint8Array {
  const graph = new GraphBuilder();
  for (const node of nodes) graph.node(node);
  return graph.toGraphDef();
}

describe('parseGraphDef', () => {
  it('gives a graph as it is', () => {
    const graphDef = build({ name: 'a', op: 'X' }, { name: 'b/c', op: 'Y', inputs: ['a:1', '^a'] });

    expect(parseGraphDef(graphDef)).toEqual(graphDef);
  });

  it.each([
    ['bytes that are no message', Uint8Array.of(0xff, 0xff, 0xff)],
    ['no bytes', new Uint8Array()],
    ['a graph whose input names no node', Buffer.from('0a090a01611201581a0162', 'hex')],
    ['text', 'graph' as never],
  ])('refuses %s', (_title, bytes) => {
    expect(() => parseGraphDef(bytes)).toThrow(refused);
  });
});

describe('onnxToGraphDef', () => {
  it('makes a node of each operator, weight, input and output', () => {
    const graphDef = onnxToGraphDef(readFixture('onnx/perceptron.onnx'));

    expect(describeNodes(graphDef)).toEqual([
      'dense/w Const',
      'dense/b Const',
      'k Const',
      'x Placeholder',
      'dense/gemm Gemm x dense/w dense/b',
      'top TopK dense/gemm k',
      'Softmax_2 Softmax top',
      'probabilities Output Softmax_2',
      'indices Output top:1',
    ]);
    expect(attributeOf(graphDef, 'dense/gemm', 'alpha')).toMatchObject({ f: 0.5 });
    expect(Number(attributeOf(graphDef, 'top', 'largest')?.i)).toBe(1);
    const [outputs] = attributeOf(graphDef, 'dense/gemm', '_output_shapes')?.list?.shape ?? [];
    expect(outputs?.dim?.map(({ size }) => Number(size))).toEqual([-1, 3]);
    expect(attributeOf(graphDef, 'dense/w', 'dtype')?.type).toBe(1);
  });

  it('puts graphs inside of nodes into scopes', () => {
    expect(describeNodes(onnxToGraphDef(readFixture('onnx/condition.onnx')))).toEqual([
      'flag Placeholder',
      'x Placeholder',
      'if/else_branch/neg Neg x',
      'if/else_branch/else_out Output if/else_branch/neg',
      'if/then_branch/relu Relu x',
      'if/then_branch/then_out Output if/then_branch/relu',
      'if If flag if/else_branch/else_out if/then_branch/then_out',
      'y Output if',
    ]);
  });

  it.each([
    ['bytes that are no message', Uint8Array.of(0xff, 0xff)],
    ['a model without a graph', Uint8Array.of(8, 8)],
  ])('refuses %s', (_title, bytes) => {
    expect(() => onnxToGraphDef(bytes)).toThrow(refused);
  });
});

describe('layersModelToGraphDef', () => {
  it('makes a chain of a sequential model', () => {
    const graphDef = layersModelToGraphDef(readFixture('tfjs/sequential.json').toString());

    expect(describeNodes(graphDef)).toEqual([
      'digits/conv Conv2D',
      'digits/flat Flatten digits/conv',
      'digits/dense Dense digits/flat',
    ]);
    expect(Number(attributeOf(graphDef, 'digits/conv', 'filters')?.i)).toBe(4);
    const shape = attributeOf(graphDef, 'digits/conv', 'batch_input_shape')?.shape;
    expect(shape?.dim?.map(({ size }) => Number(size))).toEqual([-1, 8, 8, 1]);
  });

  it('follows several inputs, shared layers and models in models', () => {
    const model = JSON.parse(readFixture('tfjs/functional.json').toString()) as unknown;

    expect(describeNodes(layersModelToGraphDef(model))).toEqual([
      'siamese/left InputLayer',
      'siamese/right InputLayer',
      'siamese/shared Dense siamese/left siamese/right',
      'siamese/joined Concatenate siamese/shared siamese/shared',
      'siamese/head/squeeze Dense siamese/joined',
      'siamese/head/score Dense siamese/head/squeeze',
    ]);
  });

  it('reads the history of Keras 3', () => {
    const history = (name: string) => ({
      class_name: '__keras_tensor__',
      config: { keras_history: [name, 0, 0] },
    });
    const model = {
      class_name: 'Functional',
      config: {
        name: 'm',
        layers: [
          { class_name: 'InputLayer', config: { name: 'in' }, name: 'in', inbound_nodes: [] },
          {
            class_name: 'Dense',
            config: { name: 'out' },
            name: 'out',
            inbound_nodes: [{ args: [history('in')] }],
          },
        ],
        input_layers: ['in', 0, 0],
        output_layers: ['out', 0, 0],
      },
    };

    expect(describeNodes(layersModelToGraphDef(model))).toEqual(['m/in InputLayer', 'm/out Dense m/in']);
  });

  it.each([
    ['text that is no JSON', '{'],
    ['a graph model', { modelTopology: { node: [] } }],
    ['null', null],
    ['a layer alone', { class_name: 'Dense', config: {} }],
    [
      'an input from a layer that is not there',
      {
        class_name: 'Model',
        config: {
          layers: [{ class_name: 'Dense', name: 'a', config: {}, inbound_nodes: [[['b', 0, 0, {}]]] }],
          input_layers: [['a', 0, 0]],
        },
      },
    ],
  ])('refuses %s', (_title, model) => {
    expect(() => layersModelToGraphDef(model)).toThrow(refused);
  });
});
