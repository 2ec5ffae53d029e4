import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createKerasModelValue, KERAS_MODEL_TAG } from '../../../src/summary/graph/graph-values.js';
import { layersModelToKerasText } from '../../../src/summary/graph/layers-keras.js';
import { layersModelToGraphDef } from '../../../src/summary/graph/layers-model.js';
import { readValues } from '../../support/read-run.js';
import { attributesOf, describeNodes, readFixture, refused } from './graph-nodes.js';

const DENSE = { class_name: 'Dense', name: 'a', config: {} };

describe('layersModelToGraphDef', () => {
  it('converts a sequential model to a chain', () => {
    const graphDef = layersModelToGraphDef(readFixture('tfjs/sequential.json').toString());

    expect(describeNodes(graphDef)).toEqual([
      'digits/conv Conv2D',
      'digits/flat Flatten digits/conv',
      'digits/dense Dense digits/flat',
    ]);
    expect(attributesOf(graphDef, 'digits/conv')).toMatchObject({
      activation: 'relu',
      batch_input_shape: { shape: [-1, 8, 8, 1] },
      filters: 4n,
      kernel_initializer: '{"class_name":"Zeros","config":{}}',
      kernel_size: [3n, 3n],
      use_bias: true,
    });
    expect(attributesOf(graphDef, 'digits/dense')).not.toHaveProperty('kernel_regularizer');
  });

  it('follows several inputs, shared layers and nested models', () => {
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

  it('connects every call of a model to its inputs, and uses the right outputs', () => {
    const graphDef = layersModelToGraphDef(readFixture('tfjs/twice.json').toString());

    expect(describeNodes(graphDef)).toEqual([
      'twice/a InputLayer',
      'twice/state InputLayer',
      'twice/encoder/first InputLayer twice/a twice/b',
      'twice/encoder/memory LSTM twice/encoder/first',
      'twice/encoder/second InputLayer twice/state twice/encoder/sum',
      'twice/encoder/sum Add twice/encoder/memory:1 twice/encoder/second',
      'twice/b InputLayer',
      'twice/drop Dropout twice/encoder/memory',
      'twice/distance Dot twice/encoder/sum twice/drop',
    ]);
    expect(attributesOf(graphDef, 'twice/drop')).toEqual({ rate: 0.25, trainable: true });
  });

  it('follows keyword arguments, and calls that are not lists', () => {
    const layer = (name: string, ...inbound_nodes: unknown[]) => ({
      class_name: 'TFOpLambda',
      name,
      config: {},
      inbound_nodes,
    });
    const layers = [layer('a'), layer('b'), layer('c', ['a', 0, 0, { y: ['b', 0, 1], scale: 2 }])];
    const model = { class_name: 'Functional', config: { name: 'm', layers, input_layers: [['a', 0, 0]] } };

    expect(describeNodes(layersModelToGraphDef(model))[2]).toBe('m/c TFOpLambda m/a m/b:1');
  });

  it('reads the JSON of Keras', () => {
    const directory = fileURLToPath(new URL('../../../fixtures/tensorflow/keras/train', import.meta.url));
    const value = readValues(directory).find(({ tag }) => tag === KERAS_MODEL_TAG)?.value;
    const text = value?.kind === 'tensor' ? Buffer.from(value.tensor.stringVal![0]!).toString() : '';

    const graphDef = layersModelToGraphDef(text);

    expect(describeNodes(graphDef)).toEqual([
      'sequential/input_layer InputLayer',
      'sequential/dense Dense sequential/input_layer',
    ]);
    expect(attributesOf(graphDef, 'sequential/dense')).toMatchObject({ units: 2n, activation: 'softmax' });
  });

  it('chains models inside a sequential model', () => {
    const dense = (name: string) => ({ class_name: 'Dense', config: { name } });
    const sequential = (name: string, ...layers: unknown[]) => ({
      class_name: 'Sequential',
      config: { name, layers },
    });
    const model = sequential(
      'm',
      sequential('s', dense('a'), dense('b')),
      dense('c'),
      sequential('t', dense('a')),
    );

    expect(describeNodes(layersModelToGraphDef(JSON.stringify(model)))).toEqual([
      'm/s/a Dense',
      'm/s/b Dense m/s/a',
      'm/c Dense m/s/b',
      'm/t/a Dense m/c',
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

  it.each<[string, unknown]>([
    ['text that is not JSON', '{'],
    ['a graph model', { modelTopology: { node: [] } }],
    ['null', null],
    ['a single layer', { class_name: 'Dense', config: {} }],
    ['a model without layers', { class_name: 'Sequential', config: { layers: [] } }],
    ['a layer without a class', { class_name: 'Sequential', config: { layers: [{ config: {} }] } }],
    ['a layer without settings', { class_name: 'Sequential', config: { layers: [{ class_name: 'Dense' }] } }],
    ['two layers with the same name', { class_name: 'Sequential', config: { layers: [DENSE, DENSE] } }],
    [
      'an input from a layer that does not exist',
      {
        class_name: 'Model',
        config: { layers: [{ ...DENSE, inbound_nodes: [[['b', 0, 0, {}]]] }], input_layers: [['a', 0, 0]] },
      },
    ],
    [
      'an output that does not exist',
      {
        class_name: 'Model',
        config: {
          layers: [
            { class_name: 'Model', name: 'm', config: { layers: [DENSE], output_layers: [['a', 0, 0]] } },
            { ...DENSE, inbound_nodes: [[['m', 0, 1, {}]]] },
          ],
        },
      },
    ],
    [
      'a model that is called with too few inputs',
      {
        class_name: 'Model',
        config: {
          layers: [
            {
              class_name: 'Model',
              name: 'm',
              config: {
                layers: [DENSE, { ...DENSE, name: 'b' }],
                input_layers: [
                  ['a', 0, 0],
                  ['b', 0, 0],
                ],
              },
              inbound_nodes: [[['a', 0, 0, {}]]],
            },
            DENSE,
          ],
        },
      },
    ],
  ])('rejects %s', (_title, model) => {
    expect(() => layersModelToGraphDef(model)).toThrow(refused);
  });
});

describe('layersModelToKerasText', () => {
  it('writes one functional model with scopes in the layer names', () => {
    const keras = JSON.parse(layersModelToKerasText(readFixture('tfjs/functional.json').toString())) as {
      class_name: string;
      config: {
        name: string;
        layers: { name: string; inbound_nodes: unknown[] }[];
        output_layers: unknown[];
      };
    };

    expect(keras).toMatchObject({ class_name: 'Functional', config: { name: 'siamese' } });
    expect(keras.config.layers.map(({ name }) => name)).toEqual([
      ...['left', 'right', 'shared', 'joined', 'head/squeeze', 'head/score'],
    ]);
    expect(keras.config.layers[4]?.inbound_nodes).toEqual([
      {
        args: [[{ class_name: '__keras_tensor__', config: { keras_history: ['joined', 0, 0] } }]],
        kwargs: {},
      },
    ]);
    expect(keras.config.output_layers).toEqual([
      ['head/score', 0, 0],
      ['joined', 0, 0],
    ]);
  });

  it('omits values that TensorBoard has no name for', () => {
    const layers = ['int32', { config: { name: 'float32' } }, 'mixed_float16', 7, null].map((dtype, i) => ({
      class_name: 'Schicht\u00fc',
      config: { name: `l${i}`, dtype },
    }));
    const keras = JSON.parse(layersModelToKerasText({ class_name: 'Sequential', config: { layers } })) as {
      config: { layers: unknown[] };
    };

    expect(keras.config.layers).toMatchObject([
      { class_name: 'Schicht_', config: { name: 'l0', dtype: 'int32' } },
      { config: { name: 'l1', dtype: 'float32' } },
      { config: { name: 'l2' } },
      { config: { name: 'l3' } },
      { config: { name: 'l4' } },
    ]);
    expect(keras.config.layers[2]).not.toHaveProperty('config.dtype');
    expect(keras.config.layers[3]).not.toHaveProperty('config.dtype');
  });
});

describe('createKerasModelValue', () => {
  it("has the form that both of TensorBoard's readers accept", () => {
    expect(createKerasModelValue(KERAS_MODEL_TAG, '{}')).toEqual({
      tag: 'keras',
      metadata: { pluginName: 'graph_keras_model', content: Buffer.from('1'), dataClass: 3 },
      value: { kind: 'tensor', tensor: { dtype: 7, shape: [1], stringVal: [Buffer.from('{}')] } },
    });
  });
});
