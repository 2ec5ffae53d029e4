/**
 * One directory's events, with arguments checked: what `Run` and `SummaryWriter` have in common.
 *
 * Checks a name, step and wall time, has the value built by `src/summary/`, and hands it to the event file writer. A bad
 * argument throws before anything is queued.
 */

import { Diagnostics } from './diagnostics.js';
import { InvalidArgumentError } from './errors.js';
import { type EventFileWriterOptions, resolveEventFileOptions } from './event/event-file-options.js';
import { EventFileWriter } from './event/event-file-writer.js';
import { describe, type EventOptions, parseName, parseStep, parseWallTime } from './summary/arguments.js';
import { type AudioInput, createAudioValue } from './summary/audio.js';
import { createHistogramRows, createHistogramValue, type HistogramInput } from './summary/histogram.js';
import { createImageValue, type ImageInput } from './summary/image.js';
import { createMetadata } from './summary/plugin-data.js';
import { createTextValue } from './summary/text.js';
import type { SummaryValue } from './wire/messages.js';

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

export class EventLog {
  readonly diagnostics: Diagnostics;
  readonly #writer: EventFileWriter;
  readonly #options: ReturnType<typeof resolveEventFileOptions>;
  readonly #recordIf: EventLogOptions['recordIf'];
  #defaultStep: number | bigint | undefined;

  constructor(directory: string, options: EventLogOptions = {}) {
    this.diagnostics = options.diagnostics ?? new Diagnostics();
    this.#recordIf = options.recordIf;
    this.#options = resolveEventFileOptions({ ...options, diagnostics: this.diagnostics });
    this.#writer = new EventFileWriter(directory, this.#options);
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

  /** Logs an image. Throws `ERR_IMAGE_INVALID` and as `scalar` does. */
  image(name: string, image: ImageInput, options: EventOptions): void {
    this.values(name, options, (tag) => createImageValue(tag, image, options));
  }

  /** Logs an audio clip. Throws `ERR_AUDIO_INVALID` and as `scalar` does. */
  audio(name: string, audio: AudioInput, options: EventOptions): void {
    this.values(name, options, (tag) => createAudioValue(tag, audio, options));
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

  /** Logs Markdown. Warns of lone surrogates, which it replaces. Throws `ERR_TEXT_INVALID` and as `scalar` does. */
  text(name: string, text: string, options: EventOptions): void {
    this.values(name, options, (tag) => {
      if (typeof text === 'string' && !text.isWellFormed()) {
        this.diagnostics.warn('WARN_TEXT_REPAIRED', `text ${tag}: lone surrogates were replaced by U+FFFD`);
      }
      return createTextValue(tag, text, options);
    });
  }

  /** Logs values of any kind, built for the tag that `name` becomes, as one event. Throws what `create` throws. */
  values(
    name: string,
    options: EventOptions,
    create: (tag: string) => SummaryValue | readonly SummaryValue[],
  ): void {
    const tag = this.toTag(name);
    const step = parseStep(options.step) ?? this.#defaultStep ?? this.#writer.nextStep(tag);
    const wallTime = parseWallTime(options.wallTime);
    this.#writer.checkOpen();
    if (this.#isSampledOut(tag, step)) return;
    const created = create(tag);
    this.#writer.writeSummary(isList(created) ? created : [created], step, wallTime);
  }

  /** The tag that a name becomes. Throws `ERR_NAME_INVALID`. */
  toTag(name: string): string {
    const { text, repaired } = parseName(name);
    if (repaired)
      this.diagnostics.warn('WARN_TEXT_REPAIRED', `name ${text}: lone surrogates were replaced by U+FFFD`);
    return text;
  }

  flush(): Promise<void> {
    return this.#writer.flush();
  }

  close(): Promise<void> {
    return this.#writer.close();
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
