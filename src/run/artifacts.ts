/**
 * What the methods of `Run` for files do. They copy files into the run or refer to them in place, and record them in the lineage.
 *
 * Long because it has one function for each method, over the same checks.
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
import { findArtifactsStore, toStorePath } from './connections.js';
import type { RunContext } from './run-context.js';

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

/** Options of `logModelRef`. */
export type ModelRefOptions = RefOptions & Pick<ModelOptions, 'framework'>;
const MODEL_REF_OPTIONS: OptionTable<ModelRefOptions> = { ...REF_OPTIONS, framework: 'string' };

/** Options of `logDataRef`. */
export type DataRefOptions = RefOptions & { readonly path?: string | undefined };
const DATA_REF_OPTIONS: OptionTable<DataRefOptions> = { ...REF_OPTIONS, path: 'string' };

/** Options of `logTensorboardRef`. */
export type TensorboardRefOptions = Pick<RefOptions, 'name' | 'isInput' | 'relPath'>;
const TENSORBOARD_REF_OPTIONS: OptionTable<TensorboardRefOptions> = {
  name: 'any',
  isInput: 'boolean',
  relPath: 'string',
};

/** Options of `logEnv`. */
export interface EnvOptions {
  readonly relPath?: string | undefined;
}
const ENV_OPTIONS: OptionTable<EnvOptions> = { relPath: 'string' };

/** Options of `logCodeRef`. */
export interface CodeRefOptions {
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

/** Does work with files. The end of the run waits for it. */
export function trackFiles<T>(context: RunContext, work: () => Promise<T>): Promise<T | undefined> {
  return context.guardAsync(() => {
    context.checkOpen();
    return context.track(work());
  });
}

export async function logArtifact(
  context: RunContext,
  path: string,
  given: StepOr<ArtifactOptions>,
): Promise<string> {
  const options = parseEventOptions('logArtifact', given, ARTIFACT_OPTIONS);
  const artifact = await inspect(context, path);
  const kind = parseKind(options.kind ?? (artifact.isDirectory ? 'dir' : 'file'));
  return options.step === undefined
    ? copyToOutputs(context, artifact, kind, options, {})
    : copyVersion(context, artifact, kind, options, (name, copy, event) =>
        context.events.artifact(name, kind, copy, event),
      );
}

export async function logModel(
  context: RunContext,
  path: string,
  given: StepOr<ModelOptions>,
): Promise<string> {
  const options = parseEventOptions('logModel', given, MODEL_OPTIONS);
  const artifact = await inspect(context, path);
  const { framework } = options;
  const spec = options.summary === undefined ? undefined : parseSummary(context, options.summary);
  context.flag('has_model');
  if (options.step === undefined) {
    return copyToOutputs(context, artifact, 'model', options, framework === undefined ? {} : { framework });
  }
  return copyVersion(context, artifact, 'model', options, (name, copy, event) =>
    context.events.model(name, { path: copy, framework, spec }, event),
  );
}

export function logRef(
  context: RunContext,
  method: string,
  path: string,
  kind: ArtifactKind,
  options: RefOptions,
): Promise<void> {
  checkOptions(method, options, REF_OPTIONS);
  return addRef(context, path, kind, options);
}

export function logDirRef(context: RunContext, path: string, options: RefOptions): Promise<void> {
  checkOptions('logDirRef', options, REF_OPTIONS);
  checkPath(path);
  return addRef(context, path, 'dir', { ...options, name: options.name ?? basename(path) });
}

export function logModelRef(context: RunContext, path: string, options: ModelRefOptions): Promise<void> {
  checkOptions('logModelRef', options, MODEL_REF_OPTIONS);
  const { framework, summary, ...rest } = options;
  context.flag('has_model');
  return addRef(context, path, 'model', {
    ...rest,
    summary: framework === undefined ? summary : { ...summary, framework },
  });
}

export function logDataRef(context: RunContext, name: string, options: DataRefOptions): Promise<void> {
  checkOptions('logDataRef', options, DATA_REF_OPTIONS);
  const { path, ...rest } = options;
  return addRef(context, path, 'data', { isInput: true, ...rest, name });
}

export function logTensorboardRef(
  context: RunContext,
  path: string,
  options: TensorboardRefOptions,
): Promise<void> {
  checkOptions('logTensorboardRef', options, TENSORBOARD_REF_OPTIONS);
  context.flag('has_tensorboard');
  return addRef(context, path, 'tensorboard', { name: 'tensorboard', ...options, skipHash: true });
}

export function logArtifactLineage(
  context: RunContext,
  artifacts: RunArtifact | readonly RunArtifact[],
): void {
  context.guard(() => {
    context.checkOpen();
    const list = Array.isArray(artifacts) ? artifacts : [artifacts];
    context.directory.addArtifacts(Array.from(list, (each) => maskArtifact(context, parseArtifact(each))));
  });
}

export function logEnv(context: RunContext, content: unknown, options: EnvOptions): void {
  checkOptions('logEnv', options, ENV_OPTIONS);
  context.checkOpen();
  writeEnv(context, context.maskValues('env', parseJsonObject('env', content)), options.relPath);
}

export function logCodeRef(context: RunContext, code: unknown, options: CodeRefOptions): void {
  checkOptions('logCodeRef', options, CODE_REF_OPTIONS);
  context.checkOpen();
  addCodeRef(context, parseJsonObject('code', code), options.isInput ?? true);
}

/** Returns a path in the run directory below `base`, or its location in the cluster's artifacts store. */
export function findPath(
  context: RunContext,
  method: string,
  base: string,
  relPath: string,
  byDefault: PathOptions,
  given: PathOptions,
): string {
  const { ensure, isDirectory, useStorePath } = { ...byDefault, ...checkPathOptions(context, method, given) };
  const { uuid, paths } = context.environment;
  if (useStorePath === true) {
    const store = findArtifactsStore(process.env);
    const storePath = store === undefined ? undefined : toStorePath(store);
    if (storePath !== undefined)
      return [storePath, uuid, base, relPath].filter((part) => part !== '').join('/');
    context.diagnostics.warn('WARN_NO_STORE', 'this process has no artifacts store; the local path is used');
  }
  const path = resolveInside(join(paths.run, base), relPath);
  const directory = isDirectory === true || relPath === '' ? path : dirname(path);
  if (ensure === true) {
    reportFailure(context, directory, 'create the directory', () =>
      mkdirSync(directory, { recursive: true }),
    );
  }
  return path;
}

export function writeEnv(
  context: RunContext,
  content: Record<string, JsonValue>,
  relPath = 'env.json',
): void {
  writeOutput(context, { name: 'env', kind: 'env', is_input: false }, relPath, JSON.stringify(content), {});
}

/** Records the state of the code. Does nothing without a commit, which is the name of the entry. */
export function addCodeRef(
  context: RunContext,
  reference: Readonly<Record<string, JsonValue>>,
  isInput: boolean,
): void {
  const { commit } = reference;
  if (typeof commit !== 'string' || commit === '') return;
  context.directory.addArtifacts([
    maskArtifact(context, { name: commit, kind: 'coderef', summary: reference, is_input: isInput }),
  ]);
}

/** Writes an input file of the run and records it. */
export function writeFileArtifact(
  context: RunContext,
  name: string,
  relPath: string,
  content: Uint8Array,
  summary: Record<string, JsonValue>,
): void {
  writeOutput(context, { name, kind: 'file', is_input: true }, relPath, content, summary);
}

function isNoOp(context: RunContext): boolean {
  return context.environment.mode === 'no-op';
}

/** Returns the options, or none if they are invalid and `onError` is `warn`. */
function checkPathOptions(context: RunContext, method: string, options: PathOptions): PathOptions {
  try {
    checkOptions(method, options, PATH_OPTIONS);
    return options;
  } catch (error) {
    context.reportMisuse(error);
    return {};
  }
}

async function inspect(context: RunContext, path: string): Promise<ArtifactFiles> {
  const artifact = await inspectArtifact(path, context.environment.paths.run);
  if (artifact.leftOut.length > 0) {
    const message = `${path}: ${artifact.leftOut.length} links or special files are skipped, such as ${artifact.leftOut[0]}`;
    context.diagnostics.warn('WARN_FILES_LEFT_OUT', message);
  }
  return artifact;
}

async function copyToOutputs(
  context: RunContext,
  artifact: ArtifactFiles,
  kind: ArtifactKind,
  options: ArtifactOptions,
  facts: Record<string, JsonValue>,
): Promise<string> {
  const name = context.parseLineageName(options.name ?? toBaseName(artifact.path));
  const summary = parseSummary(context, options.summary);
  const directory = resolveInside(context.environment.paths.outputs, options.relPath ?? '');
  const target = join(directory, basename(artifact.path));
  const path = context.toLineagePath(target);
  const hash = isNoOp(context)
    ? undefined
    : await inTurn(context, target, artifact.path, () =>
        copyArtifact(artifact, target, { hash: options.skipHash !== true }),
      );
  context.directory.addArtifacts([
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
async function inTurn<T>(
  context: RunContext,
  target: string,
  source: string,
  copy: () => Promise<T>,
): Promise<T> {
  const before = context.copies.get(target);
  const from = resolve(source);
  if (before !== undefined && before.from !== from) {
    const message = `${target}: the copy of ${before.from} is replaced by that of ${from}; pass relPath or step to keep both`;
    context.diagnostics.warn('WARN_ARTIFACT_REPLACED', message);
  }
  const done = (before?.done ?? Promise.resolve()).then(copy);
  context.copies.set(target, { from, done: done.catch(() => undefined) });
  return done;
}

/** Copies one of several versions. Logs the event only after the copy is complete. */
async function copyVersion(
  context: RunContext,
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
  const directory = join(context.environment.paths.assets, kind);
  const stem = `${context.parseLineageName(name)}_${step}`;
  context.events.checkOpen();
  const target = isNoOp(context)
    ? join(directory, `${stem}${extension}`)
    : await copyToFreePath(artifact, directory, stem, extension);
  log(context.maskText('name', name), context.toLineagePath(target), {
    step,
    wallTime,
    timestamp,
  });
  context.noteEvents('has_events');
  return target;
}

async function addRef(
  context: RunContext,
  path: string | undefined,
  kind: ArtifactKind,
  options: RefOptions,
): Promise<void> {
  if (path !== undefined) checkPath(path);
  const { hash, content, isInput = false, relPath, skipHash = false } = options;
  const summary = parseSummary(context, options.summary);
  const name = context.parseLineageName(options.name ?? toBaseName(path ?? ''));
  const known = hash ?? (content === undefined ? undefined : sha256(canonicalJsonFrom(content)));
  const isLocal = path !== undefined && !/^[a-z][a-z0-9+.-]+:\/\//i.test(path);
  const found =
    known ?? (skipHash || !isLocal ? undefined : await hashArtifact(await inspect(context, path)));
  const shown = relPath ?? (path === undefined ? undefined : isLocal ? context.toLineagePath(path) : path);
  context.directory.addArtifacts([
    maskArtifact(context, {
      name,
      kind: parseKind(kind),
      ...(shown === undefined ? {} : { path: shown }),
      summary: {
        ...summary,
        // In the order of Python's client: the server tells versions of an artifact apart by the text of the summary.
        ...(known === undefined ? {} : { hash: known }),
        ...(path === undefined ? {} : { path }),
        ...(found === undefined ? {} : { hash: found }),
      },
      is_input: isInput,
    }),
  ]);
}

/** Masks the secrets in an entry of the lineage: a URL may contain credentials. */
function maskArtifact(context: RunContext, { name, path, summary, ...rest }: RunArtifact): RunArtifact {
  return {
    ...rest,
    name: context.maskText('name', name),
    ...(path === undefined ? {} : { path: context.maskText('path', path) }),
    summary: context.maskValues('summary', summary) as RunArtifact['summary'],
  };
}

function parseSummary(context: RunContext, summary: unknown): Record<string, JsonValue> {
  return context.maskValues('summary', parseJsonObject('summary', summary ?? {}));
}

function writeOutput(
  context: RunContext,
  { name, kind, is_input }: Pick<RunArtifact, 'name' | 'kind' | 'is_input'>,
  relPath: string,
  content: string | Uint8Array,
  facts: Record<string, JsonValue>,
): void {
  const target = resolveInside(context.environment.paths.outputs, relPath);
  const path = context.toLineagePath(target);
  if (!isNoOp(context)) {
    reportFailure(context, target, 'write the file', () => {
      mkdirSync(dirname(target), { recursive: true });
      replaceFileSync(target, content, { fsync: false });
    });
  }
  const summary = { path, hash: sha256(content), ...facts };
  context.directory.addArtifacts([{ name, kind, path, summary, is_input }]);
}

function reportFailure(context: RunContext, path: string, action: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    context.diagnostics.error(new RunWriteError(path, action, { cause }));
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
