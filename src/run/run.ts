/**
 * `Run`: one tracked run, with its life and all methods that log. Each method passes its arguments to the function that checks them and builds the
 * value. Events: `EventLog` through `RunContext`; metadata, artifacts, spans and the end: the files beside this one.
 *
 * Writes to the local disk only. `log…` calls for events encode into memory and return; they never throw because a disk fails. Every method that
 * logs events accepts `EventOptions`; a number in their place is the step. Besides its own errors it throws `ERR_NAME_INVALID`,
 * `ERR_STEP_INVALID`, `ERR_WALL_TIME_INVALID`, `ERR_OPTION_INVALID` and `ERR_CLOSED`, before anything is written. With `onError: 'warn'` misuse is
 * counted and reported instead.
 *
 * Long because it is the list of all methods, with their documentation.
 */

import { inBackground } from '../base/background.js';
import type { JsonValue } from '../base/json-value.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import type { EmbeddingInput } from '../embedding/projector-files.js';
import {
  Dashboards,
  type EmbeddingOptions,
  type GraphInput,
  LAYOUT_OPTIONS,
  type LayoutOptions,
} from '../event-log/dashboards.js';
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
import type { ArtifactKind } from '../polyaxon/polyaxon-value.js';
import type { RunArtifact, RunRecord, RunStatus, StatusCondition } from '../polyaxon/run-record.js';
import { OUTPUTS_DIRECTORY, type RunPaths, TENSORBOARD_DIRECTORY } from '../run-directory/layout.js';
import { EVENT_OPTIONS, type EventOptions, parseEventOptions, type StepOr } from '../summary/arguments.js';
import type { CustomScalarsLayout } from '../summary/custom-scalars.js';
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
import type { ScoreOptions } from '../trace/gen-ai.js';
import type { SpanRun } from '../trace/open-traces.js';
import type { SpanInput, SpanJson } from '../trace/span.js';
import type {
  ManualSpan,
  SpanHandle,
  TracedFunction,
  TraceOptions,
  TraceStreamOptions,
} from '../trace/span-handle.js';
import type { StreamSource } from '../trace/trace-stream.js';
import type { TracedOptions } from '../trace/traced-function.js';
import type { Tracer } from '../trace/tracer.js';
import { type AlertOptions, writeAlert } from './alert.js';
import {
  type ArtifactOptions,
  type CodeRefOptions,
  type DataRefOptions,
  type EnvOptions,
  findPath,
  logArtifact,
  logArtifactLineage,
  logCodeRef,
  logDataRef,
  logDirRef,
  logEnv,
  logModel,
  logModelRef,
  logRef,
  logTensorboardRef,
  type ModelOptions,
  type ModelRefOptions,
  type PathOptions,
  type RefOptions,
  type TensorboardRefOptions,
  trackFiles,
} from './artifacts.js';
import { type Connection, findArtifactsStore, readConnections } from './connections.js';
import { logEmbedding } from './embedding.js';
import { type EndOptions, RunLifecycle } from './lifecycle.js';
import { type LogValues, ValueLog } from './log-values.js';
import {
  declareMetric,
  logStatus,
  logTags,
  logValues,
  type MetricOptions,
  parseStatus,
  parseText,
  type RunChanges,
  type StatusOptions,
  setText,
  type TagsOptions,
  update,
  type ValuesOptions,
} from './metadata.js';
import { openRun } from './open-run.js';
import { ProgressThrottle, parseProgress } from './progress-throttle.js';
import { type ClientOfRun, clientOfRun } from './run-client.js';
import { createRunConfig, type RunConfig } from './run-config.js';
import type { RunContext } from './run-context.js';
import type { RunMode } from './run-environment.js';
import { type RunOptions, resolveRunName } from './run-options.js';
import { createRunTracer, type LogTraceOptions, logScore, logTrace, type ScoredSpan } from './tracing.js';

export type { EndOptions } from './lifecycle.js';

const IMAGE_BOXES_OPTIONS: OptionTable<ImageOptions & BoxOptions> = { ...IMAGE_OPTIONS, ...BOX_OPTIONS };

export class Run {
  readonly uuid: string;
  /**
   * The inputs of the run as an object: `run.config.lr = 0.1` and `run.config.update({ lr: 0.1 })` log parameters with the rules of `logInputs`.
   * Reading returns what is stored, with secrets masked. Throws `ERR_PARAMS_INVALID`.
   */
  readonly config: RunConfig;
  /** @internal */
  protected readonly context: RunContext;
  readonly #tracer: Tracer;
  readonly #dashboards: Dashboards;
  readonly #progress: ProgressThrottle;
  readonly #lifecycle: RunLifecycle;
  readonly #values: ValueLog;

  /**
   * Starts a run. Creates its directory, `run.plx.json` with status `running`, and an event file immediately.
   *
   * Throws `RunExistsError` when the directory contains a run and `resume` is not set, `RunCleanedError` when its local files were deleted, and `InvalidArgumentError` for invalid options. If the
   * directory cannot be written, the error is reported (`onError`), the write is retried, and `flush()` and `end()` reject.
   */
  constructor(options: RunOptions = {}) {
    const run = openRun(options, process.env);
    const { context } = run;
    this.context = context;
    this.uuid = context.environment.uuid;
    this.#tracer = createRunTracer(context);
    this.#dashboards = new Dashboards(context.events, context.environment.collectsEvents);
    this.#progress = new ProgressThrottle(context.clock);
    this.#lifecycle = new RunLifecycle(run, this.#tracer);
    this.#values = new ValueLog(context);
    this.config = createRunConfig(context);
  }

  /** The run's name. A resumed run keeps its first name. */
  get name(): string {
    return this.record.name;
  }

  /** Where the run is stored: in its own directory, in that of a Polyaxon job, or nowhere. */
  get mode(): RunMode {
    return this.context.environment.mode;
  }

  get owner(): string | undefined {
    return this.record.owner;
  }

  get project(): string | undefined {
    return this.record.project;
  }

  get status(): RunRecord['status'] {
    return this.record.status;
  }

  /** The run's directories, absolute. */
  get paths(): RunPaths {
    return this.context.environment.paths;
  }

  /** The content of `run.plx.json`. */
  get record(): RunRecord {
    return this.context.directory.record;
  }

  /**
   * The run's `RunClient`, which calls the Polyaxon server; the same for each call. Import `polytrack/polyaxon` in the program, which provides it. Throws
   * `ERR_NO_CLIENT` without that, and `ERR_OPTION_INVALID` for a run without a project.
   */
  get client(): ClientOfRun {
    return clientOfRun(this);
  }

  /** @internal Whether `end` was called, with valid options. */
  get isEnding(): boolean {
    return this.#lifecycle.isEnding;
  }

  /** The number of occurrences of each warning and error, by code. */
  get diagnostics(): Readonly<Record<string, number>> {
    return this.context.diagnostics.counts;
  }

  /** Resolves once all logged and captured data is on disk. Rejects with `RunWriteError` or `EventsDroppedError`. */
  flush(): Promise<void> {
    return this.#lifecycle.flush();
  }

  /**
   * Ends the run: flushes and closes its files, adds the last value of each metric to the outputs unless an output of that name was
   * logged, and sets the final status unless the run is done. Rejects like `flush()`. A second call returns the same promise.
   */
  end(options: EndOptions = {}): Promise<void> {
    return this.#lifecycle.end('end', options);
  }

  /** Ends the run as succeeded. */
  logSucceeded(options: StatusOptions = {}): Promise<void> {
    return this.#lifecycle.end('logSucceeded', options, 'succeeded');
  }

  /** Ends the run as stopped. */
  logStopped(options: StatusOptions = {}): Promise<void> {
    return this.#lifecycle.end('logStopped', options, 'stopped');
  }

  /** Ends the run as failed. */
  logFailed(options: StatusOptions = {}): Promise<void> {
    return this.#lifecycle.end('logFailed', options, 'failed');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }

  /**
   * Logs several values under one step and one wall time: `run.log({ loss, acc, val: { loss } }, { step })`. Numbers and tensors of one value are
   * metrics; names of nested objects are joined by `/`. `{ pixels, … }` is an image, `{ samples, … }` audio, `{ counts, edges }` a histogram; anything
   * else is rejected. Without `step`, a counter of the run gives the step: one more than the last step of a `log` call, and never one that a name of the call
   * has already had. Throws `ERR_SCALAR_INVALID`, and the errors of `logImage`, `logAudio` and `logHistogram`; then nothing of the call is written.
   */
  log(values: LogValues, options: StepOr<SharedEventOptions> = {}): void {
    this.context.guard(() => this.#values.log(values, options));
  }

  /** Logs one number, or a tensor of one value. NaN and ±Infinity are valid. Throws `ERR_SCALAR_INVALID`. */
  logMetric(name: string, value: ScalarInput, options: StepOr<EventOptions> = {}): void {
    try {
      const checked = parseEventOptions('logMetric', options, EVENT_OPTIONS);
      this.context.events.scalar(name, value, this.context.maskOptions(checked));
      this.context.noteMetrics();
    } catch (error) {
      this.context.reportMisuse(error);
    }
  }

  /** Logs several numbers under one step and one wall time. Throws `ERR_SCALAR_INVALID` before the first is written. */
  logMetrics(metrics: Readonly<Record<string, ScalarInput>>, options: StepOr<SharedEventOptions> = {}): void {
    this.context.guard(() => {
      this.context.events.scalars(metrics, parseEventOptions('logMetrics', options, SHARED_EVENT_OPTIONS));
      this.context.noteMetrics();
    });
  }

  /**
   * Declares which value of a metric is the best: `{ goal: 'minimize' }`, `maximize` or `last`. `polytrack runs`, `compare` and `show`, and
   * `loadRuns` then have its best value and step, and `polytrack runs --sort` lists the best run first. A later call replaces the goal.
   * Throws `ERR_OPTION_INVALID`.
   */
  metric(name: string, options: MetricOptions): void {
    declareMetric(this.context, name, options);
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
      this.context.events.scalarSeries(name, steps, values, this.context.maskOptions(options));
      if (values.length > 0) this.context.noteMetrics();
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
    this.context.logEvent('logImage', options, IMAGE_OPTIONS, (checked) =>
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
    this.context.logEvent('logImageWithBoxes', options, IMAGE_BOXES_OPTIONS, (checked) =>
      this.context.events.imageWithBoxes(name, image, boxes, checked),
    );
  }

  /** Logs a video: frames (encoded as a GIF), encoded bytes, or the path of a file. Throws `ERR_VIDEO_INVALID`. */
  logVideo(name: string, video: VideoSource | string, options: StepOr<VideoEventOptions> = {}): void {
    this.context.logEvent('logVideo', options, VIDEO_EVENT_OPTIONS, (checked) =>
      this.context.events.video(name, video, checked),
    );
  }

  /** Logs one or more audio clips at one step: samples (also as a tensor), WAV bytes, or the path of a file. Throws `ERR_AUDIO_INVALID`. */
  logAudio(
    name: string,
    audio: AudioSource | TensorAudio | readonly (AudioSource | TensorAudio)[],
    options: StepOr<EventOptions> = {},
  ): void {
    this.context.logEvent('logAudio', options, EVENT_OPTIONS, (checked) =>
      this.context.events.audio(name, audio, checked),
    );
  }

  /** Logs Markdown text, or a list or table of it. Masks secrets and replaces lone surrogates, with a warning. Throws `ERR_TEXT_INVALID`. */
  logText(name: string, text: TextInput, options: StepOr<EventOptions> = {}): void {
    this.context.logEvent('logText', options, EVENT_OPTIONS, (checked) =>
      this.context.events.text(name, this.context.maskText('text', text), checked),
    );
  }

  /** Logs HTML with secrets masked; TensorBoard shows its text. Throws `ERR_HTML_INVALID`. */
  logHtml(name: string, html: string, options: StepOr<EventOptions> = {}): void {
    this.context.logEvent('logHtml', options, EVENT_OPTIONS, (checked) =>
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
    this.context.logEvent('logHistogram', options, HISTOGRAM_OPTIONS, (checked) =>
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
    this.context.logEvent('logNpHistogram', options, NUMPY_HISTOGRAM_OPTIONS, (checked) =>
      this.context.events.npHistogram(name, heights, edges, checked),
    );
  }

  /**
   * Logs a ROC curve from points, or from labels and scores, like scikit-learn. With several classes, logs one curve for each, named
   * `<name>_<column>`. Throws `ERR_CURVE_INVALID`.
   */
  logRocAucCurve(name: string, curve: RocCurveInput, options: StepOr<EventOptions> = {}): void {
    this.context.logEvent('logRocAucCurve', options, EVENT_OPTIONS, (checked) =>
      this.context.events.rocCurve(name, curve, checked),
    );
  }

  /**
   * Logs a precision-recall curve from points, from labels and scores as in `logRocAucCurve`, or from predictions or counts at evenly spaced
   * thresholds, as TensorBoard has them. Throws `ERR_CURVE_INVALID`, and `ERR_PR_CURVE_INVALID` for the latter.
   */
  logPrCurve(name: string, curve: PrecisionRecallInput, options: StepOr<EventOptions> = {}): void {
    this.context.logEvent('logPrCurve', options, EVENT_OPTIONS, (checked) =>
      this.context.events.precisionRecallCurve(name, curve, checked),
    );
  }

  /** Logs a mesh, or a point cloud if it has no faces. For TensorBoard only. Throws `ERR_MESH_INVALID`. */
  logMesh(name: string, mesh: MeshInput, options: StepOr<EventOptions> = {}): void {
    this.context.logEvent('logMesh', options, EVENT_OPTIONS, (checked) =>
      this.context.events.mesh(name, mesh, checked),
    );
  }

  /** Logs any other curve. Throws `ERR_CURVE_INVALID`. */
  logCurve(name: string, curve: CurvePoints, options: StepOr<EventOptions> = {}): void {
    this.context.logEvent('logCurve', options, EVENT_OPTIONS, (checked) =>
      this.context.events.curve(name, curve, checked),
    );
  }

  /** Logs a confusion matrix from counts, or from predictions and targets. Throws `ERR_CONFUSION_INVALID`. */
  logConfusionMatrix(name: string, matrix: ConfusionInput, options: StepOr<EventOptions> = {}): void {
    this.context.logEvent('logConfusionMatrix', options, EVENT_OPTIONS, (checked) =>
      this.context.events.confusionMatrix(name, matrix, checked),
    );
  }

  /** Logs a table of rows, columns or Apache Arrow as a CSV or HTML file. Throws `ERR_DATAFRAME_INVALID`. */
  logDataframe(name: string, table: DataframeInput, options: StepOr<DataframeOptions> = {}): void {
    this.context.logEvent('logDataframe', options, DATAFRAME_OPTIONS, (checked) =>
      this.context.events.dataframe(name, table, checked),
    );
  }

  /** Logs a Plotly figure: `{ data, layout }`. Throws `ERR_CHART_INVALID`. */
  logPlotlyChart(name: string, figure: ChartFigure, options: StepOr<EventOptions> = {}): void {
    this.context.logEvent('logPlotlyChart', options, EVENT_OPTIONS, (checked) =>
      this.context.events.chart(name, 'plotly', figure, checked),
    );
  }

  /** Logs a Bokeh figure: the object that `json_item` returns. Throws `ERR_CHART_INVALID`. */
  logBokehChart(name: string, figure: ChartFigure, options: StepOr<EventOptions> = {}): void {
    this.context.logEvent('logBokehChart', options, EVENT_OPTIONS, (checked) =>
      this.context.events.chart(name, 'bokeh', figure, checked),
    );
  }

  /** Logs a Vega or Vega-Lite specification, or an object that has one (`toSpec`, `toJSON`). Throws `ERR_CHART_INVALID`. */
  logVegaChart(name: string, figure: ChartFigure, options: StepOr<EventOptions> = {}): void {
    this.context.logEvent('logVegaChart', options, EVENT_OPTIONS, (checked) =>
      this.context.events.chart(name, 'vega', figure, checked),
    );
  }

  /** Alias of `logVegaChart`, with the name of the Python client. */
  logAltairChart(name: string, figure: ChartFigure, options: StepOr<EventOptions> = {}): void {
    this.context.logEvent('logAltairChart', options, EVENT_OPTIONS, (checked) =>
      this.context.events.chart(name, 'vega', figure, checked),
    );
  }

  /** Logs a span that other code has timed, under its name. Secrets are masked. Throws `ERR_SPAN_INVALID`. */
  logTrace(span: SpanInput | SpanJson, options: StepOr<LogTraceOptions> = {}): void {
    this.context.guard(() => logTrace(this.context, this.#tracer, span, options));
  }

  /**
   * Runs `fn` as a span and returns its result unchanged. Spans nest by the asynchronous context in which they start. A root span is
   * logged with its descendants when it ends. See docs/tracing.md. Throws `ERR_SPAN_INVALID` for an invalid name or option.
   */
  trace<T>(name: string, fn: TracedFunction<T>): T;
  trace<T>(name: string, options: TraceOptions, fn: TracedFunction<T>): T;
  trace<T>(name: string, optionsOrFn: TraceOptions | TracedFunction<T>, fn?: TracedFunction<T>): T {
    return typeof optionsOrFn === 'function'
      ? this.#tracer.trace(name, optionsOrFn)
      : this.#tracer.trace(name, optionsOrFn, fn as TracedFunction<T>);
  }

  /** Runs `fn` as a span and yields the items of its stream, such as tokens. Throws `ERR_SPAN_INVALID`. */
  traceStream<T>(
    name: string,
    options: TraceStreamOptions<T>,
    fn: (span: SpanHandle) => StreamSource<T>,
  ): AsyncGenerator<T, void, undefined> {
    return this.#tracer.traceStream(name, options, fn);
  }

  /** Starts a span that the caller ends. Throws `ERR_SPAN_INVALID`. */
  startSpan(name: string, options: TraceOptions = {}): ManualSpan {
    return this.#tracer.startSpan(name, options);
  }

  /**
   * Returns `fn` with each call as a span: with the same name, length and type, also if it is a method or returns a promise, a generator
   * or a stream. Throws `ERR_SPAN_INVALID`.
   */
  traced<F extends (...args: never[]) => unknown>(fn: F, options: TracedOptions = {}): F {
    return this.#tracer.traced(fn, options);
  }

  /** Returns the `traceparent` of the active span, to continue the trace in another process; undefined outside traced code. */
  getTraceparent(): string | undefined {
    return this.#tracer.activeSpan?.traceparent;
  }

  /** Logs a score of a span that has ended, such as feedback of a user. During the span, use its `addScore`. Throws `ERR_SPAN_INVALID`. */
  logScore(span: ScoredSpan, name: string, value: number, options: ScoreOptions = {}): void {
    this.context.guard(() => logScore(this.context, span, name, value, options));
  }

  /** @internal Adds a text to the log of the run, if it has one. */
  get writeLog(): RunLifecycle['log'] {
    return (stream, text) => this.#lifecycle.log(stream, text);
  }

  /** @internal Saves the open traces of an exporter with those of this run. */
  get keepTraces(): SpanRun['keepTraces'] {
    return (source) => this.#tracer.keepTraces(source);
  }

  /** Logs a graph from a `GraphBuilder` or a serialized `GraphDef`, by default at step 0. TensorBoard shows that of the largest step. Throws `ERR_GRAPH_INVALID`. */
  logGraph(graph: GraphInput, options: StepOr<SharedEventOptions> = {}): void {
    this.context.logDashboard('logGraph', options, (checked) => this.#dashboards.graph(graph, checked));
  }

  /** Logs the graph of an ONNX model, given as bytes or as the path of its file, like `logGraph`. Throws `ERR_GRAPH_INVALID`. */
  logOnnxGraph(model: Uint8Array | string, options: StepOr<SharedEventOptions> = {}): void {
    this.context.logDashboard('logOnnxGraph', options, (checked) =>
      this.#dashboards.onnxGraph(model, checked),
    );
  }

  /**
   * Logs the layers of a TensorFlow.js or Keras model, as graph and as conceptual graph. `model` is the content of `model.json`, as text or
   * parsed. The model itself is an artifact: see `logModel`. Throws `ERR_GRAPH_INVALID`.
   */
  logLayersModel(model: unknown, options: StepOr<SharedEventOptions> = {}): void {
    this.context.logDashboard('logLayersModel', options, (checked) =>
      this.#dashboards.layersModel(model, checked),
    );
  }

  /**
   * Sets the layout of the custom scalars dashboard: charts of several metrics, with `multiline` or `margin`. A later call replaces an
   * earlier layout. Throws `ERR_LAYOUT_INVALID`.
   */
  logCustomScalars(layout: CustomScalarsLayout, options: LayoutOptions = {}): void {
    this.context.guard(() => {
      checkOptions('logCustomScalars', options, LAYOUT_OPTIONS);
      this.#dashboards.customScalars(layout, options);
      this.context.noteEvents();
    });
  }

  /**
   * Writes vectors for the embedding projector as files next to the event file, by default for step 0, and records their directory in the
   * lineage as `<name>_<step>`, with its size and SHA-256. The files exist when the call returns. Rejects with `ERR_EMBEDDING_INVALID`, and
   * with `RunWriteError` when the files cannot be written.
   */
  logEmbedding(name: string, embedding: EmbeddingInput, given: StepOr<EmbeddingOptions> = {}): Promise<void> {
    return this.context.guardAsync(() =>
      logEmbedding(this.context, this.#dashboards, name, embedding, given),
    );
  }

  /**
   * Merges parameters into the run's inputs. Names are converted to Polyaxon's (`model/lr` becomes `model__lr`). Values that look like
   * secrets are masked, with a warning. Throws `ERR_PARAMS_INVALID` with the path of a cyclic or non-JSON value.
   */
  logInputs(inputs: Readonly<Record<string, unknown>>, options: ValuesOptions = {}): void {
    logValues(this.context, 'logInputs', 'inputs', inputs, options);
  }

  /** Merges results into the run's outputs, with the rules of `logInputs`. */
  logOutputs(outputs: Readonly<Record<string, unknown>>, options: ValuesOptions = {}): void {
    logValues(this.context, 'logOutputs', 'outputs', outputs, options);
  }

  /** Merges facts into the run's meta information, with the rules of `logInputs`. */
  logMeta(meta: Readonly<Record<string, unknown>>, options: ValuesOptions = {}): void {
    logValues(this.context, 'logMeta', 'meta_info', meta, options);
  }

  /** Adds tags to the run, with secrets masked; `reset` replaces all earlier ones. A string may contain several tags, separated by commas. Throws `ERR_TAGS_INVALID`. */
  logTags(tags: string | readonly string[], options: TagsOptions = {}): void {
    logTags(this.context, tags, options);
  }

  /** Changes the run's name, also in TensorBoard, where the run appears under the new name within seconds. Throws `ERR_NAME_INVALID`. */
  setName(name: string): void {
    setText(this.context, 'name', () => resolveRunName(name));
  }

  /** Sets the run's description. Throws `ERR_TEXT_INVALID`. */
  setDescription(description: string): void {
    setText(this.context, 'description', () => parseText('description', description));
  }

  /** Sets the run's readme, in Markdown. Throws `ERR_TEXT_INVALID`. */
  setReadme(readme: string): void {
    setText(this.context, 'readme', () => parseText('readme', readme));
  }

  /** Changes several values at once; others stay the same. Throws the errors of the single methods, before anything is changed. */
  update(changes: RunChanges): void {
    update(this.context, changes);
  }

  /** Sets the progress, from 0 to 1. Drops small increases when many occur in one second. Throws `ERR_PROGRESS_INVALID`. */
  logProgress(progress: number): void {
    this.context.guard(() => {
      const checked = parseProgress(progress);
      if (this.#progress.admits(checked)) this.logMeta({ progress: checked });
    });
  }

  /**
   * Adds a status. If the run is already done, its status stays and a warning is reported. Throws `ERR_STATUS_INVALID`. Use
   * `logSucceeded`, `logFailed` or `logStopped` to also end the run.
   */
  logStatus(status: RunStatus, options: StatusOptions = {}): void {
    logStatus(this.context, 'logStatus', () => parseStatus(status), options);
  }

  /**
   * Writes an alert to the run directory; the uploader sends it to a webhook (`--alert-webhook`). Secrets are masked. It is on disk when the call returns.
   * Throws `ERR_TEXT_INVALID` and `ERR_OPTION_INVALID`.
   */
  alert(options: AlertOptions): void {
    writeAlert(this.context, options);
  }

  /** Sets the status `running`, which a new run already has. */
  start(options: StatusOptions = {}): void {
    logStatus(this.context, 'start', () => 'running', options, 'Operation is running');
  }

  /** Returns the run's inputs so far. */
  getInputs(): Readonly<Record<string, JsonValue>> {
    return this.context.directory.record.inputs ?? {};
  }

  /** Returns the run's outputs so far. The last values of metrics are added at the end of the run. */
  getOutputs(): Readonly<Record<string, JsonValue>> {
    return this.context.directory.record.outputs ?? {};
  }

  /** Returns the run's status and its status history. */
  getStatuses(): { readonly status: RunStatus; readonly conditions: readonly StatusCondition[] } {
    const { status, status_conditions } = this.context.directory.record;
    return { status, conditions: status_conditions };
  }

  /**
   * Copies a file or a directory into `outputs/` and records it in the lineage with its size and SHA-256. With `step`, copies it into
   * `assets/` as one of several versions, and logs an event.
   *
   * Resolves to the copy's path, or to undefined when the call was rejected and `onError` is `warn`. Rejects with `ERR_ARTIFACT_INVALID` when
   * the file does not exist, `ERR_ARTIFACT_TOO_LARGE` for a directory of more than 100,000 files or 64 GiB, and `RunWriteError` when the copy
   * fails. The run continues in each case.
   */
  logArtifact(path: string, given: StepOr<ArtifactOptions> = {}): Promise<string | undefined> {
    return trackFiles(this.context, () => logArtifact(this.context, path, given));
  }

  /** Logs a model like `logArtifact`, and records its framework in the lineage and the event. */
  logModel(path: string, given: StepOr<ModelOptions> = {}): Promise<string | undefined> {
    return trackFiles(this.context, () => logModel(this.context, path, given));
  }

  /** Records a file, directory, URL or anything else without copying it. Rejects with `ERR_ARTIFACT_INVALID`. */
  logArtifactRef(path: string, kind: ArtifactKind, options: RefOptions = {}): Promise<void> {
    return trackFiles(this.context, () => logRef(this.context, 'logArtifactRef', path, kind, options));
  }

  /** Records a file and its SHA-256 without copying it. Rejects with `ERR_ARTIFACT_INVALID` when the file does not exist. */
  logFileRef(path: string, options: RefOptions = {}): Promise<void> {
    return trackFiles(this.context, () => logRef(this.context, 'logFileRef', path, 'file', options));
  }

  /**
   * Records a directory and the SHA-256 of its files without copying it. The default name is the full name of the directory. Rejects with
   * the errors of `logArtifact`.
   */
  logDirRef(path: string, options: RefOptions = {}): Promise<void> {
    return trackFiles(this.context, () => logDirRef(this.context, path, options));
  }

  /** Records a model without copying it. */
  logModelRef(path: string, options: ModelRefOptions = {}): Promise<void> {
    return trackFiles(this.context, () => logModelRef(this.context, path, options));
  }

  /** Records data that the run reads: a name with a path, a hash or content. */
  logDataRef(name: string, options: DataRefOptions = {}): Promise<void> {
    return trackFiles(this.context, () => logDataRef(this.context, name, options));
  }

  /** Records the location of further event files for TensorBoard. The run's own event files are recorded at the start. */
  logTensorboardRef(path: string, options: TensorboardRefOptions = {}): Promise<void> {
    return trackFiles(this.context, () => logTensorboardRef(this.context, path, options));
  }

  /** Adds entries to the lineage without changing them, or replaces entries of the same names. Throws `ERR_ARTIFACT_INVALID`. */
  logArtifactLineage(artifacts: RunArtifact | readonly RunArtifact[]): void {
    logArtifactLineage(this.context, artifacts);
  }

  /** Writes facts about the environment to a file in `outputs/` and records it. The run does this automatically unless `trackEnv` is off. */
  logEnv(content: Readonly<Record<string, unknown>>, options: EnvOptions = {}): void {
    this.context.guard(() => logEnv(this.context, content, options));
  }

  /**
   * Records the state of the code under its commit, with any other facts that you pass. The run does this automatically unless `trackCode`
   * is off. Does nothing without a commit, which is the name of the entry.
   */
  logCodeRef(code: Readonly<Record<string, unknown>>, options: CodeRefOptions = {}): void {
    this.context.guard(() => logCodeRef(this.context, code, options));
  }

  /** Returns the lineage so far. Entries of events are added by `flush()` and at the end of the run. */
  getArtifactsLineage(): readonly RunArtifact[] {
    return this.context.directory.lineage;
  }

  /** Returns the run directory, or a path below it. */
  getArtifactsPath(relPath = '', options: PathOptions = {}): string {
    return findPath(this.context, 'getArtifactsPath', '', relPath, { ensure: false }, options);
  }

  /** Returns the run's `outputs/` directory, or a path below it. Every file in it belongs to the run. */
  getOutputsPath(relPath = '', options: PathOptions = {}): string {
    return findPath(this.context, 'getOutputsPath', OUTPUTS_DIRECTORY, relPath, { ensure: true }, options);
  }

  /** Returns the directory of event files, for `tensorboard --logdir`. With `relPath`: another one below `outputs/`, recorded in the lineage. */
  getTensorboardPath(relPath?: string, options: Pick<PathOptions, 'useStorePath'> = {}): string {
    const name = 'getTensorboardPath';
    if (relPath === undefined)
      return findPath(
        this.context,
        name,
        '',
        TENSORBOARD_DIRECTORY,
        { ensure: true, isDirectory: true },
        options,
      );
    const path = findPath(
      this.context,
      name,
      OUTPUTS_DIRECTORY,
      relPath,
      { ensure: true, isDirectory: true },
      options,
    );
    inBackground(this.logTensorboardRef(path, { name: relPath }), (error) =>
      this.context.diagnostics.unawaited(error),
    );
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
}
