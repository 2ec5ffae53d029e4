/**
 * Calls every public function with wrong options. `TAKES_OPTIONS` and `TAKES_NONE` together must name every function and method that the
 * entry points export, so that a new function cannot be left out.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import * as format from '../../src/format/index.js';
import * as polytrack from '../../src/index.js';
import { type Run, SummaryWriter, tracking } from '../../src/index.js';
import * as uploader from '../../uploader/index.js';
import * as polyaxon from '../../uploader/polyaxon.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createSharedTempDir } from '../support/temp-dir.js';

type Call = (options: never) => unknown;
type Calls = Readonly<Record<string, Call>>;

const DOORS = {
  polytrack,
  'polytrack/format': format,
  'polytrack/polyaxon': polyaxon,
  'polytrack/uploader': uploader,
};

const directory = createSharedTempDir();
const file = join(directory, 'file');
writeFileSync(file, 'content');
const run = new polytrack.Run({ root: directory, ...NO_CAPTURE });
const writer = new SummaryWriter(directory);
const span = run.startSpan('span');
const client = new polyaxon.PolyaxonClient({ connection: { host: 'http://127.0.0.1:1' } as never });
const ref = { owner: 'o', project: 'p', uuid: '0'.repeat(32) };
const config = await uploader
  .resolveConfig('.', { store: 'file:///nowhere' }, { HOME: directory }, uploader.nodeFileSystem)
  .then((resolved) => resolved.config);
const io = uploader.nodeIo;
const pixels = { pixels: [0], height: 1, width: 1 };

afterAll(() => Promise.all([run.end(), writer.close()]));

const ONNX = join(import.meta.dirname, '../../fixtures/onnx/perceptron.onnx');
const LAYERS = readFileSync(join(import.meta.dirname, '../../fixtures/tfjs/sequential.json'), 'utf8');

function createGraph(): polytrack.GraphBuilder {
  const graph = new polytrack.GraphBuilder();
  graph.node({ name: 'a', op: 'b' });
  return graph;
}

const isPlain = (options: unknown): boolean =>
  options === undefined || Object.prototype.toString.call(options) === '[object Object]';

/** Calls of the methods of `Run`, which are also those of `tracking`. */
function runCalls(
  target: Pick<Run, Exclude<keyof typeof tracking, 'init' | 'getOrCreateRun' | 'withRun'>>,
): Calls {
  return {
    alert: (o) => target.alert((isPlain(o) ? { title: 'a', ...(o as object) } : o) as never),
    log: (o) => target.log({ a: 1 }, o),
    metric: (o) => target.metric('a', isPlain(o) ? { goal: 'last', ...(o as object) } : o),
    logMetric: (o) => target.logMetric('a', 1, o),
    logMetrics: (o) => target.logMetrics({ a: 1 }, o),
    logMetricSeries: (o) => target.logMetricSeries('a', [0], [1], o),
    logImage: (o) => target.logImage('a', pixels, o),
    logImageWithBoxes: (o) => target.logImageWithBoxes('a', pixels, [], o),
    logVideo: (o) => target.logVideo('a', [pixels], o),
    logAudio: (o) => target.logAudio('a', { samples: [0], sampleRateHz: 1 } as never, o),
    logText: (o) => target.logText('a', 'b', o),
    logHtml: (o) => target.logHtml('a', 'b', o),
    logHistogram: (o) => target.logHistogram('a', [1], o),
    logNpHistogram: (o) => target.logNpHistogram('a', [1], [0, 1], o),
    logRocAucCurve: (o) => target.logRocAucCurve('a', { labels: [0, 1], scores: [0, 1] }, o),
    logPrCurve: (o) => target.logPrCurve('a', { labels: [0, 1], scores: [0, 1] }, o),
    logCurve: (o) => target.logCurve('a', { x: [0], y: [0] }, o),
    logConfusionMatrix: (o) => target.logConfusionMatrix('a', { x: ['a'], y: ['a'], z: [[1]] }, o),
    logMesh: (o) => target.logMesh('a', { vertices: [[0, 0, 0]] }, o),
    logGraph: (o) => target.logGraph(createGraph(), o),
    logOnnxGraph: (o) => target.logOnnxGraph(ONNX, o),
    logLayersModel: (o) => target.logLayersModel(LAYERS, o),
    logCustomScalars: (o) => target.logCustomScalars({}, o),
    logEmbedding: (o) => target.logEmbedding('a', { vectors: [[1]] }, o),
    logDataframe: (o) => target.logDataframe('a', [{ a: 1 }], o),
    logPlotlyChart: (o) => target.logPlotlyChart('a', { data: [], layout: {} }, o),
    logBokehChart: (o) => target.logBokehChart('a', {}, o),
    logVegaChart: (o) => target.logVegaChart('a', {}, o),
    logAltairChart: (o) => target.logAltairChart('a', {}, o),
    logTrace: (o) => target.logTrace({ name: 'a' }, o),
    trace: (o) => target.trace('a', o, () => 1),
    traceStream: (o) => target.traceStream('a', o, () => []),
    startSpan: (o) => target.startSpan('a', o),
    traced: (o) => target.traced(() => 1, o),
    logScore: (o) => target.logScore(span, 'a', 1, o),
    logInputs: (o) => target.logInputs({}, o),
    logOutputs: (o) => target.logOutputs({}, o),
    logMeta: (o) => target.logMeta({}, o),
    logTags: (o) => target.logTags('a', o),
    update: (o) => target.update(o),
    logStatus: (o) => target.logStatus('running', o),
    start: (o) => target.start(o),
    logArtifact: (o) => target.logArtifact(file, o),
    logModel: (o) => target.logModel(file, o),
    logArtifactRef: (o) => target.logArtifactRef('a', 'file', o),
    logFileRef: (o) => target.logFileRef('a', o),
    logDirRef: (o) => target.logDirRef('a', o),
    logModelRef: (o) => target.logModelRef('a', o),
    logDataRef: (o) => target.logDataRef('a', o),
    logTensorboardRef: (o) => target.logTensorboardRef('a', o),
    logEnv: (o) => target.logEnv({}, o),
    logCodeRef: (o) => target.logCodeRef({}, o),
    getArtifactsPath: (o) => target.getArtifactsPath('a', o),
    getOutputsPath: (o) => target.getOutputsPath('a', o),
    getTensorboardPath: (o) => target.getTensorboardPath('a', o),
    end: (o) => target.end(o),
    logSucceeded: (o) => target.logSucceeded(o),
    logStopped: (o) => target.logStopped(o),
    logFailed: (o) => target.logFailed(o),
  };
}

const WRITER_CALLS: Calls = {
  addScalar: (o) => writer.addScalar('a', 1, 0, o),
  addScalars: (o) => writer.addScalars('a', { b: 1 }, 0, o),
  addScalarSeries: (o) => writer.addScalarSeries('a', [0], [1], o),
  addImage: (o) => writer.addImage('a', pixels, 0, o),
  addImages: (o) => writer.addImages('a', [pixels], 0, o),
  addImageWithBoxes: (o) => writer.addImageWithBoxes('a', pixels, [], 0, o),
  addVideo: (o) => writer.addVideo('a', [pixels], 0, o),
  addAudio: (o) => writer.addAudio('a', { samples: [0], sampleRateHz: 1 } as never, 0, o),
  addText: (o) => writer.addText('a', 'b', 0, o),
  addHistogram: (o) => writer.addHistogram('a', [1], 0, o),
  addHistogramRaw: (o) => writer.addHistogramRaw('a', {} as never, 0, o),
  addPrCurve: (o) => writer.addPrCurve('a', [0, 1], [0, 1], 0, o),
  addPrCurveRaw: (o) => writer.addPrCurveRaw('a', {} as never, 0, o),
  addHparams: (o) => writer.addHparams({ a: 1 }, {}, o),
  addHparamsConfig: (o) => writer.addHparamsConfig({ hparams: [], metrics: [] }, o),
  addMesh: (o) => writer.addMesh('a', { vertices: [[0, 0, 0]] } as never, 0, o),
  addCustomScalars: (o) => writer.addCustomScalars({}, o),
  addGraph: (o) => writer.addGraph(new polytrack.GraphBuilder(), 0, o),
  addOnnxGraph: (o) => writer.addOnnxGraph(new Uint8Array(), 0, o),
  addLayersModel: (o) => writer.addLayersModel({}, 0, o),
  close: (o) => writer.close(o),
};

const CLIENT_CALLS: Calls = {
  installation: (o) => client.installation(o),
  findProject: (o) => client.findProject('o', 'p', o),
  createProject: (o) => client.createProject('o', 'p', o),
  getRun: (o) => client.getRun(ref, o),
  syncRun: (o) => client.syncRun(ref, {} as never, o),
  patchRun: (o) => client.patchRun(ref, {}, o),
  postStatus: (o) => client.postStatus(ref, { type: 'running' } as never, o),
  getStatuses: (o) => client.getStatuses(ref, o),
  postLineage: (o) => client.postLineage(ref, [], o),
  getLineage: (o) => client.getLineage(ref, o),
  getTree: (o) => client.getTree(ref, '', o),
  readArtifact: (o) => client.readArtifact(ref, 'a', o),
  readArchive: (o) => client.readArchive(ref, o),
  uploadArchive: (o) => client.uploadArchive(ref, 'a', 'b', new Uint8Array(), o),
  uploadArtifact: (o) => client.uploadArtifact(ref, 'a', new Uint8Array(), o),
  deleteArtifact: (o) => client.deleteArtifact(ref, 'a', o),
  request: (o) => client.request('GET', ['a'], o),
};

const runClient = new polyaxon.RunClient({ ...ref, client });
const RUN_CLIENT_CALLS: Calls = {
  ...Object.fromEntries(
    [
      ...(['refreshData', 'getInputs', 'getOutputs', 'getNamespace', 'delete', 'stop', 'skip'] as const),
      ...(['approve', 'invalidate', 'archive', 'restore', 'bookmark', 'unbookmark'] as const),
      ...(['list', 'listChildren', 'getRunsIo', 'getArtifactsLineage', 'getRunsArtifactsLineage'] as const),
      ...(['start', 'logSucceeded', 'logStopped', 'logFailed', 'getStatuses'] as const),
      ...(['waitForCondition', 'watchStatuses', 'getLogs', 'watchLogs', 'getMetrics'] as const),
    ].map((name) => [name, (o) => runClient[name](o)]),
  ),
  ...Object.fromEntries(
    (['create', 'restart', 'copy', 'resume', 'update'] as const).map((name) => [
      name,
      (o) => runClient[name]({}, o),
    ]),
  ),
  ...Object.fromEntries(
    (['setName', 'setDescription', 'setReadme', 'logTags', 'transfer'] as const).map((name) => [
      name,
      (o) => runClient[name]('a', o),
    ]),
  ),
  ...Object.fromEntries(
    (['logInputs', 'logOutputs', 'logMeta'] as const).map((name) => [name, (o) => runClient[name]({}, o)]),
  ),
  logProgress: (o) => runClient.logProgress(0, o),
  logStatus: (o) => runClient.logStatus('running', o),
  getEvents: (o) => runClient.getEvents('metric', o),
  getMultiRunEvents: (o) => runClient.getMultiRunEvents('metric', [], [], o),
  logArtifactLineage: (o) => runClient.logArtifactLineage([], o),
  setRunEdgesLineage: (o) => runClient.setRunEdgesLineage([], o),
  getArtifactsTree: (o) => runClient.getArtifactsTree('', o),
  getArtifact: (o) => runClient.getArtifact('a', o),
  downloadArtifact: (o) => runClient.downloadArtifact('a', directory, o),
  downloadArtifacts: (o) => runClient.downloadArtifacts('a', directory, o),
  downloadArtifactForLineage: (o) =>
    runClient.downloadArtifactForLineage({ name: 'a', kind: 'file', summary: {} }, directory, o),
  uploadArtifact: (o) => runClient.uploadArtifact(file, 'a', o),
  uploadArtifacts: (o) => runClient.uploadArtifacts([], '', o),
  uploadArtifactsDir: (o) => runClient.uploadArtifactsDir(directory, '', o),
  deleteArtifact: (o) => runClient.deleteArtifact('a', o),
  deleteArtifacts: (o) => runClient.deleteArtifacts('a', o),
  promoteToModelVersion: (o) => runClient.promoteToModelVersion('1', {}, o),
  promoteToArtifactVersion: (o) => runClient.promoteToArtifactVersion('1', {}, o),
  pushOfflineRun: (o) => runClient.pushOfflineRun(directory, o),
  pullRemoteRun: (o) => runClient.pullRemoteRun(directory, o),
};

const projectClient = new polyaxon.ProjectClient({ project: 'p', client });
const PROJECT_CLIENT_CALLS: Calls = {
  ...Object.fromEntries(
    (['refreshData', 'getOrCreate', 'delete', 'list', 'listRuns'] as const).map((name) => [
      name,
      (o) => projectClient[name](o),
    ]),
  ),
  ...Object.fromEntries(
    [
      ...(['approveRuns', 'archiveRuns', 'restoreRuns', 'deleteRuns', 'stopRuns', 'skipRuns'] as const),
      ...(['invalidateRuns', 'bookmarkRuns'] as const),
    ].map((name) => [name, (o) => projectClient[name]([], o)]),
  ),
  create: (o) => projectClient.create({}, o),
  update: (o) => projectClient.update({}, o),
  transferRuns: (o) => projectClient.transferRuns([], 'a', o),
  tagRuns: (o) => projectClient.tagRuns([], [], o),
  listVersions: (o) => projectClient.listVersions('model', o),
  getVersion: (o) => projectClient.getVersion('model', '1', o),
  createVersion: (o) => projectClient.createVersion('model', { name: '1' }, o),
  patchVersion: (o) => projectClient.patchVersion('model', '1', {}, o),
  registerVersion: (o) => projectClient.registerVersion('model', '1', {}, o),
  registerModelVersion: (o) => projectClient.registerModelVersion('1', {}, o),
  registerArtifactVersion: (o) => projectClient.registerArtifactVersion('1', {}, o),
  deleteVersion: (o) => projectClient.deleteVersion('model', '1', o),
  stageVersion: (o) => projectClient.stageVersion('model', '1', 'testing', o),
  getVersionStages: (o) => projectClient.getVersionStages('model', '1', o),
  transferVersion: (o) => projectClient.transferVersion('model', '1', 'a', o),
  copyVersion: (o) => projectClient.copyVersion('model', '1', {}, o),
};

/** Every function with an options object, with a call that is valid but for its options. */
const TAKES_OPTIONS: Calls = {
  ...prefixed('Run.', runCalls(run)),
  ...prefixed('tracking.', runCalls(tracking)),
  ...prefixed('SummaryWriter.', WRITER_CALLS),
  ...prefixed('PolyaxonClient.', CLIENT_CALLS),
  ...prefixed('RunClient.', RUN_CLIENT_CALLS),
  ...prefixed('ProjectClient.', PROJECT_CLIENT_CALLS),
  RunClient: (o) => new polyaxon.RunClient(o),
  ProjectClient: (o) => new polyaxon.ProjectClient(o),
  Run: (o) => new polytrack.Run(o),
  'tracking.init': (o) => tracking.init(o),
  'tracking.withRun': (o) => tracking.withRun(o, () => undefined),
  withRun: (o) => polytrack.withRun(o, () => undefined),
  SummaryWriter: (o) => new SummaryWriter(directory, o),
  PolytrackSpanExporter: (o) => new polytrack.PolytrackSpanExporter(o),
  Diagnostics: (o) => new polytrack.Diagnostics(o),
  EventFileReader: (o) => new format.EventFileReader('a', o),
  EventFileWriter: (o) => new format.EventFileWriter(directory, o),
  PolyaxonClient: (o) => new polyaxon.PolyaxonClient(o),
  Credentials: (o) => new polyaxon.Credentials(o),
  Exporter: (o) => new polyaxon.Exporter(o),
  findConnection: (o) => polyaxon.findConnection(o, {}, polyaxon.nodeFileSystem),
  resolveConfig: (o) => uploader.resolveConfig('.', o, {}, uploader.nodeFileSystem),
  sync: (o) => uploader.sync(config, o),
  watch: (o) => uploader.watch(config, o),
  verify: (o) => uploader.verify(config, o),
  clean: (o) => uploader.clean(config, o),
  openRunSource: (o) => uploader.openRunSource('file:///nowhere', o),
  exportMetrics: (o) => polytrack.exportMetrics(polytrack.loadRuns(directory), o),
  loadRuns: (o) => polytrack.loadRuns(directory, o),
  aggregateRuns: (o) => polytrack.aggregateRuns(polytrack.loadRuns(directory), o),
  compact: (o) => uploader.compact('logs', o),
  listRuns: (o) => uploader.listRuns(config, o),
  listFiles: (o) => uploader.listFiles(config, ref.uuid, '', o),
  pull: (o) => uploader.pull(config, [], directory, o),
  checkStore: (o) => uploader.checkStore('file:///nowhere', o),
  openStore: (o) => uploader.openStore('file:///nowhere', o),
  // The configuration is checked like options.
  findStatus: (o) => uploader.findStatus(o, io),
  findKnownStatus: (o) => uploader.findKnownStatus(o, io),
};

/** Nested options, and configurations of functions that also have options. */
const NESTED: Calls = {
  'the option sync of Run': (o) => new polytrack.Run({ root: directory, sync: o }),
  'the option limits of PolytrackSpanExporter': (o) =>
    new polytrack.PolytrackSpanExporter({ onSpan: () => undefined, limits: o }),
  'the option s3 of openStore': (o) => uploader.openStore('s3://bucket', { ...io, s3: o }),
  'the option gcs of openStore': (o) => uploader.openStore('gs://bucket', { ...io, gcs: o }),
  'the option azure of openStore': (o) => uploader.openStore('azure://container', { ...io, azure: o }),
  'the option polyaxon of openStore': (o) => uploader.openStore('polyaxon://h', { ...io, polyaxon: o }),
  'the configuration of sync': (o) => uploader.sync(o),
  'the configuration of watch': (o) => uploader.watch(o),
  'the configuration of verify': (o) => uploader.verify(o),
  'the configuration of clean': (o) => uploader.clean(o),
  'the configuration of listRuns': (o) => uploader.listRuns(o),
  'the configuration of listFiles': (o) => uploader.listFiles(o, ref.uuid),
  'the configuration of pull': (o) => uploader.pull(o, [], directory),
  'the usage of SpanHandle.setUsage': (o) => span.setUsage(o),
  'the options of SpanHandle.addScore': (o) => span.addScore('s', 1, o),
  'the option traceMetrics of Run': (o) => new polytrack.Run({ root: directory, traceMetrics: o }),
  'the details of SpanHandle.setStatus': (o) => span.setStatus('running', o),
};

/** The functions whose options have a step. */
const TAKES_STEP =
  /^(Run|tracking)\.log(|Metrics?|Image|ImageWithBoxes|Video|Audio|Text|Html|Histogram|NpHistogram|RocAucCurve|PrCurve|Curve|Mesh|Graph|OnnxGraph|LayersModel|Embedding|ConfusionMatrix|Dataframe|\w+Chart|Trace|Artifact|Model)$|^SummaryWriter\.addHparams$/;

/** Functions without an options object. */
const TAKES_NONE = [
  ...['flush', 'logProgress', 'setName', 'setDescription', 'setReadme', 'logArtifactLineage'],
  ...['getInputs', 'getOutputs', 'getStatuses', 'getArtifactsLineage', 'getLogLevel'],
  ...['getConnectionsCatalog', 'getArtifactsStoreConnection', 'getTraceparent'],
]
  .flatMap((name) => [`Run.${name}`, `tracking.${name}`])
  .concat(
    ['logAggregate', 'tracking.getOrCreateRun', 'SummaryWriter.flush', 'SummaryWriter.setDefaultStep'],
    [
      'SummaryWriter.addEmbedding',
      'PolyaxonClient.close',
      'RunClient.close',
      'ProjectClient.close',
      'Credentials.authorization',
      'Credentials.describe',
    ],
    [
      'Credentials.mask',
      'Credentials.toJSON',
      'Diagnostics.count',
      'Diagnostics.warn',
      'Diagnostics.error',
      'Diagnostics.recovered',
      'Diagnostics.guard',
      'Diagnostics.rejected',
      'Diagnostics.unawaited',
    ],
    ['GraphBuilder', 'GraphBuilder.node', 'GraphBuilder.build', 'exactTag', 'PolytrackSpanExporter.export'],
    ['PolytrackSpanExporter.forceFlush', 'PolytrackSpanExporter.shutdown', 'EventFileReader.read'],
    ['EventFileReader.readBatches', 'EventFileReader.close', 'listEventFiles', 'decodeValue', 'TagIndex'],
    ['toScalarEvent', 'MemorySink', 'ProjectDirectory', 'artifactsOf', 'createPolyaxonValue', 'listStatus'],
    ['decodePolyaxonValue', 'isDone', 'parsePolyaxonUrl', 'sanitizeName', 'toFallbackName', 'toPolyaxonTag'],
    ['toReadableName', 'readTraceparent', 'SecretUrl', 'SecretUrl.reveal'],
    ['toPolyaxonUrl'],
  );

/** Parts that the library calls itself, or that hold data; their methods have no options. */
const PARTS = ['EventFileWriter', 'TagIndex', 'MemorySink', 'Exporter', 'ProjectDirectory'];

function prefixed(prefix: string, calls: Calls): Calls {
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [`${prefix}${name}`, call]));
}

/** The functions of an entry point: its functions, its classes, and their methods. */
function functionsOf(door: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(door).flatMap(([name, value]) => {
    if (value === tracking) return Object.keys(tracking).map((method) => `tracking.${method}`);
    if (typeof value !== 'function' || value.prototype instanceof Error || value === polytrack.CodedError)
      return [];
    const methods = PARTS.includes(name) ? [] : methodsOf(value.prototype);
    return [name, ...methods.map((method) => `${name}.${method}`)];
  });
}

function methodsOf(prototype: object | undefined): string[] {
  if (prototype === undefined || prototype === Object.prototype) return [];
  const own = Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([name, { value }]) => typeof value === 'function' && name !== 'constructor')
    .map(([name]) => name);
  return [...own, ...methodsOf(Object.getPrototypeOf(prototype))];
}

/** Protected methods of `Run`. */
const PROTECTED = ['addCodeRef', 'addStatus', 'change', 'updateFromSpan', 'writeEnv', 'writeFileArtifact'];

async function errorOf(call: Call, options: unknown): Promise<Record<string, unknown>> {
  try {
    await call(options as never);
  } catch (error) {
    return error as Record<string, unknown>;
  }
  return { message: 'no error' };
}

describe('every public function', () => {
  it('is in one of the tables of this test', () => {
    const all = new Set(Object.values(DOORS).flatMap(functionsOf));
    for (const name of PROTECTED) all.delete(`Run.${name}`);
    for (const name of ['useMemory', 'copyBefore']) all.delete(`EventFileReader.${name}`);

    expect([...Object.keys(TAKES_OPTIONS), ...TAKES_NONE].sort()).toEqual([...all].sort());
  });

  const calls = Object.entries({ ...TAKES_OPTIONS, ...NESTED });
  tracking.init({ noOp: true, root: directory });
  afterAll(() => tracking.end());

  it.each(calls)('rejects an unknown option: %s', async (_name, call) => {
    const error = await errorOf(call, { 'no such option': undefined });

    expect(error).toMatchObject({ code: 'ERR_OPTION_INVALID', hint: expect.stringMatching(/^Use only /) });
    expect(error.message).toMatch(/ has no option "no such option"$/);
  });

  it.each(calls)('rejects options that are no object: %s', async (_name, call) => {
    const odd = [
      'x',
      null,
      [],
      [1],
      new Map([['step', 1]]),
      new Set(),
      new Date(),
      Symbol('s'),
      new Uint8Array(1),
    ];

    for (const options of odd) {
      expect(await errorOf(call, options), String(options)).toMatchObject({ code: 'ERR_OPTION_INVALID' });
    }
  });

  it.each(calls)('takes a number instead of options as the step, or rejects it: %s', async (name, call) => {
    const { code } = await errorOf(call, 1.5);

    expect(code).toBe(TAKES_STEP.test(name) ? 'ERR_STEP_INVALID' : 'ERR_OPTION_INVALID');
  });
});
