/** The runs of a store, as `loadRuns` reads them: without a download of whole runs. */

import { checkOptions, type OptionTable } from '../../../src/base/options.js';
import type { ListRunsOptions, RunFolder, RunSource } from '../../../src/reading/run-source.js';
import { RUN_UUID_PATTERN } from '../../../src/run-directory/layout.js';
import { type Io, nodeIo } from '../../base/io/io.js';
import { RESERVED_DIRECTORY } from '../../base/rel-path.js';
import { openStoreAccess } from '../../engine/context/store-access.js';
import { parseSegmentKey, type StoredSegment } from '../../pipeline/commit/segments.js';
import { type StoreAccess, toCodedError } from '../../pipeline/manifest/stored-run.js';
import type { Environment } from '../../settings/settings.js';
import { resolveConfig } from '../../settings/sync-config.js';
import type { Flags } from '../../settings/table.js';
import type { ListedObject, ObjectVersion, Store } from '../../store/base/store.js';
import { parseRunUrl } from '../pull/run-url.js';
import { StoredFolder } from './stored-folder.js';

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
  const access = await openStoreAccess(config, { io, store, signal });
  const only = target.runUuid === null ? undefined : [target.runUuid];
  return {
    location: url,
    listRuns: ({ uuids, signal }) => listFolders(access, target.store, { uuids: only ?? uuids, signal }),
    close: async () => {
      if (store === undefined) await access.store.close();
    },
  };
}

/** Lists the objects of a store, and yields each run when all of its objects are listed. */
async function* listFolders(
  access: StoreAccess,
  url: string,
  { uuids = [''], signal }: ListRunsOptions,
): AsyncGenerator<RunFolder, void, void> {
  // A prefix of another one would list its runs twice.
  const prefixes = uuids.filter((each) => !uuids.some((other) => other !== each && each.startsWith(other)));
  for (const prefix of [...new Set(prefixes)].sort()) {
    let run = null as FoundRun | null;
    for await (const object of listObjects(access, prefix, signal)) {
      const runUuid = object.key.slice(0, Math.max(0, object.key.indexOf('/')));
      if (!RUN_UUID_PATTERN.test(runUuid)) continue;
      if (run !== null && run.runUuid !== runUuid) yield toFolder(access, url, run);
      if (run?.runUuid !== runUuid) run = { runUuid, files: new Map(), segments: [] };
      addObject(run, object);
    }
    if (run !== null) yield toFolder(access, url, run);
  }
}

interface FoundRun {
  readonly runUuid: string;
  readonly files: Map<string, ObjectVersion>;
  readonly segments: StoredSegment[];
}

function addObject({ runUuid, files, segments }: FoundRun, object: ListedObject): void {
  const path = object.key.slice(runUuid.length + 1);
  if (!path.startsWith(`${RESERVED_DIRECTORY}/`)) {
    files.set(path, { etag: object.etag, sizeBytes: object.sizeBytes });
    return;
  }
  const place = path.startsWith(`${RESERVED_DIRECTORY}/seg/`) ? parseSegmentKey(runUuid, object.key) : null;
  if (place !== null) segments.push({ ...place, object });
}

function toFolder(access: StoreAccess, url: string, { runUuid, files, segments }: FoundRun): RunFolder {
  const location = `${url.replace(/\/+$/, '')}/${runUuid}`;
  return new StoredFolder({ access, runUuid, location, files, segments });
}

async function* listObjects(
  { store, retryPolicy }: StoreAccess,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListedObject, void, void> {
  const open = (last: ListedObject | undefined) => store.list(prefix, { after: last?.key, signal });
  try {
    yield* retryPolicy.streamWithRetry<ListedObject>('list the store', open, signal);
  } catch (error) {
    throw toCodedError(error);
  }
}
