/**
 * Layers models in the form of Keras 3, for TensorBoard's own graph of Keras models ("conceptual graph").
 *
 * TensorBoard's converter (tensorboard/plugins/graph/keras_util.py of 2.21) leaves out the edges of models in the form of Keras 2, which
 * is that of TensorFlow.js, and those into models inside of models. So the model is written as one functional model whose layers
 * carry their scopes in their names, and each edge as a `keras_history`. The converter shows class and dtype, and no other setting.
 */

import { toLayerNodes } from './layers-nodes.js';
import { type Layer, parseLayersModel } from './layers-topology.js';

/** Element types whose names Keras and TensorBoard share. */
const KNOWN_DTYPE = /^(float(16|32|64)|bfloat16|u?int(8|16|32|64)|bool|string|complex(64|128))$/;

/** Converts `model.json`, as text or parsed, to the JSON text of a Keras 3 model. Throws `ERR_GRAPH_INVALID`. */
export function layersModelToKerasText(model: unknown): string {
  const { scope, nodes, outputs } = toLayerNodes(parseLayersModel(model));
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
      // The converter takes ASCII only.
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

/** The dtype of a layer, or of its policy, when TensorBoard knows it; it warns of others. */
function toDtype({ config }: Layer): { dtype?: string } {
  const policy = config.dtype as { config?: { name?: unknown } } | string | null | undefined;
  const dtype = typeof policy === 'object' ? policy?.config?.name : policy;
  return typeof dtype === 'string' && KNOWN_DTYPE.test(dtype) ? { dtype } : {};
}
