/**
 * The layers of a model as nodes: models in models become scopes, and what a model is called on goes to its input layers.
 *
 * A layer that is called several times is one node with the inputs of all its calls, as it has one set of weights.
 */

import { invalidGraph } from './invalid-graph.js';
import type { Layer, LayerOutput } from './layers-topology.js';
import { NodeNames, toPlainName } from './node-names.js';

/** A layer that is no model. */
export interface LayerNode {
  /** With the scopes of the models that it is in, the outermost among them. */
  readonly name: string;
  readonly layer: Layer;
  /** Names of nodes, `name:1` for the second output of one. */
  readonly inputs: readonly string[];
}

export interface LayerNodes {
  readonly scope: string;
  readonly nodes: readonly LayerNode[];
  /** What makes the model's outputs; as `inputs`. */
  readonly outputs: readonly string[];
}

/** A layer with the name of its node, a model with its parts by the names of their layers. */
interface Placed {
  readonly layer: Layer;
  readonly name: string;
  readonly parts: ReadonlyMap<string, Placed> | undefined;
}

/** Gives the nodes of a model, in the order of its layers. Throws `ERR_GRAPH_INVALID`. */
export function toLayerNodes(model: Layer): LayerNodes {
  const root = place(model, '', new NodeNames());
  const nodes: LayerNode[] = [];
  connectModel(root, [], nodes);
  const outputs =
    model.outputLayers.length > 0
      ? model.outputLayers.map((_, i) => findOutput(root, i))
      : [findOutput(root, 0)];
  return { scope: `${root.name}/`, nodes, outputs };
}

/** Names first: a shared layer may be called on what only later layers make. */
function place(layer: Layer, scope: string, names: NodeNames): Placed {
  if (layer.layers === undefined)
    return { layer, name: names.take(`${scope}${toPlainName(layer.name, 'layer')}`), parts: undefined };
  const name = `${scope}${toPlainName(layer.name, 'model')}`;
  const parts = new Map<string, Placed>();
  for (const part of layer.layers) {
    if (parts.has(part.name)) throw invalidGraph(`the model ${name} has two layers of the name ${part.name}`);
    parts.set(part.name, place(part, `${name}/`, names));
  }
  if (parts.size === 0) throw invalidGraph(`the model ${name} has no layers`);
  return { layer, name, parts };
}

/** Adds the nodes of a model that is called on `calls`, each a list of outputs. */
function connectModel(model: Placed, calls: readonly (readonly string[])[], nodes: LayerNode[]): void {
  const parts = [...model.parts!.values()];
  const isSequential =
    model.layer.inputLayers.length === 0 && parts.every(({ layer }) => layer.calls.length === 0);
  for (const [i, part] of parts.entries()) {
    let partCalls: (readonly string[])[];
    if (isSequential) partCalls = i === 0 ? [...calls] : [[findOutput(parts[i - 1]!, 0)]];
    else {
      const own = part.layer.calls.map((call) => call.map((output) => resolve(model, output)));
      partCalls = [...own, ...findFeeds(model, part, calls)];
    }
    if (part.parts === undefined)
      nodes.push({ name: part.name, layer: part.layer, inputs: partCalls.flat() });
    else connectModel(part, partCalls, nodes);
  }
}

/** What the calls of a model give to one of its input layers. */
function findFeeds(model: Placed, part: Placed, calls: readonly (readonly string[])[]): string[][] {
  const position = model.layer.inputLayers.findIndex(({ layer }) => layer === part.layer.name);
  if (position < 0) return [];
  return calls.map((call) => {
    const feed = call[position];
    if (feed !== undefined) return [feed];
    throw invalidGraph(
      `the model ${model.name} has ${model.layer.inputLayers.length} inputs, and is called on ${call.length}`,
    );
  });
}

/** The node that makes an output of a layer of `model`. */
function resolve(model: Placed, { layer, output }: LayerOutput): string {
  const part = model.parts?.get(layer);
  if (part === undefined)
    throw invalidGraph(`a layer of ${model.name} takes its input from ${layer}, which is not there`);
  return findOutput(part, output);
}

/** The node that makes an output of a layer, `name:1` for a second one; of a model, the node inside it. */
function findOutput(placed: Placed, output: number): string {
  const { layer, name, parts } = placed;
  if (parts === undefined) return output === 0 ? name : `${name}:${output}`;
  if (layer.outputLayers.length === 0) return findOutput([...parts.values()].at(-1)!, output);
  const source = layer.outputLayers[output];
  if (source === undefined) {
    throw invalidGraph(
      `output ${output} of the model ${name} is used, which has ${layer.outputLayers.length}`,
    );
  }
  return resolve(placed, source);
}
