/**
 * `Run`: one tracked run. Broad and shallow: each method checks its arguments, has a summary built elsewhere and appends it.
 *
 * Touches local disk only. `log…` calls for events encode into memory and return; a failing disk never throws from them.
 */

import { basename, join, relative } from 'node:path';
import { checkArtifactFile, copyFileWhole } from './artifact-copy.js';
import { type Clock, systemClock } from '../clock.js';
import { Diagnostics } from '../diagnostics.js';
import { ClosedError } from '../errors.js';
import { resolveEventFileOptions } from '../event/event-file-options.js';
import { EventLog, type HistogramOptions, type SharedEventOptions } from '../event-log.js';
import { toJsonObject } from '../json-value.js';
import { type RunPaths, TENSORBOARD_DIRECTORY, toRunPaths } from '../layout.js';
import { resolveInside } from '../relative-path.js';
import { RunDirectory } from './run-directory.js';
import { parseTags, type RunOptions, resolveRoot, resolveRunName, resolveUuid } from './run-options.js';
import { type RunRecord, type RunStatus, toIsoTime, withStatus } from './run-record.js';
import type { EventOptions } from '../summary/arguments.js';
import type { AudioInput } from '../summary/audio.js';
import type { HistogramInput } from '../summary/histogram.js';
import type { ImageInput } from '../summary/image.js';
import type { TextInput } from '../summary/text.js';
import { toWellFormedText } from '../well-formed-text.js';

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
  readonly #clock: Clock;
  readonly #diagnostics: Diagnostics;
  readonly #directory: RunDirectory;
  readonly #events: EventLog;
  #ending: Promise<void> | undefined;

  /**
   * Starts a run: its directory, `run.plx.json` with status `running`, and an event file, on disk at once.
   *
   * Throws `RunExistsError` when the directory holds a run and `resume` is not set, and `InvalidArgumentError` for bad options. A directory that
   * cannot be written does not throw: it is reported (`onError`), tried again, and surfaces at `flush()` and `end()`.
   */
  constructor(options: RunOptions = {}) {
    this.uuid = resolveUuid(options.uuid);
    const name = resolveRunName(options.name);
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
    const record = createRecord(this.uuid, name, this.#clock.wallTime(), options, tags);
    const paths = toRunPaths(root, this.uuid);
    this.#directory = new RunDirectory(paths, record, {
      diagnostics: this.#diagnostics,
      fsync,
      resume: eventOptions.resume !== false,
    });
    this.#directory.addArtifact({
      name: 'tensorboard',
      kind: 'tensorboard',
      path: TENSORBOARD_DIRECTORY,
      is_input: false,
      summary: { path: TENSORBOARD_DIRECTORY },
    });
    this.#events = new EventLog(paths.tensorboard, { ...eventOptions, recordIf: options.recordIf });
    this.#directory.update((before) =>
      withStatus(before, 'running', this.#clock.wallTime(), {
        reason: STATUS_REASON,
        message: 'Run is running',
      }),
    );
  }

  /** The run's name; that of the first process when the run is resumed. */
  get name(): string {
    return this.record.name;
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
    this.#events.scalar(name, value, options);
  }

  /** Logs several numbers under one step and one wall time. All are checked before the first is written. */
  logMetrics(metrics: Readonly<Record<string, number>>, options: SharedEventOptions = {}): void {
    this.#events.scalars(metrics, options);
  }

  /** Logs an image, or several at one step: encoded bytes, or pixels. Throws `ERR_IMAGE_INVALID` and as `logMetric` does. */
  logImage(name: string, image: ImageInput | readonly ImageInput[], options: EventOptions = {}): void {
    this.#events.image(name, image, options);
  }

  /** Logs an audio clip, or several at one step: samples, or WAV bytes. Throws `ERR_AUDIO_INVALID` and as `logMetric` does. */
  logAudio(name: string, audio: AudioInput | readonly AudioInput[], options: EventOptions = {}): void {
    this.#events.audio(name, audio, options);
  }

  /**
   * Logs a histogram: of values, or of given edges and counts. NaN and ±Infinity among values are left out and warned of.
   *
   * Throws `ERR_HISTOGRAM_INVALID` and as `logMetric` does.
   */
  logHistogram(name: string, values: HistogramInput, options: HistogramOptions = {}): void {
    this.#events.histogram(name, values, options);
  }

  /** Logs Markdown text, or a list or table of it. Lone surrogates are replaced and warned of. Throws `ERR_TEXT_INVALID` and as `logMetric` does. */
  logText(name: string, text: TextInput, options: EventOptions = {}): void {
    this.#events.text(name, text, options);
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
    const name = this.#events.toTag(options.name ?? (fileName.replace(/(?<=.)\..*$/, '') || fileName));
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
    const lastValues = toJsonObject('outputs', this.#events.writer.lastScalars());
    this.#directory.update((record) => ({
      ...withStatus(record, status, this.#clock.wallTime(), { reason: STATUS_REASON, message }),
      ...(Object.keys(lastValues).length > 0 ? { outputs: { ...lastValues, ...record.outputs } } : {}),
    }));
    throwFirst([...closed, ...(await Promise.allSettled([this.#settleDirectory()]))]);
  }

  async #settleDirectory(): Promise<void> {
    this.#directory.settle();
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

function throwFirst(results: readonly PromiseSettledResult<void>[]): void {
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
