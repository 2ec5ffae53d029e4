/**
 * Reads the layers and calls of a layers model from `model.json` of TensorFlow.js or from Keras' JSON.
 *
 * Sources: tfjs-layers/src/keras_format/{topology_config,model_serialization}.ts; Keras 3: keras/src/models/functional.py.
 */

import { describe } from '../../base/describe.js';
import { messageOf } from '../../base/errors.js';
import { invalidModel } from './invalid-graph.js';

/** One output of a layer. */
export interface LayerOutput {
  readonly layer: string;
  readonly output: number;
}

/** A layer or a model. Only models have `layers`. */
export interface Layer {
  readonly className: string;
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** The inputs of each call. Empty for input layers, and for layers of sequential models, whose order defines their inputs. */
  readonly calls: readonly (readonly LayerOutput[])[];
  readonly layers: readonly Layer[] | undefined;
  /** For a functional model: the layers that receive the model's inputs, in order. */
  readonly inputLayers: readonly LayerOutput[];
  readonly outputLayers: readonly LayerOutput[];
}

/** Reads a model from text or a parsed value: `model.json`, its topology, or Keras' JSON. Throws `ERR_GRAPH_INVALID`. */
export function parseLayersModel(model: unknown): Layer {
  const root = parseLayer(findTopology(typeof model === 'string' ? parseJson(model) : model), 'the model');
  if (root.layers === undefined) throw invalidModel(`the model ${root.name} has no layers`);
  return root;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalidModel(`model is not valid JSON: ${messageOf(cause)}`, { cause });
  }
}

/** Finds the part with `class_name` and `config` inside any wrapper. */
function findTopology(model: unknown): Record<string, unknown> {
  if (!isObject(model)) throw invalidModel(`model is ${describe(model)}, expected the content of model.json`);
  const inner = model.modelTopology ?? model.model_config;
  if (inner !== undefined) return findTopology(typeof inner === 'string' ? parseJson(inner) : inner);
  if (typeof model.class_name === 'string') return model;
  throw invalidModel('model has neither modelTopology nor class_name, expected a layers model');
}

function parseLayer(given: unknown, where: string): Layer {
  if (!isObject(given) || typeof given.class_name !== 'string' || given.class_name === '') {
    throw invalidModel(`a layer of ${where} has no class_name`);
  }
  // In the oldest form of sequential models, the config is the list of layers.
  const config = Array.isArray(given.config) ? { layers: given.config } : given.config;
  if (!isObject(config)) {
    throw invalidModel(`a layer of ${where} has the config ${describe(config)}, expected an object`);
  }
  const name = toText(given.name) ?? toText(config.name) ?? given.class_name.toLowerCase();
  const calls = Array.isArray(given.inbound_nodes) ? given.inbound_nodes : [];
  return {
    className: given.class_name,
    name,
    config,
    calls: calls.map(findOutputs),
    layers: Array.isArray(config.layers)
      ? // Unlike `map`, `Array.from` does not skip holes.
        Array.from(config.layers, (layer) => parseLayer(layer, `the model ${name}`))
      : undefined,
    inputLayers: findOutputs(config.input_layers),
    outputLayers: findOutputs(config.output_layers),
  };
}

/**
 * The outputs of layers in the arguments of a call, in order.
 *
 * An output is `[layer, index of the layer's call, output]`. In Keras 2, keyword arguments may follow, which can contain outputs
 * too. In Keras 3, it is the `keras_history` of a tensor. Outputs can appear anywhere in lists and objects.
 */
function findOutputs(value: unknown): LayerOutput[] {
  if (isObject(value)) return Object.values(value).flatMap(findOutputs);
  if (!Array.isArray(value)) return [];
  const [layer, call, output] = value as unknown[];
  if (typeof layer === 'string' && typeof call === 'number' && typeof output === 'number') {
    return [{ layer, output }, ...value.slice(3).flatMap(findOutputs)];
  }
  return value.flatMap(findOutputs);
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
