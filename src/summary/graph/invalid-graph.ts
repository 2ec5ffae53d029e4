import { CodedError, invalidArgument, messageOf } from '../../base/errors.js';

/** The error for a graph that cannot be written. */
export const invalidGraph = invalidArgument(
  'ERR_GRAPH_INVALID',
  'Give every node a unique name, an op, and inputs that name other nodes.',
);

/** The error for a model that cannot be converted to a graph. */
export const invalidModel = invalidArgument(
  'ERR_GRAPH_INVALID',
  'Pass a model as TensorFlow.js, Keras or ONNX has saved it.',
);

/** Converts a model. An unforeseen error means that the model is malformed, and becomes `ERR_GRAPH_INVALID`. */
export function convertModel<T>(convert: () => T): T {
  try {
    return convert();
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw invalidModel(`the model is malformed: ${messageOf(cause)}`, { cause });
  }
}
