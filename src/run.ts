/**
 * `Run`: one tracked run. Broad and shallow: each method checks its arguments, has a summary built elsewhere and appends it.
 *
 * Touches local disk only. `log…` calls for events encode into memory and return; a failing disk never throws from them.
 */

import { basename, join, relative } from 'node:path';
import { checkArtifactFile, copyFileWhole } from './artifact-copy.js';
import { systemClock } from './clock.js';
import { Diagnostics } from './diagnostics.js';
import { ClosedError, InvalidArgumentError } from './errors.js';
import { resolveEventFileOptions } from './event/event-file-options.js';
import { EventFileWriter } from './event/event-file-writer.js';
import { toJsonObject } from './json-value.js';
import { type RunPaths, TENSORBOARD_DIRECTORY, toRunPaths } from './layout.js';
import { resolveInside } from './relative-path.js';
import { RunDirectory } from './run-directory.js';
import { parseTags, type RunOptions, resolveRoot, resolveRunName, resolveUuid } from './run-options.js';
import { type RunRecord, type RunStatus, toIsoTime, withStatus } from './run-record.js';
import {
  describe,
  type EventOptions,
  parseName,
  parseStep,
  parseWallTime,
  toWellFormedText,
} from './summary/arguments.js';
import { type AudioInput, createAudioValue } from './summary/audio.js';
import { createHistogramRows, createHistogramValue, type HistogramInput } from './summary/histogram.js';
import { createImageValue, type ImageInput } from './summary/image.js';
import { createMetadata } from './summary/plugin-data.js';
import { createTextValue } from './summary/text.js';
import type { SummaryValue } from './wire/messages.js';

/** Options of `logHistogram`. */
export interface HistogramOptions extends EventOptions {
  /** Number of equal buckets for values; 0 or more. Default 30, TensorBoard's own. Not used with given edges. */
  readonly buckets?: number | undefined;
}

/** Options of `logArtifact`. */
export interface ArtifactOptions {
  /** Name in the lineage. Default: the file's name up to its first dot. */
  readonly name?: string | undefined;
  /** Polyaxon's artifact kind. Default `file`. */
  readonly kind?: 'file' | 'model' | 'data' | 'csv' | 'html' | 'text' | 'image' | 'env' | undefined;
  /** Directory below `outputs/` to copy into. Default: `outputs/` itself. */
  readonly relPath?: string | undefined;
}

/** Options of `end`. */
export interface EndOptions {
  /** Default `succeeded`. */
  readonly status?: Exclude<RunStatus, 'created' | 'running'> | undefined;
  /** Why, for people. */
  readonly message?: string | undefined;
}

const STATUS_REASON = 'Polytrack';

export class Run {
  readonly uuid: string;
  readonly name: string;
  readonly #clock;
  readonly #diagnostics: Diagnostics;
  readonly #directory: RunDirectory;
  readonly #events: EventFileWriter;
  #ending: Promise<void> | undefined;

  /**
   * Starts a run: its directory, `run.plx.json` with status `running`, and an event file, on disk at once.
   *
   * Throws `RunExistsError` when the directory holds a run, and `InvalidArgumentError` for bad options. A directory that
   * cannot be written does not throw: it is reported (`onError`), tried again, and surfaces at `flush()` and `end()`.
   */
  constructor(options: RunOptions = {}) {
    this.uuid = resolveUuid(options.uuid);
    this.name = resolveRunName(options.name);
    const root = resolveRoot(options.root, process.env);
    const tags = options.tags === undefined ? undefined : parseTags(options.tags);
    this.#clock = options.clock ?? systemClock;
    this.#diagnostics = new Diagnostics(options);
    const eventOptions = resolveEventFileOptions({
      ...options,
      clock: this.#clock,
      diagnostics: this.#diagnostics,
    });
    const { fsync } = eventOptions;
    const record = createRecord(this.uuid, this.name, this.#clock.wallTime(), options, tags);
    const paths = toRunPaths(root, this.uuid);
    this.#directory = new RunDirectory(paths, record, { diagnostics: this.#diagnostics, fsync });
    this.#directory.addArtifact({
      name: 'tensorboard',
      kind: 'tensorboard',
      path: TENSORBOARD_DIRECTORY,
      is_input: false,
      summary: { path: TENSORBOARD_DIRECTORY },
    });
    this.#events = new EventFileWriter(paths.tensorboard, eventOptions);
    this.#directory.update((before) =>
      withStatus(before, 'running', this.#clock.wallTime(), {
        reason: STATUS_REASON,
        message: 'Run is running',
      }),
    );
  }

  /** The run's directories, absolute. */
  get paths(): RunPaths {
    return this.#directory.paths;
  }

  /** What `run.plx.json` says. */
  get record(): RunRecord {
    return this.#directory.record;
  }

  /** How often each warning and each error was seen, by code. */
  get diagnostics(): Readonly<Record<string, number>> {
    return this.#diagnostics.counts;
  }

  /**
   * Logs one number; stored as float32. NaN and ±Infinity are data.
   *
   * Throws `ERR_NAME_INVALID`, `ERR_SCALAR_INVALID`, `ERR_STEP_INVALID`, `ERR_WALL_TIME_INVALID`.
   */
  logMetric(name: string, value: number, options: EventOptions = {}): void {
    const tag = this.#events.knows(name) ? name : this.#toTag(name);
    this.#checkScalar(tag, value);
    const step = parseStep(options.step);
    this.#events.writeScalar(
      tag,
      value,
      step,
      parseWallTime(options.wallTime),
      createScalarMetadata(options),
    );
  }

  /** Logs several numbers under one step and one wall time. All are checked before the first is written. */
  logMetrics(
    metrics: Readonly<Record<string, number>>,
    options: Omit<EventOptions, 'displayName' | 'description'> = {},
  ): void {
    if (typeof metrics !== 'object' || metrics === null) {
      throw new InvalidArgumentError(
        'ERR_SCALAR_INVALID',
        `metrics is ${describe(metrics)}, expected an object`,
        'Pass { name: value, … }.',
      );
    }
    const step = parseStep(options.step);
    const wallTime = parseWallTime(options.wallTime) ?? this.#clock.wallTime();
    const checked = Object.entries(metrics).map(([name, value]) => {
      const tag = this.#toTag(name);
      this.#checkScalar(tag, value);
      return { tag, value };
    });
    for (const { tag, value } of checked) this.#events.writeScalar(tag, value, step, wallTime);
  }

  /** Logs an image: PNG or JPEG bytes, or pixels. Throws `ERR_IMAGE_INVALID` and as `logMetric` does. */
  logImage(name: string, image: ImageInput, options: EventOptions = {}): void {
    this.#logSummary(name, options, (tag) => createImageValue(tag, image, options));
  }

  /** Logs an audio clip: samples, or WAV bytes. Throws `ERR_AUDIO_INVALID` and as `logMetric` does. */
  logAudio(name: string, audio: AudioInput, options: EventOptions = {}): void {
    this.#logSummary(name, options, (tag) => createAudioValue(tag, audio, options));
  }

  /**
   * Logs a histogram: of values, or of given edges and counts. NaN and ±Infinity among values are left out and warned of.
   *
   * Throws `ERR_HISTOGRAM_INVALID` and as `logMetric` does.
   */
  logHistogram(name: string, values: HistogramInput, options: HistogramOptions = {}): void {
    this.#logSummary(name, options, (tag) => {
      const { rows, nonFinite } = createHistogramRows(values, options.buckets);
      if (nonFinite > 0) {
        this.#diagnostics.warn(
          'WARN_NON_FINITE',
          `histogram ${tag}: ${nonFinite} values are NaN or infinite and are left out`,
        );
      }
      return createHistogramValue(tag, rows, options);
    });
  }

  /** Logs Markdown text. Lone surrogates are replaced and warned of. Throws `ERR_TEXT_INVALID` and as `logMetric` does. */
  logText(name: string, text: string, options: EventOptions = {}): void {
    this.#logSummary(name, options, (tag) => {
      if (typeof text === 'string' && !text.isWellFormed()) {
        this.#diagnostics.warn('WARN_TEXT_REPAIRED', `text ${tag}: lone surrogates were replaced by U+FFFD`);
      }
      return createTextValue(tag, text, options);
    });
  }

  /** Merges parameters into the run's inputs, on disk at once. Throws `ERR_PARAMS_INVALID`. */
  logInputs(inputs: Readonly<Record<string, unknown>>): void {
    this.#checkOpen();
    const json = toJsonObject('inputs', inputs);
    this.#directory.update((record) => ({ ...record, inputs: { ...record.inputs, ...json } }));
  }

  /** Merges results into the run's outputs, on disk at once. Throws `ERR_PARAMS_INVALID`. */
  logOutputs(outputs: Readonly<Record<string, unknown>>): void {
    this.#checkOpen();
    const json = toJsonObject('outputs', outputs);
    this.#directory.update((record) => ({ ...record, outputs: { ...record.outputs, ...json } }));
  }

  /** Adds tags to the run, on disk at once. Throws `ERR_TAGS_INVALID`. */
  logTags(tags: string | readonly string[]): void {
    this.#checkOpen();
    const added = parseTags(tags);
    this.#directory.update((record) => ({
      ...record,
      tags: [...new Set([...(record.tags ?? []), ...added])],
    }));
  }

  /**
   * Copies a file into `outputs/` and records it in the lineage with its size and SHA-256.
   *
   * Resolves to the copy's path. Rejects with `ERR_ARTIFACT_INVALID` when there is no such file, and with `RunWriteError`
   * when it cannot be copied; the run goes on either way.
   */
  async logArtifact(path: string, options: ArtifactOptions = {}): Promise<string> {
    this.#checkOpen();
    const fileName = basename(path);
    const name = this.#toTag(options.name ?? (fileName.replace(/(?<=.)\..*$/, '') || fileName));
    const target = join(resolveInside(this.paths.outputs, options.relPath ?? ''), fileName);
    const relativePath = relative(this.paths.run, target).replaceAll('\\', '/');
    await checkArtifactFile(path);
    const { sizeBytes, sha256 } = await copyFileWhole(path, target);
    this.#directory.addArtifact({
      name,
      kind: options.kind ?? 'file',
      path: relativePath,
      is_input: false,
      summary: { path: relativePath, hash: sha256, size_bytes: sizeBytes },
    });
    return target;
  }

  /** The run's `outputs/` directory, or a path below it. Whatever is written there belongs to the run. */
  getOutputsPath(relPath = ''): string {
    return resolveInside(this.paths.outputs, relPath);
  }

  /** The directory of the run's event files: what `tensorboard --logdir` takes. */
  getTensorboardPath(): string {
    return this.paths.tensorboard;
  }

  /** Resolves once all that was logged is on disk. Rejects with `RunWriteError` or `EventsDroppedError`. */
  async flush(): Promise<void> {
    const results = await Promise.allSettled([this.#events.flush(), this.#settleDirectory()]);
    throwFirst(results);
  }

  /**
   * Ends the run: flushes, closes the event file, puts the last value of each metric into the outputs that have no such
   * name, and sets the final status. Rejects as `flush()` does; a second call gives the same promise.
   */
  end(options: EndOptions = {}): Promise<void> {
    this.#ending ??= this.#end(options);
    return this.#ending;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }

  async #end({ status = 'succeeded', message }: EndOptions): Promise<void> {
    const closed = await Promise.allSettled([this.#events.close()]);
    const lastValues = toJsonObject('outputs', this.#events.lastScalars());
    this.#directory.update((record) => ({
      ...withStatus(record, status, this.#clock.wallTime(), { reason: STATUS_REASON, message }),
      ...(Object.keys(lastValues).length > 0 ? { outputs: { ...lastValues, ...record.outputs } } : {}),
    }));
    throwFirst([...closed, ...(await Promise.allSettled([this.#settleDirectory()]))]);
  }

  async #settleDirectory(): Promise<void> {
    this.#directory.settle();
  }

  #logSummary(name: string, options: EventOptions, createValue: (tag: string) => SummaryValue): void {
    const tag = this.#toTag(name);
    const step = parseStep(options.step) ?? this.#events.nextStep(tag);
    const wallTime = parseWallTime(options.wallTime);
    this.#checkOpen();
    this.#events.writeSummary([createValue(tag)], step, wallTime);
  }

  #toTag(name: string): string {
    const { text, repaired } = parseName(name);
    if (repaired)
      this.#diagnostics.warn('WARN_TEXT_REPAIRED', `name ${text}: lone surrogates were replaced by U+FFFD`);
    return text;
  }

  #checkScalar(tag: string, value: unknown): void {
    if (typeof value !== 'number') {
      throw new InvalidArgumentError(
        'ERR_SCALAR_INVALID',
        `${tag} is ${describe(value)}, expected a number`,
        'Pass a number; NaN and Infinity are allowed.',
      );
    }
    if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
      this.#diagnostics.warn(
        'WARN_FLOAT32_OVERFLOW',
        `${tag}: ${value} is beyond float32 and is stored as infinity`,
      );
    }
  }

  #checkOpen(): void {
    if (this.#ending !== undefined) throw new ClosedError(`run ${this.uuid}`);
  }
}

function createRecord(
  uuid: string,
  name: string,
  wallTime: number,
  options: RunOptions,
  tags: readonly string[] | undefined,
): RunRecord {
  const { description, owner, project } = options;
  const record: RunRecord = {
    uuid,
    name,
    ...(description === undefined ? {} : { description: toWellFormedText(description).text }),
    ...(tags === undefined ? {} : { tags }),
    ...(owner === undefined ? {} : { owner }),
    ...(project === undefined ? {} : { project }),
    kind: 'job',
    runtime: 'job',
    is_managed: false,
    managed_by: 'user',
    created_at: toIsoTime(wallTime),
    status: 'created',
    status_conditions: [],
  };
  return withStatus(record, 'created', wallTime, { reason: STATUS_REASON, message: 'Run is created' });
}

function createScalarMetadata({ displayName, description }: EventOptions) {
  if (displayName === undefined && description === undefined) return undefined;
  return createMetadata('scalars', { displayName, description });
}

function throwFirst(results: readonly PromiseSettledResult<void>[]): void {
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
