/**
 * Writes the rows of runs to the index of the store: when a run has ended, a few seconds after its first upload, and every few minutes while it is uploaded.
 *
 * Rows of many runs share an object, and nothing is written for a run whose row is current: a sync without changes costs one listing of the index. A
 * failure is reported once and repeated with the next rows; it never delays or fails an upload.
 */

import { inBackground } from '../../src/base/background.js';
import { messageOf } from '../../src/base/errors.js';
import { findMetricRanges } from '../../src/reading/last-metrics.js';
import { listLogDirectories } from '../../src/reading/log-directories.js';
import type { MetricRange } from '../../src/reading/run-facts.js';
import { readRunFields } from '../../src/reading/run-fields.js';
import { RUN_FILE } from '../../src/run-directory/layout.js';
import type { Io } from '../base/io/io.js';
import type { Inventory } from '../pipeline/inventory/inventory.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';
import type { StoreAccess } from '../pipeline/manifest/stored-run.js';
import type { RunListener, StoredFile } from '../pipeline/report/run-observer.js';
import type { OpenPolicy } from '../pipeline/source/local-file.js';
import type { Liveness } from '../run-directory/run-liveness.js';
import type { StoreNotice } from '../store/base/store.js';
import { IndexCache } from './index-cache.js';
import { createRow, type IndexRow } from './index-row.js';
import {
  mergeObjects,
  type OwnObject,
  planMerge,
  type RunIndex,
  readIndex,
  saveRows,
} from './index-store.js';
import { InventoryFolder } from './inventory-folder.js';
import { isIndexedFile } from './run-version.js';

interface IndexWriterOptions extends StoreAccess {
  readonly io: Io;
  readonly inventory: Inventory;
  readonly stateDirectory: string;
  readonly isWatching: boolean;
  /** Whether this uploader reports the run. */
  readonly isOurs: (run: KnownRun) => boolean;
  readonly openPolicy: () => OpenPolicy;
  readonly onNotice: (notice: StoreNotice) => void;
}

/** Between the first change of a run that has no row of this process, or its end, and its row: others end meanwhile. */
const SOON_MS = 10_000;
const INTERVAL_MS = 180_000;
/** Rows are derived from whole event files: the pause after them is a multiple of the time that this takes. */
const PAUSE_RATIO = 30;
/** A process adds rows to its object up to this number, and then begins another one. */
const MAX_OWN_ROWS = 512;
/** The number of rows that are derived before they are stored. */
const BATCH_ROWS = 1000;

export class IndexWriter implements RunListener {
  readonly #options: IndexWriterOptions;
  readonly #cache: IndexCache;
  readonly #abort = new AbortController();
  /** Runs whose row may not be current. */
  readonly #changed = new Set<string>();
  readonly #ended = new Set<string>();
  /** Runs that have a row of this process. */
  readonly #written = new Set<string>();
  #own: OwnObject | null = null;
  #working: Promise<void> = Promise.resolve();
  /** When the next rows are written; infinite while there are none. */
  #dueMs = Number.POSITIVE_INFINITY;
  #earliestMs = Number.NEGATIVE_INFINITY;
  #isTimed = false;
  #hasFailed = false;

  constructor(options: IndexWriterOptions) {
    this.#options = options;
    this.#cache = new IndexCache(options.io, options.stateDirectory, options.store.id);
  }

  onStored({ runUuid, relPath }: StoredFile): void {
    if (relPath !== RUN_FILE && !isIndexedFile(relPath)) return;
    this.#change(runUuid, this.#written.has(runUuid) ? INTERVAL_MS : SOON_MS);
  }

  onLiveness(runUuid: string, liveness: Liveness): void {
    if (liveness === 'live') this.#ended.delete(runUuid);
  }

  onRunComplete(runUuid: string): void {
    this.#ended.add(runUuid);
    this.#change(runUuid, SOON_MS);
  }

  onRunGone(runUuid: string): void {
    for (const runs of [this.#changed, this.#ended, this.#written]) runs.delete(runUuid);
  }

  /** Writes all rows that are not current. Resolves early when the signal is aborted. */
  async flush(signal?: AbortSignal): Promise<void> {
    const abort = (): void => this.#abort.abort();
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    this.#write();
    await this.#working;
    signal?.removeEventListener('abort', abort);
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#working;
  }

  #change(runUuid: string, withinMs: number): void {
    this.#changed.add(runUuid);
    if (!this.#options.isWatching) return;
    const nowMs = this.#options.io.clock.monotonicMs();
    this.#dueMs = Math.min(this.#dueMs, Math.max(this.#earliestMs, nowMs + withinMs));
    if (this.#isTimed) return;
    this.#isTimed = true;
    inBackground(this.#writeWhenDue());
  }

  async #writeWhenDue(): Promise<void> {
    const { clock } = this.#options.io;
    try {
      while (this.#changed.size > 0) {
        await clock.sleep(
          Math.min(SOON_MS, Math.max(0, this.#dueMs - clock.monotonicMs())),
          this.#abort.signal,
        );
        if (clock.monotonicMs() < this.#dueMs) continue;
        this.#dueMs = Number.POSITIVE_INFINITY;
        const startMs = clock.monotonicMs();
        this.#write();
        await this.#working;
        const endMs = clock.monotonicMs();
        this.#earliestMs = endMs + Math.max(SOON_MS, PAUSE_RATIO * (endMs - startMs));
        if (this.#changed.size > 0) this.#dueMs = Math.min(this.#dueMs, endMs + INTERVAL_MS);
      }
    } catch {
      // The signal was aborted.
    } finally {
      this.#isTimed = false;
    }
  }

  /** Queues the rows of the runs that have changed. */
  #write(): void {
    this.#working = this.#working.then(async () => {
      if (this.#abort.signal.aborted || this.#changed.size === 0) return;
      const runs = [...this.#changed];
      this.#changed.clear();
      try {
        await this.#writeRows(runs);
        this.#hasFailed = false;
      } catch (error) {
        for (const runUuid of runs) this.#changed.add(runUuid);
        if (this.#abort.signal.aborted || this.#hasFailed) return;
        this.#hasFailed = true;
        const message = `the index of the store was not written, so that listing its runs takes longer: ${messageOf(error)}`;
        this.#options.onNotice({ code: 'NOTICE_NO_INDEX', message });
      }
    });
  }

  async #writeRows(runs: readonly string[]): Promise<void> {
    const { signal } = this.#abort;
    const access = { ...this.#options, cache: this.#cache };
    const { randomness } = this.#options.io;
    const index = await readIndex(access, signal);
    let hasWritten = false;
    for await (const rows of this.#deriveRows(runs, index)) {
      const known = this.#own?.rows ?? [];
      const isFull = known.length + rows.length > MAX_OWN_ROWS;
      const replaced = new Set(rows.map(({ uuid }) => uuid));
      const kept = isFull ? [] : known.filter(({ uuid }) => !replaced.has(uuid));
      const saved = await saveRows(access, [...kept, ...rows], isFull ? null : this.#own, {
        randomness,
        signal,
      });
      if ('status' in saved) throw saved.error;
      this.#own = saved;
      for (const runUuid of replaced) this.#written.add(runUuid);
      hasWritten = true;
    }
    // The listing shows the state before: merging is worth a request only after many writes.
    const merged = planMerge(index.objects);
    if (hasWritten && merged.length > 0) await mergeObjects(access, merged, index, { randomness, signal });
  }

  /** Derives the rows that are not current, some at a time. */
  async *#deriveRows(runs: readonly string[], { rows }: RunIndex): AsyncGenerator<IndexRow[], void, void> {
    const { inventory, isOurs, io, openPolicy } = this.#options;
    let batch: IndexRow[] = [];
    for (const runUuid of runs) {
      const run = inventory.findRun(runUuid);
      if (run === undefined || run.directory === null || !isOurs(run)) continue;
      const folder = new InventoryFolder({ fileSystem: io.fileSystem, inventory, run, openPolicy });
      const { version } = folder;
      const isEnded = this.#ended.has(runUuid);
      const known = rows.get(runUuid);
      if (version === null || (known?.version === version && known.isEnded === isEnded)) continue;
      const row = await this.#deriveRow(folder, { version, isEnded });
      // It was changed while it was read: its next upload makes another row.
      if (row === null || folder.version !== version) continue;
      if (batch.push(row) < BATCH_ROWS) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }

  /** Null if a file of the run is damaged: a reader then reads the run, and reports the damage. */
  async #deriveRow(
    folder: InventoryFolder,
    { version, isEnded }: Pick<IndexRow, 'version' | 'isEnded'>,
  ): Promise<IndexRow | null> {
    const { signal } = this.#abort;
    const { uuid, location: _location, problems, ...fields } = await readRunFields(folder, signal);
    if (problems.length > 0 || uuid !== folder.uuid) return null;
    const metrics: MetricRange[] = [];
    for (const directory of await listLogDirectories(folder, 'metric', signal)) {
      const found = await findMetricRanges(folder, directory, signal);
      if (found.problems.length > 0) return null;
      for (const metric of found.metrics) metrics.push(metric);
    }
    const atMs = this.#options.io.clock.wallTime() * 1000;
    return createRow({ uuid, version, isEnded, atMs }, fields, metrics);
  }
}
