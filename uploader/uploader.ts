/**
 * One sync pass, top to bottom: locate → scan → list → plan → transfer → journal.
 *
 * Safe to stop at any point: an object is visible whole or not at all, and the journal never says more than the store has acknowledged.
 */

import type { SyncConfig } from './config.js';
import { StoreUnavailableError } from './errors.js';
import { type Io, nodeIo } from './io/io.js';
import { type OpenedJournal, openJournal, readJournal } from './journal.js';
import type { JournalView } from './journal-view.js';
import { type LocatedRuns, locateRuns } from './locate-runs.js';
import { acquireLock } from './lock.js';
import { Patience } from './patience.js';
import { planSync, type StoreListing, type SyncPlan } from './plan.js';
import { type OnSyncEvent, toPlannedEvent } from './progress.js';
import { type SyncReport, toReport } from './report.js';
import { OutcomeError } from './retry.js';
import { type Snapshot, scanRun } from './scanner.js';
import { makeStateDirectory, toStatePaths } from './state-directory.js';
import { openStore, parseStoreUrl } from './store/open-store.js';
import type { ObjectVersion, Store, StoreNotice } from './store/store.js';
import { requireSeparate } from './store-overlap.js';
import { runPlan, type TransferResult } from './transfer.js';

export interface SyncOptions {
  /** Default: the host's. */
  readonly io?: Io;
  readonly onEvent?: OnSyncEvent;
  /** Ends the pass early; the report then says what is unsent. */
  readonly signal?: AbortSignal;
  /** Default: the store that the configuration names. The caller closes a store of its own. */
  readonly store?: Store;
}

/**
 * Sends what the store does not have yet, and reports. Throws a coded error when nothing can be sent at all: no runs at the path, a
 * malformed store URL, credentials or a bucket that are refused, an unwritable state directory, another uploader at work.
 * A store that cannot be reached is no such error: the report lists every file as unsent.
 */
export async function syncOnce(config: SyncConfig, options: SyncOptions = {}): Promise<SyncReport> {
  const pass = new Pass(config, options);
  const location = parseStoreUrl(config.store);
  const located = await locateRuns(pass.io.fileSystem, config.path);
  if (location.scheme === 'file') await requireSeparate(pass.io.fileSystem, location.path, located.runs);

  const store =
    options.store ?? (await openStore(config.store, { ...pass.io, s3: config.s3, onNotice: pass.onNotice }));
  try {
    return await (config.isDryRun ? pass.rehearse(located, store) : pass.perform(located, store));
  } finally {
    if (options.store === undefined) await store.close();
  }
}

class Pass {
  readonly io: Io;
  readonly #config: SyncConfig;
  readonly #signal: AbortSignal | undefined;
  readonly #emit: OnSyncEvent;
  readonly #patience: Patience;
  readonly #startMs: number;
  readonly #notices: StoreNotice[] = [];
  #sentBytes = 0;

  constructor(config: SyncConfig, { io = nodeIo, onEvent = () => undefined, signal }: SyncOptions) {
    this.io = io;
    this.#config = config;
    this.#signal = signal;
    this.#emit = onEvent;
    this.#startMs = io.clock.monotonicMs();
    this.#patience = new Patience({
      ...io,
      patienceMs: config.patienceMs,
      onRetry: (notice) => onEvent({ kind: 'retry', ...notice }),
    });
  }

  readonly onNotice = (notice: StoreNotice): void => {
    this.#notices.push(notice);
    this.#emit({ kind: 'notice', ...notice });
  };

  /** Plans and reports. Takes no lock and writes nothing, neither here nor there. */
  async rehearse(located: LocatedRuns, store: Store): Promise<SyncReport> {
    const paths = toStatePaths(this.#config.stateDirectory, located.root, store.id);
    const journal = await readJournal(this.io.fileSystem, paths);
    const snapshots = await this.#scan(located);
    const prepared = await this.#plan(snapshots, journal, store);
    return this.#report(located, store, snapshots, prepared, []);
  }

  async perform(located: LocatedRuns, store: Store): Promise<SyncReport> {
    const paths = toStatePaths(this.#config.stateDirectory, located.root, store.id);
    await makeStateDirectory(this.io.fileSystem, paths);
    const lock = await acquireLock(paths.lock, this.io);
    try {
      const journal = await openJournal(this.io.fileSystem, paths, this.onNotice);
      try {
        const snapshots = await this.#scan(located);
        const prepared = await this.#plan(snapshots, journal.view, store);
        const results = await this.#transfer(snapshots, prepared, journal, store);
        return this.#report(located, store, snapshots, prepared, results);
      } finally {
        await journal.close();
      }
    } finally {
      await lock.release();
    }
  }

  async #scan({ runs }: LocatedRuns): Promise<Snapshot[]> {
    const snapshots: Snapshot[] = [];
    const signal = this.#signal;
    for (const run of runs) {
      if (signal?.aborted) break;
      const snapshot = await scanRun(this.io.fileSystem, run, {
        keyPrefix: toKeyPrefix(this.#config.store, run.runUuid),
        signal,
      });
      snapshots.push(snapshot);
    }
    const files = snapshots.flatMap((snapshot) => snapshot.files);
    const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    this.#emit({ kind: 'scanned', runs: snapshots.length, files: files.length, sizeBytes });
    return snapshots;
  }

  async #plan(snapshots: readonly Snapshot[], journal: JournalView, store: Store): Promise<PreparedPlan> {
    const listings = new Map<string, StoreListing>();
    const unavailable = await this.#list(snapshots, store, listings);
    const plan = planSync(snapshots, journal, listings);
    this.#emit(toPlannedEvent(plan.actions));
    return { plan, listings, unavailable };
  }

  /** Lists each run. Returns why the store cannot be reached; throws when it can, and refuses. */
  async #list(
    snapshots: readonly Snapshot[],
    store: Store,
    listings: Map<string, StoreListing>,
  ): Promise<StoreUnavailableError | null> {
    const signal = this.#signal;
    try {
      const checked = await this.#patience.withRetry(`reach ${store.id}`, () => store.check(signal), {
        signal,
      });
      if (checked.status === 'failed') throw checked.error;
      for (const { runUuid } of snapshots) {
        const listing = new Map<string, ObjectVersion>();
        const objects = this.#patience.streamWithRetry<{ key: string } & ObjectVersion>(
          `list ${runUuid}`,
          (last) => store.list(`${runUuid}/`, { after: last?.key, signal }),
          signal,
        );
        for await (const { key, etag, sizeBytes } of objects) listing.set(key, { etag, sizeBytes });
        listings.set(runUuid, listing);
      }
      return null;
    } catch (error) {
      if (signal?.aborted) return null;
      const failure =
        error instanceof OutcomeError && error.outcome.status === 'failed' ? error.outcome.error : error;
      if (failure instanceof StoreUnavailableError) return failure;
      throw failure;
    }
  }

  async #transfer(
    snapshots: readonly Snapshot[],
    { plan, unavailable }: PreparedPlan,
    journal: OpenedJournal,
    store: Store,
  ): Promise<TransferResult[]> {
    if (unavailable !== null) return toUnavailable(plan, unavailable, this.#emit);
    return runPlan(
      plan,
      {
        io: this.io,
        store,
        journal,
        patience: this.#patience,
        directories: new Map(snapshots.map(({ runUuid, directory }) => [runUuid, directory])),
        onEvent: (event) => {
          if (event.kind === 'sent') this.#sentBytes += event.sizeBytes;
          this.#emit(event);
        },
        signal: this.#signal,
      },
      { concurrency: this.#config.concurrency },
    );
  }

  #report(
    located: LocatedRuns,
    store: Store,
    snapshots: readonly Snapshot[],
    { plan, listings, unavailable }: PreparedPlan,
    results: readonly TransferResult[],
  ): SyncReport {
    const isDryRun = this.#config.isDryRun;
    return toReport({
      root: located.root.toString(),
      store: store.id,
      isDryRun,
      isAborted: this.#signal?.aborted === true,
      durationMs: this.io.clock.monotonicMs() - this.#startMs,
      sentBytes: this.#sentBytes,
      snapshots,
      skipped: located.skipped,
      problems: located.problems,
      plan,
      listings,
      results: isDryRun && unavailable !== null ? toUnavailable(plan, unavailable, this.#emit) : results,
      notices: this.#notices,
    });
  }
}

interface PreparedPlan {
  readonly plan: SyncPlan;
  readonly listings: ReadonlyMap<string, StoreListing>;
  readonly unavailable: StoreUnavailableError | null;
}

/** What the keys of a run begin with in the bucket; its length counts towards the limit on keys. */
function toKeyPrefix(storeUrl: string, runUuid: string): string {
  const location = parseStoreUrl(storeUrl);
  return location.scheme === 's3' && location.prefix !== ''
    ? `${location.prefix}/${runUuid}/`
    : `${runUuid}/`;
}

/** Without a store, everything that the journal does not vouch for is unsent. */
function toUnavailable(plan: SyncPlan, error: StoreUnavailableError, onEvent: OnSyncEvent): TransferResult[] {
  return plan.actions
    .filter(({ action }) => action !== 'skip')
    .map(({ key, file }) => {
      onEvent({ kind: 'unsent', key, error });
      return { key, sizeBytes: file.sizeBytes, outcome: { status: 'failed', error } };
    });
}
