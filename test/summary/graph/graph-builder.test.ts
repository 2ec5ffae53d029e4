import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../../src/index.js';
import { attributesOf, build, describeNodes, readFixture, refused } from './graph-nodes.js';

describe('GraphBuilder', () => {
  it('writes the same bytes as the official classes', () => {
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

    const hex = Buffer.from(graph.build()).toString('hex');

    for (const form of ['graph/event', 'graph/summary']) {
      expect(golden.find(({ name }) => name === form)?.eventHex, form).toContain(hex);
    }
  });

  it('writes each number with the intended type', () => {
    const graphDef = build({
      name: 'n',
      op: 'N',
      attributes: {
        whole: 3,
        float: { float: 3 },
        large: 2n ** 62n,
        last: -(2n ** 63n),
        int: { int: 5n },
        negative: -1,
        fraction: 0.5,
        nan: Number.NaN,
      },
    });

    expect(attributesOf(graphDef, 'n')).toEqual({
      whole: 3n,
      float: 3,
      large: 2n ** 62n,
      last: -(2n ** 63n),
      int: 5n,
      negative: -1n,
      fraction: 0.5,
      nan: Number.NaN,
    });
  });

  it('writes lists of each kind', () => {
    const attributes = {
      texts: ['x', ''],
      integers: [1, -2],
      bigints: [2n ** 62n, 0n],
      fractions: [0.5, 2],
      floats: [{ float: 1 }, { float: 2 }],
      ints: [{ int: 1 }],
      booleans: [true, false],
      types: [{ type: 'half' }, { type: 'int64' }] as const,
      shapes: [{ shape: [null, 0] }, { shape: [] }],
      empty: [],
    };

    expect(attributesOf(build({ name: 'n', op: 'N', attributes }), 'n')).toEqual({
      texts: ['x', ''],
      integers: [1n, -2n],
      bigints: [2n ** 62n, 0n],
      fractions: [0.5, 2],
      floats: [1, 2],
      ints: [1n],
      booleans: [true, false],
      types: [{ type: 19 }, { type: 9 }],
      shapes: [{ shape: [-1, 0] }, { shape: [] }],
      empty: [],
    });
  });

  it('orders attributes by the bytes of their names', () => {
    const graphDef = build({ name: 'n', op: 'N', attributes: { b: 1, B: 2, é: 3, _: 4, a: 5 } });

    expect(Object.keys(attributesOf(graphDef, 'n'))).toEqual(['B', '_', 'a', 'b', 'é']);
  });

  it('keeps copies of its arguments', () => {
    const graph = new GraphBuilder();
    const inputs = ['n'];
    const bytes = Buffer.from('before');
    graph.node({ name: 'n', op: 'N', inputs, attributes: { bytes } });
    inputs.push('elsewhere');
    bytes.write('behind');

    const graphDef = graph.build();

    expect(describeNodes(graphDef)).toEqual(['n N n']);
    expect(attributesOf(graphDef, 'n')).toEqual({ bytes: 'before' });
  });

  it('accepts inputs that are added later, and a node with the name of a scope', () => {
    const graphDef = build({ name: 'a', op: 'X', inputs: ['a/b:1'] }, { name: 'a/b', op: 'Y' });

    expect(describeNodes(graphDef)).toEqual(['a X a/b:1', 'a/b Y']);
  });

  it('replaces lone surrogates in text attributes', () => {
    const graphDef = build({ name: 'n', op: 'N', attributes: { label: 'a\ud800', list: ['\udc00'] } });

    expect(attributesOf(graphDef, 'n')).toEqual({ label: 'a\ufffd', list: ['\ufffd'] });
  });

  it.each<[string, () => unknown]>([
    ['no nodes', () => new GraphBuilder().build()],
    ['null instead of a node', () => new GraphBuilder().node(null as never)],
    ['an input that is not a node', () => build({ name: 'a', op: 'X', inputs: ['b'] })],
    ['a control input that is not a node', () => build({ name: 'a', op: 'X', controlInputs: ['b'] })],
    ['inputs that are not a list', () => build({ name: 'a', op: 'X', inputs: 'a' as never })],
    ['an input that is not a string', () => build({ name: 'a', op: 'X', inputs: [1 as never] })],
    ['a duplicate name', () => build({ name: 'a', op: 'X' }, { name: 'a', op: 'X' })],
    ['an empty op', () => build({ name: 'a', op: '' })],
    ['an op with a lone surrogate', () => build({ name: 'a', op: '\ud800' })],
    ['a device that is not a string', () => build({ name: 'a', op: 'X', device: 0 as never })],
    ['an attribute without a name', () => build({ name: 'a', op: 'X', attributes: { '': 1 } })],
    ['attributes that are not an object', () => build({ name: 'a', op: 'X', attributes: 1 as never })],
    ['shapes that are not a list', () => build({ name: 'a', op: 'X', outputShapes: 3 as never })],
  ])('rejects %s', (_title, call) => {
    expect(call).toThrow(refused);
  });

  it.each(['', ' ', 'a b', 'a:0', 'a:b', '^a', '/a', 'a/', 'a//b', 'a\n', 'a\ud800', 7])(
    'rejects the name %j',
    (name) => {
      expect(() => build({ name: name as string, op: 'X' })).toThrow(refused);
    },
  );

  it.each<[string, unknown]>([
    ['a list of several kinds', [1, 'a']],
    ['a list of shapes and types', [{ shape: [1] }, { type: 'float' }]],
    ['a list of lists', [[1]]],
    ['a list with null', [null]],
    ['a list of tensors', [{ tensor: { type: 'int8', shape: [1], content: new Uint8Array(1) } }]],
    ['an unknown type', { type: 'f' }],
    ['the name of an inherited property as type', { type: 'constructor' }],
    ['an integer beyond int64', 2n ** 63n],
    ['a number beyond 2^53', 2 ** 53],
    ['an integer with a fraction', { int: 1.5 }],
    ['a float given as text', { float: '1' }],
    ['a shape that is not a list', { shape: 3 }],
    ['a size with a fraction', { shape: [1.5] }],
    ['a size below -1', { shape: [-2] }],
    ['a tensor without content', { tensor: { type: 'float', shape: [] } }],
    ['a tensor of undefined', { tensor: undefined }],
    ['null', null],
    ['undefined', undefined],
    ['an object', { a: 1 }],
    ['a function', () => 1],
  ])('rejects an attribute that is %s, and names it', (_title, attribute) => {
    const call = () => build({ name: 'node', op: 'X', attributes: { key: attribute as never } });

    expect(call).toThrow(refused);
    expect(call).toThrow(/attribute key of node node /);
  });
});
