/**
 * Converts layers models to the form of Keras 3, for TensorBoard's graph of Keras models ("conceptual graph").
 *
 * TensorBoard's converter (tensorboard/plugins/graph/keras_util.py of 2.21) drops edges in two cases: in models of the Keras 2
 * form, which TensorFlow.js uses, and into nested models. So this module writes one functional model, with the scopes in the layer
 * names and each edge as a `keras_history`. The converter shows class and dtype, and no other setting.
 */

import { convertModel } from './invalid-graph.js';
import { toLayerNodes } from './layers-nodes.js';
import { type Layer, parseLayersModel } from './layers-topology.js';

/** The element types whose names Keras and TensorBoard share. */
const KNOWN_DTYPE = /^(float(16|32|64)|bfloat16|u?int(8|16|32|64)|bool|string|complex(64|128))$/;

/** Converts `model.json`, as text or parsed, to the JSON text of a Keras 3 model. Throws `ERR_GRAPH_INVALID`. */
export function layersModelToKerasText(model: unknown): string {
  return convertModel(() => toKerasText(parseLayersModel(model)));
}

function toKerasText(model: Layer): string {
  const { scope, nodes, outputs } = toLayerNodes(model);
  const toHistory = (reference: string) => {
    const [name = '', output = '0'] = reference.slice(scope.length).split(':');
    return [name, 0, Number(output)];
  };
  const layers = nodes.map(({ name: scoped, layer, inputs }) => {
    const name = scoped.slice(scope.length);
    const args = inputs.map((input) => ({
      class_name: '__keras_tensor__',
      config: { keras_history: toHistory(input) },
    }));
    return {
      // The converter supports only ASCII.
      class_name: layer.className.replace(/[^\x20-\x7e]/gu, '_'),
      name,
      config: { name, ...toDtype(layer) },
      inbound_nodes: args.length === 0 ? [] : [{ args: [args], kwargs: {} }],
    };
  });
  const inputLayers = nodes.filter(({ inputs }) => inputs.length === 0).map(({ name }) => toHistory(name));
  const config = {
    name: scope.slice(0, -1),
    layers,
    input_layers: inputLayers,
    output_layers: outputs.map(toHistory),
  };
  return JSON.stringify({ class_name: 'Functional', config });
}

/** The dtype of a layer or of its policy, if TensorBoard knows it; TensorBoard warns about others. */
function toDtype({ config }: Layer): { dtype?: string } {
  const policy = config.dtype as { config?: { name?: unknown } } | string | null | undefined;
  const dtype = typeof policy === 'object' ? policy?.config?.name : policy;
  return typeof dtype === 'string' && KNOWN_DTYPE.test(dtype) ? { dtype } : {};
}
