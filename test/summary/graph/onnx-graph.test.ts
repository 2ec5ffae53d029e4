import { describe, expect, it } from 'vitest';
import { loadMessageType } from '../../../bench/support/proto.mjs';
import { onnxToGraphDef } from '../../../src/summary/graph/onnx-graph.js';
import { attributesOf, describeNodes, readFixture, refused } from './graph-nodes.js';

const ModelProto = loadMessageType('onnx', 'onnx.ModelProto');

describe('onnxToGraphDef', () => {
  it('creates a node for each operator, weight, input and output', () => {
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
    expect(attributesOf(graphDef, 'dense/gemm')).toEqual({
      _output_shapes: [{ shape: [-1, 3] }],
      alpha: 0.5,
      transB: 0n,
    });
    expect(attributesOf(graphDef, 'top')).toMatchObject({ axis: 1n, largest: 1n });
    expect(attributesOf(graphDef, 'dense/w')).toEqual({
      _output_shapes: [{ shape: [4, 3] }],
      dtype: { type: 1 },
      shape: { shape: [4, 3] },
    });
    expect(attributesOf(graphDef, 'x')).toEqual({
      _output_shapes: [{ shape: [-1, 4] }],
      dtype: { type: 1 },
      shape: { shape: [-1, 4] },
    });
    expect(attributesOf(graphDef, 'indices')).toEqual({ dtype: { type: 9 }, shape: { shape: [-1, 2] } });
  });

  it('converts graphs inside nodes to scopes', () => {
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

  it('keeps every kind of attribute', () => {
    const graphDef = onnxToGraphDef(readFixture('onnx/attributes.onnx'));

    expect(describeNodes(graphDef)).toEqual([
      'f8 Const',
      'sparse/w Const',
      'x Placeholder',
      'every_thing Everything x sparse/w f8',
      'y Output every_thing',
      'items Output every_thing:1',
    ]);
    expect(attributesOf(graphDef, 'every_thing')).toEqual({
      domain: 'example',
      float: 2,
      int: 2n ** 63n - 1n,
      string: '\ufffd text',
      tensor: { shape: [2, 3] },
      sparse: { shape: [4, 4] },
      type: 'optional(tensor(int64))',
      floats: [1, 2],
      ints: [-1n, 2n ** 62n + 1n],
      strings: ['a', ''],
      tensors: [{ shape: [2, 3] }, { shape: [2, 3] }],
      types: ['seq(tensor(int64))'],
      empty: [],
      untyped: 0n,
    });
    expect(attributesOf(graphDef, 'y')).toEqual({ onnx_type: 'float8e4m3fn', shape: { shape: [0, 4] } });
    expect(attributesOf(graphDef, 'items')).toEqual({ onnx_type: 'seq(tensor(int64))' });
  });

  it('makes names unique', () => {
    const graph = {
      node: [0, 1, 2].map(() => ({ name: 'add', opType: 'Add', input: ['x'], output: ['x'] })),
      input: [{ name: 'x' }],
      output: [{ name: 'add' }],
    };
    graph.node[1]!.output = ['add'];

    expect(describeNodes(onnxToGraphDef(ModelProto.encode({ graph }).finish()))).toEqual([
      'x Placeholder',
      'add Add add_2',
      'add_1 Add add_2',
      'add_2 Add add_2',
      'add_3 Output add_1',
    ]);
  });

  it('rejects a model with an input that nothing produces, and names it', () => {
    const graph = { node: [{ name: 'add', opType: 'Add', input: ['missing'], output: ['y'] }] };

    expect(() => onnxToGraphDef(ModelProto.encode({ graph }).finish())).toThrow(
      expect.objectContaining({
        code: 'ERR_GRAPH_INVALID',
        message: 'add has the input "missing", which nothing in the model produces',
      }),
    );
  });

  it.each([
    ['bytes that are not a message', Uint8Array.of(0xff, 0xff)],
    ['half a model', readFixture('onnx/perceptron.onnx').subarray(0, 300)],
    ['a model without a graph', Uint8Array.of(8, 8)],
    ['a model without nodes', ModelProto.encode({ graph: {} }).finish()],
    ['a path', 'model.onnx' as never],
  ])('rejects %s', (_title, bytes) => {
    expect(() => onnxToGraphDef(bytes)).toThrow(refused);
  });
});
