/** Every kind of value that `SummaryWriter` and `Run` log, with one call for each method. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GraphBuilder, type Run, type SummaryWriter } from '../../src/index.js';
import { FIXTURES } from './expected-runs.js';

const PIXELS = { pixels: new Uint8Array(12 * 12 * 3).fill(90), height: 12, width: 12 };
const BOXES = [{ xMin: 1, yMin: 1, xMax: 8, yMax: 8 }];
const SOUND = { samples: Float32Array.from({ length: 800 }, (_, i) => Math.sin(i)), sampleRateHz: 8000 };
const LABELS = [0, 1, 0, 1];
const SCORES = [0.1, 0.8, 0.6, 0.9];
export const MESH = {
  vertices: [
    [0, 0, 0],
    [1, 0, 0],
    [0, 1, 0],
  ],
  faces: [[0, 1, 2]],
};
export const COUNTS = {
  truePositives: [2, 1],
  falsePositives: [1, 0],
  trueNegatives: [0, 1],
  falseNegatives: [0, 1],
  precision: [2 / 3, 1],
  recall: [1, 0.5],
};
export const RAW = { min: 0, max: 2, bucketLimits: [1, 2], bucketCounts: [3, 4] };
const EMBEDDING = { vectors: Array.from({ length: 20 }, (_, i) => [i, i % 3, i % 5]) };
const FIGURE = { data: [], layout: {} };
const ONNX = join(FIXTURES, 'onnx/perceptron.onnx');
const LAYERS = readFileSync(join(FIXTURES, 'tfjs/sequential.json'), 'utf8');

function createGraph(): GraphBuilder {
  const graph = new GraphBuilder();
  graph.node({ name: 'input', op: 'Placeholder' });
  graph.node({ name: 'softmax', op: 'Softmax', inputs: ['input'] });
  return graph;
}

const layoutOf = (title: string) => [{ title, charts: [{ title: 'all', multiline: ['addScalar'] }] }];

type Log<T> = (log: T, name: string, step: number) => unknown;
export type Kinds<T> = Readonly<Record<string, Log<T>>>;

/** Methods of `SummaryWriter` whose values belong to a step. The name is that of the method. */
export const WRITER_KINDS: Kinds<SummaryWriter> = {
  addScalar: (writer, name, step) => writer.addScalar(name, step, step),
  addScalars: (writer, name, step) => writer.addScalars(name, { a: step, b: 1 }, step),
  addScalarSeries: (writer, name, step) => writer.addScalarSeries(name, [step], [step]),
  addImage: (writer, name, step) => writer.addImage(name, PIXELS, step),
  addImages: (writer, name, step) => writer.addImages(name, [PIXELS, PIXELS], step),
  addImageWithBoxes: (writer, name, step) => writer.addImageWithBoxes(name, PIXELS, BOXES, step),
  addVideo: (writer, name, step) => writer.addVideo(name, [PIXELS, PIXELS], step),
  addAudio: (writer, name, step) => writer.addAudio(name, SOUND, step),
  addText: (writer, name, step) => writer.addText(name, `text of ${step}`, step),
  addHistogram: (writer, name, step) => writer.addHistogram(name, [1, 2, step], step),
  addHistogramRaw: (writer, name, step) => writer.addHistogramRaw(name, RAW, step),
  addPrCurve: (writer, name, step) => writer.addPrCurve(name, LABELS, SCORES, step),
  addPrCurveRaw: (writer, name, step) => writer.addPrCurveRaw(name, COUNTS, step),
  addMesh: (writer, name, step) => writer.addMesh(name, MESH, step),
};

/** Methods of `SummaryWriter` whose values belong to the whole run. */
export const WRITER_KINDS_WITHOUT_STEP: Kinds<SummaryWriter> = {
  addHparams: (writer) => writer.addHparams({ addHparams: 3 }, { result: 0.5 }),
  addHparamsConfig: (writer) =>
    writer.addHparamsConfig({ hparams: [{ name: 'addHparams' }], metrics: [{ tag: 'result' }] }),
  addCustomScalars: (writer, name) => writer.addCustomScalars(layoutOf(name)),
  addGraph: (writer) => writer.addGraph(createGraph()),
  addOnnxGraph: (writer) => writer.addOnnxGraph(ONNX),
  addLayersModel: (writer) => writer.addLayersModel(LAYERS),
  addEmbedding: (writer, name) => writer.addEmbedding(name, EMBEDDING),
};

/** Methods of `Run` whose values belong to a step and have a form for TensorBoard. */
export const RUN_KINDS: Kinds<Run> = {
  logMetric: (run, name, step) => run.logMetric(name, step, step),
  logMetrics: (run, name, step) => run.logMetrics({ [name]: step, [`${name}/b`]: 1 }, step),
  logMetricSeries: (run, name, step) => run.logMetricSeries(name, [step], [step]),
  logImage: (run, name, step) => run.logImage(name, PIXELS, step),
  logImageWithBoxes: (run, name, step) => run.logImageWithBoxes(name, PIXELS, BOXES, step),
  logVideo: (run, name, step) => run.logVideo(name, [PIXELS, PIXELS], step),
  logAudio: (run, name, step) => run.logAudio(name, SOUND, step),
  logText: (run, name, step) => run.logText(name, `text of ${step}`, step),
  logHtml: (run, name, step) => run.logHtml(name, `<p>text of ${step}</p>`, step),
  logHistogram: (run, name, step) => run.logHistogram(name, [1, 2, step], step),
  logNpHistogram: (run, name, step) => run.logNpHistogram(name, [1, 2], [0, 1, 2], step),
  logRocAucCurve: (run, name, step) => run.logRocAucCurve(name, { fpr: [0, 0.5, 1], tpr: [0, 1, 1] }, step),
  logPrCurve: (run, name, step) => run.logPrCurve(name, { precision: [1, 0.5], recall: [0, 1] }, step),
  logMesh: (run, name, step) => run.logMesh(name, MESH, step),
  logCurve: (run, name, step) => run.logCurve(name, { x: [0, 1], y: [1, step] }, step),
  logConfusionMatrix: (run, name, step) =>
    run.logConfusionMatrix(
      name,
      {
        x: ['a', 'b'],
        y: ['a', 'b'],
        z: [
          [3, 1],
          [0, 4],
        ],
      },
      step,
    ),
  logDataframe: (run, name, step) => run.logDataframe(name, [{ a: step, b: 2 }], step),
};

/** Methods of `Run` whose values belong to the whole run. */
export const RUN_KINDS_WITHOUT_STEP: Kinds<Run> = {
  logInputs: (run) => run.logInputs({ logInputs: 3 }),
  logCustomScalars: (run, name) => run.logCustomScalars(layoutOf(name)),
  logGraph: (run) => run.logGraph(createGraph()),
  logOnnxGraph: (run) => run.logOnnxGraph(ONNX),
  logLayersModel: (run) => run.logLayersModel(LAYERS),
  logEmbedding: (run, name) => run.logEmbedding(name, EMBEDDING),
};

/** Methods of `Run` with values that only Polyaxon shows. */
export const RUN_KINDS_FOR_POLYAXON: Kinds<Run> = {
  logPlotlyChart: (run, name, step) => run.logPlotlyChart(name, FIGURE, step),
  logBokehChart: (run, name, step) => run.logBokehChart(name, FIGURE, step),
  logVegaChart: (run, name, step) => run.logVegaChart(name, { mark: 'bar' }, step),
  logAltairChart: (run, name, step) => run.logAltairChart(name, { mark: 'bar' }, step),
  logTrace: (run, name, step) => run.logTrace({ name }, step),
};
