/** Converts layers models of TensorFlow.js and Keras to graphs, with a node for each layer and a scope for each model. */

import type { GraphAttribute, GraphShape } from './graph-attributes.js';
import { GraphBuilder } from './graph-builder.js';
import { convertModel } from './invalid-graph.js';
import { toLayerNodes } from './layers-nodes.js';
import { parseLayersModel } from './layers-topology.js';

/** Converts `model.json`, as text or parsed, to a serialized `GraphDef`. Throws `ERR_GRAPH_INVALID`. */
export function layersModelToGraphDef(model: unknown): Uint8Array {
  return convertModel(() => {
    const builder = new GraphBuilder();
    for (const { name, layer, inputs } of toLayerNodes(parseLayersModel(model)).nodes) {
      const attributes = toAttributes(layer.config);
      builder.node({ name, op: layer.className.toWellFormed(), inputs, attributes });
    }
    return builder.build();
  });
}

/** The settings of a layer, without those that are null. */
function toAttributes(config: Readonly<Record<string, unknown>>): Record<string, GraphAttribute> {
  const settings = Object.entries(config).filter(
    ([key, value]) => key !== 'name' && key !== '' && value !== null && value !== undefined,
  );
  return Object.fromEntries(settings.map(([key, value]) => [key.toWellFormed(), toAttribute(key, value)]));
}

function toAttribute(key: string, value: unknown): GraphAttribute {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : { float: value };
  if (Array.isArray(value)) {
    if (/shape$/i.test(key)) {
      const shapes: readonly unknown[] = value;
      if (isShape(shapes)) return { shape: shapes };
      if (shapes.every(isShape)) return shapes.map((shape) => ({ shape }));
    }
    if (value.every((item) => Number.isSafeInteger(item))) return value as number[];
    if (value.every((item) => typeof item === 'number')) return value.map((float) => ({ float }));
    if (value.every((item) => typeof item === 'string')) return value;
  }
  // An initializer, a regularizer, a policy or a wrapped layer: its class and settings as JSON.
  return JSON.stringify(value);
}

function isShape(value: unknown): value is GraphShape {
  return (
    Array.isArray(value) && value.every((size) => size === null || (Number.isSafeInteger(size) && size >= 0))
  );
}
