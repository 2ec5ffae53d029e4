/** Starts a data server for the runs of a directory, and stops both. */

import { LocalRuns, type LocalRunsOptions } from '../../data-server/local-runs.js';
import { DEFAULT_POINTS, startDataServer } from '../../data-server/start-data-server.js';

interface ServeRunsOptions extends Omit<LocalRunsOptions, 'reloadSeconds'> {
  readonly host: string;
  readonly port: number;
  readonly token?: string | undefined;
}

/** The interval of TensorBoard's own readers. */
const RELOAD_SECONDS = 5;

export async function serveRuns(
  directory: string,
  { host, port, token, ...options }: ServeRunsOptions,
): Promise<{ readonly port: number } & AsyncDisposable> {
  const table = new LocalRuns(directory, { ...options, reloadSeconds: RELOAD_SECONDS });
  const server = await startDataServer({ table, host, port, token });
  table.start();
  return {
    port: server.port,
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await table.close();
    },
  };
}

/** How many points of a series to keep, from a number of a user: 0 means all. */
export function toCapacity(points: number = DEFAULT_POINTS): number {
  return points === 0 ? Number.POSITIVE_INFINITY : points;
}
