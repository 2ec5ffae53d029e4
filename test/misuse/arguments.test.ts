/** Calls every function with wrong arguments. Each call is rejected with a code and a short message, or does what it can with them. */

import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import * as format from '../../src/format/index.js';
import * as polytrack from '../../src/index.js';
import { CodedError, GraphBuilder, Run, SummaryWriter } from '../../src/index.js';
import * as uploader from '../../uploader/index.js';
import * as polyaxon from '../../uploader/polyaxon.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createSharedTempDir } from '../support/temp-dir.js';

type Call = (...args: unknown[]) => unknown;

const directory = createSharedTempDir();
const run = new Run({ root: directory, ...NO_CAPTURE, onWarning: () => undefined, filter: () => false });
const writer = new SummaryWriter(directory, { onWarning: () => undefined, filter: () => false });
const builder = new GraphBuilder();
const span = run.startSpan('span');

/** Methods that end their object, and those that run a function of the caller or return a new object without a check. */
const LEFT_OUT = [
  'constructor',
  'end',
  'logSucceeded',
  'logStopped',
  'logFailed',
  'close',
  'run',
  'fail',
  'finish',
  'release',
];

function methodsOf(prefix: string, target: object, names?: readonly string[]): [string, Call][] {
  const found: [string, Call][] = [];
  for (
    let type = Object.getPrototypeOf(target);
    type !== Object.prototype;
    type = Object.getPrototypeOf(type)
  ) {
    for (const [name, { value }] of Object.entries(
      Object.getOwnPropertyDescriptors(type) as PropertyDescriptorMap,
    )) {
      if (typeof value !== 'function' || LEFT_OUT.includes(name) || PROTECTED.includes(name)) continue;
      if (names === undefined || names.includes(name))
        found.push([`${prefix}.${name}`, (...args) => value.apply(target, args)]);
    }
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

const PROTECTED = ['addCodeRef', 'addStatus', 'change', 'updateFromSpan', 'writeEnv', 'writeFileArtifact'];
const SPAN_METHODS = [
  'setInput',
  'setInputs',
  'setOutput',
  'setOutputs',
  'addMetadata',
  'addTag',
  'setKind',
  'setStatus',
  'addEvent',
  'setUsage',
  'addScore',
];

const CALLS: readonly [string, Call][] = [
  ...methodsOf('Run', run),
  ...methodsOf('SummaryWriter', writer),
  ...methodsOf('GraphBuilder', builder),
  ...methodsOf('SpanHandle', span, SPAN_METHODS),
  ['new EventFileReader', (path, options) => new format.EventFileReader(path as never, options as never)],
  ['new Diagnostics', (options) => new polytrack.Diagnostics(options as never)],
  ['new PolytrackSpanExporter', (options) => new polytrack.PolytrackSpanExporter(options as never)],
  ['new Exporter', (options) => new polyaxon.Exporter(options as never)],
  ['new PolyaxonClient', (options) => new polyaxon.PolyaxonClient(options as never)],
  ['new RunClient', (options) => new polyaxon.RunClient(options as never)],
  ['new ProjectClient', (options) => new polyaxon.ProjectClient(options as never)],
  ['parsePolyaxonUrl', (url) => polyaxon.parsePolyaxonUrl(url as never)],
  ['openStore', (url, options) => uploader.openStore(url as never, (options ?? uploader.nodeIo) as never)],
  ['sync', (config, options) => uploader.sync(config as never, options as never)],
  ['watch', (config, options) => uploader.watch(config as never, options as never)],
  ['verify', (config, options) => uploader.verify(config as never, options as never)],
  ['clean', (config, options) => uploader.clean(config as never, options as never)],
  ['listRuns', (config, options) => uploader.listRuns(config as never, options as never)],
  ['pull', (config, ...args) => (uploader.pull as Call)(config, ...args)],
];

afterAll(() => Promise.all([run.end(), writer.close()]));

/** The error of a call; undefined if it has none. */
async function errorOf(call: Call, args: readonly unknown[]): Promise<unknown> {
  try {
    await call(...args);
    return undefined;
  } catch (error) {
    return error ?? new Error('nothing was thrown');
  }
}

async function textsOf(args: readonly unknown[]): Promise<string> {
  const lines: string[] = [];
  for (const [name, call] of CALLS) {
    const error = await errorOf(call, args);
    if (error === undefined) continue;
    const { code, message, hint } = error as CodedError;
    lines.push(`${name} ${code}: ${message} → ${hint}`.replaceAll(directory, '~'));
  }
  return lines.join('\n');
}

describe('a wrong call', () => {
  it('is explained: no arguments', async () => {
    expect(await textsOf([])).toMatchInlineSnapshot(`
      "Run.alert ERR_OPTION_INVALID: alert: options is null, expected an object → Pass an object with any of the options title, text, level.
      Run.log ERR_SCALAR_INVALID: values is undefined, expected an object of names and values → Pass numbers by their names, such as { loss: 0.5 }. Log texts with logText, arrays with logHistogram, files with logImage or logArtifact.
      Run.logAltairChart ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.logArtifact ERR_ARTIFACT_INVALID: path is undefined, expected the path of a file or a directory → Pass the path of an existing file or directory.
      Run.logArtifactLineage ERR_ARTIFACT_INVALID: the lineage entry has no name, expected a non-empty string → Pass { name, kind, path, summary, is_input }.
      Run.logArtifactRef ERR_NAME_INVALID: name is empty → Give the value a name, such as "train/loss".
      Run.logAudio ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.logBokehChart ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.logCodeRef ERR_PARAMS_INVALID: code is undefined, expected an object → Log strings, numbers, booleans, arrays and plain objects of them.
      Run.logConfusionMatrix ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.logCurve ERR_CURVE_INVALID: curve is undefined, expected { x, y } → Pass the points of the curve as two arrays of equal length, or { labels, scores }.
      Run.logCustomScalars ERR_LAYOUT_INVALID: layout is undefined, expected a list of categories → Pass [{ title, charts: [{ title, multiline: [tags] } or { title, margin: [{ value, lower, upper }] }] }].
      Run.logDataRef ERR_NAME_INVALID: name is empty → Give the value a name, such as "train/loss".
      Run.logDataframe ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.logDirRef ERR_ARTIFACT_INVALID: path is undefined, expected a path or a URL → Pass the path as a string, such as data/train.csv.
      Run.logEmbedding ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.logEnv ERR_PARAMS_INVALID: env is undefined, expected an object → Log strings, numbers, booleans, arrays and plain objects of them.
      Run.logFileRef ERR_NAME_INVALID: name is empty → Give the value a name, such as "train/loss".
      Run.logGraph ERR_GRAPH_INVALID: graph is undefined, expected a GraphBuilder or the bytes of a GraphDef → Give every node a unique name, an op, and inputs that name other nodes.
      Run.logHistogram ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.logHtml ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.logImage ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.logImageWithBoxes ERR_IMAGE_INVALID: image is undefined, expected encoded bytes or { pixels, height, width } → Pass PNG, JPEG, GIF or BMP bytes, or { pixels, height, width, channels } with height × width × channels values.
      Run.logInputs ERR_PARAMS_INVALID: inputs is undefined, expected an object → Log strings, numbers, booleans, arrays and plain objects of them.
      Run.logLayersModel ERR_GRAPH_INVALID: model is undefined, expected the content of model.json → Pass a model as TensorFlow.js, Keras or ONNX has saved it.
      Run.logMesh ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.logMeta ERR_PARAMS_INVALID: meta is undefined, expected an object → Log strings, numbers, booleans, arrays and plain objects of them.
      Run.logMetric ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.logMetricSeries ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.logMetrics ERR_SCALAR_INVALID: metrics is undefined, expected an object of names and numbers → Pass { name: value, … }.
      Run.logModel ERR_ARTIFACT_INVALID: path is undefined, expected the path of a file or a directory → Pass the path of an existing file or directory.
      Run.logModelRef ERR_NAME_INVALID: name is empty → Give the value a name, such as "train/loss".
      Run.logNpHistogram ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.logOnnxGraph ERR_GRAPH_INVALID: model is undefined, expected bytes → Pass a model as TensorFlow.js, Keras or ONNX has saved it.
      Run.logOutputs ERR_PARAMS_INVALID: outputs is undefined, expected an object → Log strings, numbers, booleans, arrays and plain objects of them.
      Run.logPlotlyChart ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.logPrCurve ERR_CURVE_INVALID: curve is undefined, expected an object with points or { labels, scores } → Pass the points of the curve as two arrays of equal length, or { labels, scores }.
      Run.logProgress ERR_PROGRESS_INVALID: progress is undefined, expected a number from 0 to 1 → Pass the completed fraction, such as step / steps.
      Run.logRocAucCurve ERR_CURVE_INVALID: curve is undefined, expected an object with points or { labels, scores } → Pass the points of the curve as two arrays of equal length, or { labels, scores }.
      Run.logScore ERR_SPAN_INVALID: span is undefined, expected a span or its uuid → Pass a span, or its uuid.
      Run.logStatus ERR_STATUS_INVALID: status is undefined, expected one of created, resuming, on_schedule, compiled, queued, scheduled, starting, running, processing, stopping, failed, stopped, succeeded, skipped, warning, unschedulable, upstream_failed, retrying, unknown, done → Pass one of the expected statuses.
      Run.logTags ERR_TAGS_INVALID: tags is undefined, expected non-empty strings → Pass an array of strings, or one string with commas between tags.
      Run.logText ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.logTrace ERR_SPAN_INVALID: span is undefined, expected an object → Pass an object such as { name, startedAt, finishedAt }.
      Run.logVegaChart ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.logVideo ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.metric ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      Run.setDescription ERR_TEXT_INVALID: description is undefined, expected a string → Pass a string of plain text or Markdown.
      Run.setReadme ERR_TEXT_INVALID: readme is undefined, expected a string → Pass a string of plain text or Markdown.
      Run.startSpan ERR_SPAN_INVALID: name is undefined, expected a non-empty string → Pass a name that says what the span does.
      Run.trace ERR_SPAN_INVALID: fn is undefined, expected a function → Pass a function.
      Run.traceStream ERR_SPAN_INVALID: fn is undefined, expected a function → Pass a function.
      Run.traced ERR_SPAN_INVALID: fn is undefined, expected a function → Pass a function.
      Run.update ERR_OPTION_INVALID: update: options is null, expected an object → Pass an object with any of the options name, description, readme, tags, inputs, outputs, meta.
      SummaryWriter.addAudio ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      SummaryWriter.addCustomScalars ERR_LAYOUT_INVALID: layout is undefined, expected a list of categories → Pass [{ title, charts: [{ title, multiline: [tags] } or { title, margin: [{ value, lower, upper }] }] }].
      SummaryWriter.addEmbedding ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      SummaryWriter.addGraph ERR_GRAPH_INVALID: graph is undefined, expected a GraphBuilder or the bytes of a GraphDef → Give every node a unique name, an op, and inputs that name other nodes.
      SummaryWriter.addHistogram ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      SummaryWriter.addHistogramRaw ERR_HISTOGRAM_INVALID: histogram is undefined, expected { min, max, bucketLimits, bucketCounts } → Pass one upper limit for each count.
      SummaryWriter.addHparams ERR_HPARAMS_INVALID: hparams is undefined, expected an object → Pass { name: number, string or boolean }; convert other values with JSON.stringify.
      SummaryWriter.addImage ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      SummaryWriter.addImageWithBoxes ERR_IMAGE_INVALID: image is undefined, expected encoded bytes or { pixels, height, width } → Pass PNG, JPEG, GIF or BMP bytes, or { pixels, height, width, channels } with height × width × channels values.
      SummaryWriter.addImages ERR_IMAGE_INVALID: images is undefined, expected a list or { pixels, count, height, width } → Pass PNG, JPEG, GIF or BMP bytes, or { pixels, height, width, channels } with height × width × channels values.
      SummaryWriter.addLayersModel ERR_GRAPH_INVALID: model is undefined, expected the content of model.json → Pass a model as TensorFlow.js, Keras or ONNX has saved it.
      SummaryWriter.addMesh ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      SummaryWriter.addOnnxGraph ERR_GRAPH_INVALID: model is undefined, expected bytes → Pass a model as TensorFlow.js, Keras or ONNX has saved it.
      SummaryWriter.addPrCurve ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      SummaryWriter.addPrCurveRaw ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      SummaryWriter.addScalar ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      SummaryWriter.addScalarSeries ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      SummaryWriter.addScalars ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      SummaryWriter.addText ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      SummaryWriter.addVideo ERR_NAME_INVALID: name is undefined, expected a string → Pass the name as a string.
      GraphBuilder.build ERR_GRAPH_INVALID: the graph has no nodes → Give every node a unique name, an op, and inputs that name other nodes.
      GraphBuilder.node ERR_GRAPH_INVALID: node is undefined, expected { name, op, … } → Give every node a unique name, an op, and inputs that name other nodes.
      SpanHandle.addEvent ERR_SPAN_INVALID: name is undefined, expected a string → Pass the name of the event.
      SpanHandle.addMetadata ERR_SPAN_INVALID: metadata is undefined, expected an object of names and values → Pass an object.
      SpanHandle.addScore ERR_SPAN_INVALID: name is undefined, expected a non-empty string → Pass the name of the score.
      SpanHandle.setInput ERR_SPAN_INVALID: the key of setInput is undefined, expected a string → Pass a string as key.
      SpanHandle.setInputs ERR_SPAN_INVALID: inputs is undefined, expected an object of names and values → Pass an object.
      SpanHandle.setKind ERR_SPAN_INVALID: kind is undefined, expected one of llm, chain, agent, tool, embedding, retriever → Omit it for other spans.
      SpanHandle.setOutput ERR_SPAN_INVALID: the key of setOutput is undefined, expected a string → Pass a string as key.
      SpanHandle.setOutputs ERR_SPAN_INVALID: outputs is undefined, expected an object of names and values → Pass an object.
      SpanHandle.setStatus ERR_SPAN_INVALID: status is undefined, expected a Polyaxon status → Pass one of created, resuming, on_schedule, compiled, queued, scheduled, starting, running, processing, stopping, failed, stopped, succeeded, skipped, warning, unschedulable, upstream_failed, retrying, unknown, done.
      SpanHandle.setUsage ERR_OPTION_INVALID: setUsage: options is null, expected an object → Pass an object with any of the options inputTokens, outputTokens, cachedInputTokens, cost, model, provider.
      new PolytrackSpanExporter ERR_OPTION_INVALID: new PolytrackSpanExporter: options is null, expected an object → Pass an object with any of the options run, onSpan, mask, limits, maxBufferedSpans, waitForRootMs, waitForLateMs, clock, diagnostics.
      new PolyaxonClient ERR_OPTION_INVALID: new PolyaxonClient: options is null, expected an object → Pass an object with any of the options connection, transport, clock, beforeRequest, onNotice.
      new RunClient ERR_OPTION_INVALID: new RunClient: project is undefined, expected the name of a project → Pass project: "demo" or project: "owner/demo".
      new ProjectClient ERR_OPTION_INVALID: new ProjectClient: project is undefined, expected the name of a project → Pass project: "demo" or project: "owner/demo".
      parsePolyaxonUrl ERR_STORE_URL: the URL is undefined, expected text → Write the store URL as s3://bucket/prefix, gs://bucket/prefix, azure://container/prefix, file:///absolute/path or polyaxon://host/owner/project.
      openStore ERR_STORE_URL: the store URL is undefined, expected text → Write the store URL as s3://bucket/prefix, gs://bucket/prefix, azure://container/prefix, file:///absolute/path or polyaxon://host/owner/project.
      sync ERR_OPTION_INVALID: the configuration of sync: options is null, expected an object → Pass an object with any of the options path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http.
      watch ERR_OPTION_INVALID: the configuration of watch: options is null, expected an object → Pass an object with any of the options path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http.
      verify ERR_OPTION_INVALID: the configuration of verify: options is null, expected an object → Pass an object with any of the options path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http.
      clean ERR_OPTION_INVALID: the configuration of clean: options is null, expected an object → Pass an object with any of the options path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http.
      listRuns ERR_OPTION_INVALID: the configuration of listRuns: options is null, expected an object → Pass an object with any of the options path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http.
      pull ERR_OPTION_INVALID: the configuration of pull: options is null, expected an object → Pass an object with any of the options path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http."
    `);
  });

  it('is explained: objects', async () => {
    const object = { layers: Array.from({ length: 500 }, (_, i) => ({ name: `dense_${i}` })), units: 8 };

    expect(await textsOf([object, object, object, object])).toMatchInlineSnapshot(`
      "Run.alert ERR_OPTION_INVALID: alert has no option "layers" → Use only title, text, level.
      Run.getArtifactsPath ERR_OPTION_INVALID: getArtifactsPath has no option "layers" → Use only ensure, isDirectory, useStorePath.
      Run.getOutputsPath ERR_OPTION_INVALID: getOutputsPath has no option "layers" → Use only ensure, isDirectory, useStorePath.
      Run.getTensorboardPath ERR_OPTION_INVALID: getTensorboardPath has no option "layers" → Use only ensure, isDirectory, useStorePath.
      Run.log ERR_OPTION_INVALID: log has no option "layers" → Use only step, wallTime, timestamp.
      Run.logAltairChart ERR_OPTION_INVALID: logAltairChart has no option "layers" → Use only step, wallTime, timestamp, displayName, description.
      Run.logArtifact ERR_OPTION_INVALID: logArtifact has no option "layers" → Use only step, wallTime, timestamp, displayName, description, name, summary, skipHash, relPath, kind.
      Run.logArtifactLineage ERR_ARTIFACT_INVALID: the lineage entry has no name, expected a non-empty string → Pass { name, kind, path, summary, is_input }.
      Run.logArtifactRef ERR_OPTION_INVALID: logArtifactRef has no option "layers" → Use only name, hash, content, summary, isInput, relPath, skipHash.
      Run.logAudio ERR_OPTION_INVALID: logAudio has no option "layers" → Use only step, wallTime, timestamp, displayName, description.
      Run.logBokehChart ERR_OPTION_INVALID: logBokehChart has no option "layers" → Use only step, wallTime, timestamp, displayName, description.
      Run.logCodeRef ERR_OPTION_INVALID: logCodeRef has no option "layers" → Use only isInput.
      Run.logConfusionMatrix ERR_OPTION_INVALID: logConfusionMatrix has no option "layers" → Use only step, wallTime, timestamp, displayName, description.
      Run.logCurve ERR_OPTION_INVALID: logCurve has no option "layers" → Use only step, wallTime, timestamp, displayName, description.
      Run.logCustomScalars ERR_OPTION_INVALID: logCustomScalars has no option "layers" → Use only wallTime, timestamp.
      Run.logDataRef ERR_OPTION_INVALID: logDataRef has no option "layers" → Use only name, hash, content, summary, isInput, relPath, skipHash, path.
      Run.logDataframe ERR_OPTION_INVALID: logDataframe has no option "layers" → Use only step, wallTime, timestamp, displayName, description, contentType.
      Run.logDirRef ERR_OPTION_INVALID: logDirRef has no option "layers" → Use only name, hash, content, summary, isInput, relPath, skipHash.
      Run.logEmbedding ERR_OPTION_INVALID: logEmbedding has no option "layers" → Use only step.
      Run.logEnv ERR_OPTION_INVALID: logEnv has no option "layers" → Use only relPath.
      Run.logFileRef ERR_OPTION_INVALID: logFileRef has no option "layers" → Use only name, hash, content, summary, isInput, relPath, skipHash.
      Run.logGraph ERR_OPTION_INVALID: logGraph has no option "layers" → Use only step, wallTime, timestamp.
      Run.logHistogram ERR_OPTION_INVALID: logHistogram has no option "layers" → Use only step, wallTime, timestamp, displayName, description, buckets, bins, maxBins.
      Run.logHtml ERR_OPTION_INVALID: logHtml has no option "layers" → Use only step, wallTime, timestamp, displayName, description.
      Run.logImage ERR_OPTION_INVALID: logImage has no option "layers" → Use only step, wallTime, timestamp, displayName, description, rescale, ext.
      Run.logImageWithBoxes ERR_OPTION_INVALID: logImageWithBoxes has no option "layers"; did you mean "labels"? → Rename it to labels, or omit it.
      Run.logInputs ERR_OPTION_INVALID: logInputs has no option "layers" → Use only reset, allowSecrets.
      Run.logLayersModel ERR_OPTION_INVALID: logLayersModel has no option "layers" → Use only step, wallTime, timestamp.
      Run.logMesh ERR_OPTION_INVALID: logMesh has no option "layers" → Use only step, wallTime, timestamp, displayName, description.
      Run.logMeta ERR_OPTION_INVALID: logMeta has no option "layers" → Use only reset, allowSecrets.
      Run.logMetric ERR_OPTION_INVALID: logMetric has no option "layers" → Use only step, wallTime, timestamp, displayName, description.
      Run.logMetricSeries ERR_OPTION_INVALID: logMetricSeries has no option "layers" → Use only wallTime, timestamp, displayName, description.
      Run.logMetrics ERR_OPTION_INVALID: logMetrics has no option "layers" → Use only step, wallTime, timestamp.
      Run.logModel ERR_OPTION_INVALID: logModel has no option "layers" → Use only step, wallTime, timestamp, displayName, description, name, summary, skipHash, relPath, framework.
      Run.logModelRef ERR_OPTION_INVALID: logModelRef has no option "layers" → Use only name, hash, content, summary, isInput, relPath, skipHash, framework.
      Run.logNpHistogram ERR_OPTION_INVALID: logNpHistogram has no option "layers" → Use only step, wallTime, timestamp, displayName, description, maxBins.
      Run.logOnnxGraph ERR_OPTION_INVALID: logOnnxGraph has no option "layers" → Use only step, wallTime, timestamp.
      Run.logOutputs ERR_OPTION_INVALID: logOutputs has no option "layers" → Use only reset, allowSecrets.
      Run.logPlotlyChart ERR_OPTION_INVALID: logPlotlyChart has no option "layers" → Use only step, wallTime, timestamp, displayName, description.
      Run.logPrCurve ERR_OPTION_INVALID: logPrCurve has no option "layers" → Use only step, wallTime, timestamp, displayName, description.
      Run.logProgress ERR_PROGRESS_INVALID: progress is an object with the keys layers, units, expected a number from 0 to 1 → Pass the completed fraction, such as step / steps.
      Run.logRocAucCurve ERR_OPTION_INVALID: logRocAucCurve has no option "layers" → Use only step, wallTime, timestamp, displayName, description.
      Run.logScore ERR_OPTION_INVALID: logScore has no option "layers" → Use only label, explanation.
      Run.logStatus ERR_OPTION_INVALID: logStatus has no option "layers" → Use only reason, message, wallTime.
      Run.logTags ERR_OPTION_INVALID: logTags has no option "layers" → Use only reset.
      Run.logTensorboardRef ERR_OPTION_INVALID: logTensorboardRef has no option "layers" → Use only name, isInput, relPath.
      Run.logText ERR_OPTION_INVALID: logText has no option "layers" → Use only step, wallTime, timestamp, displayName, description.
      Run.logTrace ERR_OPTION_INVALID: logTrace has no option "layers" → Use only step, wallTime, timestamp, displayName, description, updateRun.
      Run.logVegaChart ERR_OPTION_INVALID: logVegaChart has no option "layers" → Use only step, wallTime, timestamp, displayName, description.
      Run.logVideo ERR_OPTION_INVALID: logVideo has no option "layers" → Use only step, wallTime, timestamp, displayName, description, framesPerSecond, fps.
      Run.metric ERR_NAME_INVALID: name is an object with the keys layers, units, expected a string → Pass the name as a string.
      Run.setDescription ERR_TEXT_INVALID: description is an object with the keys layers, units, expected a string → Pass a string of plain text or Markdown.
      Run.setName ERR_NAME_INVALID: name is an object with the keys layers, units, expected a string → Pass the name as a string.
      Run.setReadme ERR_TEXT_INVALID: readme is an object with the keys layers, units, expected a string → Pass a string of plain text or Markdown.
      Run.start ERR_OPTION_INVALID: start has no option "layers" → Use only reason, message, wallTime.
      Run.startSpan ERR_OPTION_INVALID: startSpan has no option "layers" → Use only kind, inputs, tags, metadata, captureOutput, session, user, parent.
      Run.trace ERR_SPAN_INVALID: fn is an object with the keys layers, units, expected a function → Pass a function.
      Run.traceStream ERR_SPAN_INVALID: fn is an object with the keys layers, units, expected a function → Pass a function.
      Run.traced ERR_SPAN_INVALID: fn is an object with the keys layers, units, expected a function → Pass a function.
      Run.update ERR_OPTION_INVALID: update has no option "layers" → Use only name, description, readme, tags, inputs, outputs, meta.
      SummaryWriter.addAudio ERR_OPTION_INVALID: addAudio has no option "layers" → Use only wallTime, timestamp, displayName, description.
      SummaryWriter.addCustomScalars ERR_OPTION_INVALID: addCustomScalars has no option "layers" → Use only wallTime.
      SummaryWriter.addEmbedding ERR_NAME_INVALID: name is an object with the keys layers, units, expected a string → Pass the name as a string.
      SummaryWriter.addGraph ERR_OPTION_INVALID: addGraph has no option "layers" → Use only wallTime.
      SummaryWriter.addHistogram ERR_OPTION_INVALID: addHistogram has no option "layers" → Use only wallTime, timestamp, displayName, description, buckets, bins, maxBins.
      SummaryWriter.addHistogramRaw ERR_OPTION_INVALID: addHistogramRaw has no option "layers" → Use only wallTime, timestamp, displayName, description.
      SummaryWriter.addHparams ERR_OPTION_INVALID: addHparams has no option "layers" → Use only groupName, modelUri, monitorUrl, step, wallTime.
      SummaryWriter.addHparamsConfig ERR_OPTION_INVALID: addHparamsConfig has no option "layers" → Use only wallTime.
      SummaryWriter.addImage ERR_OPTION_INVALID: addImage has no option "layers" → Use only wallTime, timestamp, displayName, description.
      SummaryWriter.addImageWithBoxes ERR_IMAGE_INVALID: image is an object with the keys layers, units, expected encoded bytes or { pixels, height, width } → Pass PNG, JPEG, GIF or BMP bytes, or { pixels, height, width, channels } with height × width × channels values.
      SummaryWriter.addImages ERR_OPTION_INVALID: addImages has no option "layers" → Use only wallTime, timestamp, displayName, description.
      SummaryWriter.addLayersModel ERR_OPTION_INVALID: addLayersModel has no option "layers" → Use only wallTime.
      SummaryWriter.addMesh ERR_OPTION_INVALID: addMesh has no option "layers" → Use only wallTime, timestamp, displayName, description.
      SummaryWriter.addOnnxGraph ERR_OPTION_INVALID: addOnnxGraph has no option "layers" → Use only wallTime.
      SummaryWriter.addPrCurve ERR_NAME_INVALID: name is an object with the keys layers, units, expected a string → Pass the name as a string.
      SummaryWriter.addPrCurveRaw ERR_OPTION_INVALID: addPrCurveRaw has no option "layers" → Use only wallTime, timestamp, displayName, description.
      SummaryWriter.addScalar ERR_OPTION_INVALID: addScalar has no option "layers" → Use only wallTime, timestamp, displayName, description.
      SummaryWriter.addScalarSeries ERR_OPTION_INVALID: addScalarSeries has no option "layers" → Use only wallTime, timestamp, displayName, description.
      SummaryWriter.addScalars ERR_OPTION_INVALID: addScalars has no option "layers" → Use only wallTime, timestamp.
      SummaryWriter.addText ERR_OPTION_INVALID: addText has no option "layers" → Use only wallTime, timestamp, displayName, description.
      SummaryWriter.addVideo ERR_OPTION_INVALID: addVideo has no option "layers" → Use only wallTime, timestamp, displayName, description, framesPerSecond.
      SummaryWriter.setDefaultStep ERR_STEP_INVALID: step is an object with the keys layers, units, expected an integer → Pass a whole number or a bigint.
      GraphBuilder.build ERR_GRAPH_INVALID: the graph has no nodes → Give every node a unique name, an op, and inputs that name other nodes.
      GraphBuilder.node ERR_GRAPH_INVALID: name of a node is undefined, expected a string → Give every node a unique name, an op, and inputs that name other nodes.
      SpanHandle.addEvent ERR_SPAN_INVALID: name is an object with the keys layers, units, expected a string → Pass the name of the event.
      SpanHandle.addScore ERR_OPTION_INVALID: addScore has no option "layers" → Use only label, explanation.
      SpanHandle.addTag ERR_SPAN_INVALID: tag is an object with the keys layers, units, expected a non-empty string → Pass non-empty strings.
      SpanHandle.setInput ERR_SPAN_INVALID: the key of setInput is an object with the keys layers, units, expected a string → Pass a string as key.
      SpanHandle.setKind ERR_SPAN_INVALID: kind is an object with the keys layers, units, expected one of llm, chain, agent, tool, embedding, retriever → Omit it for other spans.
      SpanHandle.setOutput ERR_SPAN_INVALID: the key of setOutput is an object with the keys layers, units, expected a string → Pass a string as key.
      SpanHandle.setStatus ERR_OPTION_INVALID: setStatus has no option "layers" → Use only reason, message.
      SpanHandle.setUsage ERR_OPTION_INVALID: setUsage has no option "layers" → Use only inputTokens, outputTokens, cachedInputTokens, cost, model, provider.
      new EventFileReader ERR_OPTION_INVALID: new EventFileReader has no option "layers" → Use only offset, onDamage, open.
      new Diagnostics ERR_OPTION_INVALID: new Diagnostics has no option "layers" → Use only onError, onWarning.
      new PolytrackSpanExporter ERR_OPTION_INVALID: new PolytrackSpanExporter has no option "layers" → Use only run, onSpan, mask, limits, maxBufferedSpans, waitForRootMs, waitForLateMs, clock, diagnostics.
      new Exporter ERR_OPTION_INVALID: new Exporter has no option "layers" → Use only target, state, exactValues, isReservedName, series, isImported.
      new PolyaxonClient ERR_OPTION_INVALID: new PolyaxonClient has no option "layers" → Use only connection, transport, clock, beforeRequest, onNotice.
      new RunClient ERR_OPTION_INVALID: new RunClient has no option "layers" → Use only owner, project, client, host, token, uuid.
      new ProjectClient ERR_OPTION_INVALID: new ProjectClient has no option "layers" → Use only owner, project, client, host, token.
      parsePolyaxonUrl ERR_STORE_URL: the URL is an object with the keys layers, units, expected text → Write the store URL as s3://bucket/prefix, gs://bucket/prefix, azure://container/prefix, file:///absolute/path or polyaxon://host/owner/project.
      openStore ERR_OPTION_INVALID: openStore has no option "layers" → Use only fileSystem, clock, randomness, processes, s3, gcs, azure, polyaxon, onNotice, hostId, openFileWatcher.
      sync ERR_OPTION_INVALID: the configuration of sync has no option "layers" → Use only path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http.
      watch ERR_OPTION_INVALID: the configuration of watch has no option "layers" → Use only path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http.
      verify ERR_OPTION_INVALID: the configuration of verify has no option "layers" → Use only path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http.
      clean ERR_OPTION_INVALID: the configuration of clean has no option "layers" → Use only path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http.
      listRuns ERR_OPTION_INVALID: the configuration of listRuns has no option "layers" → Use only path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http.
      pull ERR_OPTION_INVALID: the configuration of pull has no option "layers" → Use only path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http."
    `);
  });

  it('is explained: a good name and nothing that fits', async () => {
    expect(await textsOf(['name', null, null, null])).toMatchInlineSnapshot(`
      "Run.alert ERR_OPTION_INVALID: alert: options is "name", expected an object → Pass an object with any of the options title, text, level.
      Run.getArtifactsPath ERR_OPTION_INVALID: getArtifactsPath: options is null, expected an object → Pass an object with any of the options ensure, isDirectory, useStorePath.
      Run.getOutputsPath ERR_OPTION_INVALID: getOutputsPath: options is null, expected an object → Pass an object with any of the options ensure, isDirectory, useStorePath.
      Run.getTensorboardPath ERR_OPTION_INVALID: getTensorboardPath: options is null, expected an object → Pass an object with any of the options ensure, isDirectory, useStorePath.
      Run.log ERR_OPTION_INVALID: log: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp.
      Run.logAltairChart ERR_OPTION_INVALID: logAltairChart: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description.
      Run.logArtifact ERR_OPTION_INVALID: logArtifact: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description, name, summary, skipHash, relPath, kind.
      Run.logArtifactLineage ERR_ARTIFACT_INVALID: the lineage entry has no name, expected a non-empty string → Pass { name, kind, path, summary, is_input }.
      Run.logArtifactRef ERR_OPTION_INVALID: logArtifactRef: options is null, expected an object → Pass an object with any of the options name, hash, content, summary, isInput, relPath, skipHash.
      Run.logAudio ERR_OPTION_INVALID: logAudio: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description.
      Run.logBokehChart ERR_OPTION_INVALID: logBokehChart: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description.
      Run.logCodeRef ERR_OPTION_INVALID: logCodeRef: options is null, expected an object → Pass an object with any of the options isInput.
      Run.logConfusionMatrix ERR_OPTION_INVALID: logConfusionMatrix: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description.
      Run.logCurve ERR_OPTION_INVALID: logCurve: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description.
      Run.logCustomScalars ERR_OPTION_INVALID: logCustomScalars: options is null, expected an object → Pass an object with any of the options wallTime, timestamp.
      Run.logDataRef ERR_OPTION_INVALID: logDataRef: options is null, expected an object → Pass an object with any of the options name, hash, content, summary, isInput, relPath, skipHash, path.
      Run.logDataframe ERR_OPTION_INVALID: logDataframe: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description, contentType.
      Run.logDirRef ERR_OPTION_INVALID: logDirRef: options is null, expected an object → Pass an object with any of the options name, hash, content, summary, isInput, relPath, skipHash.
      Run.logEmbedding ERR_OPTION_INVALID: logEmbedding: options is null, expected an object → Pass an object with any of the options step.
      Run.logEnv ERR_OPTION_INVALID: logEnv: options is null, expected an object → Pass an object with any of the options relPath.
      Run.logFileRef ERR_OPTION_INVALID: logFileRef: options is null, expected an object → Pass an object with any of the options name, hash, content, summary, isInput, relPath, skipHash.
      Run.logGraph ERR_OPTION_INVALID: logGraph: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp.
      Run.logHistogram ERR_OPTION_INVALID: logHistogram: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description, buckets, bins, maxBins.
      Run.logHtml ERR_OPTION_INVALID: logHtml: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description.
      Run.logImage ERR_OPTION_INVALID: logImage: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description, rescale, ext.
      Run.logImageWithBoxes ERR_OPTION_INVALID: logImageWithBoxes: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description, rescale, ext, lineWidth, labels.
      Run.logInputs ERR_OPTION_INVALID: logInputs: options is null, expected an object → Pass an object with any of the options reset, allowSecrets.
      Run.logLayersModel ERR_OPTION_INVALID: logLayersModel: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp.
      Run.logMesh ERR_OPTION_INVALID: logMesh: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description.
      Run.logMeta ERR_OPTION_INVALID: logMeta: options is null, expected an object → Pass an object with any of the options reset, allowSecrets.
      Run.logMetric ERR_OPTION_INVALID: logMetric: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description.
      Run.logMetricSeries ERR_OPTION_INVALID: logMetricSeries: options is null, expected an object → Pass an object with any of the options wallTime, timestamp, displayName, description.
      Run.logMetrics ERR_OPTION_INVALID: logMetrics: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp.
      Run.logModel ERR_OPTION_INVALID: logModel: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description, name, summary, skipHash, relPath, framework.
      Run.logModelRef ERR_OPTION_INVALID: logModelRef: options is null, expected an object → Pass an object with any of the options name, hash, content, summary, isInput, relPath, skipHash, framework.
      Run.logNpHistogram ERR_OPTION_INVALID: logNpHistogram: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description, maxBins.
      Run.logOnnxGraph ERR_OPTION_INVALID: logOnnxGraph: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp.
      Run.logOutputs ERR_OPTION_INVALID: logOutputs: options is null, expected an object → Pass an object with any of the options reset, allowSecrets.
      Run.logPlotlyChart ERR_OPTION_INVALID: logPlotlyChart: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description.
      Run.logPrCurve ERR_OPTION_INVALID: logPrCurve: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description.
      Run.logProgress ERR_PROGRESS_INVALID: progress is "name", expected a number from 0 to 1 → Pass the completed fraction, such as step / steps.
      Run.logRocAucCurve ERR_OPTION_INVALID: logRocAucCurve: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description.
      Run.logScore ERR_OPTION_INVALID: logScore: options is null, expected an object → Pass an object with any of the options label, explanation.
      Run.logStatus ERR_OPTION_INVALID: logStatus: options is null, expected an object → Pass an object with any of the options reason, message, wallTime.
      Run.logTags ERR_OPTION_INVALID: logTags: options is null, expected an object → Pass an object with any of the options reset.
      Run.logTensorboardRef ERR_OPTION_INVALID: logTensorboardRef: options is null, expected an object → Pass an object with any of the options name, isInput, relPath.
      Run.logText ERR_OPTION_INVALID: logText: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description.
      Run.logTrace ERR_OPTION_INVALID: logTrace: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description, updateRun.
      Run.logVegaChart ERR_OPTION_INVALID: logVegaChart: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description.
      Run.logVideo ERR_OPTION_INVALID: logVideo: options is null, expected an object → Pass an object with any of the options step, wallTime, timestamp, displayName, description, framesPerSecond, fps.
      Run.metric ERR_OPTION_INVALID: metric: options is null, expected an object → Pass an object with any of the options goal.
      Run.start ERR_OPTION_INVALID: start: options is "name", expected an object → Pass an object with any of the options reason, message, wallTime.
      Run.startSpan ERR_OPTION_INVALID: startSpan: options is null, expected an object → Pass an object with any of the options kind, inputs, tags, metadata, captureOutput, session, user, parent.
      Run.trace ERR_SPAN_INVALID: fn is null, expected a function → Pass a function.
      Run.traceStream ERR_SPAN_INVALID: fn is null, expected a function → Pass a function.
      Run.traced ERR_SPAN_INVALID: fn is "name", expected a function → Pass a function.
      Run.update ERR_OPTION_INVALID: update: options is "name", expected an object → Pass an object with any of the options name, description, readme, tags, inputs, outputs, meta.
      SummaryWriter.addAudio ERR_OPTION_INVALID: addAudio: options is null, expected an object → Pass an object with any of the options wallTime, timestamp, displayName, description.
      SummaryWriter.addCustomScalars ERR_OPTION_INVALID: addCustomScalars: options is null, expected an object → Pass an object with any of the options wallTime.
      SummaryWriter.addEmbedding ERR_EMBEDDING_INVALID: vectors is undefined, expected rows of numbers → Pass rows with the same number of finite numbers; labels and images need one entry for each row.
      SummaryWriter.addGraph ERR_OPTION_INVALID: addGraph: options is null, expected an object → Pass an object with any of the options wallTime.
      SummaryWriter.addHistogram ERR_OPTION_INVALID: addHistogram: options is null, expected an object → Pass an object with any of the options wallTime, timestamp, displayName, description, buckets, bins, maxBins.
      SummaryWriter.addHistogramRaw ERR_OPTION_INVALID: addHistogramRaw: options is null, expected an object → Pass an object with any of the options wallTime, timestamp, displayName, description.
      SummaryWriter.addHparams ERR_OPTION_INVALID: addHparams: options is null, expected an object → Pass an object with any of the options groupName, modelUri, monitorUrl, step, wallTime.
      SummaryWriter.addHparamsConfig ERR_OPTION_INVALID: addHparamsConfig: options is null, expected an object → Pass an object with any of the options wallTime.
      SummaryWriter.addImage ERR_OPTION_INVALID: addImage: options is null, expected an object → Pass an object with any of the options wallTime, timestamp, displayName, description.
      SummaryWriter.addImageWithBoxes ERR_IMAGE_INVALID: image is null, expected encoded bytes or { pixels, height, width } → Pass PNG, JPEG, GIF or BMP bytes, or { pixels, height, width, channels } with height × width × channels values.
      SummaryWriter.addImages ERR_OPTION_INVALID: addImages: options is null, expected an object → Pass an object with any of the options wallTime, timestamp, displayName, description.
      SummaryWriter.addLayersModel ERR_OPTION_INVALID: addLayersModel: options is null, expected an object → Pass an object with any of the options wallTime.
      SummaryWriter.addMesh ERR_OPTION_INVALID: addMesh: options is null, expected an object → Pass an object with any of the options wallTime, timestamp, displayName, description.
      SummaryWriter.addOnnxGraph ERR_OPTION_INVALID: addOnnxGraph: options is null, expected an object → Pass an object with any of the options wallTime.
      SummaryWriter.addPrCurve ERR_STEP_INVALID: step is null, expected an integer → Pass a whole number or a bigint.
      SummaryWriter.addPrCurveRaw ERR_OPTION_INVALID: addPrCurveRaw: options is null, expected an object → Pass an object with any of the options wallTime, timestamp, displayName, description.
      SummaryWriter.addScalar ERR_OPTION_INVALID: addScalar: options is null, expected an object → Pass an object with any of the options wallTime, timestamp, displayName, description.
      SummaryWriter.addScalarSeries ERR_OPTION_INVALID: addScalarSeries: options is null, expected an object → Pass an object with any of the options wallTime, timestamp, displayName, description.
      SummaryWriter.addScalars ERR_OPTION_INVALID: addScalars: options is null, expected an object → Pass an object with any of the options wallTime, timestamp.
      SummaryWriter.addText ERR_OPTION_INVALID: addText: options is null, expected an object → Pass an object with any of the options wallTime, timestamp, displayName, description.
      SummaryWriter.addVideo ERR_OPTION_INVALID: addVideo: options is null, expected an object → Pass an object with any of the options wallTime, timestamp, displayName, description, framesPerSecond.
      SummaryWriter.setDefaultStep ERR_STEP_INVALID: step is "name", expected an integer → Pass a whole number or a bigint.
      GraphBuilder.build ERR_GRAPH_INVALID: the graph has no nodes → Give every node a unique name, an op, and inputs that name other nodes.
      GraphBuilder.node ERR_GRAPH_INVALID: node is "name", expected { name, op, … } → Give every node a unique name, an op, and inputs that name other nodes.
      SpanHandle.addScore ERR_OPTION_INVALID: addScore: options is null, expected an object → Pass an object with any of the options label, explanation.
      SpanHandle.addTag ERR_SPAN_INVALID: tag is null, expected a non-empty string → Pass non-empty strings.
      SpanHandle.setInputs ERR_SPAN_INVALID: inputs is "name", expected an object of names and values → Pass an object.
      SpanHandle.setKind ERR_SPAN_INVALID: kind is "name", expected one of llm, chain, agent, tool, embedding, retriever → Omit it for other spans.
      SpanHandle.setOutputs ERR_SPAN_INVALID: outputs is "name", expected an object of names and values → Pass an object.
      SpanHandle.setStatus ERR_OPTION_INVALID: setStatus: options is null, expected an object → Pass an object with any of the options reason, message.
      SpanHandle.setUsage ERR_OPTION_INVALID: setUsage: options is "name", expected an object → Pass an object with any of the options inputTokens, outputTokens, cachedInputTokens, cost, model, provider.
      new EventFileReader ERR_OPTION_INVALID: new EventFileReader: options is null, expected an object → Pass an object with any of the options offset, onDamage, open.
      new Diagnostics ERR_OPTION_INVALID: new Diagnostics: options is "name", expected an object → Pass an object with any of the options onError, onWarning.
      new PolytrackSpanExporter ERR_OPTION_INVALID: new PolytrackSpanExporter: options is "name", expected an object → Pass an object with any of the options run, onSpan, mask, limits, maxBufferedSpans, waitForRootMs, waitForLateMs, clock, diagnostics.
      new Exporter ERR_OPTION_INVALID: new Exporter: options is "name", expected an object → Pass an object with any of the options target, state, exactValues, isReservedName, series, isImported.
      new PolyaxonClient ERR_OPTION_INVALID: new PolyaxonClient: options is "name", expected an object → Pass an object with any of the options connection, transport, clock, beforeRequest, onNotice.
      new RunClient ERR_OPTION_INVALID: new RunClient: options is "name", expected an object → Pass an object with any of the options owner, project, client, host, token, uuid.
      new ProjectClient ERR_OPTION_INVALID: new ProjectClient: options is "name", expected an object → Pass an object with any of the options owner, project, client, host, token.
      parsePolyaxonUrl ERR_STORE_URL: the URL is not polyaxon://host:port/owner/project → Write the store URL as s3://bucket/prefix, gs://bucket/prefix, azure://container/prefix, file:///absolute/path or polyaxon://host/owner/project.
      openStore ERR_STORE_URL: name: does not begin with a scheme and "://" → Write the store URL as s3://bucket/prefix, gs://bucket/prefix, azure://container/prefix, file:///absolute/path or polyaxon://host/owner/project.
      sync ERR_OPTION_INVALID: the configuration of sync: options is "name", expected an object → Pass an object with any of the options path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http.
      watch ERR_OPTION_INVALID: the configuration of watch: options is "name", expected an object → Pass an object with any of the options path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http.
      verify ERR_OPTION_INVALID: the configuration of verify: options is "name", expected an object → Pass an object with any of the options path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http.
      clean ERR_OPTION_INVALID: the configuration of clean: options is "name", expected an object → Pass an object with any of the options path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http.
      listRuns ERR_OPTION_INVALID: the configuration of listRuns: options is "name", expected an object → Pass an object with any of the options path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http.
      pull ERR_OPTION_INVALID: the configuration of pull: options is "name", expected an object → Pass an object with any of the options path, store, stateDirectory, isDryRun, s3, polyaxon, api, assumeEnded, runName, overridesProject, mirror, shard, cluster, endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, include, exclude, asRun, uuidSeed, group, split, hardlinks, oneFileSystem, takeOver, index, manifests, project, createProject, exportEvents, exportRate, concurrency, bandwidth, requests, intervalMs, poll, retryTimeoutMs, shutdownTimeoutMs, stateDir, shards, alertWebhook, http."
    `);
  });

  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const odd = fc.oneof(
    fc.constantFrom<unknown>(
      undefined,
      null,
      '',
      'x',
      '\0',
      5,
      -1,
      Number.NaN,
      5n,
      true,
      Symbol('s'),
      () => 1,
      cyclic,
    ),
    fc.constantFrom<unknown>(
      [],
      [null],
      [undefined],
      [[]],
      [{}],
      new Array(3),
      new Map(),
      new Date(Number.NaN),
    ),
    fc.constantFrom<unknown>(
      new Float32Array(2),
      new BigInt64Array(2),
      new Uint8Array(3),
      new ArrayBuffer(2),
      /x/,
    ),
    fc.constantFrom<unknown>('x'.repeat(3000), Object.create(null), Object.freeze([1]), new Proxy({}, {})),
    fc.record(
      Object.fromEntries(
        [
          'pixels',
          'height',
          'width',
          'count',
          'samples',
          'sampleRateHz',
          'channels',
          'x',
          'y',
          'z',
          'labels',
          'scores',
          'edges',
          'counts',
          'vertices',
          'faces',
          'colors',
          'vectors',
          'metadata',
          'name',
          'data',
          'columns',
          'rows',
          'hparams',
          'metrics',
          'bytes',
          'contentType',
          'path',
          'fpr',
          'tpr',
          'children',
          'tags',
          'step',
          'wallTime',
          'timestamp',
          'bins',
          'buckets',
          'kind',
          'summary',
          'min',
          'max',
          'sum',
          'num',
          'op',
          'inputs',
          'attributes',
          'multiline',
          'predictions',
          'targets',
          'precision',
          'recall',
          'config',
        ].map((key) => [
          key,
          fc.oneof(
            fc.constantFrom<unknown>(
              null,
              'x',
              1,
              [1],
              [null],
              {},
              [[1]],
              5n,
              Symbol('s'),
              new Float32Array(1),
            ),
            fc.nat(4),
          ),
        ]),
      ),
      { requiredKeys: [] },
    ),
    fc.anything({ withBigInt: true, withTypedArray: true, withSparseArray: true }),
  );

  it.each(CALLS)('has a code and a short message, whatever the arguments: %s', async (_name, call) => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.constant('name'), odd),
        fc.array(odd, { maxLength: 4 }),
        async (first, others) => {
          const error = await errorOf(call, [first, ...others]);
          if (error === undefined) return;
          expect(error).toBeInstanceOf(CodedError);
          const { code, message, hint } = error as CodedError;
          expect(code).toMatch(/^ERR_/);
          expect(message.length).toBeLessThan(700);
          expect(hint).not.toBe('');
        },
      ),
      { numRuns: 60 },
    );
  });
});
