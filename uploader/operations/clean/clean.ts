/**
 * Deletes the local files of runs that have ended, after comparing every file with the store. By default it is a dry run that only
 * reports what it would delete.
 */

import { RUN_FILE } from '../../../src/run-directory/layout.js';
import { joinPath } from '../../base/join-path.js';
import { toPathBytes } from '../../base/rel-path.js';
import type { UploaderContext } from '../../engine/context/uploader-context.js';
import { FLAG } from '../../pipeline/inventory/file-table.js';
import type { KnownRun } from '../../pipeline/inventory/known-run.js';
import { findCleanedMarker } from '../../run-directory/cleaned-marker.js';
import type { SyncConfig } from '../../settings/sync-config.js';
import { type ScannedRuns, type VerifyOptions, withScannedRuns } from '../verify/verify.js';
import type { VerifyProblem } from '../verify/verify-report.js';
import { deleteRun } from './delete-run.js';
import { type CleanRules, type KeptReason, type LocalRun, selectRuns } from './select-runs.js';

export interface CleanOptions extends VerifyOptions, CleanRules {
  /** Only report what would be deleted. Default true. */
  readonly isDryRun?: boolean | undefined;
  /** Stop as soon as this many bytes are free on the root's file system. */
  readonly untilFreeBytes?: number | undefined;
  /** Also delete the run file and the run's directory. Default false: they stay, with a marker that says where the data is. */
  readonly isAll?: boolean | undefined;
}

export interface CleanedRun {
  readonly runUuid: string;
  readonly directory: string;
  /**
   * `refused`: the store does not have the same files. `live`: the run is still being written. `kept`: a rule keeps the run. `done`: the
   * run was cleaned before.
   */
  readonly outcome: 'cleaned' | 'would-clean' | 'refused' | 'live' | 'kept' | 'done';
  readonly kept: KeptReason | null;
  /** Files deleted, or in a dry run to be deleted; without excluded files. */
  readonly files: number;
  readonly bytes: number;
  /** Why the run was refused. */
  readonly problems: readonly VerifyProblem[];
  /** Paths that stay on disk because they are excluded from the store. */
  readonly leftOut: readonly string[];
}

export interface CleanReport {
  readonly root: string;
  readonly store: string;
  readonly isDryRun: boolean;
  readonly isAborted: boolean;
  /** True when the command was not aborted and no run was refused. */
  readonly isComplete: boolean;
  readonly durationMs: number;
  readonly bytes: number;
  readonly freeBytes: number;
  readonly runs: readonly CleanedRun[];
}

interface Candidate extends LocalRun {
  readonly run: KnownRun;
  /** Number of files, without the run file. */
  readonly files: number;
}

/**
 * Verifies runs, oldest first, and deletes the local files of runs that are completely stored. Throws as `verify` does. With `isDryRun`
 * (the default) nothing is deleted.
 */
export function clean(config: SyncConfig, options: CleanOptions = {}): Promise<CleanReport> {
  // Compare everything: a deleted file cannot be compared again.
  const exact = { ...options, isExact: true };
  return withScannedRuns({ ...config, manifests: true }, exact, (scanned) =>
    new Cleaning(config, options, scanned).run(),
  );
}

class Cleaning {
  readonly #config: SyncConfig;
  readonly #options: CleanOptions;
  readonly #scanned: ScannedRuns;
  readonly #context: UploaderContext;
  readonly #isDryRun: boolean;
  #bytes = 0;

  constructor(config: SyncConfig, options: CleanOptions, scanned: ScannedRuns) {
    this.#config = config;
    this.#options = options;
    this.#scanned = scanned;
    this.#context = scanned.context;
    this.#isDryRun = options.isDryRun ?? true;
  }

  async run(): Promise<CleanReport> {
    const { clock, place, store, startMs } = this.#context;
    const { signal } = this.#options;
    const runs: CleanedRun[] = [];
    const candidates = await Promise.all(this.#scanned.runs.map((run) => this.#toCandidate(run)));
    const selected = selectRuns(candidates, this.#options, clock.wallTime() * 1000);
    try {
      for (const { run, kept } of selected) runs.push(await this.#cleanOne(run, kept));
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
    const isAborted = signal?.aborted === true;
    return {
      root: place.root.toString(),
      store: store.id,
      isDryRun: this.#isDryRun,
      isAborted,
      isComplete: !isAborted && runs.every(({ outcome }) => outcome !== 'refused'),
      durationMs: Math.round(clock.monotonicMs() - startMs),
      bytes: this.#bytes,
      freeBytes: await this.#freeBytes(),
      runs,
    };
  }

  async #cleanOne(candidate: Candidate, kept: KeptReason | null): Promise<CleanedRun> {
    const { run } = candidate;
    const { fileSystem } = this.#context.io;
    const directory = run.directory ?? Buffer.alloc(0);
    const none = { files: 0, bytes: 0, kept: null, problems: [], leftOut: [] };
    const result = { runUuid: run.uuid, directory: directory.toString(), ...none };
    if (kept !== null) return { ...result, outcome: 'kept', kept };
    const marker = await findCleanedMarker(fileSystem, directory);
    if (marker?.state === 'cleaned' && candidate.files === 0 && this.#options.isAll !== true)
      return { ...result, outcome: 'done' };
    if (await this.#isEnoughFree()) return { ...result, outcome: 'kept', kept: 'enough-free' };

    const { verification, files } = await this.#scanned.verifyOne(run);
    const { problems, leftOut, isLive, manifest } = verification;
    if (isLive) return { ...result, outcome: 'live' };
    if (problems.length > 0) return { ...result, outcome: 'refused', problems };
    if (manifest === null) return { ...result, outcome: 'refused', problems: [noManifest()] };
    const deletable = files.filter(({ path }) => path !== RUN_FILE || this.#options.isAll === true);
    const bytes = deletable.reduce((sum, { version }) => sum + version.sizeBytes, 0);
    if (this.#isDryRun) {
      this.#bytes += bytes;
      return { ...result, outcome: 'would-clean', files: deletable.length, bytes, leftOut };
    }
    const at = new Date(this.#context.clock.wallTime() * 1000).toISOString();
    const deleted = await deleteRun(fileSystem, directory, {
      files,
      marker: { run: run.uuid, store: this.#config.store, manifest, at },
      isAll: this.#options.isAll === true,
      signal: this.#options.signal,
    });
    this.#bytes += deleted.bytes;
    const { failure } = deleted;
    const done = { ...result, files: deleted.files, bytes: deleted.bytes, leftOut };
    if (failure === null) return { ...done, outcome: 'cleaned' };
    const problem = { path: failure.path, finding: 'changed' as const, message: failure.reason, error: null };
    return { ...done, outcome: 'refused', problems: [problem] };
  }

  async #toCandidate(run: KnownRun): Promise<Candidate> {
    const { inventory, io } = this.#context;
    const ids = [...inventory.filesOf(run)].filter((id) => inventory.table.has(id, FLAG.onDisk));
    const places = ids.flatMap((id) => inventory.placeOf(id) ?? []);
    const stats = await io.fileSystem.lstatAll(
      places.map(({ directory, path }) => joinPath(directory, [toPathBytes(path)])),
    );
    let newestMs = 0;
    for (const stat of stats)
      if (!(stat instanceof Error)) newestMs = Math.max(newestMs, Number(stat.mtimeNs / 1_000_000n));
    const bytes = ids.reduce((sum, id) => sum + inventory.table.seenBytes[id]!, 0);
    const files = ids.filter((id) => inventory.relPathOf(id) !== RUN_FILE).length;
    return { run, bytes, newestMs, files };
  }

  async #isEnoughFree(): Promise<boolean> {
    const { untilFreeBytes } = this.#options;
    if (untilFreeBytes === undefined) return false;
    // A dry run counts the bytes that it would have deleted as free.
    return (await this.#freeBytes()) + (this.#isDryRun ? this.#bytes : 0) >= untilFreeBytes;
  }

  #freeBytes(): Promise<number> {
    return this.#context.io.fileSystem.freeBytes(this.#context.place.start);
  }
}

function noManifest(): VerifyProblem {
  const message = 'the manifest could not be written; nothing is deleted without it';
  return { path: '', finding: 'unreadable', message, error: null };
}
