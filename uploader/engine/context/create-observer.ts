/** Creates the observer that reports runs to a Polyaxon server. */

import type { Io } from '../../base/io/io.js';
import { FLAG } from '../../pipeline/inventory/file-table.js';
import type { Inventory } from '../../pipeline/inventory/inventory.js';
import type { KnownRun } from '../../pipeline/inventory/known-run.js';
import type { StatePaths } from '../../pipeline/journal/state-directory.js';
import type { OnSyncEvent, SyncEvent } from '../../pipeline/report/progress.js';
import { noObserver, type RunObserver, type StoredView } from '../../pipeline/report/run-observer.js';
import { PolyaxonClient } from '../../polyaxon-api/client.js';
import { ProjectDirectory } from '../../polyaxon-api/project-directory.js';
import { PolyaxonSync } from '../../polyaxon-sync/polyaxon-sync.js';
import type { RunSyncChange } from '../../polyaxon-sync/run-sync.js';
import type { SyncConfig } from '../../settings/sync-config.js';
import type { Store } from '../../store/base/store.js';
import { projectsOf } from '../../store/open-store.js';

/** The parts of the uploader's context that the observer needs. */
interface ObserverContext {
  readonly io: Io;
  readonly config: SyncConfig;
  readonly isWatching: boolean;
  readonly paths: StatePaths;
  readonly store: Store;
  readonly sendsFiles: boolean;
  readonly inventory: Inventory;
  readonly hostId: string;
  /** Whether this uploader reports the run. */
  readonly isOurs: (run: KnownRun) => boolean;
  readonly emit: OnSyncEvent;
  /** Awaited before each request. */
  readonly beforeRequest: (signal?: AbortSignal) => Promise<void>;
}

/** On shutdown, a watch waits no longer than this for a server that is unavailable. */
const DRAIN_TIMEOUT_MS = 5_000;

/** Returns `noObserver` when no API is configured, and in a dry run. */
export function createObserver(context: ObserverContext): RunObserver {
  const { io, config, isWatching, paths, store, inventory, emit, beforeRequest } = context;
  const { api } = config;
  if (api === undefined || config.isDryRun) return noObserver;
  return new PolyaxonSync({
    io,
    client: new PolyaxonClient({
      connection: api.connection(),
      transport: api.transport,
      clock: io.clock,
      beforeRequest,
      onNotice: (notice) => emit({ kind: 'notice', ...notice }),
    }),
    isWatching,
    view: toStoredView(inventory, context.sendsFiles ? FLAG.stored : FLAG.onDisk),
    directory: paths.notified,
    createsProject: api.createsProject,
    defaults: {
      ...{ project: config.project ?? null, place: api.place },
      overridesRuns: config.overridesProject === true,
    },
    runName: config.runName,
    hasExport: config.exportEvents ?? true,
    projects: projectsOf(store) ?? new ProjectDirectory(api.place),
    isOurs: (runUuid) => {
      const run = inventory.findRun(runUuid);
      return run !== undefined && context.isOurs(run);
    },
    hostId: context.hostId,
    takesOver: config.takeOver,
    flushTimeoutMs: !isWatching
      ? config.retryTimeoutMs
      : context.sendsFiles
        ? DRAIN_TIMEOUT_MS
        : config.shutdownTimeoutMs,
    onRetry: (notice) => emit({ kind: 'retry', ...notice }),
    onProblem: (runUuid, error) => emit({ kind: 'api-rejected', runUuid, error }),
    onChange: (change) => emit(toEvent(change)),
  });
}

/** Lists the stored files of each run, from the inventory. `flag`: what a stored file has; those of another program count as stored. */
function toStoredView(inventory: Inventory, flag: number): StoredView {
  function* storedFiles(runUuid: string): Generator<string> {
    const run = inventory.findRun(runUuid);
    if (run === undefined) return;
    for (const id of inventory.filesOf(run)) if (inventory.table.has(id, flag)) yield inventory.relPathOf(id);
  }
  return {
    storedFiles,
    hasStored: (runUuid, path) => {
      const run = inventory.findRun(runUuid);
      if (run === undefined) return false;
      const slash = path.lastIndexOf('/');
      const name = path.slice(slash + 1);
      for (const { id: folder, path: directory } of inventory.foldersOf(run)) {
        if (directory === (slash < 0 ? '' : path.slice(0, slash))) {
          const id = inventory.table.find(folder, name);
          if (id !== undefined && inventory.table.has(id, flag)) return true;
        }
        if (directory !== path && !directory.startsWith(`${path}/`)) continue;
        for (const id of inventory.table.inFolder(folder)) if (inventory.table.has(id, flag)) return true;
      }
      return false;
    },
  };
}

function toEvent(change: RunSyncChange): SyncEvent {
  const { runUuid } = change;
  switch (change.kind) {
    case 'created': {
      const { owner, project } = change.place;
      return { kind: 'api', runUuid, change: 'created', detail: `${owner}/${project}` };
    }
    case 'status':
      return { kind: 'api', runUuid, change: 'status', detail: change.status };
    case 'refused':
      return { kind: 'api-rejected', runUuid, error: change.error };
  }
}
