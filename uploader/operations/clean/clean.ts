/**
 * Deletes the local files of runs that have ended, after comparing every file with the store. By default it is a dry run that only
 * reports what it would delete.
 */

import { CodedError, messageOf } from '../../../src/base/errors.js';
import { checkOptions, type OptionTable } from '../../../src/base/options.js';
import { CONTINUED_FILES } from '../../../src/run-directory/layout.js';
import { RunLockedError, SameFileError } from '../../base/errors.js';
import { mapInParallel } from '../../base/in-parallel.js';
import { findStat } from '../../base/io/resolve-existing.js';
import { sumFile } from '../../base/io/sum-file.js';
import { isAbsent, isDiskFull, systemErrorCode } from '../../base/io/system-error.js';
import { joinPath } from '../../base/join-path.js';
import { toPathBytes } from '../../base/rel-path.js';
import type { UploaderContext } from '../../engine/context/uploader-context.js';
import { FLAG } from '../../pipeline/inventory/file-table.js';
import type { KnownRun } from '../../pipeline/inventory/known-run.js';
import { findCleanedMarker, toFileDigest } from '../../run-directory/cleaned-marker.js';
import { RunActivity } from '../../run-directory/run-activity.js';
import { removeLinks } from '../../run-directory/run-links.js';
import { lockRun, type RunLock, toRunLockKey } from '../../run-directory/run-lock.js';
import { checkConfig, type SyncConfig } from '../../settings/sync-config.js';
import { type ScannedRuns, VERIFY_OPTIONS, type VerifyOptions, withScannedRuns } from '../verify/verify.js';
import type { VerifyProblem } from '../verify/verify-report.js';
import type { VerifiedFile, VerifiedRun } from '../verify/verify-run.js';
import { type DeleteRunOptions, deleteRun, listAside } from './delete-run.js';
import { CLEAN_RULES, type CleanRules, type KeptReason, type LocalRun, selectRuns } from './select-runs.js';

export interface CleanOptions extends VerifyOptions, CleanRules {
  /** Only report what would be deleted. Default true. */
  readonly isDryRun?: boolean | undefined;
  /** Stop as soon as this many bytes are free on the root's file system. */
  readonly untilFreeBytes?: number | undefined;
  /** Also delete the run file and the run's directory. Default false: they stay, with a marker that says where the data is. */
  readonly isAll?: boolean | undefined;
}
const CLEAN_OPTIONS: OptionTable<CleanOptions> = {
  ...VERIFY_OPTIONS,
  ...CLEAN_RULES,
  isDryRun: 'boolean',
  untilFreeBytes: 'number',
  isAll: 'boolean',
};

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
  /** Number of files, without those that stay. */
  readonly files: number;
}

/**
 * Verifies runs, oldest first, and deletes the local files of runs that are completely stored. Throws as `verify` does. With `isDryRun`
 * (the default) nothing is deleted.
 */
export async function clean(config: SyncConfig, options: CleanOptions = {}): Promise<CleanReport> {
  checkConfig('clean', config);
  checkOptions('clean', options, CLEAN_OPTIONS);
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
    const candidates = await mapInParallel(this.#scanned.runs, (run) => this.#toCandidate(run));
    const selected = selectRuns(candidates, this.#options, clock.wallTime() * 1000);
    const isAborted = (): boolean => signal?.aborted === true;
    let hasFailed = false;
    for (const { run, kept } of selected) {
      try {
        runs.push(hasFailed || isAborted() ? toNotChecked(run) : await this.#cleanOne(run, kept));
      } catch (error) {
        // What was deleted so far is reported in any case.
        const isReported = isAborted() || (error instanceof CodedError && runs.length > 0);
        if (!isReported) throw error;
        hasFailed = true;
        const problems =
          error instanceof CodedError ? [toProblem('', 'unreadable', error.message, error)] : [];
        runs.push({
          ...toNotChecked(run),
          ...(problems.length > 0 ? { outcome: 'refused', kept: null, problems } : {}),
        });
      }
    }
    return {
      root: place.root.toString(),
      store: store.id,
      isDryRun: this.#isDryRun,
      isAborted: isAborted(),
      isComplete: !isAborted() && runs.every(({ outcome }) => outcome !== 'refused'),
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
    const result = toResult(run);
    if (kept !== null) return { ...result, outcome: 'kept', kept };
    const marker = await findCleanedMarker(fileSystem, directory);
    if (marker?.state === 'cleaned' && candidate.files === 0 && this.#options.isAll !== true)
      return { ...result, outcome: 'done' };
    if (await this.#isEnoughFree()) return { ...result, outcome: 'kept', kept: 'enough-free' };

    if (this.#isDryRun) return { ...result, ...(await this.#verify(run)).outcome };
    let lock: RunLock | null = null;
    try {
      lock = await this.#lock(directory);
      return { ...result, ...(await this.#cleanHeld(candidate, directory, lock)) };
    } catch (error) {
      const coded = error instanceof RunLockedError ? error : null;
      if (coded === null && (error instanceof CodedError || systemErrorCode(error) === undefined))
        throw error;
      const message = coded?.message ?? `its files cannot be deleted: ${messageOf(error)}`;
      return { ...result, outcome: 'refused', problems: [toProblem('', 'unreadable', message, coded)] };
    } finally {
      await lock?.release();
    }
  }

  /** Returns null on a full disk without `.plx/`: no other command can take the lock there either. */
  async #lock(directory: Buffer): Promise<RunLock | null> {
    try {
      return await lockRun(this.#context.io, directory);
    } catch (error) {
      if (isDiskFull(error)) return null;
      throw error;
    }
  }

  async #verify(run: KnownRun) {
    const { verification, files, lines } = await this.#scanned.verifyOne(run);
    const { problems, leftOut, isLive, manifest } = verification;
    const deletable = files.filter(
      ({ path }) => !CONTINUED_FILES.includes(path) || this.#options.isAll === true,
    );
    const bytes = deletable.reduce((sum, { version }) => sum + version.sizeBytes, 0);
    const outcome = isLive
      ? { outcome: 'live' as const }
      : problems.length > 0
        ? { outcome: 'refused' as const, problems }
        : manifest === null
          ? { outcome: 'refused' as const, problems: [noManifest()] }
          : { outcome: 'would-clean' as const, files: deletable.length, bytes, leftOut };
    if (this.#isDryRun && outcome.outcome === 'would-clean') this.#bytes += bytes;
    return { outcome, files, lines, leftOut, manifest: manifest ?? '' };
  }

  /** Verifies and deletes a run. Its first check for writers comes before the first comparison. */
  async #cleanHeld(
    { run, newestMs }: Candidate,
    directory: Buffer,
    lock: RunLock | null,
  ): Promise<Partial<CleanedRun> & Pick<CleanedRun, 'outcome'>> {
    const { io, clock, store } = this.#context;
    const { signal } = this.#options;
    const activity = await RunActivity.open(io, directory);
    const { outcome, files, lines, leftOut, manifest } = await this.#verify(run);
    if (outcome.outcome !== 'would-clean') return outcome;
    const nowMs = lock?.takenMs ?? clock.wallTime() * 1000;
    const paths = files.map(({ localPath }) => localPath);
    const sign = await activity.findSign({ nowMs, newestMs, files: paths, signal });
    if (sign !== null || (await activity.hasChanged())) return { outcome: 'live' };
    const alias = await this.#findAlias(run.uuid, directory);
    if (alias !== null) return { outcome: 'refused', problems: [alias] };
    const touched = await this.#removeAside(directory, lines);
    const findObstacle = async (): Promise<string | null> => {
      if (await activity.hasChanged()) return 'a program has begun to write to the run';
      return lock === null || (await lock.isHeld()) ? null : 'another command has taken the run over';
    };
    const at = new Date(clock.wallTime() * 1000).toISOString();
    const before = await findCleanedMarker(io.fileSystem, directory);
    const deletable = files.filter(({ path }) => !CONTINUED_FILES.includes(path));
    const digests = new Set([...(before?.digests ?? []), ...deletable.map(toDigest)]);
    const deleted = await deleteRun(io.fileSystem, directory, {
      files,
      marker: {
        ...{ run: run.uuid, store: this.#config.store, storeId: store.id, manifest, at },
        digests: [...digests].sort(),
      },
      isAll: this.#options.isAll === true,
      findObstacle,
      touched,
      findDoubt: this.#createDoubt(run.uuid, directory),
      signal,
    });
    this.#bytes += deleted.bytes;
    const { failure, kept } = deleted;
    const done = { files: deleted.files, bytes: deleted.bytes, leftOut: [...leftOut, ...kept] };
    if (failure === null) {
      if ((await findStat(io.fileSystem, directory)) === null)
        await removeLinks(io.fileSystem, directory, run.uuid);
      return { ...done, outcome: 'cleaned' };
    }
    const problem = toProblem(failure.path, 'changed', failure.reason, null);
    return { ...done, outcome: 'refused', problems: [problem] };
  }

  /** Whether the store is the directory of the run by another path, or serves it: then it shows the lock of the run as an object. */
  async #findAlias(runUuid: string, directory: Buffer): Promise<VerifyProblem | null> {
    const { store, retryPolicy } = this.#context;
    const { signal } = this.#options;
    const key = toRunLockKey(runUuid);
    const found = await retryPolicy.withRetry(`check ${key}`, () => store.head(key, signal), { signal });
    if (found.status === 'absent') return null;
    const error = found.status === 'failed' ? found.error : new SameFileError(directory.toString(), store.id);
    return toProblem('', 'unreadable', error.message, error);
  }

  /** In a store that is a directory, checks that the object still exists while its local file is moved aside, and is another file. */
  #createDoubt(runUuid: string, directory: Buffer): DeleteRunOptions['findDoubt'] {
    const { store, io } = this.#context;
    return async ({ path }, stat) => {
      const objectPath = store.pathOf?.(`${runUuid}/${path}`);
      if (objectPath === undefined) return null;
      const same = new SameFileError(directory.toString(), store.id).message;
      try {
        const object = await io.fileSystem.lstat(await io.fileSystem.realPath(objectPath));
        return object.ino === stat.ino && object.device === stat.device ? same : null;
      } catch (error) {
        if (isAbsent(error)) return same;
        throw error;
      }
    };
  }

  /** Deletes what a killed command has moved aside, if an object that was verified now has the same content. Returns the inodes. */
  async #removeAside(directory: Buffer, lines: VerifiedRun['lines']): Promise<ReadonlySet<bigint>> {
    const { fileSystem } = this.#context.io;
    const stored = new Set(lines.map(({ sizeBytes, sha256 }) => `${sizeBytes} ${sha256}`));
    const touched = new Set<bigint>();
    for (const path of await listAside(fileSystem, directory)) {
      const sums = await sumFile(fileSystem, path, this.#options.signal);
      if (sums === null || !stored.has(`${sums.sizeBytes} ${sums.sha256}`)) continue;
      touched.add((await fileSystem.lstat(path)).ino);
      await fileSystem.unlink(path);
    }
    return touched;
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
    const files = ids.filter((id) => !CONTINUED_FILES.includes(inventory.relPathOf(id))).length;
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

function toResult({ uuid, directory }: KnownRun): Omit<CleanedRun, 'outcome'> {
  const none = { files: 0, bytes: 0, kept: null, problems: [], leftOut: [] };
  return { runUuid: uuid, directory: directory?.toString() ?? '', ...none };
}

function toNotChecked({ run }: Candidate): CleanedRun {
  return { ...toResult(run), outcome: 'kept', kept: 'not-checked' };
}

function noManifest(): VerifyProblem {
  return toProblem(
    '',
    'unreadable',
    'the manifest could not be written; nothing is deleted without it',
    null,
  );
}

function toProblem(
  path: string,
  finding: VerifyProblem['finding'],
  message: string,
  error: VerifyProblem['error'],
): VerifyProblem {
  return { path, finding, message, error };
}

function toDigest({ path, version, sha256 }: VerifiedFile): string {
  return toFileDigest({ path, sizeBytes: version.sizeBytes, sha256 });
}
