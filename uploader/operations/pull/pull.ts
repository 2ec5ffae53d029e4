/** Restores run directories from a store. */

import { join, resolve } from 'node:path';
import { messageOf } from '../../../src/base/errors.js';
import { PROCESS_DIRECTORY, RUNS_DIRECTORY } from '../../../src/run-directory/layout.js';
import { inParallel } from '../../base/in-parallel.js';
import type { FileSystem } from '../../base/io/file-system.js';
import { type Io, nodeIo } from '../../base/io/io.js';
import { makeDirectories } from '../../base/io/make-directories.js';
import { resolveExisting } from '../../base/io/resolve-existing.js';
import { isAbsent, systemErrorCode } from '../../base/io/system-error.js';
import { RateLimit } from '../../base/limits/rate-limit.js';
import { withStoreAccess } from '../../engine/context/store-access.js';
import { loadManifest } from '../../pipeline/manifest/manifest-store.js';
import { listStoredRun, type StoreAccess } from '../../pipeline/manifest/stored-run.js';
import { toMarkerPath, writeCleanedMarker } from '../../run-directory/cleaned-marker.js';
import type { SyncConfig } from '../../settings/sync-config.js';
import type { Store, StoreNotice } from '../../store/base/store.js';
import { type PullContext, pullFile } from './pull-file.js';
import { planPull } from './pull-plan.js';
import type { PulledRun, PullProblem, PullReport } from './pull-report.js';

export interface PullOptions {
  /** Default: Node's file system, clock and processes. */
  readonly io?: Io | undefined;
  /** Default: the configured store. */
  readonly store?: Store | undefined;
  /** Replace local files that differ from the stored ones. Default false: they stay and are reported. */
  readonly overwrites?: boolean | undefined;
  /** Also restore previous versions of files, into `.plx/gen/`. Default false. */
  readonly withPreviousVersions?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((notice: StoreNotice) => void) | undefined;
}

const DIRECTORY_MODE = 0o755;
const PULL_DIRECTORY = 'pull';

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
  const { io = nodeIo, signal, store, onNotice } = options;
  const startMs = io.clock.monotonicMs();
  return withStoreAccess(config, { io, signal, store, onNotice }, async (access) => {
    const runs: PulledRun[] = [];
    try {
      for (const runUuid of runUuids)
        runs.push(await new RunPull(config, { access, io, runUuid, directory }, options).run());
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
    const isAborted = signal?.aborted === true;
    return {
      store: access.store.id,
      directory: resolve(directory),
      isComplete: !isAborted && runs.every(({ problems }) => problems.length === 0),
      isAborted,
      durationMs: Math.round(io.clock.monotonicMs() - startMs),
      runs,
    };
  });
}

interface RunPlace {
  readonly access: StoreAccess;
  readonly io: Io;
  readonly runUuid: string;
  /** The root directory. */
  readonly directory: string;
}

class RunPull {
  readonly #config: SyncConfig;
  readonly #place: RunPlace;
  readonly #options: PullOptions;
  readonly #problems: PullProblem[] = [];
  readonly #files = { pulled: 0, present: 0, unverified: 0 };
  #bytes = 0;

  constructor(config: SyncConfig, place: RunPlace, options: PullOptions) {
    this.#config = config;
    this.#place = place;
    this.#options = options;
  }

  async run(): Promise<PulledRun> {
    const { access, io, runUuid } = this.#place;
    const { signal } = this.#options;
    const shown = join(resolve(this.#place.directory), RUNS_DIRECTORY, runUuid);
    const stored = await listStoredRun(access, runUuid, signal);
    const plan = planPull(stored, this.#options.withPreviousVersions === true);
    for (const { path, reason } of plan.refused) this.#note(path, 'unsafe-name', reason);
    if (stored.files.size === 0) this.#note('', 'missing', 'the store has no such run');
    if (plan.files.length === 0) return this.#result(shown);
    const manifest = await loadManifest(access, stored, signal);
    try {
      const context = await this.#makeContext(shown);
      await this.#mark(context.directory);
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
      await inParallel(this.#config.concurrency, first, pullOne);
      for (const file of last) await pullOne(file);
      await this.#finish(io.fileSystem, context);
    } catch (error) {
      if (signal?.aborted === true || systemErrorCode(error) === undefined) throw error;
      this.#note('', 'unwritable', messageOf(error));
    }
    return this.#result(shown);
  }

  async #makeContext(shown: string): Promise<PullContext> {
    const { access, io } = this.#place;
    const { fileSystem } = io;
    // The directory that the user passes may be a link. Below it, links are not followed.
    const root = await resolveExisting(fileSystem, this.#place.directory);
    const path = join(root, RUNS_DIRECTORY, this.#place.runUuid);
    const temporaryDirectory = join(path, PROCESS_DIRECTORY, PULL_DIRECTORY);
    await makeDirectories(fileSystem, temporaryDirectory, DIRECTORY_MODE);
    const found = (await fileSystem.realPath(temporaryDirectory)).toString();
    if (found !== temporaryDirectory)
      throw Object.assign(new Error(`${shown}: a parent directory is a link`), { code: 'ELOOP' });
    return {
      ...access,
      fileSystem,
      directory: Buffer.from(path),
      temporaryDirectory,
      bandwidth: new RateLimit(io.clock, this.#config.bandwidth),
      overwrites: this.#options.overwrites === true,
      signal: this.#options.signal,
    };
  }

  /** Marks the run as being pulled, so that its missing files do not count as deleted. */
  async #mark(directory: Buffer): Promise<void> {
    const { io, runUuid } = this.#place;
    const at = new Date(io.clock.wallTime() * 1000).toISOString();
    const marker = { version: 1, state: 'pulling', run: runUuid, store: this.#config.store } as const;
    await writeCleanedMarker(io.fileSystem, directory, { ...marker, manifest: '', at, files: 0, bytes: 0 });
  }

  async #finish(fileSystem: FileSystem, { directory, temporaryDirectory }: PullContext): Promise<void> {
    if (this.#problems.length > 0) return;
    // Remove temporary files of earlier pulls, which belong to other versions of the objects.
    for (const name of await fileSystem.readDirectory(temporaryDirectory))
      await fileSystem.unlink(`${temporaryDirectory}/${name.toString()}`);
    await fileSystem.removeDirectory(temporaryDirectory);
    try {
      await fileSystem.unlink(toMarkerPath(directory));
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }

  #note(path: string, finding: PullProblem['finding'], message: string): void {
    this.#problems.push({ path, finding, message, error: null });
  }

  #result(directory: string): PulledRun {
    const { runUuid } = this.#place;
    const problems = this.#problems.sort((a, b) => (a.path < b.path ? -1 : 1));
    return { runUuid, directory, files: this.#files, bytes: this.#bytes, problems };
  }
}
