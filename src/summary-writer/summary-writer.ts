/**
 * Writes event files for TensorBoard only, with the method names of tensorboardX and PyTorch.
 *
 * Methods validate their arguments, pass them to the event log and return. Unlike in those libraries, no method creates an extra
 * run: `addScalars` and `addHparams` write to the writer's own directory.
 *
 * Long because it has one short method for each kind of value.
 */

import { hostname } from 'node:os';
import { describe } from '../base/describe.js';
import { Diagnostics, type DiagnosticsOptions } from '../base/diagnostics.js';
import { InvalidArgumentError } from '../base/errors.js';
import { reportUnawaited } from '../base/observed-promise.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import type { EmbeddingInput } from '../embedding/projector-files.js';
import { Dashboards, type GraphInput } from '../event-log/dashboards.js';
import {
  EventLog,
  type EventLogOptions,
  type HistogramOptions,
  SERIES_OPTIONS,
  type SeriesOptions,
  type SharedEventOptions,
} from '../event-log/event-log.js';
import { checkMetrics } from '../event-log/metric-log.js';
import { EVENT_FILE_WRITER_OPTIONS, resolveEventFileOptions } from '../format/writer/event-file-options.js';
import { parseEventOptions, type StepOr } from '../summary/arguments.js';
import type { AudioInput } from '../summary/audio.js';
import type { CustomScalarsLayout } from '../summary/custom-scalars.js';
import type { HistogramInput } from '../summary/histogram.js';
import { BIN_OPTIONS } from '../summary/histogram-bins.js';
import { parseHistogramBuckets, type RawHistogram } from '../summary/histogram-raw.js';
import {
  createExperimentValue,
  createSessionEndValue,
  createSessionStartValue,
  EXPERIMENT_TAG,
  type HParamsConfig,
  type HParamValue,
  SESSION_END_TAG,
  SESSION_START_TAG,
  type SessionOptions,
  type SessionOutcome,
} from '../summary/hparams.js';
import type { ImageBatch, ImageInput, ImagePixels } from '../summary/image.js';
import { BOX_OPTIONS, type BoxOptions, type ImageBoxes } from '../summary/image-boxes.js';
import type { MeshInput } from '../summary/mesh.js';
import type { PrCurveCounts, PrCurvePredictions } from '../summary/pr-curve.js';
import type { Tensor } from '../summary/tensor.js';
import type { TensorAudio } from '../summary/tensor-audio.js';
import type { ImageTensor } from '../summary/tensor-image.js';
import type { ScalarInput } from '../summary/tensor-scalar.js';
import type { TextInput } from '../summary/text.js';
import { VIDEO_OPTIONS, type VideoInput, type VideoOptions } from '../summary/video.js';

export interface SummaryWriterOptions extends Omit<EventLogOptions, 'diagnostics'>, DiagnosticsOptions {
  /** The step for all values without a step. Default: each tag counts its own steps. */
  readonly defaultStep?: number | bigint | undefined;
  /** A suffix for the name of the default directory. Ignored if you pass a directory. */
  readonly comment?: string | undefined;
}
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const { diagnostics: _diagnostics, ...WRITER_OPTIONS } = EVENT_FILE_WRITER_OPTIONS;
const SUMMARY_WRITER_OPTIONS: OptionTable<SummaryWriterOptions> = {
  ...WRITER_OPTIONS,
  filter: 'function',
  onError: 'function',
  onWarning: 'function',
  defaultStep: 'any',
  comment: 'string',
};

/** The step of a value. undefined means one more than the tag's last step, or 0 for its first value. */
type Step = number | bigint | undefined;
/** The options of a value whose step is a separate argument. */
type Options = SeriesOptions;
type PrCurveOptions = Options & Omit<PrCurvePredictions, 'labels' | 'predictions'>;
type WallTimeOption = Pick<Options, 'wallTime'>;
interface CloseOptions {
  readonly outcome?: SessionOutcome | undefined;
}

const SHARED_OPTIONS: OptionTable<Omit<SharedEventOptions, 'step'>> = { wallTime: 'any', timestamp: 'any' };
const HISTOGRAM_OPTIONS: OptionTable<Omit<HistogramOptions, 'step'>> = { ...SERIES_OPTIONS, ...BIN_OPTIONS };
const BOXES_OPTIONS: OptionTable<Options & BoxOptions> = { ...SERIES_OPTIONS, ...BOX_OPTIONS };
const GIF_OPTIONS: OptionTable<Options & VideoOptions> = { ...SERIES_OPTIONS, ...VIDEO_OPTIONS };
const PR_CURVE_OPTIONS: OptionTable<PrCurveOptions> = {
  ...SERIES_OPTIONS,
  weights: 'any',
  thresholds: 'any',
};
const WALL_TIME_OPTION: OptionTable<WallTimeOption> = { wallTime: 'any' };
const CLOSE_OPTIONS: OptionTable<CloseOptions> = { outcome: 'any' };

export interface HparamsOptions extends SessionOptions {
  /** The step of the metrics. Default: as for scalars. */
  readonly step?: Step;
  /** Seconds since the Unix epoch. Default: now. */
  readonly wallTime?: number | undefined;
}
const HPARAMS_OPTIONS: OptionTable<HparamsOptions> = {
  groupName: 'string',
  modelUri: 'string',
  monitorUrl: 'string',
  step: 'any',
  wallTime: 'any',
};

export class SummaryWriter {
  readonly #log: EventLog;
  readonly #diagnostics: Diagnostics;
  readonly #options: ReturnType<typeof resolveEventFileOptions>;
  readonly #dashboards: Dashboards;
  /** When the session of hyperparameters started. */
  #sessionStart: number | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Creates an event file in `logdir`. Default directory: `runs/<MMMDD_HH-MM-SS>_<host><comment>`.
   *
   * Throws `ERR_OPTION_INVALID`. Does not throw when the directory cannot be written: the writer reports that and retries, and
   * `flush()` and `close()` reject.
   */
  constructor(logdir?: string, options: SummaryWriterOptions = {}) {
    checkOptions('new SummaryWriter', options, SUMMARY_WRITER_OPTIONS);
    if (logdir !== undefined && (typeof logdir !== 'string' || logdir === '')) {
      throw new InvalidArgumentError(
        'ERR_OPTION_INVALID',
        `logdir is ${describe(logdir)}, expected the path of a directory`,
        'Pass a path such as runs/experiment-1, and options after it.',
      );
    }
    this.#diagnostics = new Diagnostics({ onError: options.onError, onWarning: options.onWarning });
    this.#options = resolveEventFileOptions({ ...options, diagnostics: this.#diagnostics });
    const directory = logdir ?? defaultLogdir(this.#options.clock.wallTime(), options.comment);
    this.#log = new EventLog(directory, { ...this.#options, filter: options.filter });
    this.#log.setDefaultStep(options.defaultStep);
    this.#dashboards = new Dashboards(this.#log);
  }

  /** The directory of the event file. */
  get logdir(): string {
    return this.#log.writer.directory;
  }

  /** The path of the current event file; undefined while it cannot be created. */
  get currentFile(): string | undefined {
    return this.#log.writer.currentFile;
  }

  /** The number of occurrences of each warning and error, by code. */
  get diagnostics(): Readonly<Record<string, number>> {
    return this.#diagnostics.counts;
  }

  /** Sets the step for all later values without a step; undefined lets each tag count its own steps. Throws `ERR_STEP_INVALID`. */
  setDefaultStep(step: Step): void {
    this.#log.setDefaultStep(step);
  }

  /** Adds a number, or a tensor of one value, stored as float32. Throws `ERR_SCALAR_INVALID`. Like all methods, also throws for an invalid tag, step or time. */
  addScalar(tag: string, value: ScalarInput, step?: Step, options: Options = {}): void {
    checkStepOptions('addScalar', options, SERIES_OPTIONS);
    this.#log.scalar(tag, value, options, step);
  }

  /** Adds several numbers with the tags `<mainTag>/<name>`. Shows them in one chart of the custom scalars dashboard, in the category `scalars`. */
  addScalars(
    mainTag: string,
    values: Readonly<Record<string, ScalarInput>>,
    step?: Step,
    options: Omit<SharedEventOptions, 'step'> = {},
  ): void {
    checkStepOptions('addScalars', options, SHARED_OPTIONS);
    const main = this.#log.parseTag(mainTag);
    checkMetrics(values);
    const named = Object.entries(values).map(([name, value]) => [`${main}/${name}`, value] as const);
    const tags = this.#log.scalars(Object.fromEntries(named), { ...options, step });
    this.#dashboards.addChart(main, tags, { wallTime: options.wallTime });
  }

  /**
   * Adds a column of numbers, each with its step. Writes the same as repeated `addScalar` with one wall time. Throws
   * `ERR_SCALAR_INVALID` before it writes anything.
   */
  addScalarSeries(
    tag: string,
    steps: ArrayLike<number | bigint>,
    values: ArrayLike<number>,
    options: Options = {},
  ): void {
    checkOptions('addScalarSeries', options, SERIES_OPTIONS);
    this.#log.scalarSeries(tag, steps, values, options);
  }

  /** Adds an image, given as encoded bytes, pixels or a tensor. Throws `ERR_IMAGE_INVALID`. */
  addImage(tag: string, image: ImageInput | ImageTensor, step?: Step, options: Options = {}): void {
    checkStepOptions('addImage', options, SERIES_OPTIONS);
    this.#log.image(tag, image, { ...options, step });
  }

  /** Adds several images with one step: a list, or one array or tensor of shape N×H×W×C. Throws `ERR_IMAGE_INVALID`. */
  addImages(
    tag: string,
    images: ImageBatch | ImageTensor | readonly (ImageInput | ImageTensor)[],
    step?: Step,
    options: Options = {},
  ): void {
    checkStepOptions('addImages', options, SERIES_OPTIONS);
    this.#log.images(tag, images, { ...options, step });
  }

  /** Adds an image with boxes and their labels. Throws `ERR_IMAGE_INVALID`. */
  addImageWithBoxes(
    tag: string,
    image: ImagePixels | ImageTensor,
    boxes: ImageBoxes,
    step?: Step,
    options: Options & BoxOptions = {},
  ): void {
    checkStepOptions('addImageWithBoxes', options, BOXES_OPTIONS);
    this.#log.imageWithBoxes(tag, image, boxes, { ...options, step });
  }

  /** Adds frames as an animated GIF, by default with 4 frames per second. Throws `ERR_VIDEO_INVALID`. */
  addVideo(tag: string, video: VideoInput, step?: Step, options: Options & VideoOptions = {}): void {
    checkStepOptions('addVideo', options, GIF_OPTIONS);
    this.#log.gif(tag, video, { ...options, step });
  }

  /** Adds one audio clip, or several with one step: samples, also as a tensor, or WAV bytes. Throws `ERR_AUDIO_INVALID`. */
  addAudio(
    tag: string,
    audio: AudioInput | TensorAudio | readonly (AudioInput | TensorAudio)[],
    step?: Step,
    options: Options = {},
  ): void {
    checkStepOptions('addAudio', options, SERIES_OPTIONS);
    this.#log.audio(tag, audio, { ...options, step });
  }

  /** Adds Markdown, or a list or table of Markdown cells. Throws `ERR_TEXT_INVALID`. */
  addText(tag: string, text: TextInput, step?: Step, options: Options = {}): void {
    checkStepOptions('addText', options, SERIES_OPTIONS);
    this.#log.text(tag, text, { ...options, step });
  }

  /** Adds a histogram of values or of a tensor, by default with 30 buckets. Throws `ERR_HISTOGRAM_INVALID`. */
  addHistogram(
    tag: string,
    values: HistogramInput | Tensor,
    step?: Step,
    options: Omit<HistogramOptions, 'step'> = {},
  ): void {
    checkStepOptions('addHistogram', options, HISTOGRAM_OPTIONS);
    this.#log.histogram(tag, values, { ...options, step });
  }

  /** Adds a histogram of buckets that are already counted. Throws `ERR_HISTOGRAM_INVALID`. */
  addHistogramRaw(tag: string, histogram: RawHistogram, step?: Step, options: Options = {}): void {
    checkStepOptions('addHistogramRaw', options, SERIES_OPTIONS);
    this.#log.histogram(tag, parseHistogramBuckets(histogram), { ...options, step });
  }

  /** Adds a precision-recall curve of a binary classifier. Throws `ERR_PR_CURVE_INVALID`. */
  addPrCurve(
    tag: string,
    labels: PrCurvePredictions['labels'],
    predictions: PrCurvePredictions['predictions'],
    step?: Step,
    options: PrCurveOptions = {},
  ): void {
    checkStepOptions('addPrCurve', options, PR_CURVE_OPTIONS);
    const { weights, thresholds } = options;
    this.#log.prCurve(tag, { labels, predictions, weights, thresholds }, { ...options, step });
  }

  /** Adds a precision-recall curve from existing counts. Throws `ERR_PR_CURVE_INVALID`. */
  addPrCurveRaw(tag: string, counts: PrCurveCounts, step?: Step, options: Options = {}): void {
    checkStepOptions('addPrCurveRaw', options, SERIES_OPTIONS);
    this.#log.prCurve(tag, counts, { ...options, step });
  }

  /**
   * Adds the hyperparameters of this run, and metrics for the same table. `close()` writes the end of the session.
   *
   * A metric is the only point of its tag. If the tag has a curve, the curve does not change, and the metric gets the tag `name (hparams)`,
   * unless the curve ends with its value. A curve that begins later replaces the metric of its name.
   *
   * Call it once for each run: TensorBoard keeps the first values, so a second call throws. Throws `ERR_HPARAMS_INVALID` and
   * `ERR_SCALAR_INVALID`.
   */
  addHparams(
    hparams: Readonly<Record<string, HParamValue>>,
    metrics: Readonly<Record<string, number>> = {},
    given: StepOr<HparamsOptions> = {},
  ): void {
    const options = parseEventOptions('addHparams', given, HPARAMS_OPTIONS);
    if (this.#sessionStart !== undefined) {
      throw new InvalidArgumentError(
        'ERR_HPARAMS_INVALID',
        `${this.logdir} already has hyperparameters, and TensorBoard keeps the first ones`,
        'Use one writer with a separate directory for each session.',
      );
    }
    const wallTime = options.wallTime ?? this.#options.clock.wallTime();
    const value = createSessionStartValue(hparams, wallTime, options);
    this.#log.sessionMetrics(metrics, { step: options.step, wallTime });
    this.#log.values(SESSION_START_TAG, { step: 0, wallTime }, () => value);
    this.#sessionStart = wallTime;
  }

  /**
   * Sets the columns of the HParams dashboard and their domains. Call it in one run, or in the log directory itself.
   *
   * Without this call, TensorBoard derives the columns from the sessions. With it, TensorBoard shows only these columns. Throws
   * `ERR_HPARAMS_INVALID`.
   */
  addHparamsConfig(config: HParamsConfig, options: WallTimeOption = {}): void {
    checkOptions('addHparamsConfig', options, WALL_TIME_OPTION);
    const wallTime = options.wallTime ?? this.#options.clock.wallTime();
    this.#log.values(EXPERIMENT_TAG, { step: 0, wallTime }, () => createExperimentValue(config, wallTime));
  }

  /** Adds a mesh, or a point cloud if it has no faces. Throws `ERR_MESH_INVALID`. */
  addMesh(tag: string, mesh: MeshInput, step?: Step, options: Options = {}): void {
    checkStepOptions('addMesh', options, SERIES_OPTIONS);
    this.#log.mesh(tag, mesh, { ...options, step });
  }

  /**
   * Sets the layout of the custom scalars dashboard: charts of several scalar tags, with `multiline` or `margin`.
   *
   * A later call replaces an earlier layout. Throws `ERR_LAYOUT_INVALID`.
   */
  addCustomScalars(layout: CustomScalarsLayout, options: WallTimeOption = {}): void {
    checkOptions('addCustomScalars', options, WALL_TIME_OPTION);
    this.#dashboards.customScalars(layout, options);
  }

  /**
   * Adds vectors for the embedding projector, as files next to the event file. Writes them before it returns.
   *
   * Throws `ERR_EMBEDDING_INVALID`, and `RunWriteError` when the files cannot be written.
   */
  addEmbedding(tag: string, embedding: EmbeddingInput, step: number | bigint = 0): void {
    this.#dashboards.embedding(tag, embedding, { step });
  }

  /** Adds a graph from a `GraphBuilder` or a serialized `GraphDef`. TensorBoard shows one for each run. Throws `ERR_GRAPH_INVALID`. */
  addGraph(graph: GraphInput, step: number | bigint = 0, options: WallTimeOption = {}): void {
    checkStepOptions('addGraph', options, WALL_TIME_OPTION);
    this.#dashboards.graph(graph, { ...options, step });
  }

  /** Adds the graph of an ONNX model, given as bytes or as the path of its file. Throws `ERR_GRAPH_INVALID`. */
  addOnnxGraph(model: Uint8Array | string, step: number | bigint = 0, options: WallTimeOption = {}): void {
    checkStepOptions('addOnnxGraph', options, WALL_TIME_OPTION);
    this.#dashboards.onnxGraph(model, { ...options, step });
  }

  /**
   * Adds the layers of a TensorFlow.js or Keras model, as graph and as conceptual graph. `model` is the content of `model.json`, as
   * text or parsed. Throws `ERR_GRAPH_INVALID`.
   */
  addLayersModel(model: unknown, step: number | bigint = 0, options: WallTimeOption = {}): void {
    checkStepOptions('addLayersModel', options, WALL_TIME_OPTION);
    this.#dashboards.layersModel(model, { ...options, step });
  }

  /** Resolves once everything added so far is in the file. Rejects with `RunWriteError` or `EventsDroppedError`. */
  flush(): Promise<void> {
    return this.#log.flush();
  }

  /**
   * Flushes and closes the event file. With hyperparameters, first writes the outcome of the session, `success` by default.
   *
   * Rejects like `flush()`. A second call returns the same promise.
   */
  close(options: CloseOptions = {}): Promise<void> {
    try {
      checkOptions('close', options, CLOSE_OPTIONS);
    } catch (error) {
      return reportUnawaited(Promise.reject(error), (reason) => this.#diagnostics.unawaited(reason));
    }
    if (this.#closing === undefined) {
      const { writer } = this.#log;
      const hasSession = this.#sessionStart !== undefined || writer.knows(SESSION_START_TAG);
      // TensorBoard keeps the first end, also when the run is resumed after it.
      if (hasSession && !writer.knows(SESSION_END_TAG)) this.#writeSessionEnd(options.outcome ?? 'success');
      this.#closing = this.#log.close();
    }
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #writeSessionEnd(outcome: SessionOutcome): void {
    // TensorBoard shows the difference as the duration, also if the clock was set back.
    const wallTime = Math.max(this.#sessionStart ?? 0, this.#options.clock.wallTime());
    this.#log.values(SESSION_END_TAG, { step: 0, wallTime }, () => createSessionEndValue(outcome, wallTime));
  }
}

/** Checks the options of a method whose step is a separate argument. Throws `ERR_OPTION_INVALID`. */
function checkStepOptions<O extends object>(subject: string, options: O, table: OptionTable<O>): void {
  if (typeof options === 'object' && options !== null && 'step' in options) {
    throw new InvalidArgumentError(
      'ERR_OPTION_INVALID',
      `${subject} has no option "step": the step is the argument before the options`,
      'Pass the step as a number, such as addScalar(tag, value, 10).',
    );
  }
  checkOptions(subject, options, table);
}

/** `runs/Nov24_13-05-09_<host><comment>`, in local time. `wallTime` in seconds. */
function defaultLogdir(wallTime: number, comment = ''): string {
  const time = new Date(wallTime * 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${MONTHS[time.getMonth()]}${two(time.getDate())}`;
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join('-');
  return `runs/${day}_${clock}_${toSafeName(hostname())}${toSafeName(comment)}`;
}

function toSafeName(text: string): string {
  return text.replace(/[^\p{L}\p{N}._=+-]+/gu, '-').replace(/tfevents/g, 'events');
}
