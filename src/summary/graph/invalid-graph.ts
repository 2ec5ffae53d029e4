import { InvalidArgumentError } from '../../base/errors.js';

/** The error of a graph that cannot be written. */
export function invalidGraph(message: string, options?: ErrorOptions): InvalidArgumentError {
  return new InvalidArgumentError(
    'ERR_GRAPH_INVALID',
    message,
    'Check the graph: every node needs a name of its own, an op, and inputs that name other nodes.',
    options,
  );
}
