/**
 * The methods of `Run` for files. They copy files into the run or refer to them in place, and record them in the lineage.
 */

import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { replaceFileSync } from '../base/atomic-file.js';
import { describe } from '../base/describe.js';
import { InvalidArgumentError, RunWriteError } from '../base/errors.js';
import { type JsonValue, parseJsonObject } from '../base/json-value.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import { resolveInside } from '../base/relative-path.js';
import { ARTIFACT_KINDS, type ArtifactKind } from '../polyaxon/polyaxon-value.js';
import type { RunArtifact } from '../polyaxon/run-record.js';
import { OUTPUTS_DIRECTORY, TENSORBOARD_DIRECTORY } from '../run-directory/layout.js';
import {
  EVENT_OPTIONS,
  type EventOptions,
  parseEventOptions,
  parseEventTime,
  parseStep,
  type StepOr,
} from '../summary/arguments.js';
import {
  type ArtifactFiles,
  copyArtifact,
  copyToFreePath,
  hashArtifact,
  inspectArtifact,
} from './artifact-files.js';
import { type Connection, findArtifactsStore, readConnections, toStorePath } from './connections.js';
import { RunMetadataMethods } from './run-metadata.js';

/** Options of a reference in the lineage. */
export interface RefOptions {
  /** Default: the file's name up to its first dot. */
  readonly name?: string | undefined;
  /** Hash of the content, if you know it. Default: SHA-256 of `content`, or of the file or directory. */
  readonly hash?: string | undefined;
  /** Content to hash instead of a file. */
  readonly content?: unknown;
  /** Additional facts to record with the hash. */
  readonly summary?: Readonly<Record<string, unknown>> | undefined;
  /** Whether the artifact is an input of the run. Default false; true for data and code. */
  readonly isInput?: boolean | undefined;
  /** Path to record in the lineage. Default: relative to the run directory, or as given when it is outside. */
  readonly relPath?: string | undefined;
  /** Skips reading and hashing the file. Default false. */
  readonly skipHash?: boolean | undefined;
}
const REF_OPTIONS: OptionTable<RefOptions> = {
  name: 'any',
  hash: 'string',
  content: 'any',
  summary: 'any',
  isInput: 'boolean',
  relPath: 'string',
  skipHash: 'boolean',
};

/** Options of `logArtifact`. */
export interface ArtifactOptions extends Pick<RefOptions, 'name' | 'summary' | 'skipHash'>, EventOptions {
  /** Polyaxon's artifact kind. Default `file`, or `dir` for a directory. */
  readonly kind?: ArtifactKind | undefined;
  /** Directory below `outputs/` to copy into. Default: `outputs/` itself. */
  readonly relPath?: string | undefined;
}
const MODEL_FILE_OPTIONS: OptionTable<Omit<ArtifactOptions, 'kind'>> = {
  ...EVENT_OPTIONS,
  name: 'any',
  summary: 'any',
  skipHash: 'boolean',
  relPath: 'string',
};
const ARTIFACT_OPTIONS: OptionTable<ArtifactOptions> = { ...MODEL_FILE_OPTIONS, kind: 'any' };

/** Options of `logModel`. */
export interface ModelOptions extends Omit<ArtifactOptions, 'kind'> {
  /** The framework, such as `onnx` or `tfjs`. */
  readonly framework?: string | undefined;
}
const MODEL_OPTIONS: OptionTable<ModelOptions> = { ...MODEL_FILE_OPTIONS, framework: 'string' };

type ModelRefOptions = RefOptions & Pick<ModelOptions, 'framework'>;
const MODEL_REF_OPTIONS: OptionTable<ModelRefOptions> = { ...REF_OPTIONS, framework: 'string' };

type DataRefOptions = RefOptions & { readonly path?: string | undefined };
const DATA_REF_OPTIONS: OptionTable<DataRefOptions> = { ...REF_OPTIONS, path: 'string' };

type TensorboardRefOptions = Pick<RefOptions, 'name' | 'isInput' | 'relPath'>;
const TENSORBOARD_REF_OPTIONS: OptionTable<TensorboardRefOptions> = {
  name: 'any',
  isInput: 'boolean',
  relPath: 'string',
};

interface EnvOptions {
  readonly relPath?: string | undefined;
}
const ENV_OPTIONS: OptionTable<EnvOptions> = { relPath: 'string' };

interface CodeRefOptions {
  readonly isInput?: boolean | undefined;
}
const CODE_REF_OPTIONS: OptionTable<CodeRefOptions> = { isInput: 'boolean' };

/** Options of `getArtifactsPath` and `getOutputsPath`. */
export interface PathOptions {
  /** Whether directories up to the path are created. */
  readonly ensure?: boolean | undefined;
  /** Whether the path is a directory itself. Default false. */
  readonly isDirectory?: boolean | undefined;
  /** Returns the location in the cluster's artifacts store instead, if it has one. Default false. */
  readonly useStorePath?: boolean | undefined;
}
const PATH_OPTIONS: OptionTable<PathOptions> = {
  ensure: 'boolean',
  isDirectory: 'boolean',
  useStorePath: 'boolean',
};

export abstract class RunArtifactMethods extends RunMetadataMethods {
  /** The last copy to each path in `outputs/`. */
  readonly #copies = new Map<string, { readonly from: string; readonly done: Promise<unknown> }>();

  /**
   * Copies a file or a directory into `outputs/` and records it in the lineage with its size and SHA-256. With `step`, copies it into
   * `assets/` as one of several versions, and logs an event.
   *
   * Resolves to the copy's path, or to undefined when the call was rejected and `onError` is `warn`. Rejects with `ERR_ARTIFACT_INVALID` when
   * the file does not exist, `ERR_ARTIFACT_TOO_LARGE` for a directory of more than 100,000 files or 64 GiB, and `RunWriteError` when the copy
   * fails. The run continues in each case.
   */
  logArtifact(path: string, given: StepOr<ArtifactOptions> = {}): Promise<string | undefined> {
    return this.#work(async () => {
      const options = parseEventOptions('logArtifact', given, ARTIFACT_OPTIONS);
      const artifact = await this.#inspect(path);
      const kind = parseKind(options.kind ?? (artifact.isDirectory ? 'dir' : 'file'));
      return options.step === undefined
        ? this.#copyToOutputs(artifact, kind, options, {})
        : this.#copyVersion(artifact, kind, options, (name, copy, event) =>
            this.context.events.artifact(name, kind, copy, event),
          );
    });
  }

  /** Logs a model like `logArtifact`, and records its framework in the lineage and the event. */
  logModel(path: string, given: StepOr<ModelOptions> = {}): Promise<string | undefined> {
    return this.#work(async () => {
      const options = parseEventOptions('logModel', given, MODEL_OPTIONS);
      const artifact = await this.#inspect(path);
      const { framework } = options;
      const spec = options.summary === undefined ? undefined : this.#parseSummary(options.summary);
      this.context.flag('has_model');
      if (options.step === undefined) {
        return this.#copyToOutputs(artifact, 'model', options, framework === undefined ? {} : { framework });
      }
      return this.#copyVersion(artifact, 'model', options, (name, copy, event) =>
        this.context.events.model(name, { path: copy, framework, spec }, event),
      );
    });
  }

  /** Records a file, directory, URL or anything else without copying it. Rejects with `ERR_ARTIFACT_INVALID`. */
  logArtifactRef(path: string, kind: ArtifactKind, options: RefOptions = {}): Promise<void> {
    return this.#work(() => {
      checkOptions('logArtifactRef', options, REF_OPTIONS);
      return this.#ref(path, kind, options);
    });
  }

  /** Records a file and its SHA-256 without copying it. Rejects with `ERR_ARTIFACT_INVALID` when the file does not exist. */
  logFileRef(path: string, options: RefOptions = {}): Promise<void> {
    return this.#work(() => {
      checkOptions('logFileRef', options, REF_OPTIONS);
      return this.#ref(path, 'file', options);
    });
  }

  /**
   * Records a directory and the SHA-256 of its files without copying it. The default name is the full name of the directory. Rejects with
   * the errors of `logArtifact`.
   */
  logDirRef(path: string, options: RefOptions = {}): Promise<void> {
    return this.#work(() => {
      checkOptions('logDirRef', options, REF_OPTIONS);
      checkPath(path);
      return this.#ref(path, 'dir', { ...options, name: options.name ?? basename(path) });
    });
  }

  /** Records a model without copying it. */
  logModelRef(path: string, options: ModelRefOptions = {}): Promise<void> {
    return this.#work(() => {
      checkOptions('logModelRef', options, MODEL_REF_OPTIONS);
      const { framework, summary, ...rest } = options;
      this.context.flag('has_model');
      return this.#ref(path, 'model', {
        ...rest,
        summary: framework === undefined ? summary : { ...summary, framework },
      });
    });
  }

  /** Records data that the run reads: a name with a path, a hash or content. */
  logDataRef(name: string, options: DataRefOptions = {}): Promise<void> {
    return this.#work(() => {
      checkOptions('logDataRef', options, DATA_REF_OPTIONS);
      const { path, ...rest } = options;
      return this.#ref(path, 'data', { isInput: true, ...rest, name });
    });
  }

  /** Records the location of further event files for TensorBoard. The run's own event files are recorded at the start. */
  logTensorboardRef(path: string, options: TensorboardRefOptions = {}): Promise<void> {
    return this.#work(() => {
      checkOptions('logTensorboardRef', options, TENSORBOARD_REF_OPTIONS);
      this.context.flag('has_tensorboard');
      return this.#ref(path, 'tensorboard', { name: 'tensorboard', ...options, skipHash: true });
    });
  }

  /** Adds entries to the lineage without changing them, or replaces entries of the same names. Throws `ERR_ARTIFACT_INVALID`. */
  logArtifactLineage(artifacts: RunArtifact | readonly RunArtifact[]): void {
    this.context.guard(() => {
      this.context.checkOpen();
      const list = Array.isArray(artifacts) ? artifacts : [artifacts];
      this.context.directory.addArtifacts(
        Array.from(list, (each) => this.#maskArtifact(parseArtifact(each))),
      );
    });
  }

  /** Writes facts about the environment to a file in `outputs/` and records it. The run does this automatically unless `trackEnv` is off. */
  logEnv(content: Readonly<Record<string, unknown>>, options: EnvOptions = {}): void {
    this.context.guard(() => {
      checkOptions('logEnv', options, ENV_OPTIONS);
      this.context.checkOpen();
      this.writeEnv(this.context.maskValues('env', parseJsonObject('env', content)), options.relPath);
    });
  }

  /**
   * Records the state of the code under its commit, with any other facts that you pass. The run does this automatically unless `trackCode`
   * is off. Does nothing without a commit, which is the name of the entry.
   */
  logCodeRef(code: Readonly<Record<string, unknown>>, options: CodeRefOptions = {}): void {
    this.context.guard(() => {
      checkOptions('logCodeRef', options, CODE_REF_OPTIONS);
      this.context.checkOpen();
      this.addCodeRef(parseJsonObject('code', code), options.isInput ?? true);
    });
  }

  /** Returns the lineage so far. Entries of events are added by `flush()` and at the end of the run. */
  getArtifactsLineage(): readonly RunArtifact[] {
    return this.context.directory.lineage;
  }

  /** Returns the run directory, or a path below it. */
  getArtifactsPath(relPath = '', options: PathOptions = {}): string {
    const checked = this.#checkPathOptions('getArtifactsPath', options);
    return this.#toPath('', relPath, { ensure: false, ...checked });
  }

  /** Returns the run's `outputs/` directory, or a path below it. Every file in it belongs to the run. */
  getOutputsPath(relPath = '', options: PathOptions = {}): string {
    const checked = this.#checkPathOptions('getOutputsPath', options);
    return this.#toPath(OUTPUTS_DIRECTORY, relPath, { ensure: true, ...checked });
  }

  /** Returns the directory of event files, for `tensorboard --logdir`. With `relPath`: another one below `outputs/`, recorded in the lineage. */
  getTensorboardPath(relPath?: string, options: Pick<PathOptions, 'useStorePath'> = {}): string {
    const checked = this.#checkPathOptions('getTensorboardPath', options);
    if (relPath === undefined) {
      return this.#toPath('', TENSORBOARD_DIRECTORY, { ensure: true, isDirectory: true, ...checked });
    }
    const path = this.getOutputsPath(relPath, { isDirectory: true, ...checked });
    void this.logTensorboardRef(path, { name: relPath });
    return path;
  }

  /** Returns the log level that Polyaxon sets; undefined when it sets none. */
  getLogLevel(): string | undefined {
    return process.env.POLYAXON_LOG_LEVEL || undefined;
  }

  /** Returns the connections that Polyaxon passes to this job; empty outside a cluster. */
  getConnectionsCatalog(): readonly Connection[] {
    return readConnections(process.env);
  }

  /** Returns the connection of the job's artifacts store; undefined outside a cluster. */
  getArtifactsStoreConnection(): Connection | undefined {
    return findArtifactsStore(process.env);
  }

  /** @internal */
  protected writeEnv(content: Record<string, JsonValue>, relPath = 'env.json'): void {
    this.#writeOutput({ name: 'env', kind: 'env', is_input: false }, relPath, JSON.stringify(content), {});
  }

  /** @internal Records the state of the code. Does nothing without a commit, which is the name of the entry. */
  protected addCodeRef(reference: Readonly<Record<string, JsonValue>>, isInput: boolean): void {
    const { commit } = reference;
    if (typeof commit !== 'string' || commit === '') return;
    this.context.directory.addArtifacts([
      this.#maskArtifact({ name: commit, kind: 'coderef', summary: reference, is_input: isInput }),
    ]);
  }

  /** @internal Writes an input file of the run and records it. */
  protected writeFileArtifact(
    name: string,
    relPath: string,
    content: Uint8Array,
    summary: Record<string, JsonValue>,
  ): void {
    this.#writeOutput({ name, kind: 'file', is_input: true }, relPath, content, summary);
  }

  get #isNoOp(): boolean {
    return this.context.environment.mode === 'no-op';
  }

  /** Does work with files. The end of the run waits for it. */
  #work<T>(work: () => Promise<T>): Promise<T | undefined> {
    return this.context.guardAsync(() => {
      this.context.checkOpen();
      return this.context.track(work());
    });
  }

  /** Returns the options, or none if they are invalid and `onError` is `warn`. */
  #checkPathOptions(method: string, options: PathOptions): PathOptions {
    try {
      checkOptions(method, options, PATH_OPTIONS);
      return options;
    } catch (error) {
      this.context.reportMisuse(error);
      return {};
    }
  }

  async #inspect(path: string): Promise<ArtifactFiles> {
    const artifact = await inspectArtifact(path, this.context.environment.paths.run);
    if (artifact.leftOut.length > 0) {
      const message = `${path}: ${artifact.leftOut.length} links or special files are skipped, such as ${artifact.leftOut[0]}`;
      this.context.diagnostics.warn('WARN_FILES_LEFT_OUT', message);
    }
    return artifact;
  }

  async #copyToOutputs(
    artifact: ArtifactFiles,
    kind: ArtifactKind,
    options: ArtifactOptions,
    facts: Record<string, JsonValue>,
  ): Promise<string> {
    const name = this.context.parseLineageName(options.name ?? toBaseName(artifact.path));
    const summary = this.#parseSummary(options.summary);
    const directory = resolveInside(this.context.environment.paths.outputs, options.relPath ?? '');
    const target = join(directory, basename(artifact.path));
    const path = this.context.toLineagePath(target);
    const hash = this.#isNoOp
      ? undefined
      : await this.#inTurn(target, artifact.path, () =>
          copyArtifact(artifact, target, { hash: options.skipHash !== true }),
        );
    this.context.directory.addArtifacts([
      {
        name,
        kind,
        path,
        summary: {
          ...summary,
          ...facts,
          path,
          ...(hash === undefined ? {} : { hash }),
          size_bytes: artifact.sizeBytes,
        },
        is_input: false,
      },
    ]);
    return target;
  }

  /** Copies to one target one after another, so that file and lineage agree. Warns when a copy replaces that of another file. */
  async #inTurn<T>(target: string, source: string, copy: () => Promise<T>): Promise<T> {
    const before = this.#copies.get(target);
    const from = resolve(source);
    if (before !== undefined && before.from !== from) {
      const message = `${target}: the copy of ${before.from} is replaced by that of ${from}; pass relPath or step to keep both`;
      this.context.diagnostics.warn('WARN_ARTIFACT_REPLACED', message);
    }
    const done = (before?.done ?? Promise.resolve()).then(copy);
    this.#copies.set(target, { from, done: done.catch(() => undefined) });
    return done;
  }

  /** Copies one of several versions. Logs the event only after the copy is complete. */
  async #copyVersion(
    artifact: ArtifactFiles,
    kind: ArtifactKind,
    options: ArtifactOptions,
    log: (name: string, copy: string, options: EventOptions) => void,
  ): Promise<string> {
    const { name = toBaseName(artifact.path), step, wallTime, timestamp } = options;
    // Before the copy, so that a rejected call leaves no file.
    parseStep(step);
    parseEventTime(options);
    const extension = artifact.isDirectory ? '' : toExtension(artifact.path);
    const directory = join(this.context.environment.paths.assets, kind);
    const stem = `${this.context.parseLineageName(name)}_${step}`;
    this.context.events.checkOpen();
    const target = this.#isNoOp
      ? join(directory, `${stem}${extension}`)
      : await copyToFreePath(artifact, directory, stem, extension);
    log(this.context.maskText('name', name), this.context.toLineagePath(target), {
      step,
      wallTime,
      timestamp,
    });
    this.context.noteEvents('has_events');
    return target;
  }

  async #ref(path: string | undefined, kind: ArtifactKind, options: RefOptions): Promise<void> {
    if (path !== undefined) checkPath(path);
    const { hash, content, isInput = false, relPath, skipHash = false } = options;
    const summary = this.#parseSummary(options.summary);
    const name = this.context.parseLineageName(options.name ?? toBaseName(path ?? ''));
    const known = hash ?? (content === undefined ? undefined : sha256(canonicalJsonFrom(content)));
    const isLocal = path !== undefined && !/^[a-z][a-z0-9+.-]+:\/\//i.test(path);
    const found = known ?? (skipHash || !isLocal ? undefined : await hashArtifact(await this.#inspect(path)));
    const shown =
      relPath ?? (path === undefined ? undefined : isLocal ? this.context.toLineagePath(path) : path);
    this.context.directory.addArtifacts([
      this.#maskArtifact({
        name,
        kind: parseKind(kind),
        ...(shown === undefined ? {} : { path: shown }),
        summary: {
          ...summary,
          ...(path === undefined ? {} : { path }),
          ...(found === undefined ? {} : { hash: found }),
        },
        is_input: isInput,
      }),
    ]);
  }

  /** Masks the secrets in an entry of the lineage: a URL may contain credentials. */
  #maskArtifact({ name, path, summary, ...rest }: RunArtifact): RunArtifact {
    return {
      ...rest,
      name: this.context.maskText('name', name),
      ...(path === undefined ? {} : { path: this.context.maskText('path', path) }),
      summary: this.context.maskValues('summary', summary) as RunArtifact['summary'],
    };
  }

  #parseSummary(summary: unknown): Record<string, JsonValue> {
    return this.context.maskValues('summary', parseJsonObject('summary', summary ?? {}));
  }

  #writeOutput(
    { name, kind, is_input }: Pick<RunArtifact, 'name' | 'kind' | 'is_input'>,
    relPath: string,
    content: string | Uint8Array,
    facts: Record<string, JsonValue>,
  ): void {
    const target = resolveInside(this.context.environment.paths.outputs, relPath);
    const path = this.context.toLineagePath(target);
    if (!this.#isNoOp) {
      this.#reportFailure(target, 'write the file', () => {
        mkdirSync(dirname(target), { recursive: true });
        replaceFileSync(target, content, { fsync: false });
      });
    }
    const summary = { path, hash: sha256(content), ...facts };
    this.context.directory.addArtifacts([{ name, kind, path, summary, is_input }]);
  }

  #toPath(base: string, relPath: string, { ensure, isDirectory, useStorePath }: PathOptions): string {
    const { uuid, paths } = this.context.environment;
    if (useStorePath === true) {
      const store = this.getArtifactsStoreConnection();
      const storePath = store === undefined ? undefined : toStorePath(store);
      if (storePath !== undefined)
        return [storePath, uuid, base, relPath].filter((part) => part !== '').join('/');
      this.context.diagnostics.warn(
        'WARN_NO_STORE',
        'this process has no artifacts store; the local path is used',
      );
    }
    const path = resolveInside(join(paths.run, base), relPath);
    const directory = isDirectory === true || relPath === '' ? path : dirname(path);
    if (ensure === true) {
      this.#reportFailure(directory, 'create the directory', () => mkdirSync(directory, { recursive: true }));
    }
    return path;
  }

  #reportFailure(path: string, action: string, work: () => void): void {
    try {
      work();
    } catch (cause) {
      this.context.diagnostics.error(new RunWriteError(path, action, { cause }));
    }
  }
}

/** Returns a file name up to its first dot, not counting a leading dot. */
function toBaseName(path: string): string {
  const name = basename(path);
  return name.replace(/(?<=.)\..*$/s, '') || name;
}

/** Returns everything from the first dot, in lower case: `.tar.gz` for `m.tar.gz`. Source: traceml 1.3, through clipped's `get_path_extension`. */
function toExtension(path: string): string {
  return /(?<=.)\..*$/s.exec(basename(path))?.[0].toLowerCase() ?? '';
}

function checkPath(path: unknown): void {
  if (typeof path === 'string' && path !== '') return;
  throw new InvalidArgumentError(
    'ERR_ARTIFACT_INVALID',
    `path is ${describe(path)}, expected a path or a URL`,
    'Pass the path as a string, such as data/train.csv.',
  );
}

function parseKind(kind: unknown): ArtifactKind {
  const found = ARTIFACT_KINDS.find((known) => known === kind);
  if (found !== undefined) return found;
  throw invalidArtifact(`kind is ${describe(kind)}, expected one of ${ARTIFACT_KINDS.join(', ')}`);
}

function parseArtifact(artifact: RunArtifact): RunArtifact {
  if (
    typeof artifact !== 'object' ||
    artifact === null ||
    typeof artifact.name !== 'string' ||
    artifact.name === ''
  ) {
    throw invalidArtifact('the lineage entry has no name, expected a non-empty string');
  }
  if (artifact.path !== undefined) checkPath(artifact.path);
  return {
    name: artifact.name,
    kind: parseKind(artifact.kind),
    ...(artifact.path === undefined ? {} : { path: artifact.path }),
    summary: parseJsonObject('summary', artifact.summary ?? {}),
    is_input: artifact.is_input === true,
  };
}

function invalidArtifact(message: string): InvalidArgumentError {
  return new InvalidArgumentError(
    'ERR_ARTIFACT_INVALID',
    message,
    'Pass { name, kind, path, summary, is_input }.',
  );
}

function canonicalJsonFrom(content: unknown): string {
  return JSON.stringify(parseJsonObject('content', { content }).content);
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
