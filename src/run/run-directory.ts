/**
 * The run directory on disk: made at the start, its two JSON files replaced atomically at every change.
 *
 * A disk that refuses is remembered, reported and tried again at the next change and at `flush()`; it never throws into
 * the training job.
 */

import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { replaceFileSync } from '../atomic-file.js';
import type { Diagnostics } from '../diagnostics.js';
import { messageOf, ResumeError, RunExistsError, RunWriteError } from '../errors.js';
import { LINKS_DIRECTORY, type RunPaths, toLinkName } from '../layout.js';
import type { RunArtifact, RunRecord } from './run-record.js';

export interface RunDirectoryOptions {
  readonly diagnostics: Diagnostics;
  readonly fsync: boolean;
  /** Whether a run that is there already may be continued. */
  readonly resume: boolean;
}

export class RunDirectory {
  readonly paths: RunPaths;
  readonly #diagnostics: Diagnostics;
  readonly #fsync: boolean;
  readonly #lineage = new Map<string, RunArtifact>();
  #record: RunRecord;
  #unwritten = new Set<'record' | 'lineage'>(['record']);
  #failure: RunWriteError | undefined;

  /**
   * Claims the directory. When it holds a run already: goes on with that run's record and lineage if `resume` is set, else
   * throws `RunExistsError`. Throws `ResumeError` when they cannot be read.
   */
  constructor(paths: RunPaths, record: RunRecord, options: RunDirectoryOptions) {
    this.paths = paths;
    this.#record = record;
    this.#diagnostics = options.diagnostics;
    this.#fsync = options.fsync;
    if (existsSync(paths.runFile)) {
      if (!options.resume) throw new RunExistsError(paths.run);
      this.#record = mergeRecords(readJson<RunRecord>(paths.run, paths.runFile), record);
      if (existsSync(paths.lineageFile)) {
        for (const artifact of readJson<RunArtifact[]>(paths.run, paths.lineageFile))
          this.#lineage.set(artifact.name, artifact);
      }
    }
    this.#write();
    this.#link();
  }

  get record(): RunRecord {
    return this.#record;
  }

  /** Changes the run's record and writes it. */
  update(change: (record: RunRecord) => RunRecord): void {
    this.#record = change(this.#record);
    this.#unwritten.add('record');
    this.#write();
  }

  /** Adds an artifact to the lineage, or replaces the one of its name: the name is its key, as for Polyaxon's client. */
  addArtifact(artifact: RunArtifact): void {
    this.#lineage.set(artifact.name, artifact);
    this.#unwritten.add('lineage');
    this.#write();
  }

  /** Writes what is still unwritten. Throws `RunWriteError` when the disk still refuses. */
  settle(): void {
    if (this.#unwritten.size > 0) this.#write();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #write(): void {
    const { paths } = this;
    try {
      mkdirSync(paths.tensorboard, { recursive: true });
      const fsync = { fsync: this.#fsync };
      if (this.#unwritten.has('lineage')) {
        replaceFileSync(paths.lineageFile, JSON.stringify([...this.#lineage.values()]), fsync);
      }
      if (this.#unwritten.has('record')) replaceFileSync(paths.runFile, JSON.stringify(this.#record), fsync);
      this.#unwritten.clear();
      if (this.#failure !== undefined) this.#diagnostics.recovered(this.#failure.code);
      this.#failure = undefined;
    } catch (cause) {
      this.#failure = new RunWriteError(paths.run, 'write the run directory', { cause });
      this.#diagnostics.error(this.#failure);
    }
  }

  /** `<root>/tensorboard/<name>-<8 hex>`, so that TensorBoard shows names that a person recognises. */
  #link(): void {
    const { root, tensorboard } = this.paths;
    const directory = join(root, LINKS_DIRECTORY);
    try {
      mkdirSync(directory, { recursive: true });
      const link = join(directory, toLinkName(this.#record.name, this.#record.uuid));
      symlinkSync(
        process.platform === 'win32' ? tensorboard : relative(directory, tensorboard),
        link,
        'junction',
      );
    } catch (error) {
      if (this.#failure === undefined) {
        this.#diagnostics.warn(
          'WARN_LINK_FAILED',
          `${directory}: no link to the run's event files (${messageOf(error)}); use --logdir ${tensorboard}`,
        );
      }
    }
  }
}

/** A run that is continued: what the earlier process recorded, with what the new one was given laid over it. */
function mergeRecords(earlier: RunRecord, given: RunRecord): RunRecord {
  const { description, tags, owner, project } = given;
  const { finished_at: _finished, duration: _duration, ...kept } = earlier;
  return {
    ...kept,
    ...(description === undefined ? {} : { description }),
    ...(owner === undefined ? {} : { owner }),
    ...(project === undefined ? {} : { project }),
    ...(tags === undefined ? {} : { tags: [...new Set([...(earlier.tags ?? []), ...tags])] }),
  };
}

function readJson<T>(runPath: string, path: string): T {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (cause) {
    throw new ResumeError(runPath, `${path}: ${messageOf(cause)}`, { cause });
  }
}
