/** Models of outside programs in which something is wrong: each is converted, or rejected with a code. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CodedError } from '../../../src/base/errors.js';
import { parseGraphDef } from '../../../src/summary/graph/graph-def.js';
import { layersModelToKerasText } from '../../../src/summary/graph/layers-keras.js';
import { layersModelToGraphDef } from '../../../src/summary/graph/layers-model.js';
import { onnxToGraphDef } from '../../../src/summary/graph/onnx-graph.js';
import { readFixture } from './graph-nodes.js';

const layer = (name: string, inbound: unknown[], config: object = {}) => ({
  class_name: 'Dense',
  name,
  config: { name, units: 4, dtype: 'float32', batch_input_shape: [null, 3], ...config },
  inbound_nodes: inbound,
});
const functional = (name: string, layers: unknown[], first: string, last: string) => ({
  class_name: 'Functional',
  name,
  config: { name, layers, input_layers: [[first, 0, 0]], output_layers: [[last, 0, 0]] },
  inbound_nodes: [[['in', 0, 0, {}]]],
});
const INNER = functional('inner', [layer('i', []), layer('o', [[['i', 0, 0, {}]]])], 'i', 'o');
const MODELS: readonly unknown[] = [
  { modelTopology: { model_config: functional('m', [layer('in', []), INNER], 'in', 'inner') } },
  { class_name: 'Sequential', config: { name: 's', layers: [layer('a', []), layer('b', [])] } },
  {
    class_name: 'Functional',
    config: {
      layers: [
        layer('a', []),
        layer('b', [
          { args: [{ class_name: '__keras_tensor__', config: { keras_history: ['a', 0, 0] } }], kwargs: {} },
        ]),
      ],
      input_layers: ['a', 0, 0],
      output_layers: ['b', 0, 0],
    },
  },
];

const ODD = [
  undefined,
  null,
  [],
  {},
  '',
  'x',
  '__proto__',
  0,
  -1,
  1.5,
  Number.NaN,
  1n,
  true,
  [null],
  [[[]]],
  () => 1,
];

/** The place of every value inside a value. */
function placesOf(value: unknown): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [key],
    ...placesOf(inner).map((place) => [key, ...place]),
  ]);
}

/** A copy of a model in which some values are replaced, or deleted when replaced by undefined. */
const mutated = fc
  .constantFrom(...MODELS)
  .chain((model) =>
    fc.tuple(
      fc.constant(model),
      fc.array(
        fc.tuple(
          fc.constantFrom(...placesOf(model)),
          fc.oneof(fc.constantFrom(...ODD), fc.anything({ maxDepth: 1 })),
        ),
        { minLength: 1, maxLength: 3 },
      ),
    ),
  )
  .map(([model, changes]) => {
    const copy = structuredClone(model);
    for (const [place, value] of changes) {
      let parent = copy as Record<string, unknown>;
      for (const key of place.slice(0, -1)) parent = (parent?.[key] ?? {}) as Record<string, unknown>;
      if (typeof parent !== 'object' || parent === null) continue;
      if (value === undefined) delete parent[place.at(-1)!];
      else parent[place.at(-1)!] = value;
    }
    return copy;
  });

function expectCoded(convert: () => unknown): void {
  try {
    convert();
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_GRAPH_INVALID' });
    expect((error as CodedError).message.length).toBeLessThan(600);
  }
}

describe('a malformed model', () => {
  it('of layers is converted, or rejected with ERR_GRAPH_INVALID', () => {
    fc.assert(
      fc.property(mutated, (model) => {
        expectCoded(() => layersModelToGraphDef(model));
        expectCoded(() => layersModelToKerasText(model));
      }),
      { numRuns: 1000 },
    );
  });

  it('of layers is converted, or rejected, whichever single value is missing or odd', () => {
    for (const model of MODELS) {
      for (const place of placesOf(model)) {
        for (const odd of ODD) {
          const copy = structuredClone(model);
          const parent = place
            .slice(0, -1)
            .reduce((node, key) => (node as Record<string, unknown>)[key], copy) as Record<string, unknown>;
          if (odd === undefined) delete parent[place.at(-1)!];
          else parent[place.at(-1)!] = odd;
          expectCoded(() => layersModelToGraphDef(copy));
        }
      }
    }
  });

  it('of layers that are nested 10,000 times, or contain themselves, is rejected', () => {
    let deep: unknown = layer('a', []);
    for (let i = 0; i < 10_000; i++) deep = functional('m', [deep], 'a', 'a');
    const circular = functional('m', [] as unknown[], 'a', 'a');
    circular.config.layers.push(circular);

    for (const model of [deep, circular])
      expect(() => layersModelToGraphDef(model)).toThrow(
        expect.objectContaining({ code: 'ERR_GRAPH_INVALID' }),
      );
  });

  it('of ONNX, and a malformed GraphDef, is converted, or rejected with ERR_GRAPH_INVALID', () => {
    for (const name of ['condition', 'perceptron', 'attributes'])
      expectSafe(readFixture(`onnx/${name}.onnx`));
  });
});

function expectSafe(bytes: Uint8Array): void {
  const changes = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(changes, fc.nat(bytes.length), fc.boolean(), (changed, length, isCut) => {
      const copy = bytes.slice(0, isCut ? length : bytes.length);
      for (const [at, byte] of changed) if (at < copy.length) copy[at] = byte;

      expectCoded(() => onnxToGraphDef(copy));
      expectCoded(() => parseGraphDef(copy));
    }),
    { numRuns: 300 },
  );
}
