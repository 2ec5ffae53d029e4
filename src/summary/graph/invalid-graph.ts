import { InvalidArgumentError } from '../../base/errors.js';

/** The error for a graph that cannot be written. */
export function invalidGraph(message: string, options?: ErrorOptions): InvalidArgumentError {
  return new InvalidArgumentError(
    'ERR_GRAPH_INVALID',
    message,
    'Give every node a unique name, an op, and inputs that name other nodes.',
    options,
  );
}
