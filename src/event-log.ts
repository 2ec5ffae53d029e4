/**
 * One directory's events, with arguments checked: what `Run` and `SummaryWriter` have in common.
 *
 * Checks a name, step and wall time, has the value built by `src/summary/`, and hands it to the event file writer. A bad
 * argument throws before anything is queued.
 */

import { Diagnostics } from './diagnostics.js';
import { ClosedError, InvalidArgumentError } from './errors.js';
import { type EventFileWriterOptions, resolveEventFileOptions } from './event/event-file-options.js';
import { EventFileWriter } from './event/event-file-writer.js';
import { PendingEvents } from './event/pending-events.js';
import { describe, type EventOptions, parseName, parseStep, parseWallTime } from './summary/arguments.js';
import { type AudioInput, createAudioEncoding } from './summary/audio.js';
import { type Encoding, mapEncoding, ready } from './summary/encoding.js';
import { createHistogramRows, createHistogramValue, type HistogramInput } from './summary/histogram.js';
import { createEncodedImageValue, createImageEncoding, type ImageInput } from './summary/image.js';
import { createMeshValues, type MeshInput } from './summary/mesh.js';
import { createMetadata } from './summary/plugin-data.js';
import { createPrCurveValue, type PrCurveInput } from './summary/pr-curve.js';
import { createTextValue, isWellFormedText, type TextInput } from './summary/text.js';
import { encodeVideo, type VideoInput, type VideoOptions } from './summary/video.js';
import type { EventContent, SummaryValue } from './wire/messages.js';

export interface EventLogOptions extends EventFileWriterOptions {
  /**
   * Decides which events are written; the others are counted as `EVENTS_SAMPLED_OUT`. Default: all. For what is logged more
   * often than anyone looks at it: `({ step }) => Number(step) % 100 === 0`.
   */
  readonly recordIf?:
    | ((event: { readonly tag: string; readonly step: number | bigint }) => boolean)
    | undefined;
}

/** Options of a histogram. */
export interface HistogramOptions extends EventOptions {
  /** Number of equal buckets for values; 0 or more. Default 30, TensorBoard's own. Not used with given edges. */
  readonly buckets?: number | undefined;
}

/** Options that events under several names share. */
export type SharedEventOptions = Omit<EventOptions, 'displayName' | 'description'>;

/** Values with more bytes to encode than this are encoded in the background: below it the call is as fast. */
const BACKGROUND_BYTES = 64 * 1024;

export class EventLog {
  readonly diagnostics: Diagnostics;
  readonly #writer: EventFileWriter;
  readonly #pending: PendingEvents;
  readonly #options: ReturnType<typeof resolveEventFileOptions>;
  readonly #recordIf: EventLogOptions['recordIf'];
  #defaultStep: number | bigint | undefined;
  #closing: Promise<void> | undefined;

  constructor(directory: string, options: EventLogOptions = {}) {
    this.diagnostics = options.diagnostics ?? new Diagnostics();
    this.#recordIf = options.recordIf;
    this.#options = resolveEventFileOptions({ ...options, diagnostics: this.diagnostics });
    this.#writer = new EventFileWriter(directory, this.#options);
    this.#pending = new PendingEvents(this.#writer, this.diagnostics, this.#options.maxQueueBytes);
  }

  get writer(): EventFileWriter {
    return this.#writer;
  }

  /** The step of all events that are given none; undefined: each name counts its own. Throws `ERR_STEP_INVALID`. */
  setDefaultStep(step: number | bigint | undefined): void {
    this.#defaultStep = parseStep(step);
  }

  /** Logs one number. Throws `ERR_NAME_INVALID`, `ERR_SCALAR_INVALID`, `ERR_STEP_INVALID`, `ERR_WALL_TIME_INVALID`. */
  scalar(name: string, value: number, options: EventOptions): void {
    const tag = this.#writer.knows(name) ? name : this.toTag(name);
    this.#checkScalar(tag, value);
    const step = parseStep(options.step) ?? this.#defaultStep;
    const wallTime = parseWallTime(options.wallTime);
    this.checkOpen();
    if (this.#isSampledOut(tag, step)) return;
    this.#writer.writeScalar(tag, value, step, wallTime, createScalarMetadata(options));
  }

  /** Logs several numbers under one step and one wall time. All are checked before the first is written. */
  scalars(metrics: Readonly<Record<string, number>>, options: SharedEventOptions): void {
    if (typeof metrics !== 'object' || metrics === null) {
      const message = `metrics is ${describe(metrics)}, expected an object of names and numbers`;
      throw new InvalidArgumentError('ERR_SCALAR_INVALID', message, 'Pass { name: value, … }.');
    }
    const step = parseStep(options.step) ?? this.#defaultStep;
    const wallTime = parseWallTime(options.wallTime) ?? this.#options.clock.wallTime();
    const checked = Object.entries(metrics).map(([name, value]) => {
      const tag = this.toTag(name);
      this.#checkScalar(tag, value);
      return { tag, value };
    });
    for (const { tag, value } of checked) {
      if (!this.#isSampledOut(tag, step)) this.#writer.writeScalar(tag, value, step, wallTime);
    }
  }

  /** Logs an image, or several at one step. Throws `ERR_IMAGE_INVALID` and as `scalar` does. */
  image(name: string, images: ImageInput | readonly ImageInput[], options: EventOptions): void {
    this.#encoded(name, options, (tag) => createImageEncoding(tag, images, options));
  }

  /** Logs a video as an animated GIF. Throws `ERR_VIDEO_INVALID` and as `scalar` does. */
  video(name: string, video: VideoInput, options: EventOptions & VideoOptions): void {
    this.#encoded(name, options, (tag) =>
      mapEncoding(encodeVideo(video, options), (gif) => createEncodedImageValue(tag, [gif], options)),
    );
  }

  /** Logs an audio clip, or several at one step. Throws `ERR_AUDIO_INVALID` and as `scalar` does. */
  audio(name: string, clips: AudioInput | readonly AudioInput[], options: EventOptions): void {
    this.#encoded(name, options, (tag) => createAudioEncoding(tag, clips, options));
  }

  /** Logs a histogram. Warns of values that cannot be counted. Throws `ERR_HISTOGRAM_INVALID` and as `scalar` does. */
  histogram(name: string, values: HistogramInput, options: HistogramOptions): void {
    this.values(name, options, (tag) => {
      const { rows, nonFinite } = createHistogramRows(values, options.buckets);
      if (nonFinite > 0) {
        const message = `histogram ${tag}: ${nonFinite} values are NaN or infinite and are left out`;
        this.diagnostics.warn('WARN_NON_FINITE', message);
      }
      return createHistogramValue(tag, rows, options);
    });
  }

  /** Logs Markdown, or cells of it. Warns of lone surrogates, which it replaces. Throws `ERR_TEXT_INVALID` and as `scalar` does. */
  text(name: string, text: TextInput, options: EventOptions): void {
    this.values(name, options, (tag) => {
      const value = createTextValue(tag, text, options);
      if (!isWellFormedText(text)) {
        this.diagnostics.warn('WARN_TEXT_REPAIRED', `text ${tag}: lone surrogates were replaced by U+FFFD`);
      }
      return value;
    });
  }

  /** Logs a precision-recall curve. Throws `ERR_PR_CURVE_INVALID` and as `scalar` does. */
  prCurve(name: string, curve: PrCurveInput, options: EventOptions): void {
    this.values(name, options, (tag) => createPrCurveValue(tag, curve, options));
  }

  /** Logs a mesh or a point cloud. Throws `ERR_MESH_INVALID` and as `scalar` does. */
  mesh(name: string, mesh: MeshInput, options: EventOptions): void {
    const tag = this.toTag(name);
    const step = options.step ?? this.#defaultStep ?? this.#writer.nextStep(`${tag}_VERTEX`);
    this.values(name, { ...options, step }, () => createMeshValues(tag, mesh, options));
  }

  /** Logs values of any kind, built for the tag that `name` becomes, as one event. Throws what `create` throws. */
  values(
    name: string,
    options: EventOptions,
    create: (tag: string) => SummaryValue | readonly SummaryValue[],
  ): void {
    this.#summary(name, options, (tag) => {
      const created = create(tag);
      return ready(isList(created) ? created : [created]);
    });
  }

  /** Logs an event that is no summary. */
  event(what: EventContent, step: number | bigint | undefined, wallTime: number | undefined): void {
    this.checkOpen();
    const time = parseWallTime(wallTime) ?? this.#options.clock.wallTime();
    this.#writer.writeEvent({ wallTime: time, step: parseStep(step) ?? this.#defaultStep ?? 0, what });
  }

  #encoded(name: string, options: EventOptions, create: (tag: string) => Encoding<SummaryValue>): void {
    this.#summary(name, options, (tag) => mapEncoding(create(tag), (value) => [value]));
  }

  /** Writes small values at once, large ones when they are encoded; the order within a tag is that of the calls. */
  #summary(
    name: string,
    options: EventOptions,
    create: (tag: string) => Encoding<readonly SummaryValue[]>,
  ): void {
    const tag = this.toTag(name);
    const step = parseStep(options.step) ?? this.#defaultStep ?? this.#pending.nextStep(tag);
    const wallTime = parseWallTime(options.wallTime);
    this.checkOpen();
    if (this.#isSampledOut(tag, step)) return;
    const encoding = create(tag);
    if (encoding.sizeBytes <= BACKGROUND_BYTES && !this.#pending.has(tag)) {
      this.#writer.writeSummary(encoding.now(), step, wallTime);
    } else this.#pending.add(tag, step, wallTime ?? this.#options.clock.wallTime(), encoding);
  }

  /** The tag that a name becomes. Throws `ERR_NAME_INVALID`. */
  toTag(name: string): string {
    const { text, repaired } = parseName(name);
    if (repaired)
      this.diagnostics.warn('WARN_TEXT_REPAIRED', `name ${text}: lone surrogates were replaced by U+FFFD`);
    return text;
  }

  /** Throws `ClosedError` once the log is closed. */
  checkOpen(): void {
    if (this.#closing !== undefined)
      throw new ClosedError(`the event file writer of ${this.#writer.directory}`);
  }

  async flush(): Promise<void> {
    await this.#pending.settle();
    await this.#writer.flush();
  }

  close(): Promise<void> {
    this.#closing ??= this.#pending.settle().then(() => this.#writer.close());
    return this.#closing;
  }

  #isSampledOut(tag: string, given: number | bigint | undefined): boolean {
    if (this.#recordIf === undefined) return false;
    const step = given ?? this.#writer.nextStep(tag);
    if (this.#recordIf({ tag, step })) return false;
    this.diagnostics.count('EVENTS_SAMPLED_OUT');
    this.#writer.skipStep(tag, step);
    return true;
  }

  #checkScalar(tag: string, value: unknown): void {
    if (typeof value !== 'number') {
      const message = `${tag} is ${describe(value)}, expected a number`;
      throw new InvalidArgumentError(
        'ERR_SCALAR_INVALID',
        message,
        'Pass a number; NaN and Infinity are allowed.',
      );
    }
    if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
      this.diagnostics.warn(
        'WARN_FLOAT32_OVERFLOW',
        `${tag}: ${value} is beyond float32 and is stored as infinity`,
      );
    }
  }
}

function createScalarMetadata({ displayName, description }: EventOptions) {
  if (displayName === undefined && description === undefined) return undefined;
  return createMetadata('scalars', { displayName, description });
}

function isList(created: SummaryValue | readonly SummaryValue[]): created is readonly SummaryValue[] {
  return Array.isArray(created);
}
