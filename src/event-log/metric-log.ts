/**
 * Logs metrics: single numbers, several with one step, and columns. A number may be a tensor that has to be read first; later values of the
 * same name then wait for it.
 */

import { describe } from '../base/describe.js';
import { InvalidArgumentError, invalidArgument } from '../base/errors.js';
import type { SummaryMetadata } from '../format/wire/messages.js';
import type { ScalarTag } from '../format/writer/event-encoder.js';
import type { EventFileWriter } from '../format/writer/event-file-writer.js';
import { type EventOptions, parseEventTime, parseStep } from '../summary/arguments.js';
import { type Encoding, joinEncodings, ready } from '../summary/encoding.js';
import { createMetadata } from '../summary/plugin-data.js';
import { parseScalarTensor, type ScalarInput } from '../summary/tensor-scalar.js';
import type { SeriesOptions, SharedEventOptions } from './event-log-options.js';
import type { EventQueue } from './event-queue.js';
import { type MetricTag, MetricTags } from './metric-tags.js';
import type { TagAllocator, TagSeries } from './tag-allocator.js';

const METRIC: TagSeries = { series: 'metric', pluginName: 'scalars' };

export class MetricLog {
  readonly #queue: EventQueue;
  readonly #writer: EventFileWriter;
  readonly #tagAllocator: TagAllocator;
  readonly #metricTags = new MetricTags();

  constructor(queue: EventQueue, tagAllocator: TagAllocator) {
    this.#queue = queue;
    this.#writer = queue.writer;
    this.#tagAllocator = tagAllocator;
  }

  /**
   * Logs one number. Throws `ERR_NAME_INVALID`, `ERR_SCALAR_INVALID`, `ERR_STEP_INVALID`, `ERR_WALL_TIME_INVALID`. Callers whose step is
   * an argument pass it as `givenStep`, to avoid a copy of the options.
   */
  scalar(name: string, value: ScalarInput, options: EventOptions, givenStep = options.step): void {
    const known = this.#metricTags.find(name);
    const scalarTag = known ?? this.#newMetric(name);
    const { tag } = scalarTag;
    if (typeof value === 'number') this.#checkOverflow(tag, value);
    const number = typeof value === 'number' ? value : parseScalarTensor(tag, value);
    const step = parseStep(givenStep) ?? this.#queue.defaultStep;
    const wallTime = parseEventTime(options);
    this.#queue.checkOpen();
    if (known === undefined) this.#claimMetric(scalarTag);
    if (this.#queue.hasFilter && this.#queue.isSampledOut(tag, step)) return;
    const metadata = createScalarMetadata(options);
    if (typeof number === 'number' && !this.#queue.isEncoding)
      this.#writer.writeScalar(scalarTag, number, step, wallTime, metadata);
    else this.#scalarInOrder(scalarTag, number, step, wallTime, metadata);
  }

  /**
   * Logs several numbers with one step and one wall time. Without a step, it is the first that is new for all of them. Checks all of them
   * before it writes the first. Returns their tags.
   */
  scalars(metrics: Readonly<Record<string, ScalarInput>>, options: SharedEventOptions): string[] {
    checkMetrics(metrics);
    const given = parseStep(options.step);
    const wallTime = parseEventTime(options) ?? this.#queue.wallTime();
    const names = Object.keys(metrics);
    const tags = names.map((name) => this.#metricTags.find(name) ?? this.#newMetric(name));
    const logged = tags.map(({ tag }) => tag);
    const numbers = tags.map(({ tag }, i) => this.#parseScalar(tag, metrics[names[i]!]));
    this.#queue.checkOpen();
    const step = given ?? this.#queue.defaultStep ?? this.#nextStepOf(tags);
    for (const metric of tags)
      if (metric.state === undefined) this.#queue.whenAccepted(() => this.#claimMetric(metric));
    const isPlain = numbers.every((value) => typeof value === 'number');
    if (isPlain && !this.#queue.hasFilter && !this.#queue.isEncoding && !this.#queue.isTogether) {
      this.#writer.writeScalars(tags, numbers, step, wallTime);
    } else this.#scalarsInOrder(tags, numbers, step, wallTime);
    return logged;
  }

  /**
   * Logs the metrics of a session of hyperparameters. TensorBoard's table shows the last value of each scalar tag, but a curve must not get
   * another point for that. A name that has a curve therefore keeps it, and the metric gets the name `name (hparams)`, unless the curve ends
   * with its value. Any other metric is the only point of its tag; a curve that begins there later replaces it. Throws like `scalars`.
   *
   * Source: tensorboard/plugins/hparams/list_session_groups.py.
   */
  sessionMetrics(metrics: Readonly<Record<string, ScalarInput>>, options: SharedEventOptions): void {
    checkMetrics(metrics);
    const writer = this.#writer;
    const named: [name: string, value: ScalarInput][] = [];
    for (const [name, value] of Object.entries(metrics)) {
      const tag = this.#toTag(this.#queue.parseTag(name));
      const hasCurve = writer.hasCurve(tag) || this.#queue.isWaiting(tag);
      if (!hasCurve) named.push([name, value]);
      else if (!Object.is(writer.lastScalar(tag), value)) named.push([`${name} (hparams)`, value]);
    }
    // The single point of an earlier process is replaced too.
    for (const [name] of named) writer.makeProvisional(this.#toTag(this.#queue.parseTag(name)));
    for (const tag of this.scalars(Object.fromEntries(named), options)) writer.makeProvisional(tag);
  }

  /** Logs a column of numbers with one name and one wall time, like repeated calls of `scalar`. Checks all of them before it writes the first. */
  scalarSeries(
    name: string,
    steps: ArrayLike<number | bigint>,
    values: ArrayLike<number>,
    options: SeriesOptions,
  ): void {
    const known = this.#metricTags.find(name);
    const scalarTag = known ?? this.#newMetric(name);
    const { tag } = scalarTag;
    checkColumns(tag, steps, values);
    for (let i = 0; i < values.length; i++) {
      if (typeof values[i] !== 'number')
        throw invalidColumn(`${tag} is ${describe(values[i])}, expected a number`);
      this.#checkOverflow(tag, values[i]!);
      if (parseStep(steps[i]) === undefined) throw invalidColumn(`${tag}: step ${i} is missing`);
    }
    const wallTime = parseEventTime(options) ?? this.#queue.wallTime();
    this.#queue.checkOpen();
    if (values.length === 0) return;
    if (known === undefined) this.#claimMetric(scalarTag);
    const metadata = createScalarMetadata(options);
    if (!this.#queue.hasFilter && !this.#queue.isWaiting(tag)) {
      this.#writer.writeSeries(scalarTag, values, steps, wallTime, metadata);
      return;
    }
    for (let i = 0; i < values.length; i++) {
      const step = steps[i]!;
      if (this.#queue.hasFilter && this.#queue.isSampledOut(tag, step)) continue;
      this.#queue.inOrder([tag], step, ready(values[i]!), (value) =>
        this.#writer.writeScalar(scalarTag, value, step, wallTime, metadata),
      );
    }
  }

  /** Writes a number behind earlier values of its tag that still have to be read. Separate, so that `scalar` stays fast. */
  #scalarInOrder(
    scalarTag: ScalarTag,
    number: number | Encoding<number>,
    given: number | bigint | undefined,
    givenTime: number | undefined,
    metadata: SummaryMetadata | undefined,
  ): void {
    const { tag } = scalarTag;
    const step = given ?? this.#queue.nextStep(tag);
    const wallTime = givenTime ?? this.#queue.wallTime();
    this.#queue.inOrder([tag], step, toEncoding(number), (value) => {
      if (typeof number !== 'number') this.#checkOverflow(tag, value);
      this.#writer.writeScalar(scalarTag, value, step, wallTime, metadata);
    });
  }

  /** Writes several numbers like `#scalarInOrder`, in one record, without those that are sampled out. */
  #scalarsInOrder(
    tags: readonly ScalarTag[],
    numbers: readonly (number | Encoding<number>)[],
    step: number | bigint,
    wallTime: number,
  ): void {
    const kept = tags
      .map((scalarTag, i) => ({ scalarTag, number: numbers[i]! }))
      .filter(({ scalarTag }) => !this.#queue.isSampledOut(scalarTag.tag, step));
    const keptTags = kept.map(({ scalarTag }) => scalarTag);
    const values = joinEncodings(kept.map(({ number }) => toEncoding(number)));
    this.#queue.inOrder(
      keptTags.map(({ tag }) => tag),
      step,
      values,
      (read) => {
        for (const [i, { scalarTag, number }] of kept.entries())
          if (typeof number !== 'number') this.#checkOverflow(scalarTag.tag, read[i]!);
        this.#writer.writeScalars(keptTags, read, step, wallTime);
      },
    );
  }

  /** Returns the first step that is new for all tags, so that the metrics of one call share it. */
  #nextStepOf(tags: readonly ScalarTag[]): number | bigint {
    let step: number | bigint = 0;
    for (const { tag } of tags) {
      const next = this.#queue.nextStep(tag);
      if (next > step) step = next;
    }
    return step;
  }

  #newMetric(name: string): MetricTag {
    return { name, tag: this.#toTag(this.#queue.parseTag(name)), state: undefined, next: undefined };
  }

  #claimMetric(metric: MetricTag): void {
    const { name, tag } = metric;
    // Do not cache names that need repair, so that each call causes a warning.
    if (name.isWellFormed()) this.#metricTags.add(metric);
    this.#tagAllocator.claim(METRIC, name.toWellFormed(), tag);
  }

  #toTag(name: string): string {
    return this.#tagAllocator.tagOf(METRIC, name);
  }

  /** Returns a number, or the tensor that has it. Throws `ERR_SCALAR_INVALID` and `ERR_TENSOR_INVALID`. */
  #parseScalar(tag: string, value: unknown): number | Encoding<number> {
    const number = typeof value === 'number' ? value : parseScalarTensor(tag, value);
    if (typeof number === 'number') this.#checkOverflow(tag, number);
    return number;
  }

  #checkOverflow(tag: string, value: number): void {
    if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
      this.#queue.diagnostics.warn(
        'WARN_FLOAT32_OVERFLOW',
        `${tag}: ${value} exceeds the float32 range and is stored as infinity`,
      );
    }
  }
}

function toEncoding(value: number | Encoding<number>): Encoding<number> {
  return typeof value === 'number' ? ready(value) : value;
}

/** Throws `ERR_SCALAR_INVALID` unless metrics are an object. */
export function checkMetrics(metrics: unknown): void {
  if (typeof metrics === 'object' && metrics !== null) return;
  const message = `metrics is ${describe(metrics)}, expected an object of names and numbers`;
  throw new InvalidArgumentError('ERR_SCALAR_INVALID', message, 'Pass { name: value, … }.');
}

function checkColumns(tag: string, steps: unknown, values: unknown): void {
  for (const [column, given] of Object.entries({ steps, values })) {
    if (typeof given !== 'object' || given === null || !('length' in given)) {
      throw invalidColumn(`${tag}: ${column} is ${describe(given)}, expected an array of numbers`);
    }
  }
  const counts = [steps, values].map((column) => (column as ArrayLike<unknown>).length);
  if (counts[0] === counts[1]) return;
  throw invalidColumn(`${tag} has ${counts[0]} steps and ${counts[1]} values, expected equal numbers`);
}

const invalidColumn = invalidArgument('ERR_SCALAR_INVALID', 'Pass one step for each value.');

function createScalarMetadata({ displayName, description }: SeriesOptions) {
  if (displayName === undefined && description === undefined) return undefined;
  return createMetadata('scalars', { displayName, description });
}
