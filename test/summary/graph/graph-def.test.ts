import { describe, expect, it } from 'vitest';
import { tensorboard } from '../../../src/format/wire/generated/graph.js';
import { parseGraphDef } from '../../../src/summary/graph/graph-def.js';
import { build, describeNodes, readFixture, refused } from './graph-nodes.js';

describe('parseGraphDef', () => {
  it('returns a graph unchanged', () => {
    const graphDef = build({ name: 'a', op: 'X' }, { name: 'b/c', op: 'Y', inputs: ['a:1', '^a'] });

    expect(Buffer.from(parseGraphDef(graphDef)).equals(graphDef)).toBe(true);
  });

  it('returns a copy', () => {
    const given = Buffer.from(build({ name: 'a', op: 'X' }));
    const graphDef = parseGraphDef(given);
    given.fill(0);

    expect(describeNodes(graphDef)).toEqual(['a X']);
  });

  it('keeps unknown fields', () => {
    const unknown = Uint8Array.of(0xfa, 0x3e, 1, 0x61);
    const graphDef = Buffer.concat([build({ name: 'a', op: 'X' }), unknown]);

    expect(Buffer.from(parseGraphDef(graphDef)).equals(graphDef)).toBe(true);
  });

  it('accepts names that TensorBoard can draw', () => {
    const names = ['Net/Linear[fc]/weight', 'a b', 'a:b', 'é', 'a^b'];

    expect(() => parseGraphDef(encode(names.map((name) => ({ name, op: 'X' }))))).not.toThrow();
  });

  it('accepts inputs that name no node, which PyTorch writes', () => {
    const graphDef = encode([{ name: 'a', op: 'X', input: ['b'] }]);

    expect(Buffer.from(parseGraphDef(graphDef)).equals(graphDef)).toBe(true);
  });

  it.each([
    ['bytes that are not a message', Uint8Array.of(0xff, 0xff, 0xff)],
    ['no bytes', new Uint8Array()],
    ['half a graph', build({ name: 'a', op: 'X' }).slice(0, 5)],
    ['an ONNX model', readFixture('onnx/perceptron.onnx')],
    ['a name that is not UTF-8', Buffer.from('0a060a01ff120158', 'hex')],
    ['a node without a name', encode([{ op: 'X' }])],
    ['a name that begins with a slash', encode([{ name: '/a', op: 'X' }])],
    ['a name like that of an output', encode([{ name: 'a:0', op: 'X' }])],
    ['a name like that of a control input', encode([{ name: '^a', op: 'X' }])],
    ['two nodes with the same name', encode([{ name: 'a' }, { name: 'a' }])],
    ['text', 'graph' as never],
  ])('rejects %s', (_title, bytes) => {
    expect(() => parseGraphDef(bytes)).toThrow(refused);
  });

  it.each([
    ['no bytes', new Uint8Array(), 'graph has 0 bytes, but no GraphDef node'],
    ['an ONNX model', readFixture('onnx/perceptron.onnx'), 'graph has 523 bytes, but no GraphDef node'],
  ])('reports the size of input without a node: %s', (_title, bytes, message) => {
    expect(() => parseGraphDef(bytes)).toThrow(expect.objectContaining({ message }));
  });

  it('includes the error of the decoder', () => {
    expect(() => parseGraphDef(Uint8Array.of(0xff, 0xff, 0xff))).toThrow(
      expect.objectContaining({ cause: expect.any(Error) }),
    );
  });
});

function encode(node: tensorboard.INodeDef[]): Uint8Array {
  return tensorboard.GraphDef.encode({ node }).finish();
}
