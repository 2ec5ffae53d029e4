/**
 * Summary values of the graphs dashboard. A run's own graph is no summary: it is the `graphDef` of an event.
 */

import { DataClass, DataType, type SummaryValue } from '../../format/wire/messages.js';

/** The tag that Keras' callback uses. Source: keras/src/callbacks/tensorboard.py. */
export const KERAS_MODEL_TAG = 'keras';

const FORMAT_VERSION = '1';

/**
 * Builds the value of a Keras model, as JSON text.
 *
 * Shape [1], as TensorBoard's Python reader answers HTTP 500 for Keras' own rank 0 with a data class.
 * Source: `keras_model` in tensorflow/python/ops/summary_ops_v2.py; tensorboard/plugins/graph/metadata.py.
 */
export function createKerasModelValue(tag: string, text: string): SummaryValue {
  return {
    tag,
    metadata: {
      pluginName: 'graph_keras_model',
      content: Buffer.from(FORMAT_VERSION),
      dataClass: DataClass.BLOB_SEQUENCE,
    },
    value: { kind: 'tensor', tensor: { dtype: DataType.STRING, shape: [1], stringVal: [Buffer.from(text)] } },
  };
}
