/**
 * Logs events to one directory, for `Run` and `SummaryWriter`.
 *
 * Checks name, step and wall time, calls `src/summary/` to build the value, and passes it to the queue of the event file. An invalid
 * argument throws before anything is queued.
 *
 * Long because it has one short method for each kind of event.
 */

import { quote } from '../base/describe.js';
import type { Diagnostics } from '../base/diagnostics.js';
import type { EventContent, SummaryValue } from '../format/wire/messages.js';
import type { EventFileWriter } from '../format/writer/event-file-writer.js';
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
import { type EventOptions, parseEventTime, parseStep } from '../summary/arguments.js';
import { createAudioEncoding } from '../summary/audio.js';
import { afterRead, type Encoding, mapEncoding, ready } from '../summary/encoding.js';
import { createKerasModelValue, KERAS_MODEL_TAG } from '../summary/graph/graph-values.js';
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
import { createMeshValues, MESH_PARTS, type MeshInput } from '../summary/mesh.js';
import { createPrCurveValue, type PrCurveInput } from '../summary/pr-curve.js';
import { isTensor, parseTensor, type Tensor, toNumbers } from '../summary/tensor.js';
import { parseClips, type TensorAudio } from '../summary/tensor-audio.js';
import { type ImageTensor, parseImages, parseSingleImage } from '../summary/tensor-image.js';
import type { ScalarInput } from '../summary/tensor-scalar.js';
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
import { EventQueue } from './event-queue.js';
import {
  type AudioSource,
  type ImageSource,
  type Loaded,
  loadAudio,
  loadImages,
  loadVideo,
} from './media-file.js';
import { MetricLog } from './metric-log.js';
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

/** TensorBoard's kinds, as series to which a name can belong. */
const IMAGE: TagSeries = { series: 'image', pluginName: 'images' };
const AUDIO: TagSeries = { series: 'audio', pluginName: 'audio' };
const HISTOGRAM: TagSeries = { series: 'histogram', pluginName: 'histograms' };
const TEXT: TagSeries = { series: 'text', pluginName: 'text' };
const PR_CURVE: TagSeries = { series: 'pr', pluginName: 'pr_curves' };
const MESH: TagSeries = { series: 'mesh', pluginName: 'mesh', parts: MESH_PARTS };
const KERAS_MODEL: TagSeries = { series: 'graph', pluginName: 'graph_keras_model' };

export class EventLog {
  readonly diagnostics: Diagnostics;
  readonly #queue: EventQueue;
  readonly #metrics: MetricLog;
  readonly #tagAllocator: TagAllocator;
  #hasWarnedOfRange = false;
  #hasWarnedOfLabels = false;

  constructor(directory: string, options: EventLogOptions = {}) {
    this.#queue = new EventQueue(directory, options);
    this.diagnostics = this.#queue.diagnostics;
    this.#tagAllocator = new TagAllocator(this.writer, (name, tag) =>
      this.diagnostics.warn(
        'WARN_TAG_REUSED',
        `${name}: the name already belongs to another kind; written as ${tag}`,
      ),
    );
    this.#metrics = new MetricLog(this.#queue, this.#tagAllocator);
  }

  get writer(): EventFileWriter {
    return this.#queue.writer;
  }

  /** Whether data is on disk when it is flushed, also after a power cut. */
  get fsync(): boolean {
    return this.#queue.fsync;
  }

  /** Sets the step of events without one; undefined: each name counts its own steps. Throws `ERR_STEP_INVALID`. */
  setDefaultStep(step: number | bigint | undefined): void {
    this.#queue.defaultStep = parseStep(step);
  }

  /** Logs one number: see `MetricLog`. Callers whose step is an argument pass it as `givenStep`, to avoid a copy of the options. */
  scalar(name: string, value: ScalarInput, options: EventOptions, givenStep = options.step): void {
    this.#metrics.scalar(name, value, options, givenStep);
  }

  /** Logs several numbers with one step and one wall time, and returns their tags: see `MetricLog`. */
  scalars(metrics: Readonly<Record<string, ScalarInput>>, options: SharedEventOptions): string[] {
    return this.#metrics.scalars(metrics, options);
  }

  /** Logs the metrics of a session of hyperparameters, without changing a curve: see `MetricLog`. */
  sessionMetrics(metrics: Readonly<Record<string, ScalarInput>>, options: SharedEventOptions): void {
    this.#metrics.sessionMetrics(metrics, options);
  }

  /** Logs a column of numbers with one name: see `MetricLog`. */
  scalarSeries(
    name: string,
    steps: ArrayLike<number | bigint>,
    values: ArrayLike<number>,
    options: SeriesOptions,
  ): void {
    this.#metrics.scalarSeries(name, steps, values, options);
  }

  /**
   * Logs one or several images at one step: bytes, pixels or paths. A batch becomes one image, in rows of eight. Formats that TensorBoard
   * does not show are for Polyaxon only. Throws `ERR_IMAGE_INVALID` and the errors of `scalar`.
   */
  image(
    name: string,
    images: ImageSource | ImageTensor | readonly (ImageSource | ImageTensor)[] | ImageBatch,
    options: ImageOptions,
  ): void {
    this.#images(name, parseImages<ImageSource, ImageBatch>(images), options);
  }

  /** Logs several images at one step, as separate images. Throws the errors of `image`. */
  images(
    name: string,
    images: ImageBatch | ImageTensor | readonly (ImageInput | ImageTensor)[],
    options: ImageOptions,
  ): void {
    const given = parseImages<ImageInput, ImageBatch>(images);
    const separate = mapEncoding(given, (plain) => {
      // After the batch is split, its pixels are bytes.
      if (!Array.isArray(plain)) this.#checkRange(name, plain);
      return splitBatch(plain as ImageBatch);
    });
    this.#images(name, separate, options);
  }

  /** Logs an image with boxes and labels drawn on it. Throws the errors of `image`. */
  imageWithBoxes(
    name: string,
    image: ImagePixels | ImageTensor,
    boxes: ImageBoxes,
    options: ImageOptions & BoxOptions,
  ): void {
    const drawn = mapEncoding(parseSingleImage(image), (plain) => {
      this.#checkRange(name, plain);
      return drawBoxes(plain, boxes, options, (characters) => this.#warnUndrawable(name, characters));
    });
    this.#images(name, drawn, options);
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
  audio(
    name: string,
    clips: AudioSource | TensorAudio | readonly (AudioSource | TensorAudio)[],
    options: EventOptions,
  ): void {
    const given = parseClips<AudioSource>(clips);
    if (given.mustRead === true) {
      this.#encoded(AUDIO, name, options, (tag) =>
        afterRead(given, (plain) => createAudioEncoding(tag, shownOf(loadAudio(plain)), options)),
      );
      return;
    }
    const loaded = loadAudio(given.now());
    if ('event' in loaded) this.#kindEvent(name, 'audio', options, () => loaded.event);
    else this.#encoded(AUDIO, name, options, (tag) => createAudioEncoding(tag, loaded.shown, options));
  }

  /** Logs a histogram. Warns about values that cannot be counted. Throws `ERR_HISTOGRAM_INVALID` and the errors of `scalar`. */
  histogram(name: string, values: HistogramInput | RawHistogram | Tensor, options: HistogramOptions): void {
    const given = isTensor(values)
      ? mapEncoding(parseTensor('values', values).values, toNumbers)
      : ready(parseCounted(values));
    this.#histogram(name, options, given, (read) => createBinnedRows(read, options));
  }

  /** Logs the result of `np.histogram`: n bin counts and n + 1 edges. Throws the errors of `histogram`. */
  npHistogram(
    name: string,
    heights: HistogramBuckets['counts'],
    edges: HistogramBuckets['edges'],
    options: NumpyHistogramOptions,
  ): void {
    this.#histogram(name, options, ready(heights), () => createNumpyRows(heights, edges, options.maxBins));
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

  /** Logs the JSON of a span, with its tree as text for TensorBoard. Throws `ERR_SPAN_INVALID` and the errors of `scalar`. */
  span(name: string, span: SpanBody, options: EventOptions): void {
    this.#kindEvent(name, 'span', options, () => createSpan(span));
  }

  /** Logs a mesh or a point cloud. Throws `ERR_MESH_INVALID` and the errors of `scalar`. */
  mesh(name: string, mesh: MeshInput, options: EventOptions): void {
    const given = this.parseTag(name);
    const tag = this.#tagOf(MESH, given);
    const step = options.step ?? this.#queue.defaultStep ?? this.#queue.nextStep(`${tag}_VERTEX`);
    this.values(tag, { ...options, step }, () => {
      const values = createMeshValues(tag, mesh, options);
      this.#tagAllocator.claim(MESH, given, tag);
      return values;
    });
  }

  /** Logs a Keras model, as JSON text. */
  kerasModel(text: string, options: EventOptions): void {
    this.#value(KERAS_MODEL, KERAS_MODEL_TAG, options, (tag) => createKerasModelValue(tag, text));
  }

  /** Logs the values that `create` builds for a tag as one event. Passes on errors of `create`. */
  values(
    name: string,
    options: EventOptions,
    create: (tag: string) => SummaryValue | readonly SummaryValue[],
  ): void {
    this.#queue.summary(this.parseTag(name), options, (tag) => {
      const created = create(tag);
      return ready(isList(created) ? created : [created]);
    });
  }

  /** Logs an event other than a summary. */
  event(what: EventContent, step: number | bigint | undefined, wallTime: number | undefined): void {
    this.#queue.event(what, step, wallTime);
  }

  /** Returns the tag for a name. Throws `ERR_NAME_INVALID`. */
  parseTag(name: string): string {
    return this.#queue.parseTag(name);
  }

  /** The step after the last one of a name. */
  nextStep(name: string): number | bigint {
    return this.#queue.nextStep(name.toWellFormed());
  }

  /** Runs `log`, and writes all events that it logs if it returns, none if it throws. */
  together(log: () => void): void {
    this.#queue.together(log);
  }

  /** Throws `ClosedError` if the log is closed. */
  checkOpen(): void {
    this.#queue.checkOpen();
  }

  /** Whether values are being read or encoded in the background. */
  get isEncoding(): boolean {
    return this.#queue.isEncoding;
  }

  /** Encodes and writes all pending values synchronously, for the exit of the process. */
  drain(): void {
    this.#queue.drain();
  }

  flush(): Promise<void> {
    return this.#queue.flush();
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  /** Warns once if the values of pixels are not in the range of their type. */
  #warnUndrawable(name: string, characters: readonly string[]): void {
    if (this.#hasWarnedOfLabels) return;
    this.#hasWarnedOfLabels = true;
    const message = `${name}: the font for labels lacks ${quote(characters.join(' '))}, drawn as rectangles or without accents. Later images are not checked`;
    this.diagnostics.warn('WARN_LABEL_CHARACTERS', message);
  }

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

  #images(
    name: string,
    images: Encoding<ImageSource | ImageBatch | readonly ImageSource[]>,
    options: ImageOptions,
  ): void {
    if (images.mustRead === true) {
      this.#encoded(IMAGE, name, options, (tag) =>
        afterRead(images, (plain) => {
          this.#checkRange(name, plain);
          return createImageEncoding(tag, shownOf(loadImages(plain, options)), options);
        }),
      );
      return;
    }
    const plain = images.now();
    this.#checkRange(name, plain);
    const loaded = loadImages(plain, options);
    if ('event' in loaded) this.#kindEvent(name, 'image', options, () => loaded.event);
    else this.#encoded(IMAGE, name, options, (tag) => createImageEncoding(tag, loaded.shown, options));
  }

  #histogram<D>(
    name: string,
    options: EventOptions,
    values: Encoding<D>,
    count: (values: D) => HistogramRows,
  ): void {
    this.#encoded(HISTOGRAM, name, options, (tag) =>
      afterRead(values, (read) => {
        const { rows, nonFinite } = count(read);
        if (nonFinite > 0) {
          const message = `histogram ${tag}: ${nonFinite} values are NaN or infinite and are left out`;
          this.diagnostics.warn('WARN_NON_FINITE', message);
        }
        return ready(createHistogramValue(tag, rows, options));
      }),
    );
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
    this.#queue.summary(this.#tagOf(series, tag), options, (shown) => {
      const encoding = create(shown);
      this.#queue.whenAccepted(() => this.#tagAllocator.claim(series, tag, shown));
      return mapEncoding(encoding, (value) => [value]);
    });
  }

  /** Logs several events of one call with the same wall time. */
  #namedEvents(name: string, options: EventOptions, events: readonly NamedEvent[]): void {
    const wallTime = parseEventTime(options) ?? this.#queue.wallTime();
    const shared = { ...options, timestamp: undefined, wallTime };
    const tag = this.parseTag(name);
    for (const { suffix, event } of events)
      this.#kindEvent(`${tag}${suffix}`, event.kind, shared, () => event);
  }

  /** Counts steps by the event's own tag, but calls `filter` with its name. */
  #kindEvent(given: string, kind: ArtifactKind, options: EventOptions, create: () => KindEvent): void {
    const name = this.parseTag(given);
    this.#queue.summary(
      toPolyaxonTag(kind, name),
      options,
      () => {
        const event = create();
        const { preview, warning } = event;
        if (warning !== undefined) this.diagnostics.warn(warning.code, `${kind} ${name}: ${warning.message}`);
        if (preview === undefined) return encodeKindEvent(name, event, name, options);
        const series = { ...preview, previewOf: kind };
        const shown = this.#tagOf(series, name);
        this.#queue.whenAccepted(() => this.#tagAllocator.claim(series, name, shown));
        return encodeKindEvent(name, event, shown, options);
      },
      name,
    );
  }

  #tagOf(series: TagSeries, name: string): string {
    return this.#tagAllocator.tagOf(series, name);
  }
}

/** What TensorBoard shows of pixels and samples, which are never for Polyaxon only. */
function shownOf<T>(loaded: Loaded<T>): T | readonly T[] {
  return 'shown' in loaded ? loaded.shown : [];
}

/** Counted buckets with edges, also from limits; values unchanged. */
function parseCounted(values: HistogramInput | RawHistogram): HistogramInput {
  const isRaw = typeof values === 'object' && values !== null && 'bucketLimits' in values;
  return isRaw ? parseHistogramBuckets(values) : values;
}

function isList(created: SummaryValue | readonly SummaryValue[]): created is readonly SummaryValue[] {
  return Array.isArray(created);
}
