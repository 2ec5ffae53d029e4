/**
 * Layers models of TensorFlow.js and Keras as graphs: a node for each layer, a scope for each model.
 *
 * TensorBoard has a converter of its own for Keras models; it leaves out the edges of models in the form of Keras 2, which is that of
 * TensorFlow.js (tensorboard/plugins/graph/keras_util.py), so they are converted here.
 */

import { messageOf } from '../../errors.js';
import { describe } from '../arguments.js';
import type { GraphAttribute } from './graph-attributes.js';
import { GraphBuilder } from './graph-builder.js';
import { invalidGraph } from './invalid-graph.js';

/** What is read of a layer or a model; a model has layers. */
interface Layer {
  readonly className: string;
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Names of the layers that it takes its inputs from, with the number of their output: of all its calls. */
  readonly inputs: readonly { readonly layer: string; readonly output: number }[] | undefined;
  readonly layers: readonly Layer[] | undefined;
}

/** Converts `model.json`, as text or parsed, to a serialized `GraphDef`. Throws `ERR_GRAPH_INVALID`. */
export function layersModelToGraphDef(model: unknown): Uint8Array {
  const root = parseLayer(findTopology(typeof model === 'string' ? parseJson(model) : model), 'model');
  if (root.layers === undefined) throw invalidGraph(`the model ${root.name} has no layers`);
  const builder = new GraphBuilder();
  addModel(builder, root, '', []);
  return builder.toGraphDef();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalidGraph(`model is no JSON: ${messageOf(cause)}`, { cause });
  }
}

/** The part with `class_name` and `config`, whatever it is wrapped in. */
function findTopology(model: unknown): Record<string, unknown> {
  if (!isObject(model)) throw invalidGraph(`model is ${describe(model)}, expected what model.json holds`);
  const inner = model.modelTopology ?? model.model_config;
  if (inner !== undefined) return findTopology(typeof inner === 'string' ? parseJson(inner) : inner);
  if (typeof model.class_name === 'string') return model;
  throw invalidGraph('model has neither modelTopology nor class_name: is it a graph model?');
}

function parseLayer(given: unknown, where: string): Layer {
  if (!isObject(given) || typeof given.class_name !== 'string') {
    throw invalidGraph(`a layer of ${where} has no class_name`);
  }
  // The oldest Sequential models have their layers for a config.
  const config = Array.isArray(given.config)
    ? { layers: given.config }
    : isObject(given.config)
      ? given.config
      : {};
  const name = toText(given.name) ?? toText(config.name) ?? given.class_name.toLowerCase();
  const layers = Array.isArray(config.layers)
    ? config.layers.map((layer) => parseLayer(layer, name))
    : undefined;
  return {
    className: given.class_name,
    name,
    config,
    layers,
    inputs: parseInboundNodes(given.inbound_nodes),
  };
}

/** Keras 2: calls of [layer, node, output, arguments]; Keras 3: calls with `keras_history` somewhere in their arguments. */
function parseInboundNodes(calls: unknown): Layer['inputs'] {
  if (!Array.isArray(calls)) return undefined;
  const inputs: { layer: string; output: number }[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      const [layer, node, output] = value as unknown[];
      if (typeof layer === 'string' && typeof node === 'number')
        inputs.push({ layer, output: Number(output ?? 0) });
      else for (const item of value) visit(item);
    } else if (isObject(value)) {
      for (const item of Object.values(value)) visit(item);
    }
  };
  visit(calls);
  return inputs;
}

/** Adds a model's layers; `inputs` feed its input layers. */
function addModel(builder: GraphBuilder, model: Layer, scope: string, inputs: readonly string[]): void {
  const layers = model.layers ?? [];
  const inner = `${scope}${toNodeName(model.name)}/`;
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const inputLayers = toReferences(model.config.input_layers).map(({ layer }) => layer);
  let previous = inputs;
  for (const layer of layers) {
    const position = inputLayers.indexOf(layer.name);
    const sources =
      layer.inputs !== undefined && (layer.inputs.length > 0 || inputLayers.length > 0)
        ? layer.inputs.map(({ layer: source, output }) => outputsOf(byName, source, inner)[output])
        : previous;
    const fed = position >= 0 && inputs[position] !== undefined ? [inputs[position]] : sources;
    const known = fed.filter((source) => source !== undefined);
    if (layer.layers === undefined)
      addLayer(builder, layer, inner, position >= 0 && inputs.length === 0 ? [] : known);
    else addModel(builder, layer, inner, known);
    previous = inputLayers.length > 0 ? [] : outputsOf(byName, layer.name, inner);
  }
}

/** The nodes that make the outputs of a layer of a model. */
function outputsOf(layers: ReadonlyMap<string, Layer>, name: string, scope: string): string[] {
  const layer = layers.get(name);
  if (layer === undefined)
    throw invalidGraph(`a layer of ${scope} takes its input from ${name}, which is not there`);
  if (layer.layers === undefined) return [`${scope}${toNodeName(name)}`];
  const inner = `${scope}${toNodeName(name)}/`;
  const byName = new Map(layer.layers.map((item) => [item.name, item]));
  const outputs = toReferences(layer.config.output_layers);
  const last = layer.layers.at(-1);
  if (outputs.length > 0) return outputs.flatMap(({ layer: source }) => outputsOf(byName, source, inner));
  return last === undefined ? [] : outputsOf(byName, last.name, inner);
}

/** `['name', 0, 0]`, or a list of such. */
function toReferences(value: unknown): { layer: string }[] {
  if (!Array.isArray(value)) return [];
  const list: unknown[] = Array.isArray(value[0]) ? value : [value];
  return list.flatMap((item) =>
    Array.isArray(item) && typeof item[0] === 'string' ? [{ layer: item[0] }] : [],
  );
}

function addLayer(builder: GraphBuilder, layer: Layer, scope: string, inputs: readonly string[]): void {
  const attributes: Record<string, GraphAttribute> = {};
  for (const [key, value] of Object.entries(layer.config)) {
    const attribute = key === 'name' ? undefined : toAttribute(value);
    if (attribute !== undefined) attributes[key] = attribute;
  }
  builder.node({ name: `${scope}${toNodeName(layer.name)}`, op: layer.className, inputs, attributes });
}

/** What a layer's setting looks like in a graph; undefined when it is not set. */
function toAttribute(value: unknown): GraphAttribute | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return value;
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value) && value.length > 0) {
    if (value.every((item) => item === null || (Number.isInteger(item) && item >= 0))) {
      return { shape: value as (number | null)[] };
    }
    if (value.every((item) => typeof item === 'number')) return value as number[];
  }
  // An initializer, a regularizer or a policy: its class and its own settings.
  return JSON.stringify(value);
}

function toNodeName(name: string): string {
  return name.toWellFormed().replace(/[\s^:]+/gu, '_') || 'layer';
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
