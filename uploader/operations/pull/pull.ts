/** Restores run directories from a store. */

import { join, resolve } from 'node:path';
import { CodedError, messageOf } from '../../../src/base/errors.js';
import { checkOptions, type OptionTable } from '../../../src/base/options.js';
import { guardUser } from '../../../src/base/user-callback.js';
import { PROCESS_DIRECTORY, RUN_FILE, RUNS_DIRECTORY } from '../../../src/run-directory/layout.js';
import { RunLiveError, RunLockedError, RunOccupiedError } from '../../base/errors.js';
import { inParallel } from '../../base/in-parallel.js';
import type { FileSystem } from '../../base/io/file-system.js';
import { type Io, nodeIo } from '../../base/io/io.js';
import { makeDirectories } from '../../base/io/make-directories.js';
import { resolveExisting } from '../../base/io/resolve-existing.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import { removeFile } from '../../base/io/whole-file.js';
import { joinPath } from '../../base/join-path.js';
import { RateLimit } from '../../base/limits/rate-limit.js';
import { toOwnerKey, toPathBytes } from '../../base/rel-path.js';
import { withStoreAccess } from '../../engine/context/store-access.js';
import { loadManifest } from '../../pipeline/manifest/manifest-store.js';
import { listStoredRun, readObject, type StoreAccess } from '../../pipeline/manifest/stored-run.js';
import {
  findCleanedMarker,
  isMarkedFor,
  toMarkerPath,
  writeCleanedMarker,
} from '../../run-directory/cleaned-marker.js';
import { RunActivity } from '../../run-directory/run-activity.js';
import { lockRun, type RunLock } from '../../run-directory/run-lock.js';
import { readRunOrigin } from '../../run-directory/run-origin.js';
import { readRunUuid } from '../../run-directory/run-uuid.js';
import { checkConfig, type SyncConfig } from '../../settings/sync-config.js';
import type { Store, StoreNotice } from '../../store/base/store.js';
import { type PullContext, pullFile } from './pull-file.js';
import { type PlannedFile, planPull, toGroups } from './pull-plan.js';
import type { PulledRun, PullProblem, PullReport } from './pull-report.js';
import { PullFailure } from './receive.js';

export interface PullOptions {
  /** Default: Node's file system, clock and processes. */
  readonly io?: Io | undefined;
  /** Default: the configured store. */
  readonly store?: Store | undefined;
  /** Replace local files that differ from the stored ones. Default false: they stay and are reported. */
  readonly overwrites?: boolean | undefined;
  /** Also restore previous versions of files, into `.plx/gen/`, and of removed files, into `.plx/deleted/`. Default false. */
  readonly withPreviousVersions?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((notice: StoreNotice) => void) | undefined;
}
const PULL_OPTIONS: OptionTable<PullOptions> = {
  io: 'object',
  store: 'object',
  overwrites: 'boolean',
  withPreviousVersions: 'boolean',
  signal: 'object',
  onNotice: 'function',
};

const DIRECTORY_MODE = 0o755;
const PULL_DIRECTORY = 'pull';
const MAX_OWNER_BYTES = 64 * 1024;

/**
 * Restores runs below `directory`, each as `runs/<uuid>`, and returns a report. Keeps existing files and resumes an interrupted pull.
 * Throws a coded error when the store cannot be used.
 */
export async function pull(
  config: SyncConfig,
  runUuids: readonly string[],
  directory: string,
  options: PullOptions = {},
): Promise<PullReport> {
  checkConfig('pull', config);
  checkOptions('pull', options, PULL_OPTIONS);
  const { io = nodeIo, signal, store, onNotice } = options;
  const startMs = io.clock.monotonicMs();
  const isAborted = (): boolean => signal?.aborted === true;
  return withStoreAccess(
    config,
    { io, signal, store, onNotice: guardUser('onNotice', onNotice) },
    async (access) => {
      const runs: PulledRun[] = [];
      for (const runUuid of runUuids) {
        if (isAborted()) break;
        const one = new RunPull(config, { access, io, runUuid, directory }, options);
        try {
          await one.run();
        } catch (error) {
          // What other runs have got so far is reported in any case.
          const isReported = isAborted() || (error instanceof CodedError && runs.length > 0);
          if (!isReported) throw error;
          if (error instanceof CodedError) one.fail(error);
        }
        runs.push(one.result);
      }
      return {
        store: access.store.id,
        directory: resolve(directory),
        isComplete: !isAborted() && runs.every(({ problems }) => problems.length === 0),
        isAborted: isAborted(),
        durationMs: Math.round(io.clock.monotonicMs() - startMs),
        runs,
      };
    },
  );
}

interface RunPlace {
  readonly access: StoreAccess;
  readonly io: Io;
  readonly runUuid: string;
  /** The root directory. */
  readonly directory: string;
}

interface Hold {
  readonly lock: RunLock;
  readonly activity: RunActivity;
}

class RunPull {
  readonly #config: SyncConfig;
  readonly #place: RunPlace;
  readonly #options: PullOptions;
  readonly #problems: PullProblem[] = [];
  readonly #files = { pulled: 0, present: 0, unverified: 0 };
  readonly #shown: string;
  #bytes = 0;

  constructor(config: SyncConfig, place: RunPlace, options: PullOptions) {
    this.#config = config;
    this.#place = place;
    this.#options = options;
    this.#shown = join(resolve(place.directory), RUNS_DIRECTORY, place.runUuid);
  }

  /** What was pulled so far. */
  get result(): PulledRun {
    const { runUuid } = this.#place;
    const problems = this.#problems.sort((a, b) => (a.path < b.path ? -1 : 1));
    return { runUuid, directory: this.#shown, files: this.#files, bytes: this.#bytes, problems };
  }

  /** Reports a failure that ends the pull of this run. */
  fail(error: CodedError): void {
    const isHeld = error instanceof RunLockedError || error instanceof RunLiveError;
    const finding = error instanceof RunOccupiedError ? 'occupied' : isHeld ? 'held' : 'unreadable';
    this.#note('', finding, error.message, error);
  }

  async run(): Promise<void> {
    const { access, io, runUuid } = this.#place;
    const { signal } = this.#options;
    const stored = await listStoredRun(access, runUuid, signal);
    const plan = planPull(stored, this.#options.withPreviousVersions === true);
    for (const { path, reason } of plan.refused) this.#note(path, 'unsafe-name', reason);
    if (stored.files.size === 0) this.#note('', 'missing', 'the store has no such run');
    if (plan.files.length === 0) return;
    const manifest = await loadManifest(access, stored, signal);
    let lock: RunLock | undefined;
    try {
      const directory = await this.#makeDirectory();
      await this.#checkOccupant(directory);
      lock = await lockRun(io, directory);
      const activity = await RunActivity.open(io, directory);
      const context = this.#createContext(directory, { lock, activity });
      await this.#checkWriter(context, { lock, activity }, plan.files);
      await this.#mark(directory);
      await makeDirectories(io.fileSystem, context.temporaryDirectory, DIRECTORY_MODE);
      const first = plan.files.filter(({ path }) => path.includes('/'));
      const last = plan.files.filter(({ path }) => !path.includes('/'));
      const pullOne = async (file: (typeof plan.files)[number]): Promise<void> => {
        const outcome = await pullFile(file, manifest.get(file.path), context);
        if (outcome.status === 'problem') this.#problems.push(outcome.problem);
        else {
          this.#files[outcome.status] += 1;
          if (!outcome.isVerified) this.#files.unverified += 1;
          this.#bytes += outcome.bytes;
        }
      };
      await inParallel(this.#config.concurrency, toGroups(first), async (group) => {
        for (const file of group) await pullOne(file);
      });
      for (const file of last) await pullOne(file);
      await this.#finish(io.fileSystem, context);
    } catch (error) {
      if (signal?.aborted === true) throw error;
      if (error instanceof CodedError) this.fail(error);
      else if (systemErrorCode(error) === undefined) throw error;
      else this.#note('', 'unwritable', messageOf(error));
    } finally {
      await lock?.release();
    }
  }

  /** Creates the directory of the run, and returns it with all links resolved. */
  async #makeDirectory(): Promise<Buffer> {
    const { fileSystem } = this.#place.io;
    // The directory that the user passes may be a link. Below it, links are not followed.
    const root = await resolveExisting(fileSystem, this.#place.directory);
    const path = join(root, RUNS_DIRECTORY, this.#place.runUuid);
    const processDirectory = join(path, PROCESS_DIRECTORY);
    await makeDirectories(fileSystem, processDirectory, DIRECTORY_MODE);
    if ((await fileSystem.realPath(processDirectory)).toString() !== processDirectory)
      throw Object.assign(new Error(`${this.#shown}: a parent directory is a link`), { code: 'ELOOP' });
    return Buffer.from(path);
  }

  async #checkOccupant(directory: Buffer): Promise<void> {
    const found = await readRunUuid(this.#place.io.fileSystem, directory);
    if (found !== null && found !== this.#place.runUuid)
      throw new RunOccupiedError(directory.toString(), `its ${RUN_FILE} has the uuid ${found}`);
    const local = await readRunOrigin(this.#place.io.fileSystem, directory, '');
    const createdAt = await this.#findCreatedAt();
    if (local?.createdAt != null && createdAt !== null && local.createdAt !== createdAt)
      throw new RunOccupiedError(
        directory.toString(),
        `it was created at ${local.createdAt}, that of the store at ${createdAt}`,
      );
  }

  /** When the run in the store was created, as its owner object says; null if unknown. */
  async #findCreatedAt(): Promise<string | null> {
    const { access, runUuid } = this.#place;
    const { signal } = this.#options;
    const key = toOwnerKey(runUuid);
    const found = await access.retryPolicy.withRetry(`check ${key}`, () => access.store.head(key, signal), {
      signal,
    });
    if (found.status !== 'found' || found.object.sizeBytes > MAX_OWNER_BYTES) return null;
    try {
      const owner: unknown = JSON.parse(
        (await readObject(access, key, { maxBytes: MAX_OWNER_BYTES, signal })).toString('utf8'),
      );
      const isRecord = typeof owner === 'object' && owner !== null && 'createdAt' in owner;
      return isRecord && typeof owner.createdAt === 'string' ? owner.createdAt : null;
    } catch (error) {
      if (error instanceof SyntaxError) return null; // written by another program
      throw error;
    }
  }

  /** Throws `RunLiveError` if a program writes to the run. */
  async #checkWriter(
    { directory, overwrites, signal }: PullContext,
    { lock, activity }: Hold,
    planned: readonly PlannedFile[],
  ): Promise<void> {
    const { fileSystem } = this.#place.io;
    const paths = overwrites ? planned.map(({ target }) => joinPath(directory, [toPathBytes(target)])) : [];
    const stats = await fileSystem.lstatAll(paths);
    const files = paths.filter((_, index) => !(stats[index] instanceof Error));
    // An earlier pull may have written these files, so their dates show nothing.
    const sign = await activity.findSign({ nowMs: lock.takenMs, newestMs: 0, files, signal });
    if (sign !== null) throw new RunLiveError(directory.toString(), sign);
  }

  #createContext(directory: Buffer, { lock, activity }: Hold): PullContext {
    const { access, io } = this.#place;
    return {
      ...access,
      fileSystem: io.fileSystem,
      directory,
      temporaryDirectory: join(directory.toString(), PROCESS_DIRECTORY, PULL_DIRECTORY),
      checkHold: async () => {
        if (await activity.hasChanged())
          throw new PullFailure(
            'held',
            'a program has begun to write to the run; pull again when it has ended',
          );
        if (!(await lock.isHeld())) throw new PullFailure('held', 'another command has taken the run over');
      },
      bandwidth: new RateLimit(io.clock, this.#config.bandwidth),
      overwrites: this.#options.overwrites === true,
      signal: this.#options.signal,
    };
  }

  /** Marks the run as being pulled, so that its missing files do not count as deleted. The marker of a cleaned run does that too. */
  async #mark(directory: Buffer): Promise<void> {
    const { io, runUuid } = this.#place;
    const { fileSystem } = io;
    const marker = await findCleanedMarker(fileSystem, directory);
    if (marker !== null && marker.state !== 'pulling') return;
    const at = new Date(io.clock.wallTime() * 1000).toISOString();
    const { store } = this.#config;
    const storeId = this.#place.access.store.id;
    const fields = { version: 1, state: 'pulling', run: runUuid, store, storeId } as const;
    await writeCleanedMarker(fileSystem, directory, { ...fields, manifest: '', at, files: 0, bytes: 0 });
  }

  async #finish(fileSystem: FileSystem, { directory, temporaryDirectory }: PullContext): Promise<void> {
    if (this.#problems.length > 0) return;
    // Remove temporary files of earlier pulls, which belong to other versions of the objects.
    for (const name of await fileSystem.readDirectory(temporaryDirectory))
      await fileSystem.unlink(`${temporaryDirectory}/${name.toString()}`);
    await fileSystem.removeDirectory(temporaryDirectory);
    const marker = await findCleanedMarker(fileSystem, directory);
    if (marker === null || isMarkedFor(marker, this.#config.store, this.#place.access.store.id))
      await removeFile(fileSystem, toMarkerPath(directory));
    else {
      const from = marker.store === '' ? 'another store' : marker.store;
      this.#note('', 'missing', `files that only ${from} has are still missing: pull the run from there`);
    }
  }

  #note(
    path: string,
    finding: PullProblem['finding'],
    message: string,
    error: PullProblem['error'] = null,
  ): void {
    this.#problems.push({ path, finding, message, error });
  }
}
