/**
 * Calls of the tracking API by Python's names, each with its equivalent in polytrack.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import type { EventOptions, Run, SpanInput } from '../../src/index.js';

/** The arguments of each method, by Python's names; arrays become numpy arrays there. */
export interface PythonArguments {
  log_metric: { name: string; value: number };
  log_metrics: Record<string, number>;
  log_roc_auc_curve: { name: string; fpr: number[]; tpr: number[]; auc?: number };
  log_pr_curve: { name: string; precision: number[]; recall: number[]; average_precision?: number };
  log_sklearn_roc_auc_curve: {
    name: string;
    y_preds: NdArray;
    y_targets: number[];
    is_multi_class?: boolean;
  };
  log_sklearn_pr_curve: { name: string; y_preds: NdArray; y_targets: number[] };
  log_curve: { name: string; x: number[]; y: number[]; annotation?: string };
  log_confusion_matrix: { name: string; x: string[]; y: string[]; z: number[][] };
  log_image: { data: NdArray | string; name?: string; dataformats?: 'HWC' | 'CHW'; rescale?: number };
  log_image_with_boxes: { tensor_image: NdArray; tensor_boxes: NdArray; name: string; dataformats: 'HWC' };
  log_video: { data: NdArray | string; name?: string; fps?: number };
  log_audio: { data: NdArray | string; name?: string; sample_rate?: number };
  log_text: { name: string; text: string };
  log_html: { name: string; html: string };
  log_histogram: { name: string; values: NdArray; bins: number | string; max_bins?: number };
  log_np_histogram: { name: string; values: number[]; counts: number[] };
  log_dataframe: { df: Frame; name: string; content_type?: 'csv' | 'html' };
  log_plotly_chart: { name: string; figure: object };
  log_bokeh_chart: { name: string; figure: object };
  log_altair_chart: { name: string; figure: object };
  log_trace: { span: SpanFields };
  log_model: { path: string; name?: string; framework?: string; summary?: object; rel_path?: string };
  log_artifact: {
    path: string;
    name?: string;
    kind?: 'file' | 'csv' | 'dir';
    summary?: object;
    rel_path?: string;
  };
  log_inputs: Record<string, unknown>;
  log_outputs: Record<string, unknown>;
  log_meta: Record<string, unknown>;
  log_tags: { tags: string | string[]; reset?: boolean };
  set_name: { name: string };
  set_description: { description: string };
  set_readme: { readme: string };
  log_progress: { value: number };
  log_status: { status: 'starting' | 'running' | 'warning'; reason?: string; message?: string };
  log_artifact_ref: { path: string; kind: 'csv'; name?: string; is_input?: boolean };
  log_data_ref: { name: string; hash?: string; path?: string; summary?: object };
  log_file_ref: { path: string; name?: string };
  log_dir_ref: { path: string; name?: string };
  log_model_ref: { path: string; name?: string; framework?: string };
  log_tensorboard_ref: { path: string; name?: string };
  log_code_ref: { code_ref: { commit: string; branch: string; url: string } };
}

/** The step and time of an event; Python passes times as text. */
export interface Timing {
  readonly step?: number | bigint;
  readonly timestamp?: string;
}

export type Call = {
  [M in keyof PythonArguments]: { method: M; args: PythonArguments[M]; timing: Timing };
}[keyof PythonArguments];

/** The content of a numpy array. */
export class NdArray {
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly dtype: 'uint8' | 'float64' | 'int64';

  constructor(
    shape: readonly number[],
    values: readonly number[],
    dtype: 'uint8' | 'float64' | 'int64' = 'float64',
  ) {
    this.shape = shape;
    this.values = values;
    this.dtype = dtype;
  }

  /** The values of a two-dimensional array, as rows. */
  get rows(): number[][] {
    const [, width = 1] = this.shape;
    return Array.from({ length: this.values.length / width }, (_, i) => [
      ...this.values.slice(i * width, (i + 1) * width),
    ]);
  }
}

/** A data frame: columns of equal length. */
export type Frame = Readonly<Record<string, readonly (number | string | null)[]>>;

/** A span with Python's field names. */
export interface SpanFields {
  name?: string;
  uuid?: string;
  kind?: SpanInput['kind'];
  status?: SpanInput['status'];
  tags?: string[];
  started_at?: string;
  finished_at?: string;
  metadata?: Record<string, unknown>;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  children?: SpanFields[];
}

export function call<M extends keyof PythonArguments>(
  method: M,
  args: PythonArguments[M],
  timing: Timing = {},
): Call {
  return { method, args, timing } as Call;
}

/** Writes the input file of `log_calls.py`. */
export function writePlan(path: string, run: object, calls: readonly Call[]): void {
  const plan = {
    run,
    calls: calls.map(({ method, args, timing }) => [method, { ...toPython(args, method), ...timing }]),
  };
  writeFileSync(path, JSON.stringify(plan, replaceValue));
}

/** Marks figures, spans and data frames, which are objects in Python. */
function toPython(args: object, method: keyof PythonArguments): object {
  const wrap = (key: string, value: unknown) => {
    if (key === 'df') return { $frame: value };
    if (key === 'span') return { $span: value };
    if (key === 'figure' && method === 'log_altair_chart') return { $chart: value };
    return value;
  };
  return Object.fromEntries(Object.entries(args).map(([key, value]) => [key, wrap(key, value)]));
}

function replaceValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return { $int: String(value) };
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
    return { $float: Object.is(value, -0) ? '-0.0' : String(value).replace('Infinity', 'inf') };
  }
  if (value instanceof NdArray) {
    return { $array: { values: value.values, shape: value.shape, dtype: value.dtype } };
  }
  return value;
}

/** Makes the equivalent call of polytrack. Rejects if the call throws. */
export async function applyCall(run: Run, { method, args, timing }: Call): Promise<void> {
  const apply = OURS[method] as (run: Run, args: unknown, timing: EventOptions) => unknown;
  await apply(run, args, timing);
}

/** The equivalent of each call in polytrack. */
const OURS: {
  [M in keyof PythonArguments]: (run: Run, args: PythonArguments[M], timing: EventOptions) => unknown;
} = {
  log_metric: (run, { name, value }, timing) => run.logMetric(name, value, timing),
  log_metrics: (run, metrics, timing) => run.logMetrics(metrics, timing),
  log_roc_auc_curve: (run, { name, fpr, tpr, auc }, timing) =>
    run.logRocAucCurve(name, { fpr, tpr, auc }, timing),
  log_pr_curve: (run, { name, precision, recall, average_precision: averagePrecision }, timing) =>
    run.logPrCurve(name, { precision, recall, averagePrecision }, timing),
  log_sklearn_roc_auc_curve: (run, { name, y_preds, y_targets, is_multi_class }, timing) =>
    run.logRocAucCurve(
      name,
      { labels: y_targets, scores: is_multi_class === true ? y_preds.rows : [...y_preds.values] },
      timing,
    ),
  log_sklearn_pr_curve: (run, { name, y_preds, y_targets }, timing) =>
    run.logPrCurve(name, { labels: y_targets, scores: [...y_preds.values] }, timing),
  log_curve: (run, { name, ...curve }, timing) => run.logCurve(name, curve, timing),
  log_confusion_matrix: (run, { name, ...matrix }, timing) => run.logConfusionMatrix(name, matrix, timing),
  log_image: (run, { data, name, rescale, dataformats = 'CHW' }, timing) =>
    typeof data === 'string'
      ? run.logImage(name ?? toBaseName(data), data, timing)
      : run.logImage(name ?? 'image', toPixels(data, dataformats), { ...timing, rescale }),
  log_image_with_boxes: (run, { name, tensor_image, tensor_boxes, dataformats }, timing) =>
    run.logImageWithBoxes(
      name,
      toPixels(tensor_image, dataformats),
      tensor_boxes.rows as [number, number, number, number][],
      timing,
    ),
  log_video: (run, { data, name, fps }, timing) =>
    typeof data === 'string'
      ? run.logVideo(name ?? toBaseName(data), data, timing)
      : run.logVideo(name ?? 'video', toFrames(data), { ...timing, fps }),
  log_audio: (run, { data, name, sample_rate: sampleRateHz = 44_100 }, timing) =>
    typeof data === 'string'
      ? run.logAudio(name ?? toBaseName(data), data, timing)
      : run.logAudio(name ?? 'audio', { samples: data.values, sampleRateHz }, timing),
  log_text: (run, { name, text }, timing) => run.logText(name, text, timing),
  log_html: (run, { name, html }, timing) => run.logHtml(name, html, timing),
  log_histogram: (run, { name, values, bins, max_bins: maxBins }, timing) =>
    run.logHistogram(name, values.values, { ...timing, bins, maxBins } as EventOptions),
  log_np_histogram: (run, { name, values, counts }, timing) =>
    run.logNpHistogram(name, values, counts, timing),
  log_dataframe: (run, { df, name, content_type: contentType }, timing) =>
    run.logDataframe(name, df, { ...timing, contentType }),
  log_plotly_chart: (run, { name, figure }, timing) => run.logPlotlyChart(name, figure, timing),
  log_bokeh_chart: (run, { name, figure }, timing) => run.logBokehChart(name, figure, timing),
  log_altair_chart: (run, { name, figure }, timing) => run.logAltairChart(name, figure, timing),
  log_trace: (run, { span }, timing) => run.logTrace(toSpan(span), { ...timing, updateRun: true }),
  log_model: (run, { path, rel_path: relPath, ...options }, timing) =>
    run.logModel(path, { ...options, relPath, ...timing } as object),
  log_artifact: (run, { path, rel_path: relPath, ...options }, timing) =>
    run.logArtifact(path, { ...options, relPath, ...timing } as object),
  log_inputs: (run, inputs) => run.logInputs(inputs),
  log_outputs: (run, outputs) => run.logOutputs(outputs),
  log_meta: (run, meta) => run.logMeta(meta),
  log_tags: (run, { tags, reset }) => run.logTags(tags, { reset }),
  set_name: (run, { name }) => run.setName(name),
  set_description: (run, { description }) => run.setDescription(description),
  set_readme: (run, { readme }) => run.setReadme(readme),
  log_progress: (run, { value }) => run.logProgress(value),
  log_status: (run, { status, ...options }) => run.logStatus(status, options),
  log_artifact_ref: (run, { path, kind, name, is_input: isInput }) =>
    run.logArtifactRef(path, kind, { name, isInput }),
  log_data_ref: (run, { name, ...options }) => run.logDataRef(name, options as object),
  log_file_ref: (run, { path, ...options }) => run.logFileRef(path, options),
  log_dir_ref: (run, { path, ...options }) => run.logDirRef(path, options),
  log_model_ref: (run, { path, ...options }) => run.logModelRef(path, options),
  log_tensorboard_ref: (run, { path, ...options }) => run.logTensorboardRef(path, options),
  log_code_ref: (run, { code_ref }) => run.logCodeRef(code_ref),
};

/** Python uses the file name up to its first dot; polytrack requires a name. */
function toBaseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).split('.')[0]!;
}

function toPixels({ shape, values, dtype }: NdArray, dataFormat: 'HWC' | 'CHW') {
  const [a = 1, b = 1, c = 1] = shape;
  const [height, width, channels] = dataFormat === 'HWC' ? [a, b, c] : [b, c, a];
  const pixels = dtype === 'uint8' ? Uint8Array.from(values) : Float64Array.from(values);
  return { pixels, height, width, channels: channels as 1 | 3, dataFormat };
}

/** A video in Python has the shape 1×T×C×H×W. */
function toFrames({ shape, values }: NdArray) {
  const [, frames = 1, channels = 1, height = 1, width = 1] = shape;
  const size = channels * height * width;
  return Array.from({ length: frames }, (_, i) =>
    toPixels(new NdArray([channels, height, width], values.slice(i * size, (i + 1) * size), 'uint8'), 'CHW'),
  );
}

function toSpan({ started_at, finished_at, children, ...span }: SpanFields): SpanInput {
  return {
    ...span,
    ...(started_at === undefined ? {} : { startedAt: started_at }),
    ...(finished_at === undefined ? {} : { finishedAt: finished_at }),
    ...(children === undefined ? {} : { children: children.map(toSpan) }),
  };
}

/** Writes the files whose paths the calls use. */
export function writeInputFiles(directory: string): void {
  const png = new PNG({ width: 3, height: 2 });
  png.data.fill(200);
  writeFileSync(join(directory, 'photo.v1.png'), PNG.sync.write(png));
  writeFileSync(join(directory, 'net.onnx.zip'), 'weights');
  writeFileSync(join(directory, 'notes.txt'), 'some notes\n');
  writeFileSync(join(directory, 'rows.csv'), 'a,b\n1,2\n');
  writeFileSync(join(directory, 'clip.mp4'), 'not really a video');
  mkdirSync(join(directory, 'folder/inner'), { recursive: true });
  writeFileSync(join(directory, 'folder/a.txt'), 'a');
  writeFileSync(join(directory, 'folder/inner/b.txt'), 'b');
  const samples = Buffer.alloc(8);
  writeFileSync(join(directory, 'beep.wav'), Buffer.concat([wavHeader(samples.length), samples]));
}

/** Mono, 16 bits, 8,000 samples per second. */
function wavHeader(dataBytes: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + dataBytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(8000, 24);
  header.writeUInt32LE(16_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes, 40);
  return header;
}
