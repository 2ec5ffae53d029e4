import { invalidArgument } from '../../base/errors.js';

/** The error for a graph that cannot be written. */
export const invalidGraph = invalidArgument(
  'ERR_GRAPH_INVALID',
  'Give every node a unique name, an op, and inputs that name other nodes.',
);
