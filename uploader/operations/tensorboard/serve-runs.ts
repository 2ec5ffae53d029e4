/** Starts a data server for the runs of a directory or a store, and stops both. */

import { join } from 'node:path';
import type { Io } from '../../base/io/io.js';
import type { RunTable } from '../../data-server/data-provider.js';
import type { FollowOptions } from '../../data-server/followed-runs.js';
import { LocalRuns } from '../../data-server/local-runs.js';
import { findLocalRunName } from '../../data-server/run-name.js';
import { DEFAULT_POINTS, startDataServer } from '../../data-server/start-data-server.js';
import { ObjectCache } from '../../data-server/store/object-cache.js';
import { StoreRuns } from '../../data-server/store/store-runs.js';
import { openStoreAccess } from '../../engine/context/store-access.js';
import { type Environment, toXdgDirectory } from '../../settings/settings.js';
import { resolveConfig } from '../../settings/sync-config.js';
import type { Flags } from '../../settings/table.js';
import { parseRunUrl } from '../pull/run-url.js';

interface ServeRunsOptions extends FollowOptions {
  readonly host: string;
  readonly port: number;
  readonly token?: string | undefined;
  /** How often to list all local files, or to ask a store for new bytes; 0: only once. Default: 5, and 1 for one live file of a store. */
  readonly reloadSeconds?: number | undefined;
  /** The limit of the copies of a store. Default: 4 GiB. */
  readonly maxCacheBytes?: number | undefined;
  readonly io: Io;
  readonly environment: Environment;
  /** Of the command line, for a store. */
  readonly flags: Flags;
}

/** The interval of TensorBoard's own readers. */
const RELOAD_SECONDS = 5;
const MAX_CACHE_BYTES = 4 * 1024 ** 3;

interface FollowedTable extends RunTable {
  start(): void;
  close(): Promise<void>;
}

/** `place`: a directory, or the URL of a store or of a run in it. Throws as `loadRuns` does. */
export async function serveRuns(
  place: string,
  options: ServeRunsOptions,
): Promise<{ readonly port: number } & AsyncDisposable> {
  const table = place.includes('://') ? await openStoreRuns(place, options) : openLocalRuns(place, options);
  const { host, port, token } = options;
  try {
    const server = await startDataServer({ table, host, port, token });
    table.start();
    return {
      port: server.port,
      [Symbol.asyncDispose]: async () => {
        await server.close();
        await table.close();
      },
    };
  } catch (error) {
    await table.close();
    throw error;
  }
}

function openLocalRuns(
  directory: string,
  { io, reloadSeconds = RELOAD_SECONDS, ...options }: ServeRunsOptions,
): FollowedTable {
  return new LocalRuns(directory, { ...options, clock: io.clock, reloadSeconds, nameOf: findLocalRunName });
}

async function openStoreRuns(
  url: string,
  { io, environment, flags, capacity, reloadSeconds, maxCacheBytes, onProblem }: ServeRunsOptions,
): Promise<FollowedTable> {
  const target = parseRunUrl(url);
  const closing = new AbortController();
  const { signal } = closing;
  const { config } = await resolveConfig('.', { ...flags, store: target.store }, environment, io.fileSystem);
  const access = await openStoreAccess(config, { io, signal });
  const directory = join(toXdgDirectory(environment, 'XDG_CACHE_HOME', '.cache'), 'polytrack', 'objects');
  const cache = new ObjectCache({ directory, maxBytes: maxCacheBytes ?? MAX_CACHE_BYTES, ...access, signal });
  const prefix = target.runUuid === null ? '' : `${target.runUuid}/`;
  await cache.open();
  const table = new StoreRuns({
    ...{ clock: io.clock, location: url, prefix, access, cache, signal, capacity, reloadSeconds, onProblem },
  });
  return Object.assign(table, {
    close: async () => {
      closing.abort();
      await StoreRuns.prototype.close.call(table);
      await access.store.close();
    },
  });
}

/** How many points of a series to keep, from a number of a user: 0 means all. */
export function toCapacity(points: number = DEFAULT_POINTS): number {
  return points === 0 ? Number.POSITIVE_INFINITY : points;
}
