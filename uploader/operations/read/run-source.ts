/** The runs of a store, as `loadRuns` reads them: without a download of whole runs. */

import { checkOptions, type OptionTable } from '../../../src/base/options.js';
import type { RunSource } from '../../../src/reading/run-source.js';
import { type Io, nodeIo } from '../../base/io/io.js';
import { openStoreAccess } from '../../engine/context/store-access.js';
import { IndexCache } from '../../run-index/index-cache.js';
import type { Environment } from '../../settings/settings.js';
import { resolveConfig } from '../../settings/sync-config.js';
import type { Flags } from '../../settings/table.js';
import type { Store } from '../../store/base/store.js';
import { parseRunUrl } from '../pull/run-url.js';
import { listRunFolders } from './run-folders.js';

export interface RunSourceOptions {
  /** Default: Node's file system, clock and processes. */
  readonly io?: Io | undefined;
  /** Default: the store of the URL. The caller closes a store that it passes. */
  readonly store?: Store | undefined;
  /** Default: `process.env`. */
  readonly environment?: Environment | undefined;
  /** Flags of the command line, which take precedence over variables and the configuration file. */
  readonly flags?: Flags | undefined;
  readonly signal?: AbortSignal | undefined;
}
const OPTIONS: OptionTable<RunSourceOptions> = {
  io: 'object',
  store: 'object',
  environment: 'object',
  flags: 'object',
  signal: 'object',
};

/**
 * Opens the runs of a store, or with the uuid of a run after the URL, only that one, for `loadRuns`. Settings are those of the uploader: environment variables
 * and the configuration file. Throws as `sync` does, and also when the store is unavailable.
 */
export async function openRunSource(url: string, options: RunSourceOptions = {}): Promise<RunSource> {
  checkOptions('openRunSource', options, OPTIONS);
  const { io = nodeIo, store, environment = process.env, flags, signal } = options;
  const target = parseRunUrl(url);
  const { config } = await resolveConfig('.', { ...flags, store: target.store }, environment, io.fileSystem);
  const { store: opened, retryPolicy } = await openStoreAccess(config, { io, store, signal });
  const cache = new IndexCache(io, config.stateDirectory, opened.id);
  const access = { store: opened, retryPolicy, cache };
  const place = { access, url: target.store.replace(/\/+$/, ''), clock: io.clock };
  const only = target.runUuid === null ? undefined : [target.runUuid];
  return {
    location: url,
    listRuns: ({ uuids, signal }) => listRunFolders(place, { uuids: only ?? uuids, signal }),
    close: async () => {
      if (store === undefined) await opened.close();
    },
  };
}
