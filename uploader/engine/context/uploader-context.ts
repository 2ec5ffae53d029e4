/** Assembles everything that a sync or a watch needs from the configuration. */

import { basename, join, relative, sep } from 'node:path';
import type { Clock } from '../../../src/base/clock.js';
import type { CodedError } from '../../../src/base/errors.js';
import type { OptionTable } from '../../../src/base/options.js';
import { guardUser } from '../../../src/base/user-callback.js';
import { type RefusedError, StoreInsideRunError, StoreUnavailableError } from '../../base/errors.js';
import type { FileWatcher } from '../../base/io/file-watcher.js';
import { type Io, nodeIo } from '../../base/io/io.js';
import { resolveExisting } from '../../base/io/resolve-existing.js';
import { ConcurrencyLimit } from '../../base/limits/concurrency-limit.js';
import { RateLimit } from '../../base/limits/rate-limit.js';
import { RetryPolicy } from '../../base/limits/retry-policy.js';
import { createShardOwnership, OWNS_ALL, type Ownership, REPORTS_ONLY } from '../../cluster/ownership.js';
import { createFixedShards } from '../../cluster/shards.js';
import { type ExportView, NO_EXPORT } from '../../pipeline/export/export-view.js';
import type { FileId } from '../../pipeline/inventory/file-table.js';
import { Inventory } from '../../pipeline/inventory/inventory.js';
import type { KnownRun } from '../../pipeline/inventory/known-run.js';
import type { JournalOwner } from '../../pipeline/journal/journal-files.js';
import { type StatePaths, toStatePaths } from '../../pipeline/journal/state-directory.js';
import { ManifestWriter } from '../../pipeline/manifest/manifest-writer.js';
import type { OnSyncEvent, SyncEvent } from '../../pipeline/report/progress.js';
import { type RunObserver, withListener } from '../../pipeline/report/run-observer.js';
import { RootWatch } from '../../pipeline/scan/root-watch.js';
import type { Scanner } from '../../pipeline/scan/scanner.js';
import { BufferPool } from '../../pipeline/source/buffer-pool.js';
import type { OpenPolicy } from '../../pipeline/source/local-file.js';
import { NO_STORE } from '../../polyaxon-api/polyaxon-url.js';
import { locate, type Place } from '../../run-directory/locate-runs.js';
import { RunLiveness } from '../../run-directory/run-liveness.js';
import { IndexWriter } from '../../run-index/index-writer.js';
import type { SyncConfig } from '../../settings/sync-config.js';
import type { Store, StoreNotice } from '../../store/base/store.js';
import { readAnswers } from '../../store/capability-cache.js';
import { openStore, parseStoreUrl } from '../../store/open-store.js';
import { createObserver } from './create-observer.js';
import { createScanner } from './create-scanner.js';
import { type OnStoreCall, observeStore } from './observe-store.js';
import { isKnownPlace, RunOwners } from './run-owners.js';
import { findStateDirectory } from './state-in-memory.js';

export interface UploaderOptions {
  /** Default: Node's file system, clock and processes. */
  readonly io?: Io | undefined;
  readonly onEvent?: OnSyncEvent | undefined;
  /** Default: the configured store. The caller closes a store that it passes. */
  readonly store?: Store | undefined;
  /** Receives the progress of runs. Default: reports to the configured API, if there is one. */
  readonly observer?: RunObserver | undefined;
}

export interface ContextOptions extends UploaderOptions {
  /** Called after each call to the store. */
  readonly onStoreCall?: OnStoreCall | undefined;
}

export const UPLOADER_OPTIONS: OptionTable<UploaderOptions> = {
  io: 'object',
  onEvent: 'function',
  store: 'object',
  observer: 'object',
};

/** Keeps facts about runs, and drops them: nothing may remember what no longer exists. */
export interface RunKeeper {
  /** The directory of the run is gone. It may return under the same number. */
  onRunGone?(run: KnownRun): void;
  /** The numbers of the run and of its files will be given to others. */
  onForgotten?(run: KnownRun, ids: readonly FileId[]): void;
}

/** Buffers for checksums: the number of files that are likely to be read at the same time. */
const BUFFERS = 8;
const MAX_NOTICES = 1_000;

export class UploaderContext {
  readonly io: Io;
  readonly clock: Clock;
  readonly config: SyncConfig;
  readonly isWatching: boolean;
  readonly place: Place;
  readonly store: Store;
  /** False when there is no store: runs are reported, and their files are left to another program. */
  readonly sendsFiles: boolean;
  readonly paths: StatePaths;
  readonly owner: JournalOwner;
  readonly observer: RunObserver;
  /** Null when manifests are disabled. */
  readonly manifests: ManifestWriter | null;
  readonly inventory: Inventory;
  readonly owners: RunOwners;
  readonly rootWatch: RootWatch;
  readonly retryPolicy: RetryPolicy;
  readonly limit: ConcurrencyLimit;
  readonly bandwidth: RateLimit;
  readonly pool = new BufferPool(BUFFERS);
  readonly livenessByRun = new Map<number, RunLiveness>();
  /** Everything that keeps facts of runs or files by their numbers; see `RunKeeper`. */
  readonly runKeepers: RunKeeper[] = [];
  /** The latest notices, for the report; a watch that runs for months must not collect all. */
  /** Runs of other layouts that the store was asked for. */
  readonly reportedFormer = new Set<string>();
  readonly notices: StoreNotice[] = [];
  /** Runs that must not be sent, because they overlap with the store directory. */
  readonly refused = new Map<number, RefusedError>();
  readonly startMs: number;
  lockToken: string | null = null; // identifies this process as the holder of the lock, once it has it
  sentBytes = 0;
  /** The runs and files that this uploader works on; a cluster replaces it. */
  ownership: Ownership;
  /** The progress of the export; replaced when event files are exported. */
  exportView: ExportView = NO_EXPORT;
  /** Gives a log directory a separate uuid; the sync or watch sets it. */
  onReused: (run: KnownRun) => void = () => undefined;
  /** Called for each dirty file; the watch sets it. */
  onDirty: (id: FileId) => void = () => undefined;
  /** Whether a run is complete and nothing happens to it; the watch sets it. */
  isAtRest: (run: KnownRun) => boolean = () => false;
  readonly #onEvent: OnSyncEvent;
  readonly #storePath: string | null;

  private constructor(
    config: SyncConfig,
    options: UploaderOptions,
    found: {
      isWatching: boolean;
      place: Place;
      store: Store;
      hostId: string;
      storePath: string | null;
      bandwidth: RateLimit;
      beforeRequest: (signal?: AbortSignal) => Promise<void>;
    },
  ) {
    this.io = options.io ?? nodeIo;
    this.clock = this.io.clock;
    this.config = config;
    this.isWatching = found.isWatching;
    this.place = found.place;
    this.store = found.store;
    this.sendsFiles = found.store.id !== NO_STORE;
    const all = this.sendsFiles ? OWNS_ALL : REPORTS_ONLY;
    this.ownership =
      config.shard === undefined
        ? all
        : createShardOwnership(all, createFixedShards(config.shard), (id) => this.inventory.runOf(id));
    this.paths = toStatePaths(config.stateDirectory, found.place.root, found.store.id);
    this.owner = { rootKey: this.paths.rootKey, hostId: found.hostId };
    this.bandwidth = found.bandwidth;
    this.startMs = this.clock.monotonicMs();
    this.#onEvent = guardUser('onEvent', options.onEvent);
    this.#storePath = found.storePath;
    this.limit = new ConcurrencyLimit(config.concurrency);
    this.retryPolicy = new RetryPolicy({
      ...this.io,
      retryTimeoutMs: found.isWatching ? Number.POSITIVE_INFINITY : config.retryTimeoutMs,
      onRetry: (notice) => this.emit({ kind: 'retry', ...notice }),
      onTrouble: () => this.limit.onTrouble(this.clock.monotonicMs()),
    });
    this.rootWatch = new RootWatch(this.io.fileSystem, found.place.start, {
      onUnavailable: (reason) =>
        this.emit({ kind: 'paused', reason: `${found.place.start.toString()}: ${reason}` }),
      onBack: () => this.emit({ kind: 'resumed' }),
    });
    this.inventory = new Inventory({
      clock: this.clock,
      onDirty: (id) => this.onDirty(id),
      onRun: (run) => this.#takeRun(run),
      onRunGone: (run) => this.#dropRun(run),
    });
    const { io, inventory, store, retryPolicy } = this;
    this.owners = new RunOwners({
      ...{ io, inventory, store, retryPolicy, hostId: found.hostId, takesOver: config.takeOver },
      storeUrl: config.store,
      onReused: (run) => this.#rehome(run),
      onConflict: (runUuid, error) => this.emit({ kind: 'unsent', key: runUuid, error }),
    });
    this.manifests = this.#createManifests();
    const observer = options.observer ?? this.#createObserver(found.beforeRequest);
    const listeners = [this.manifests, this.#createIndexWriter()].filter((each) => each !== null);
    this.observer = listeners.reduce(withListener, observer);
  }

  /** Finds the runs' root and opens the store. Sends nothing. Throws a coded error for an unusable configuration. */
  static async open(
    given: SyncConfig,
    options: ContextOptions,
    mode: { readonly isWatching: boolean },
  ): Promise<UploaderContext> {
    const io = options.io ?? nodeIo;
    const location = parseStoreUrl(given.store);
    const place = await locate(io.fileSystem, given.path, { mayBeMissing: mode.isWatching });
    const storePath = location.scheme === 'file' ? await resolveStore(io, location.path) : null;
    let context: UploaderContext | undefined;
    const early: StoreNotice[] = []; // notices may come before the context exists
    const onNotice = (notice: StoreNotice): void => {
      if (context === undefined) early.push(notice);
      else context.onNotice(notice);
    };
    const config = {
      ...given,
      stateDirectory: await findStateDirectory(given.stateDirectory, io, onNotice),
    };
    const requests = new RateLimit(io.clock, config.requests);
    const beforeRequest = (signal?: AbortSignal): Promise<void> => requests.take(1, 'events', signal);
    const opened =
      options.store ??
      (await openStore(config.store, {
        ...io,
        s3: { ...config.s3, beforeRequest },
        gcs: { beforeRequest },
        azure: { beforeRequest },
        polyaxon: { connection: config.polyaxon?.(), beforeRequest },
        onNotice,
      }));
    const { onStoreCall } = options;
    const store = onStoreCall === undefined ? opened : observeStore(opened, io.clock, onStoreCall);
    await readAnswers(store, { io, stateDirectory: config.stateDirectory });
    const found = {
      ...mode,
      place,
      store,
      storePath,
      hostId: (await io.hostId?.()) ?? 'one host',
      bandwidth: new RateLimit(io.clock, config.bandwidth),
      beforeRequest,
    };
    context = new UploaderContext(config, options, found);
    early.forEach(context.onNotice);
    return context;
  }

  /** Opens a context for `work`, and closes what it has opened. */
  static async use<Result>(
    config: SyncConfig,
    options: ContextOptions,
    mode: { readonly isWatching: boolean },
    work: (context: UploaderContext) => Promise<Result>,
  ): Promise<Result> {
    const context = await UploaderContext.open(config, options, mode);
    try {
      return await work(context);
    } finally {
      await context.observer.close?.();
      if (options.store === undefined) await context.store.close();
    }
  }

  readonly emit = (event: SyncEvent): void => {
    if (event.kind === 'sent') this.sentBytes += event.sizeBytes;
    if (event.kind === 'notice') {
      this.notices.push({ code: event.code as StoreNotice['code'], message: event.message });
      if (this.notices.length > MAX_NOTICES) this.notices.shift();
    }
    this.#onEvent(event);
  };

  readonly onNotice = (notice: StoreNotice): void => this.emit({ kind: 'notice', ...notice });

  /** The conditions under which a file may be read for upload or verification. */
  readonly openPolicy = (): OpenPolicy => ({
    allowHardLinks: this.config.hardlinks,
    ...(this.config.oneFileSystem ? { device: this.rootWatch.device } : {}),
  });

  /** Whether Polyaxon event files are generated. Default: when Polyaxon is the store or the API. */
  get convertsEvents(): boolean {
    const isForPolyaxon =
      this.observer.wantsExport === true || /^polyaxon(\+https?)?:/.test(this.config.store);
    return this.sendsFiles && (this.config.exportEvents ?? isForPolyaxon);
  }

  /** Creates a scanner. The caller closes `fileWatcher`. */
  createScanner(fileWatcher?: FileWatcher): Scanner {
    return createScanner({
      config: this.config,
      io: this.io,
      place: this.place,
      hostId: this.owner.hostId,
      rootWatch: this.rootWatch,
      sink: this.inventory,
      isWatching: this.isWatching,
      storePath: this.#storePath,
      onNotice: this.onNotice,
      fileWatcher,
      isKnownPlace: (runUuid, directory) =>
        isKnownPlace({ ...this, hostId: this.owner.hostId }, runUuid, directory),
      lastStored: (runUuid, directory) => this.inventory.logDirectories.lastStored(runUuid, directory),
      isAtRest: (run) => this.isAtRest(this.inventory.runs[run]!),
      isFollowed: (run) => this.ownership.ownsRun(this.inventory.runs[run]!),
    });
  }

  /** Whether this uploader sends the file. */
  owns(id: FileId): boolean {
    return this.ownership.ownsFile(id);
  }

  /** Whether nothing of the run may be sent, neither files nor reports: its directory overlaps with the store, or does not own the run. */
  isBarred(run: KnownRun): boolean {
    return this.findBar(run) !== null;
  }

  /** Why nothing of the run may be sent, or null. */
  findBar(run: KnownRun): CodedError | null {
    return run.conflict ?? this.refused.get(run.index) ?? null;
  }

  /** Whether this uploader exports and reports the run. Whether a directory owns its run is known once the run is listed. */
  isOurs(run: KnownRun): boolean {
    return run.isListed && !this.isBarred(run) && this.ownership.ownsRun(run);
  }

  /** Whether the run is still being written, as far as is known. */
  isLive(run: KnownRun): boolean {
    return (this.livenessByRun.get(run.index)?.liveness ?? 'live') === 'live';
  }

  #createObserver(beforeRequest: (signal?: AbortSignal) => Promise<void>): RunObserver {
    const { io, config, isWatching, paths, store, sendsFiles, inventory, emit } = this;
    const isOurs = (run: KnownRun): boolean => this.isOurs(run);
    return createObserver({
      ...{ io, config, isWatching, paths, store, sendsFiles, inventory, emit, isOurs, beforeRequest },
      hostId: this.owner.hostId,
    });
  }

  #createManifests(): ManifestWriter | null {
    if (!this.config.manifests || !this.sendsFiles) return null;
    const { io, store, inventory, retryPolicy, pool, onNotice, openPolicy } = this;
    return new ManifestWriter({ io, store, inventory, retryPolicy, pool, onNotice, openPolicy });
  }

  /** Null if the store can have no index, or without one. */
  #createIndexWriter(): IndexWriter | null {
    const { io, store, config, isWatching, inventory, retryPolicy, onNotice, openPolicy } = this;
    if (!config.index || !this.sendsFiles || store.listFolders === undefined || config.isDryRun) return null;
    const isOurs = (run: KnownRun): boolean => this.isOurs(run);
    const { stateDirectory } = config;
    return new IndexWriter({
      ...{ io, store, inventory, retryPolicy, stateDirectory, isWatching, isOurs, openPolicy, onNotice },
    });
  }

  #rehome(run: KnownRun): void {
    const message = `${run.directory}: has another experiment than run ${run.uuid}, which was stored from the same path; it gets a separate uuid`;
    this.onNotice({ code: 'NOTICE_LOG_DIRECTORY_REUSED', message });
    this.onReused(run);
  }

  #dropRun(run: KnownRun): void {
    this.livenessByRun.delete(run.index);
    this.refused.delete(run.index);
    this.observer.onRunGone?.(run.uuid);
    for (const keeper of this.runKeepers) keeper.onRunGone?.(run);
  }

  #takeRun(run: KnownRun): void {
    const { directory } = run;
    if (directory === null) return;
    this.livenessByRun.set(run.index, new RunLiveness(this.io, directory));
    if (this.#storePath !== null && overlaps(this.#storePath, run.uuid, directory.toString()))
      this.refused.set(run.index, new StoreInsideRunError(this.#storePath, directory.toString()));
    const project = this.config.project ?? null;
    this.observer.onRun({
      ...{ runUuid: run.uuid, directory: directory.toString(), project, kind: run.kind ?? 'polyaxon' },
      name: toRunName(this.place.start, directory),
    });
    const isImported = run.kind === 'log-directory';
    this.emit({ kind: 'run', runUuid: run.uuid, directory: directory.toString(), isImported });
  }
}

/**
 * Whether the store directory is inside the run, or the run is inside its own folder in the store, so that every sync would upload the
 * store into itself. Both paths must have all links resolved.
 */
function overlaps(storePath: string, runUuid: string, directory: string): boolean {
  return isInside(storePath, directory) || isInside(directory, join(storePath, runUuid));
}

function isInside(path: string, directory: string): boolean {
  const between = relative(directory, path);
  return between === '' || (between !== '..' && !between.startsWith(`..${sep}`) && !between.startsWith(sep));
}

/** The name of a run that has none: its path below the root. */
function toRunName(start: Buffer, directory: Buffer): string {
  return relative(start.toString(), directory.toString()) || basename(directory.toString());
}

async function resolveStore({ fileSystem }: Io, path: string): Promise<string> {
  try {
    return await resolveExisting(fileSystem, path);
  } catch (cause) {
    throw new StoreUnavailableError(`find the directory ${path}`, 1, true, { cause });
  }
}
