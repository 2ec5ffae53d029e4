/** Starts the data server for TensorBoard. */

import { createMethods, type RunTable } from './data-provider.js';
import { type GrpcServer, startGrpcServer } from './grpc-server.js';

interface DataServerOptions {
  readonly table: RunTable;
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly token?: string | undefined;
}

/** The number of points of a longer series that are kept, if nothing else is asked for. */
export const DEFAULT_POINTS = 10_000;
const ALL = Number.POSITIVE_INFINITY;

export async function startDataServer({ table, ...address }: DataServerOptions): Promise<GrpcServer> {
  return startGrpcServer({ ...address, methods: createMethods(table) });
}

/** How many points to keep, from TensorBoard's `--samples_per_plugin`, such as `scalars=1000,images=all`. `0` and `all` mean all. */
export function parseCapacity(samples: string): number {
  const [, count] = /(?:^|,)scalars=(\w+)/.exec(samples) ?? [];
  if (count === undefined) return DEFAULT_POINTS;
  const points = count === 'all' ? 0 : Number(count);
  return points === 0 ? ALL : Math.max(DEFAULT_POINTS, points || 0);
}
