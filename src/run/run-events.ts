/**
 * The methods of `Run` that log events. They encode into memory and return without waiting for the disk.
 *
 * Every method accepts `EventOptions`; a number in their place is the step. Besides its own errors it throws `ERR_NAME_INVALID`,
 * `ERR_STEP_INVALID`, `ERR_WALL_TIME_INVALID`, `ERR_OPTION_INVALID` and `ERR_CLOSED`, before anything is written. With `onError: 'warn'` misuse is counted and reported instead.
 */

import { checkOptions, type OptionTable } from '../base/options.js';
import {
  DATAFRAME_OPTIONS,
  type DataframeOptions,
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
} from '../event-log/event-log.js';
import type { AudioSource, ImageSource } from '../event-log/media-file.js';
import type { ChartFigure } from '../polyaxon/kinds/chart.js';
import type { ConfusionInput } from '../polyaxon/kinds/confusion.js';
import type { CurvePoints, PrecisionRecallInput, RocCurveInput } from '../polyaxon/kinds/curve.js';
import type { VideoSource } from '../polyaxon/kinds/media.js';
import type { DataframeInput } from '../polyaxon/kinds/table.js';
import { EVENT_OPTIONS, type EventOptions, parseEventOptions, type StepOr } from '../summary/arguments.js';
import type { HistogramBuckets, HistogramInput } from '../summary/histogram.js';
import type { RawHistogram } from '../summary/histogram-raw.js';
import type { ImageBatch, ImagePixels } from '../summary/image.js';
import { BOX_OPTIONS, type BoxOptions, type ImageBoxes } from '../summary/image-boxes.js';
import type { MeshInput } from '../summary/mesh.js';
import type { Tensor } from '../summary/tensor.js';
import type { TensorAudio } from '../summary/tensor-audio.js';
import type { ImageTensor } from '../summary/tensor-image.js';
import type { ScalarInput } from '../summary/tensor-scalar.js';
import type { TextInput } from '../summary/text.js';
import type { SpanInput, SpanJson } from '../trace/span.js';
import type {
  ManualSpan,
  SpanHandle,
  TracedFunction,
  TraceOptions,
  TraceStreamOptions,
} from '../trace/span-handle.js';
import { toSpanJson } from '../trace/span-json.js';
import type { StreamSource } from '../trace/trace-stream.js';
import { createTracer, type Tracer } from '../trace/tracer.js';
import type { RunContext } from './run-context.js';

/** Options of `logTrace`. */
export interface LogTraceOptions extends EventOptions {
  /** Also adds the span's inputs and outputs to those of the run, like Polyaxon's Python client. Default false. */
  readonly updateRun?: boolean | undefined;
}
const LOG_TRACE_OPTIONS: OptionTable<LogTraceOptions> = { ...EVENT_OPTIONS, updateRun: 'boolean' };

const IMAGE_BOXES_OPTIONS: OptionTable<ImageOptions & BoxOptions> = { ...IMAGE_OPTIONS, ...BOX_OPTIONS };

export abstract class RunEvents {
  /** @internal */
  protected readonly context: RunContext;
  /** @internal */
  protected readonly tracer: Tracer;
  #hasMetrics = false;

  constructor(context: RunContext) {
    this.context = context;
    this.tracer = createTracer({
      clock: context.clock,
      diagnostics: context.diagnostics,
      mask: (text, key) => String(context.masker.maskValue(key, text)),
      onSpan: (span) => this.#writeSpan(span, {}),
      onInvalid: (error) => context.reportMisuse(error),
    });
  }

  /** Logs one number, or a tensor of one value. NaN and ±Infinity are valid. Throws `ERR_SCALAR_INVALID`. */
  logMetric(name: string, value: ScalarInput, options: StepOr<EventOptions> = {}): void {
    try {
      const checked = parseEventOptions('logMetric', options, EVENT_OPTIONS);
      this.context.events.scalar(name, value, this.#mask(checked));
      if (!this.#hasMetrics) this.#noteMetrics();
    } catch (error) {
      this.context.reportMisuse(error);
    }
  }

  /** Logs several numbers under one step and one wall time. Throws `ERR_SCALAR_INVALID` before the first is written. */
  logMetrics(metrics: Readonly<Record<string, ScalarInput>>, options: StepOr<SharedEventOptions> = {}): void {
    this.context.guard(() => {
      this.context.events.scalars(metrics, parseEventOptions('logMetrics', options, SHARED_EVENT_OPTIONS));
      if (!this.#hasMetrics) this.#noteMetrics();
    });
  }

  /**
   * Logs an existing series of numbers under one name, each with its step. Writes the same as one `logMetric` call for each number at one
   * wall time, several times faster. Throws `ERR_SCALAR_INVALID` before the first is written.
   */
  logMetricSeries(
    name: string,
    steps: ArrayLike<number | bigint>,
    values: ArrayLike<number>,
    options: SeriesOptions = {},
  ): void {
    this.context.guard(() => {
      checkOptions('logMetricSeries', options, SERIES_OPTIONS);
      this.context.events.scalarSeries(name, steps, values, this.#mask(options));
      if (!this.#hasMetrics && values.length > 0) this.#noteMetrics();
    });
  }

  /**
   * Logs one or more images at one step: pixels, a tensor, encoded bytes, or the path of a file. A batch becomes one image with rows of images.
   * Formats that TensorBoard does not show are written for Polyaxon only. Throws `ERR_IMAGE_INVALID`.
   */
  logImage(
    name: string,
    image: ImageSource | ImageTensor | readonly (ImageSource | ImageTensor)[] | ImageBatch,
    options: StepOr<ImageOptions> = {},
  ): void {
    this.#log('logImage', options, IMAGE_OPTIONS, (checked) =>
      this.context.events.image(name, image, checked),
    );
  }

  /** Logs an image with boxes and their labels drawn on it. Throws `ERR_IMAGE_INVALID`. */
  logImageWithBoxes(
    name: string,
    image: ImagePixels | ImageTensor,
    boxes: ImageBoxes,
    options: StepOr<ImageOptions & BoxOptions> = {},
  ): void {
    this.#log('logImageWithBoxes', options, IMAGE_BOXES_OPTIONS, (checked) =>
      this.context.events.imageWithBoxes(name, image, boxes, checked),
    );
  }

  /** Logs a video: frames (encoded as a GIF), encoded bytes, or the path of a file. Throws `ERR_VIDEO_INVALID`. */
  logVideo(name: string, video: VideoSource | string, options: StepOr<VideoEventOptions> = {}): void {
    this.#log('logVideo', options, VIDEO_EVENT_OPTIONS, (checked) =>
      this.context.events.video(name, video, checked),
    );
  }

  /** Logs one or more audio clips at one step: samples (also as a tensor), WAV bytes, or the path of a file. Throws `ERR_AUDIO_INVALID`. */
  logAudio(
    name: string,
    audio: AudioSource | TensorAudio | readonly (AudioSource | TensorAudio)[],
    options: StepOr<EventOptions> = {},
  ): void {
    this.#log('logAudio', options, EVENT_OPTIONS, (checked) =>
      this.context.events.audio(name, audio, checked),
    );
  }

  /** Logs Markdown text, or a list or table of it. Masks secrets and replaces lone surrogates, with a warning. Throws `ERR_TEXT_INVALID`. */
  logText(name: string, text: TextInput, options: StepOr<EventOptions> = {}): void {
    this.#log('logText', options, EVENT_OPTIONS, (checked) =>
      this.context.events.text(name, this.context.maskText('text', text), checked),
    );
  }

  /** Logs HTML with secrets masked; TensorBoard shows its text. Throws `ERR_HTML_INVALID`. */
  logHtml(name: string, html: string, options: StepOr<EventOptions> = {}): void {
    this.#log('logHtml', options, EVENT_OPTIONS, (checked) =>
      this.context.events.html(name, this.context.maskText('html', html), checked),
    );
  }

  /**
   * Logs a histogram of values or of a tensor, counted into `buckets` or by one of numpy's rules (`bins`), or of given counts with edges or upper limits.
   * Skips values that are NaN or ±Infinity, with a warning. Throws `ERR_HISTOGRAM_INVALID`.
   */
  logHistogram(
    name: string,
    values: HistogramInput | RawHistogram | Tensor,
    options: StepOr<HistogramOptions> = {},
  ): void {
    this.#log('logHistogram', options, HISTOGRAM_OPTIONS, (checked) =>
      this.context.events.histogram(name, values, checked),
    );
  }

  /** Logs the result of `np.histogram`: n counts and n + 1 bin edges. Throws `ERR_HISTOGRAM_INVALID`. */
  logNpHistogram(
    name: string,
    heights: HistogramBuckets['counts'],
    edges: HistogramBuckets['edges'],
    options: StepOr<NumpyHistogramOptions> = {},
  ): void {
    this.#log('logNpHistogram', options, NUMPY_HISTOGRAM_OPTIONS, (checked) =>
      this.context.events.npHistogram(name, heights, edges, checked),
    );
  }

  /**
   * Logs a ROC curve from points, or from labels and scores, like scikit-learn. With several classes, logs one curve for each, named
   * `<name>_<column>`. Throws `ERR_CURVE_INVALID`.
   */
  logRocAucCurve(name: string, curve: RocCurveInput, options: StepOr<EventOptions> = {}): void {
    this.#log('logRocAucCurve', options, EVENT_OPTIONS, (checked) =>
      this.context.events.rocCurve(name, curve, checked),
    );
  }

  /**
   * Logs a precision-recall curve from points, from labels and scores as in `logRocAucCurve`, or from predictions or counts at evenly spaced
   * thresholds, as TensorBoard has them. Throws `ERR_CURVE_INVALID`, and `ERR_PR_CURVE_INVALID` for the latter.
   */
  logPrCurve(name: string, curve: PrecisionRecallInput, options: StepOr<EventOptions> = {}): void {
    this.#log('logPrCurve', options, EVENT_OPTIONS, (checked) =>
      this.context.events.precisionRecallCurve(name, curve, checked),
    );
  }

  /** Logs a mesh, or a point cloud if it has no faces. For TensorBoard only. Throws `ERR_MESH_INVALID`. */
  logMesh(name: string, mesh: MeshInput, options: StepOr<EventOptions> = {}): void {
    this.#log('logMesh', options, EVENT_OPTIONS, (checked) => this.context.events.mesh(name, mesh, checked));
  }

  /** Logs any other curve. Throws `ERR_CURVE_INVALID`. */
  logCurve(name: string, curve: CurvePoints, options: StepOr<EventOptions> = {}): void {
    this.#log('logCurve', options, EVENT_OPTIONS, (checked) =>
      this.context.events.curve(name, curve, checked),
    );
  }

  /** Logs a confusion matrix from counts, or from predictions and targets. Throws `ERR_CONFUSION_INVALID`. */
  logConfusionMatrix(name: string, matrix: ConfusionInput, options: StepOr<EventOptions> = {}): void {
    this.#log('logConfusionMatrix', options, EVENT_OPTIONS, (checked) =>
      this.context.events.confusionMatrix(name, matrix, checked),
    );
  }

  /** Logs a table of rows, columns or Apache Arrow as a CSV or HTML file. Throws `ERR_DATAFRAME_INVALID`. */
  logDataframe(name: string, table: DataframeInput, options: StepOr<DataframeOptions> = {}): void {
    this.#log('logDataframe', options, DATAFRAME_OPTIONS, (checked) =>
      this.context.events.dataframe(name, table, checked),
    );
  }

  /** Logs a Plotly figure: `{ data, layout }`. Throws `ERR_CHART_INVALID`. */
  logPlotlyChart(name: string, figure: ChartFigure, options: StepOr<EventOptions> = {}): void {
    this.#log('logPlotlyChart', options, EVENT_OPTIONS, (checked) =>
      this.context.events.chart(name, 'plotly', figure, checked),
    );
  }

  /** Logs a Bokeh figure: the object that `json_item` returns. Throws `ERR_CHART_INVALID`. */
  logBokehChart(name: string, figure: ChartFigure, options: StepOr<EventOptions> = {}): void {
    this.#log('logBokehChart', options, EVENT_OPTIONS, (checked) =>
      this.context.events.chart(name, 'bokeh', figure, checked),
    );
  }

  /** Logs a Vega or Vega-Lite specification, or an object that has one (`toSpec`, `toJSON`). Throws `ERR_CHART_INVALID`. */
  logVegaChart(name: string, figure: ChartFigure, options: StepOr<EventOptions> = {}): void {
    this.#log('logVegaChart', options, EVENT_OPTIONS, (checked) =>
      this.context.events.chart(name, 'vega', figure, checked),
    );
  }

  /** Alias of `logVegaChart`, with the name of the Python client. */
  logAltairChart(name: string, figure: ChartFigure, options: StepOr<EventOptions> = {}): void {
    this.#log('logAltairChart', options, EVENT_OPTIONS, (checked) =>
      this.context.events.chart(name, 'vega', figure, checked),
    );
  }

  /** Logs a span that other code has timed, under its name. Secrets are masked. Throws `ERR_SPAN_INVALID`. */
  logTrace(span: SpanInput | SpanJson, options: StepOr<LogTraceOptions> = {}): void {
    this.context.guard(() => {
      const checked = parseEventOptions('logTrace', options, LOG_TRACE_OPTIONS);
      const { updateRun = false, ...eventOptions } = checked;
      const json = toSpanJson(span, {
        mask: (text, key) => String(this.context.masker.maskValue(key, text)),
      });
      if (!this.tracer.addOtelTree(json)) this.#writeSpan(json, this.#mask(eventOptions));
      if (updateRun) this.updateFromSpan(json);
    });
  }

  /**
   * Runs `fn` as a span and returns its result unchanged. Spans nest by the asynchronous context in which they start. A root span is
   * logged with its descendants when it ends. See docs/tracing.md. Throws `ERR_SPAN_INVALID` for an invalid name or option.
   */
  trace<T>(name: string, fn: TracedFunction<T>): T;
  trace<T>(name: string, options: TraceOptions, fn: TracedFunction<T>): T;
  trace<T>(name: string, optionsOrFn: TraceOptions | TracedFunction<T>, fn?: TracedFunction<T>): T {
    return typeof optionsOrFn === 'function'
      ? this.tracer.trace(name, optionsOrFn)
      : this.tracer.trace(name, optionsOrFn, fn as TracedFunction<T>);
  }

  /** Runs `fn` as a span and yields the items of its stream, such as tokens. Throws `ERR_SPAN_INVALID`. */
  traceStream<T>(
    name: string,
    options: TraceStreamOptions<T>,
    fn: (span: SpanHandle) => StreamSource<T>,
  ): AsyncGenerator<T, void, undefined> {
    return this.tracer.traceStream(name, options, fn);
  }

  /** Starts a span that the caller ends. Throws `ERR_SPAN_INVALID`. */
  startSpan(name: string, options: TraceOptions = {}): ManualSpan {
    return this.tracer.startSpan(name, options);
  }

  /** @internal */
  protected abstract updateFromSpan(span: SpanJson): void;

  #writeSpan(span: SpanJson, options: EventOptions): void {
    this.context.guard(() => {
      this.context.events.span(span.name ?? 'trace', span, options);
      this.context.noteEvents('has_events', 'has_traces');
    });
  }

  /** Masks the secrets in the texts of the options. */
  #mask<T extends EventOptions>(options: T): T {
    if (options?.description === undefined && options?.displayName === undefined) return options;
    const { description, displayName } = options;
    return {
      ...options,
      ...(description === undefined
        ? {}
        : { description: this.context.maskText('description', description) }),
      ...(displayName === undefined
        ? {}
        : { displayName: this.context.maskText('displayName', displayName) }),
    };
  }

  #noteMetrics(): void {
    this.#hasMetrics = true;
    this.context.noteEvents('has_metrics', 'has_events');
  }

  /** Checks the options of a method, masks their secrets, and logs its event. */
  #log<Options extends EventOptions>(
    method: string,
    options: StepOr<Options>,
    table: OptionTable<Options>,
    call: (checked: Options) => void,
  ): void {
    this.context.guard(() => {
      call(this.#mask(parseEventOptions(method, options, table)));
      this.context.noteEvents('has_events');
    });
  }
}
