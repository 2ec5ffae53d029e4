/**
 * Logs events to one directory, for `Run` and `SummaryWriter`.
 *
 * Checks name, step and wall time, calls `src/summary/` to build the value, and passes it to the event file writer. An invalid
 * argument throws before anything is queued.
 */

import { describe } from '../base/describe.js';
import { Diagnostics } from '../base/diagnostics.js';
import { ClosedError, InvalidArgumentError, invalidArgument } from '../base/errors.js';
import { reportUnawaited } from '../base/observed-promise.js';
import type { EventContent, SummaryValue } from '../format/wire/messages.js';
import type { ScalarTag } from '../format/writer/event-encoder.js';
import { resolveEventFileOptions } from '../format/writer/event-file-options.js';
import { EventFileWriter } from '../format/writer/event-file-writer.js';
import { PendingEvents } from '../format/writer/pending-events.js';
import { createArtifact, createModel, type ModelInput } from '../polyaxon/kinds/artifact.js';
import { type ChartFigure, type ChartLibrary, createChart } from '../polyaxon/kinds/chart.js';
import { type ConfusionInput, createConfusion } from '../polyaxon/kinds/confusion.js';
import {
  type CurvePoints,
  createCurve,
  createPrecisionRecallCurves,
  createRocCurves,
  type PrecisionRecallInput,
  type RocCurveInput,
} from '../polyaxon/kinds/curve.js';
import { createDataframe } from '../polyaxon/kinds/dataframe.js';
import { createHtml } from '../polyaxon/kinds/html.js';
import { encodeKindEvent, type KindEvent, type NamedEvent } from '../polyaxon/kinds/kind-event.js';
import { createVideo, type VideoSource } from '../polyaxon/kinds/media.js';
import { createSpan, type SpanBody } from '../polyaxon/kinds/span.js';
import type { DataframeInput } from '../polyaxon/kinds/table.js';
import { type ArtifactKind, toPolyaxonTag } from '../polyaxon/polyaxon-value.js';
import {
  type EventOptions,
  parseEventTime,
  parseName,
  parseStep,
  parseWallTime,
} from '../summary/arguments.js';
import { createAudioEncoding } from '../summary/audio.js';
import { type Encoding, mapEncoding, ready } from '../summary/encoding.js';
import {
  createHistogramValue,
  type HistogramBuckets,
  type HistogramInput,
  type HistogramRows,
} from '../summary/histogram.js';
import { createBinnedRows, createNumpyRows } from '../summary/histogram-bins.js';
import { parseHistogramBuckets, type RawHistogram } from '../summary/histogram-raw.js';
import {
  createEncodedImageValue,
  createImageEncoding,
  type ImageBatch,
  type ImageInput,
  type ImagePixels,
  splitBatch,
} from '../summary/image.js';
import { type BoxOptions, drawBoxes, type ImageBoxes } from '../summary/image-boxes.js';
import { findRangeProblem } from '../summary/image-range.js';
import { createMeshValues, type MeshInput } from '../summary/mesh.js';
import { createMetadata } from '../summary/plugin-data.js';
import { createPrCurveValue, type PrCurveInput } from '../summary/pr-curve.js';
import { createTextValue, isWellFormedText, type TextInput } from '../summary/text.js';
import { encodeVideo, type VideoInput } from '../summary/video.js';
import type {
  DataframeOptions,
  EventLogOptions,
  GifOptions,
  HistogramOptions,
  ImageOptions,
  NumpyHistogramOptions,
  SeriesOptions,
  SharedEventOptions,
  VideoEventOptions,
} from './event-log-options.js';
import { type AudioSource, type ImageSource, loadAudio, loadImages, loadVideo } from './media-file.js';
import { MetricTags } from './metric-tags.js';
import { TagAllocator, type TagSeries } from './tag-allocator.js';

export {
  DATAFRAME_OPTIONS,
  type DataframeOptions,
  type EventLogOptions,
  HISTOGRAM_OPTIONS,
  type HistogramOptions,
  IMAGE_OPTIONS,
  type ImageOptions,
  NUMPY_HISTOGRAM_OPTIONS,
  type NumpyHistogramOptions,
  SERIES_OPTIONS,
  type SeriesOptions,
  SHARED_EVENT_OPTIONS,
  type SharedEventOptions,
  VIDEO_EVENT_OPTIONS,
  type VideoEventOptions,
} from './event-log-options.js';

/** Larger values are encoded in the background. Smaller ones are encoded as fast in the call. */
const BACKGROUND_BYTES = 64 * 1024;

/** TensorBoard's kinds, as series to which a name can belong. */
const METRIC: TagSeries = { series: 'metric', pluginName: 'scalars' };
const IMAGE: TagSeries = { series: 'image', pluginName: 'images' };
const AUDIO: TagSeries = { series: 'audio', pluginName: 'audio' };
const HISTOGRAM: TagSeries = { series: 'histogram', pluginName: 'histograms' };
const TEXT: TagSeries = { series: 'text', pluginName: 'text' };
const PR_CURVE: TagSeries = { series: 'pr', pluginName: 'pr_curves' };

export class EventLog {
  readonly diagnostics: Diagnostics;
  readonly #writer: EventFileWriter;
  readonly #pending: PendingEvents;
  readonly #options: ReturnType<typeof resolveEventFileOptions>;
  readonly #filter: EventLogOptions['filter'];
  /** Undefined if each tag is the given name. */
  readonly #tagAllocator: TagAllocator | undefined;
  readonly #metricTags = new MetricTags();
  #defaultStep: number | bigint | undefined;
  #hasWarnedOfRange = false;
  #closing: Promise<void> | undefined;

  constructor(directory: string, options: EventLogOptions = {}) {
    this.diagnostics = options.diagnostics ?? new Diagnostics();
    this.#filter = options.filter;
    this.#options = resolveEventFileOptions({ ...options, diagnostics: this.diagnostics });
    this.#writer = new EventFileWriter(directory, this.#options);
    this.#pending = new PendingEvents(this.#writer, this.diagnostics, this.#options.maxQueueBytes);
    this.#tagAllocator = options.exactTags
      ? undefined
      : new TagAllocator(this.#writer, (name, tag) =>
          this.diagnostics.warn(
            'WARN_TAG_REUSED',
            `${name}: the name already belongs to another kind; written as ${tag}`,
          ),
        );
  }

  get writer(): EventFileWriter {
    return this.#writer;
  }

  /** Whether data is on disk when it is flushed, also after a power cut. */
  get fsync(): boolean {
    return this.#options.fsync;
  }

  /** Sets the step of events without one; undefined: each name counts its own steps. Throws `ERR_STEP_INVALID`. */
  setDefaultStep(step: number | bigint | undefined): void {
    this.#defaultStep = parseStep(step);
  }

  /**
   * Logs one number. Throws `ERR_NAME_INVALID`, `ERR_SCALAR_INVALID`, `ERR_STEP_INVALID`, `ERR_WALL_TIME_INVALID`. Callers whose step is
   * an argument pass it as `givenStep`, to avoid a copy of the options.
   */
  scalar(name: string, value: number, options: EventOptions, givenStep = options.step): void {
    const known = this.#metricTags.find(name);
    const scalarTag = known ?? this.#newMetric(name);
    this.#checkScalar(scalarTag.tag, value);
    const step = parseStep(givenStep) ?? this.#defaultStep;
    const wallTime = parseEventTime(options);
    this.checkOpen();
    if (known === undefined) this.#claimMetric(name, scalarTag);
    if (this.#filter !== undefined && this.#isSampledOut(scalarTag.tag, step)) return;
    this.#writer.writeScalar(scalarTag, value, step, wallTime, createScalarMetadata(options));
  }

  /**
   * Logs several numbers with one step and one wall time. Without a step, it is the first that is new for all of them. Checks all of them
   * before it writes the first.
   */
  scalars(metrics: Readonly<Record<string, number>>, options: SharedEventOptions): void {
    checkMetrics(metrics);
    const given = parseStep(options.step);
    const wallTime = parseEventTime(options) ?? this.#options.clock.wallTime();
    const names = Object.keys(metrics);
    const tags = names.map((name) => {
      const scalarTag = this.#metricTags.find(name) ?? this.#newMetric(name);
      this.#checkScalar(scalarTag.tag, metrics[name]);
      return scalarTag;
    });
    this.checkOpen();
    const step = given ?? this.#defaultStep ?? this.#nextStepOf(tags);
    for (let i = 0; i < names.length; i++) {
      if (tags[i]!.state === undefined) this.#claimMetric(names[i]!, tags[i]!);
    }
    const values = names.map((name) => metrics[name]!);
    if (this.#filter === undefined) {
      this.#writer.writeScalars(tags, values, step, wallTime);
      return;
    }
    for (const [i, scalarTag] of tags.entries()) {
      if (!this.#isSampledOut(scalarTag.tag, step))
        this.#writer.writeScalar(scalarTag, values[i]!, step, wallTime);
    }
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
      this.#checkScalar(tag, values[i]);
      if (parseStep(steps[i]) === undefined) throw invalidColumn(`${tag}: step ${i} is missing`);
    }
    const wallTime = parseEventTime(options) ?? this.#options.clock.wallTime();
    this.checkOpen();
    if (values.length === 0) return;
    if (known === undefined) this.#claimMetric(name, scalarTag);
    const metadata = createScalarMetadata(options);
    if (this.#filter === undefined) {
      this.#writer.writeSeries(scalarTag, values, steps, wallTime, metadata);
      return;
    }
    for (let i = 0; i < values.length; i++) {
      if (this.#isSampledOut(tag, steps[i]!)) continue;
      this.#writer.writeScalar(scalarTag, values[i]!, steps[i]!, wallTime, metadata);
    }
  }

  /**
   * Logs one or several images at one step: bytes, pixels or paths. A batch becomes one image, in rows of eight. Formats that TensorBoard
   * does not show are for Polyaxon only. Throws `ERR_IMAGE_INVALID` and the errors of `scalar`.
   */
  image(
    name: string,
    images: ImageSource | readonly ImageSource[] | ImageBatch,
    options: ImageOptions,
  ): void {
    this.#checkRange(name, images);
    const loaded = loadImages(images, options);
    if ('event' in loaded) this.#kindEvent(name, 'image', options, () => loaded.event);
    else this.#encoded(IMAGE, name, options, (tag) => createImageEncoding(tag, loaded.shown, options));
  }

  /** Logs several images at one step, as separate images. Throws the errors of `image`. */
  images(name: string, images: ImageBatch | readonly ImageInput[], options: ImageOptions): void {
    // After the batch is split, its pixels are bytes.
    if (!Array.isArray(images)) this.#checkRange(name, images);
    this.image(name, splitBatch(images), options);
  }

  /** Logs an image with boxes and labels drawn on it. Throws the errors of `image`. */
  imageWithBoxes(
    name: string,
    image: ImagePixels,
    boxes: ImageBoxes,
    options: ImageOptions & BoxOptions,
  ): void {
    this.#checkRange(name, image);
    this.image(name, drawBoxes(image, boxes, options), options);
  }

  /** Logs a video as an animated GIF, for TensorBoard only. Throws `ERR_VIDEO_INVALID` and the errors of `scalar`. */
  gif(name: string, video: VideoInput, options: GifOptions): void {
    this.#checkRange(name, video);
    this.#encoded(IMAGE, name, options, (tag) =>
      mapEncoding(encodeVideo(video, options), (gif) => createEncodedImageValue(tag, [gif], options)),
    );
  }

  /** Logs a video: frames as GIF; bytes or a file unchanged. Throws `ERR_VIDEO_INVALID` and the errors of `scalar`. */
  video(name: string, video: VideoSource | string, options: VideoEventOptions): void {
    this.#checkRange(name, video);
    const framesPerSecond = options.framesPerSecond ?? options.fps;
    this.#kindEvent(name, 'video', options, () => createVideo(loadVideo(video), { framesPerSecond }));
  }

  /**
   * Logs one or several audio clips at one step: samples, WAV bytes or paths. Files of other formats are for Polyaxon only. Throws
   * `ERR_AUDIO_INVALID` and the errors of `scalar`.
   */
  audio(name: string, clips: AudioSource | readonly AudioSource[], options: EventOptions): void {
    const loaded = loadAudio(clips);
    if ('event' in loaded) this.#kindEvent(name, 'audio', options, () => loaded.event);
    else this.#encoded(AUDIO, name, options, (tag) => createAudioEncoding(tag, loaded.shown, options));
  }

  /** Logs a histogram. Warns about values that cannot be counted. Throws `ERR_HISTOGRAM_INVALID` and the errors of `scalar`. */
  histogram(name: string, values: HistogramInput | RawHistogram, options: HistogramOptions): void {
    this.#histogram(name, options, () => createBinnedRows(parseCounted(values), options));
  }

  /** Logs the result of `np.histogram`: n bin counts and n + 1 edges. Throws the errors of `histogram`. */
  npHistogram(
    name: string,
    heights: HistogramBuckets['counts'],
    edges: HistogramBuckets['edges'],
    options: NumpyHistogramOptions,
  ): void {
    this.#histogram(name, options, () => createNumpyRows(heights, edges, options.maxBins));
  }

  /** Logs Markdown, or cells of it. Replaces lone surrogates, with a warning. Throws `ERR_TEXT_INVALID` and the errors of `scalar`. */
  text(name: string, text: TextInput, options: EventOptions): void {
    this.#value(TEXT, name, options, (tag) => {
      const value = createTextValue(tag, text, options);
      if (!isWellFormedText(text)) {
        this.diagnostics.warn('WARN_TEXT_REPAIRED', `text ${tag}: lone surrogates were replaced by U+FFFD`);
      }
      return value;
    });
  }

  /** Logs a precision-recall curve, for TensorBoard only. Throws `ERR_PR_CURVE_INVALID` and the errors of `scalar`. */
  prCurve(name: string, curve: PrCurveInput, options: EventOptions): void {
    this.#value(PR_CURVE, name, options, (tag) => createPrCurveValue(tag, curve, options));
  }

  /** Logs a ROC curve, or one for each class as `<name>_<column>`. Throws `ERR_CURVE_INVALID` and the errors of `scalar`. */
  rocCurve(name: string, curve: RocCurveInput, options: EventOptions): void {
    this.#namedEvents(name, options, createRocCurves(curve));
  }

  /** Logs a precision-recall curve, or one for each class, like `rocCurve`. Throws the errors of `rocCurve`. */
  precisionRecallCurve(name: string, curve: PrecisionRecallInput, options: EventOptions): void {
    this.#namedEvents(name, options, createPrecisionRecallCurves(curve));
  }

  /** Logs any other curve. Throws `ERR_CURVE_INVALID` and the errors of `scalar`. */
  curve(name: string, curve: CurvePoints, options: EventOptions): void {
    this.#namedEvents(name, options, createCurve(curve));
  }

  /** Logs a confusion matrix. Throws `ERR_CONFUSION_INVALID` and the errors of `scalar`. */
  confusionMatrix(name: string, matrix: ConfusionInput, options: EventOptions): void {
    this.#kindEvent(name, 'confusion', options, () => createConfusion(matrix));
  }

  /** Logs HTML. Throws `ERR_HTML_INVALID` and the errors of `scalar`. */
  html(name: string, html: string, options: EventOptions): void {
    this.#kindEvent(name, 'html', options, () => createHtml(html));
  }

  /** Logs a table as a CSV or HTML file. Throws `ERR_DATAFRAME_INVALID` and the errors of `scalar`. */
  dataframe(name: string, table: DataframeInput, options: DataframeOptions): void {
    this.#kindEvent(name, 'dataframe', options, () => createDataframe(table, options.contentType));
  }

  /** Logs a chart, for Polyaxon only. Throws `ERR_CHART_INVALID` and the errors of `scalar`. */
  chart(name: string, library: ChartLibrary, figure: ChartFigure, options: EventOptions): void {
    this.#kindEvent(name, 'chart', options, () => createChart(library, figure));
  }

  /** Logs the path of a model, for Polyaxon only. Throws `ERR_MODEL_INVALID` and the errors of `scalar`. */
  model(name: string, model: ModelInput, options: EventOptions): void {
    this.#kindEvent(name, 'model', options, () => createModel(model));
  }

  /** Logs the path of a file or directory, for Polyaxon only. Throws `ERR_ARTIFACT_INVALID` and the errors of `scalar`. */
  artifact(name: string, kind: ArtifactKind, path: string, options: EventOptions): void {
    this.#kindEvent(name, kind, options, () => createArtifact(kind, path));
  }

  /** Logs the JSON of a span, for Polyaxon only. Throws `ERR_SPAN_INVALID` and the errors of `scalar`. */
  span(name: string, span: SpanBody, options: EventOptions): void {
    this.#kindEvent(name, 'span', options, () => createSpan(span));
  }

  /** Logs a mesh or a point cloud. Throws `ERR_MESH_INVALID` and the errors of `scalar`. */
  mesh(name: string, mesh: MeshInput, options: EventOptions): void {
    const tag = this.parseTag(name);
    const step = options.step ?? this.#defaultStep ?? this.#writer.nextStep(`${tag}_VERTEX`);
    this.values(name, { ...options, step }, () => createMeshValues(tag, mesh, options));
  }

  /** Logs the values that `create` builds for a tag as one event. Passes on errors of `create`. */
  values(
    name: string,
    options: EventOptions,
    create: (tag: string) => SummaryValue | readonly SummaryValue[],
  ): void {
    this.#summary(this.parseTag(name), options, (tag) => {
      const created = create(tag);
      return ready(isList(created) ? created : [created]);
    });
  }

  /** Logs an event other than a summary. */
  event(what: EventContent, step: number | bigint | undefined, wallTime: number | undefined): void {
    this.checkOpen();
    const time = parseWallTime(wallTime) ?? this.#options.clock.wallTime();
    this.#writer.writeEvent({ wallTime: time, step: parseStep(step) ?? this.#defaultStep ?? 0, what });
  }

  /** Warns once if the values of pixels are not in the range of their type. */
  #checkRange(name: string, images: unknown): void {
    if (this.#hasWarnedOfRange) return;
    for (const image of Array.isArray(images) ? images : [images]) {
      const problem = findRangeProblem((image as Partial<ImagePixels> | null | undefined)?.pixels);
      if (problem === undefined) continue;
      this.#hasWarnedOfRange = true;
      this.diagnostics.warn('WARN_IMAGE_RANGE', `${name}: ${problem}. Later images are not checked`);
      return;
    }
  }

  #histogram(name: string, options: EventOptions, count: () => HistogramRows): void {
    this.#value(HISTOGRAM, name, options, (tag) => {
      const { rows, nonFinite } = count();
      if (nonFinite > 0) {
        const message = `histogram ${tag}: ${nonFinite} values are NaN or infinite and are left out`;
        this.diagnostics.warn('WARN_NON_FINITE', message);
      }
      return createHistogramValue(tag, rows, options);
    });
  }

  #value(
    series: TagSeries,
    name: string,
    options: EventOptions,
    create: (tag: string) => SummaryValue,
  ): void {
    this.#encoded(series, name, options, (tag) => ready(create(tag)));
  }

  #encoded(
    series: TagSeries,
    name: string,
    options: EventOptions,
    create: (tag: string) => Encoding<SummaryValue>,
  ): void {
    const tag = this.parseTag(name);
    this.#summary(this.#tagOf(series, tag), options, (shown) => {
      const encoding = create(shown);
      this.#tagAllocator?.claim(series, tag, shown);
      return mapEncoding(encoding, (value) => [value]);
    });
  }

  /** Logs several events of one call with the same wall time. */
  #namedEvents(name: string, options: EventOptions, events: readonly NamedEvent[]): void {
    const wallTime = parseEventTime(options) ?? this.#options.clock.wallTime();
    const shared = { ...options, timestamp: undefined, wallTime };
    const tag = this.parseTag(name);
    for (const { suffix, event } of events)
      this.#kindEvent(`${tag}${suffix}`, event.kind, shared, () => event);
  }

  /** Counts steps by the event's own tag, but calls `filter` with its name. */
  #kindEvent(given: string, kind: ArtifactKind, options: EventOptions, create: () => KindEvent): void {
    const name = this.parseTag(given);
    this.#summary(
      toPolyaxonTag(kind, name),
      options,
      () => {
        const event = create();
        const { preview, warning } = event;
        if (warning !== undefined) this.diagnostics.warn(warning.code, `${kind} ${name}: ${warning.message}`);
        if (preview === undefined) return encodeKindEvent(name, event, name, options);
        const series = { ...preview, previewOf: kind };
        const shown = this.#tagOf(series, name);
        this.#tagAllocator?.claim(series, name, shown);
        return encodeKindEvent(name, event, shown, options);
      },
      name,
    );
  }

  /** Writes small values immediately, and large ones once they are encoded. Keeps the order of calls within a tag. */
  #summary(
    tag: string,
    options: EventOptions,
    create: (tag: string) => Encoding<readonly SummaryValue[]>,
    sampledAs = tag,
  ): void {
    const step = parseStep(options.step) ?? this.#defaultStep ?? this.#pending.nextStep(tag);
    const wallTime = parseEventTime(options);
    this.checkOpen();
    if (this.#isSampledOut(tag, step, sampledAs)) return;
    const encoding = create(tag);
    if (encoding.sizeBytes <= BACKGROUND_BYTES && !this.#pending.has(tag)) {
      this.#writer.writeSummary(encoding.now(), step, wallTime);
    } else this.#pending.add(tag, step, wallTime ?? this.#options.clock.wallTime(), encoding);
  }

  /** Returns the first step that is new for all tags, so that the metrics of one call share it. */
  #nextStepOf(tags: readonly ScalarTag[]): number | bigint {
    let step: number | bigint = 0;
    for (const { tag } of tags) {
      const next = this.#writer.nextStep(tag);
      if (next > step) step = next;
    }
    return step;
  }

  #tagOf(series: TagSeries, name: string): string {
    return this.#tagAllocator?.tagOf(series, name) ?? name;
  }

  #newMetric(name: string): ScalarTag {
    return { tag: this.#tagOf(METRIC, this.parseTag(name)), state: undefined };
  }

  #claimMetric(given: string, scalarTag: ScalarTag): void {
    // Do not cache names that need repair, so that each call causes a warning.
    if (given.isWellFormed()) this.#metricTags.add(given, scalarTag);
    this.#tagAllocator?.claim(METRIC, given.toWellFormed(), scalarTag.tag);
  }

  /** Returns the tag for a name. Throws `ERR_NAME_INVALID`. */
  parseTag(name: string): string {
    const { text, repaired } = parseName(name);
    if (repaired)
      this.diagnostics.warn('WARN_TEXT_REPAIRED', `name ${text}: lone surrogates were replaced by U+FFFD`);
    return text;
  }

  /** Throws `ClosedError` if the log is closed. */
  checkOpen(): void {
    if (this.#closing !== undefined)
      throw new ClosedError(`the event file writer of ${this.#writer.directory}`);
  }

  /** Whether values are being encoded in the background. */
  get isEncoding(): boolean {
    return this.#pending.isWaiting;
  }

  /** Encodes and writes all pending values synchronously, for the exit of the process. */
  drain(): void {
    this.#pending.drain();
  }

  flush(): Promise<void> {
    return this.#observe(this.#pending.settle().then(() => this.#writer.flush()));
  }

  close(): Promise<void> {
    this.#closing ??= this.#observe(this.#pending.settle().then(() => this.#writer.close()));
    return this.#closing;
  }

  /** Returns the promise in a form that the program may ignore. */
  #observe(work: Promise<void>): Promise<void> {
    return reportUnawaited(work, (error) => this.diagnostics.unawaited(error));
  }

  #isSampledOut(tag: string, given: number | bigint | undefined, sampledAs = tag): boolean {
    const filter = this.#filter;
    if (filter === undefined) return false;
    const step = given ?? this.#writer.nextStep(tag);
    if (this.diagnostics.guard('filter', () => filter({ tag: sampledAs, step }), true)) return false;
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
        `${tag}: ${value} exceeds the float32 range and is stored as infinity`,
      );
    }
  }
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

/** Counted buckets with edges, also from limits; values unchanged. */
function parseCounted(values: HistogramInput | RawHistogram): HistogramInput {
  const isRaw = typeof values === 'object' && values !== null && 'bucketLimits' in values;
  return isRaw ? parseHistogramBuckets(values) : values;
}

function isList(created: SummaryValue | readonly SummaryValue[]): created is readonly SummaryValue[] {
  return Array.isArray(created);
}
