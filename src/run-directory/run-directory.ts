/**
 * Creates the run directory on disk, and replaces its JSON files atomically at each change.
 *
 * The main writer owns `run.plx.json` and `lineages.plx.json`. A worker (another process of the same run) writes its additions
 * to a separate file, which the main writer merges. A failed write is reported and retried at the next change and at
 * `flush()`; it never throws into the training job.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { replaceFileSync } from '../base/atomic-file.js';
import type { Diagnostics } from '../base/diagnostics.js';
import { messageOf, ResumeError, RunCleanedError, RunExistsError, RunWriteError } from '../base/errors.js';
import {
  mergeMetadata,
  type RunArtifact,
  type RunMetadata,
  type RunRecord,
  withoutEnd,
} from '../polyaxon/run-record.js';
import { awaitCleanedStore, findCleanedStore } from './cleaned-run.js';
import {
  isWorkerFile,
  LINKS_DIRECTORY,
  MAIN_WRITER,
  PROCESS_DIRECTORY,
  type RunPaths,
  toFormatsPath,
  toLinkName,
  toWorkerPath,
} from './layout.js';

export interface RunDirectoryOptions {
  readonly diagnostics: Diagnostics;
  readonly fsync: boolean;
  /** Whether an existing run may be resumed. */
  readonly resume: boolean;
  /** `main`, or the name of a worker. */
  readonly writer: string;
  /** Whether to create a link with a readable name. */
  readonly link: boolean;
  /** Whether to write to disk. */
  readonly persist: boolean;
  /** Whether a run may be resumed although its local files were deleted: the platform has started this process. */
  readonly mayLackFiles: boolean;
  /** The formats in which events are written. */
  readonly formats: ReadonlySet<string>;
}

/** The additions of a worker for the main writer: `.plx/worker-<worker>.json`. */
interface WorkerFile extends RunMetadata {
  readonly lineage: readonly RunArtifact[];
}

type Part = 'formats' | 'record' | 'lineage';

export class RunDirectory {
  readonly paths: RunPaths;
  readonly #options: RunDirectoryOptions;
  readonly #diagnostics: Diagnostics;
  readonly #lineage = new Map<string, RunArtifact>();
  #record: RunRecord;
  #unwritten = new Set<Part>(['formats', 'record', 'lineage']);
  #failure: RunWriteError | undefined;

  /**
   * Claims the directory. If it already holds a run, resumes it with its record and lineage if `resume` is set, and otherwise
   * throws `RunExistsError`. Throws `ResumeError` if the record or lineage cannot be read, and `RunCleanedError` if files were deleted.
   */
  constructor(paths: RunPaths, record: RunRecord, options: RunDirectoryOptions) {
    this.paths = paths;
    this.#record = record;
    this.#options = options;
    this.#diagnostics = options.diagnostics;
    if (options.persist) {
      this.#checkCleaned();
      if (this.#isWorker) this.#readWorkerFile(toWorkerPath(paths.run, options.writer));
      else this.#readRun(options.resume);
    }
    this.#write();
    // Check again: the command that deletes files checks for the files that this process has just written.
    if (options.persist) this.#warnIfCleaned(awaitCleanedStore(paths.run));
    if (options.link && options.persist && !this.#isWorker) this.#link();
  }

  /** The run record of this process; in a worker, only its own additions. */
  get record(): RunRecord {
    return this.#record;
  }

  /** The lineage, in the order in which names were first added. */
  get lineage(): readonly RunArtifact[] {
    return [...this.#lineage.values()];
  }

  /** Changes the record and writes it. */
  update(change: (record: RunRecord) => RunRecord): void {
    this.#record = change(this.#record);
    this.#unwritten.add('record');
    this.#write();
  }

  /**
   * Adds artifacts to the lineage. Replaces artifacts of the same name and kind, because Polyaxon uses the name as key. If another
   * kind has the name, appends the artifact's kind to its name and warns.
   */
  addArtifacts(artifacts: readonly RunArtifact[]): void {
    if (artifacts.length === 0) return;
    for (const artifact of artifacts) this.#addArtifact(artifact);
    this.#unwritten.add('lineage');
    this.#write();
  }

  /** Merges the additions of workers so far. */
  mergeWorkers(): void {
    if (this.#isWorker || !this.#options.persist) return;
    for (const path of this.#listWorkerFiles()) {
      try {
        const { lineage, ...metadata } = JSON.parse(readFileSync(path, 'utf8')) as WorkerFile;
        this.#record = mergeMetadata(this.#record, metadata);
        for (const artifact of lineage) this.#addArtifact(artifact);
      } catch (cause) {
        this.#diagnostics.error(new RunWriteError(path, 'merge the data of a worker', { cause }));
      }
      this.#unwritten.add('record').add('lineage');
    }
    if (this.#unwritten.size > 0) this.#write();
  }

  /** Writes pending changes. Throws `RunWriteError` if that fails. */
  settle(): void {
    if (this.#unwritten.size > 0) this.#write();
    if (this.#failure !== undefined) throw this.#failure;
  }

  get #isWorker(): boolean {
    return this.#options.writer !== MAIN_WRITER;
  }

  #addArtifact(artifact: RunArtifact): void {
    const known = this.#lineage.get(artifact.name);
    if (known === undefined || known.kind === artifact.kind) {
      this.#lineage.set(artifact.name, artifact);
      return;
    }
    if (known.kind === 'system') {
      // Rename the system metric: Polyaxon finds an event's file by the artifact's name.
      this.#lineage.set(artifact.name, artifact);
      this.#addArtifact(known);
      return;
    }
    const name = `${artifact.name}-${artifact.kind}`;
    if (artifact.kind === 'system') {
      this.#lineage.set(name, { ...artifact, name });
      return;
    }
    const message = `${artifact.name}: the lineage already has a ${known.kind} of that name; the ${artifact.kind} is stored as ${name}`;
    this.#diagnostics.warn('WARN_NAME_TAKEN', message);
    this.#lineage.set(name, { ...artifact, name });
  }

  #readRun(resume: boolean): void {
    const { paths } = this;
    if (!existsSync(paths.runFile)) return;
    if (!resume) throw new RunExistsError(paths.run);
    this.#record = mergeRecords(readJson<RunRecord>(paths.run, paths.runFile), this.#record);
    if (!existsSync(paths.lineageFile)) return;
    for (const artifact of readJson<RunArtifact[]>(paths.run, paths.lineageFile))
      this.#lineage.set(artifact.name, artifact);
  }

  /** Throws `RunCleanedError` if files of the run were deleted. Otherwise the new files would replace the complete ones in the store. */
  #checkCleaned(): void {
    const { paths } = this;
    const { resume, mayLackFiles } = this.#options;
    const store = findCleanedStore(paths.run);
    const isRefusedAnyway = !resume && !this.#isWorker && existsSync(paths.runFile);
    if (store === null || mayLackFiles || isRefusedAnyway) return;
    throw new RunCleanedError(paths.run, 'cannot resume: local files of the run were deleted', store);
  }

  #warnIfCleaned(store: string | null): void {
    if (store === null) return;
    const { message, hint } = new RunCleanedError(
      this.paths.run,
      'local files of the run were deleted',
      store,
    );
    this.#diagnostics.warn(
      'WARN_RUN_CLEANED',
      `${message}; what it logs now does not continue them. ${hint}`,
    );
  }

  #readWorkerFile(path: string): void {
    if (!existsSync(path)) return;
    const { lineage, ...metadata } = readJson<WorkerFile>(this.paths.run, path);
    this.#record = mergeMetadata({ ...this.#record, ...metadata }, this.#record);
    for (const artifact of lineage) this.#lineage.set(artifact.name, artifact);
  }

  #listWorkerFiles(): string[] {
    const directory = join(this.paths.run, PROCESS_DIRECTORY);
    try {
      return readdirSync(directory)
        .filter(isWorkerFile)
        .sort()
        .map((name) => join(directory, name));
    } catch {
      // The directory does not exist before the first process writes to it.
      return [];
    }
  }

  #write(): void {
    if (!this.#options.persist) return;
    const { paths } = this;
    try {
      mkdirSync(paths.tensorboard, { recursive: true });
      // Write the formats first, because an uploader may find the run at any time.
      if (this.#unwritten.has('formats')) this.#writeFormats();
      if (this.#isWorker) this.#writeWorkerFile();
      else this.#writeRun();
      this.#unwritten.clear();
      if (this.#failure !== undefined) this.#diagnostics.recovered(this.#failure.code);
      this.#failure = undefined;
    } catch (cause) {
      this.#failure = new RunWriteError(paths.run, 'write the run directory', { cause });
      this.#diagnostics.error(this.#failure);
    }
  }

  #writeRun(): void {
    const { paths } = this;
    if (this.#unwritten.has('lineage')) this.#replace(paths.lineageFile, this.lineage);
    if (this.#unwritten.has('record')) this.#replace(paths.runFile, this.#record);
  }

  /** Keeps the formats of earlier processes, so that the uploader does not export a run that its writer has exported. */
  #writeFormats(): void {
    const path = toFormatsPath(this.paths.run, this.#options.writer);
    const formats = new Set([...readFormats(path), ...this.#options.formats]);
    mkdirSync(dirname(path), { recursive: true });
    this.#replace(path, { formats: [...formats].sort() });
  }

  #writeWorkerFile(): void {
    const { tags, meta_info, inputs, outputs } = this.#record;
    const path = toWorkerPath(this.paths.run, this.#options.writer);
    mkdirSync(dirname(path), { recursive: true });
    this.#replace(path, { tags, meta_info, inputs, outputs, lineage: this.lineage });
  }

  #replace(path: string, content: unknown): void {
    replaceFileSync(path, JSON.stringify(content), { fsync: this.#options.fsync });
  }

  /** Creates `<root>/tensorboard/<name>-<8 hex>`, so that TensorBoard shows readable names. */
  #link(): void {
    const { root, tensorboard } = this.paths;
    const directory = join(root, LINKS_DIRECTORY);
    try {
      mkdirSync(directory, { recursive: true });
      const link = join(directory, toLinkName(this.#record.name, this.#record.uuid));
      const target = process.platform === 'win32' ? tensorboard : relative(directory, tensorboard);
      symlinkSync(target, link, 'junction');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
      if (this.#failure === undefined) {
        this.#diagnostics.warn(
          'WARN_LINK_FAILED',
          `${directory}: could not link to the event files (${messageOf(error)}); use tensorboard --logdir ${tensorboard}`,
        );
      }
    }
  }
}

/** Returns the record of a resumed run: that of the earlier process, updated with the values given to this one. */
function mergeRecords(earlier: RunRecord, given: RunRecord): RunRecord {
  const { description, owner, project } = given;
  return mergeMetadata(
    {
      ...withoutEnd(earlier),
      ...(description === undefined ? {} : { description }),
      ...(owner === undefined ? {} : { owner }),
      ...(project === undefined ? {} : { project }),
    },
    given,
  );
}

function readFormats(path: string): readonly string[] {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { formats: string[] }).formats;
  } catch {
    return []; // usually the first process, which finds no file
  }
}

function readJson<T>(runPath: string, path: string): T {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (cause) {
    throw new ResumeError(runPath, `${path}: ${messageOf(cause)}`, { cause });
  }
}
