/** Summary values for the graphs dashboard. The graph of a run is not a summary but the `graphDef` of an event. */

import { DataClass, DataType, type SummaryValue } from '../../format/wire/messages.js';

/** The tag that the callback of Keras uses. Source: keras/src/callbacks/tensorboard.py. */
export const KERAS_MODEL_TAG = 'keras';

const FORMAT_VERSION = '1';

/**
 * Builds the value of a Keras model, as JSON text.
 *
 * Has shape [1]: for rank 0 with a data class, as Keras writes it, TensorBoard's Python reader responds with HTTP 500.
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
