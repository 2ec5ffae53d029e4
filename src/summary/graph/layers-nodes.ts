/**
 * Converts the layers of a model to nodes. Nested models become scopes, and the inputs of a model's call go to its input layers.
 *
 * A layer that is called several times is a single node with the inputs of all calls, because it has one set of weights.
 */

import { invalidModel } from './invalid-graph.js';
import type { Layer, LayerOutput } from './layers-topology.js';
import { NodeNames, toPlainName } from './node-names.js';

/** A layer that is not a model. */
interface LayerNode {
  /** The name, with the scopes of all models around the layer, including the outermost one. */
  readonly name: string;
  readonly layer: Layer;
  /** The names of nodes; `name:1` for the second output of a node. */
  readonly inputs: readonly string[];
}

interface LayerNodes {
  readonly scope: string;
  readonly nodes: readonly LayerNode[];
  /** The outputs of the model, in the form of `inputs`. */
  readonly outputs: readonly string[];
}

/** A layer with the name of its node, or a model with its parts by layer name. */
interface Placed {
  readonly layer: Layer;
  readonly name: string;
  readonly parts: ReadonlyMap<string, Placed> | undefined;
}

/** The nodes of a model, in the order of its layers. Throws `ERR_GRAPH_INVALID`. */
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

/** Assigns all names first, because a shared layer may be called with the output of a later layer. */
function place(layer: Layer, scope: string, names: NodeNames): Placed {
  if (layer.layers === undefined)
    return { layer, name: names.take(`${scope}${toPlainName(layer.name, 'layer')}`), parts: undefined };
  const name = `${scope}${toPlainName(layer.name, 'model')}`;
  const parts = new Map<string, Placed>();
  for (const part of layer.layers) {
    if (parts.has(part.name)) throw invalidModel(`the model ${name} has two layers named ${part.name}`);
    parts.set(part.name, place(part, `${name}/`, names));
  }
  if (parts.size === 0) throw invalidModel(`the model ${name} has no layers`);
  return { layer, name, parts };
}

/** Adds the nodes of a model. `calls` has the inputs of each call of the model, as a list of outputs. */
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

/** The inputs that the calls of a model pass to one of its input layers. */
function findFeeds(model: Placed, part: Placed, calls: readonly (readonly string[])[]): string[][] {
  const position = model.layer.inputLayers.findIndex(({ layer }) => layer === part.layer.name);
  if (position < 0) return [];
  return calls.map((call) => {
    const feed = call[position];
    if (feed !== undefined) return [feed];
    throw invalidModel(
      `the model ${model.name} has ${model.layer.inputLayers.length} inputs, but is called with ${call.length}`,
    );
  });
}

/** The node that produces an output of a layer of `model`. */
function resolve(model: Placed, { layer, output }: LayerOutput): string {
  const part = model.parts?.get(layer);
  if (part === undefined)
    throw invalidModel(`a layer of ${model.name} has the input ${layer}, which does not exist`);
  return findOutput(part, output);
}

/** The node that produces an output of a layer, `name:1` for a second output; for a model, the node inside it. */
function findOutput(placed: Placed, output: number): string {
  const { layer, name, parts } = placed;
  if (parts === undefined) return output === 0 ? name : `${name}:${output}`;
  if (layer.outputLayers.length === 0) return findOutput([...parts.values()].at(-1)!, output);
  const source = layer.outputLayers[output];
  if (source === undefined) {
    throw invalidModel(
      `output ${output} of the model ${name} is used, but the model has ${layer.outputLayers.length}`,
    );
  }
  return resolve(placed, source);
}
