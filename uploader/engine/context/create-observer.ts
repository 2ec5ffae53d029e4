/** The notifier of a Polyaxon server, made of the parts of the engine. */

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
import { PolyaxonStore } from '../../store/polyaxon/polyaxon-store.js';

/** Of the engine, what a notifier needs. */
export interface ObserverContext {
  readonly io: Io;
  readonly config: SyncConfig;
  readonly isWatching: boolean;
  readonly paths: StatePaths;
  readonly store: Store;
  readonly inventory: Inventory;
  /** Whether a run is this uploader's to tell of. */
  readonly isOurs: (run: KnownRun) => boolean;
  readonly emit: OnSyncEvent;
  /** Waited for before each request. */
  readonly beforeRequest: (signal?: AbortSignal) => Promise<void>;
}

/** A daemon that was told to stop does not wait for a server that is away. */
const DRAIN_TIMEOUT_MS = 5_000;

/** Tells nobody where no API is configured. */
export function createObserver(parts: ObserverContext): RunObserver {
  const { io, config, isWatching, paths, store, inventory, emit, beforeRequest } = parts;
  const { api } = config;
  if (api === undefined || config.isDryRun) return noObserver;
  return new PolyaxonSync({
    io,
    client: new PolyaxonClient({ connection: api.connection(), clock: io.clock, beforeRequest }),
    isWatching,
    view: toStoredView(inventory),
    directory: paths.notified,
    createsProject: api.createsProject,
    defaults: { project: config.project ?? null, place: api.place },
    hasExport: config.exportEvents ?? true,
    projects: store instanceof PolyaxonStore ? store.projects : new ProjectDirectory(api.place),
    isOurs: (runUuid) => {
      const run = inventory.findRun(runUuid);
      return run !== undefined && parts.isOurs(run);
    },
    flushTimeoutMs: isWatching ? DRAIN_TIMEOUT_MS : config.retryTimeoutMs,
    onRetry: (notice) => emit({ kind: 'retry', ...notice }),
    onProblem: (runUuid, error) => emit({ kind: 'api-refused', runUuid, error }),
    onChange: (change) => emit(toEvent(change)),
  });
}

/** What the store has of runs, as the tracker knows it. */
function toStoredView(inventory: Inventory): StoredView {
  function* storedFiles(runUuid: string): Generator<string> {
    const run = inventory.findRun(runUuid);
    if (run === undefined) return;
    for (const id of inventory.filesOf(run))
      if (inventory.table.has(id, FLAG.stored)) yield inventory.relPathOf(id);
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
          if (id !== undefined && inventory.table.has(id, FLAG.stored)) return true;
        }
        if (directory !== path && !directory.startsWith(`${path}/`)) continue;
        for (const id of inventory.table.inFolder(folder))
          if (inventory.table.has(id, FLAG.stored)) return true;
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
      return { kind: 'api-refused', runUuid, error: change.error };
  }
}
