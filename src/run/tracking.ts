/**
 * The `tracking` module: one run for the whole process, for programs that do not want to pass a `Run` around.
 *
 * Its functions call the methods of `Run`, which document arguments, results and errors. The first call starts a run with default
 * options unless `init` was called before.
 */

import type { TracedFunction, TraceOptions } from '../trace/span-handle.js';
import { Run } from './run.js';
import type { RunOptions } from './run-options.js';

let current: Run | undefined;

/** Starts the run of this process. An earlier run stays open until its own `end()` is called. */
export function init(options: RunOptions = {}): Run {
  current = new Run(options);
  return current;
}

/** Returns `run` if given, else the run of this process. Starts one with default options if there is none. */
export function getOrCreateRun(run?: Run): Run {
  if (run !== undefined) return run;
  current ??= new Run();
  return current;
}

/** Ends the run of this process. The next call of another function starts a new one. */
export const end: Run['end'] = async (options) => {
  const run = current;
  current = undefined;
  await run?.end(options);
};

export const flush: Run['flush'] = () => getOrCreateRun().flush();

export const logMetric: Run['logMetric'] = (...args) => getOrCreateRun().logMetric(...args);
export const logMetrics: Run['logMetrics'] = (...args) => getOrCreateRun().logMetrics(...args);
export const logMetricSeries: Run['logMetricSeries'] = (...args) => getOrCreateRun().logMetricSeries(...args);
export const logRocAucCurve: Run['logRocAucCurve'] = (...args) => getOrCreateRun().logRocAucCurve(...args);
export const logPrCurve: Run['logPrCurve'] = (...args) => getOrCreateRun().logPrCurve(...args);
export const logCurve: Run['logCurve'] = (...args) => getOrCreateRun().logCurve(...args);
export const logConfusionMatrix: Run['logConfusionMatrix'] = (...args) =>
  getOrCreateRun().logConfusionMatrix(...args);
export const logImage: Run['logImage'] = (...args) => getOrCreateRun().logImage(...args);
export const logImageWithBoxes: Run['logImageWithBoxes'] = (...args) =>
  getOrCreateRun().logImageWithBoxes(...args);
export const logVideo: Run['logVideo'] = (...args) => getOrCreateRun().logVideo(...args);
export const logAudio: Run['logAudio'] = (...args) => getOrCreateRun().logAudio(...args);
export const logText: Run['logText'] = (...args) => getOrCreateRun().logText(...args);
export const logHtml: Run['logHtml'] = (...args) => getOrCreateRun().logHtml(...args);
export const logHistogram: Run['logHistogram'] = (...args) => getOrCreateRun().logHistogram(...args);
export const logNpHistogram: Run['logNpHistogram'] = (...args) => getOrCreateRun().logNpHistogram(...args);
export const logDataframe: Run['logDataframe'] = (...args) => getOrCreateRun().logDataframe(...args);
export const logPlotlyChart: Run['logPlotlyChart'] = (...args) => getOrCreateRun().logPlotlyChart(...args);
export const logBokehChart: Run['logBokehChart'] = (...args) => getOrCreateRun().logBokehChart(...args);
export const logVegaChart: Run['logVegaChart'] = (...args) => getOrCreateRun().logVegaChart(...args);
export const logAltairChart: Run['logAltairChart'] = (...args) => getOrCreateRun().logAltairChart(...args);
export const logTrace: Run['logTrace'] = (...args) => getOrCreateRun().logTrace(...args);
export const trace: Run['trace'] = <T>(
  name: string,
  optionsOrFn: TraceOptions | TracedFunction<T>,
  fn?: TracedFunction<T>,
): T =>
  typeof optionsOrFn === 'function'
    ? getOrCreateRun().trace(name, optionsOrFn)
    : getOrCreateRun().trace(name, optionsOrFn, fn as TracedFunction<T>);
export const traceStream: Run['traceStream'] = (...args) => getOrCreateRun().traceStream(...args);
export const startSpan: Run['startSpan'] = (...args) => getOrCreateRun().startSpan(...args);
export const logModel: Run['logModel'] = (...args) => getOrCreateRun().logModel(...args);
export const logArtifact: Run['logArtifact'] = (...args) => getOrCreateRun().logArtifact(...args);
export const logArtifactRef: Run['logArtifactRef'] = (...args) => getOrCreateRun().logArtifactRef(...args);
export const logFileRef: Run['logFileRef'] = (...args) => getOrCreateRun().logFileRef(...args);
export const logDirRef: Run['logDirRef'] = (...args) => getOrCreateRun().logDirRef(...args);
export const logModelRef: Run['logModelRef'] = (...args) => getOrCreateRun().logModelRef(...args);
export const logDataRef: Run['logDataRef'] = (...args) => getOrCreateRun().logDataRef(...args);
export const logTensorboardRef: Run['logTensorboardRef'] = (...args) =>
  getOrCreateRun().logTensorboardRef(...args);
export const logCodeRef: Run['logCodeRef'] = (...args) => getOrCreateRun().logCodeRef(...args);
export const logArtifactLineage: Run['logArtifactLineage'] = (...args) =>
  getOrCreateRun().logArtifactLineage(...args);
export const logEnv: Run['logEnv'] = (...args) => getOrCreateRun().logEnv(...args);
export const logInputs: Run['logInputs'] = (...args) => getOrCreateRun().logInputs(...args);
export const logOutputs: Run['logOutputs'] = (...args) => getOrCreateRun().logOutputs(...args);
export const logMeta: Run['logMeta'] = (...args) => getOrCreateRun().logMeta(...args);
export const logTags: Run['logTags'] = (...args) => getOrCreateRun().logTags(...args);
export const setName: Run['setName'] = (...args) => getOrCreateRun().setName(...args);
export const setDescription: Run['setDescription'] = (...args) => getOrCreateRun().setDescription(...args);
export const setReadme: Run['setReadme'] = (...args) => getOrCreateRun().setReadme(...args);
export const update: Run['update'] = (...args) => getOrCreateRun().update(...args);
export const logProgress: Run['logProgress'] = (...args) => getOrCreateRun().logProgress(...args);
export const logStatus: Run['logStatus'] = (...args) => getOrCreateRun().logStatus(...args);
export const start: Run['start'] = (...args) => getOrCreateRun().start(...args);
export const logSucceeded: Run['logSucceeded'] = (...args) => getOrCreateRun().logSucceeded(...args);
export const logStopped: Run['logStopped'] = (...args) => getOrCreateRun().logStopped(...args);
export const logFailed: Run['logFailed'] = (...args) => getOrCreateRun().logFailed(...args);
export const getInputs: Run['getInputs'] = (...args) => getOrCreateRun().getInputs(...args);
export const getOutputs: Run['getOutputs'] = (...args) => getOrCreateRun().getOutputs(...args);
export const getStatuses: Run['getStatuses'] = (...args) => getOrCreateRun().getStatuses(...args);
export const getArtifactsLineage: Run['getArtifactsLineage'] = (...args) =>
  getOrCreateRun().getArtifactsLineage(...args);
export const getArtifactsPath: Run['getArtifactsPath'] = (...args) =>
  getOrCreateRun().getArtifactsPath(...args);
export const getOutputsPath: Run['getOutputsPath'] = (...args) => getOrCreateRun().getOutputsPath(...args);
export const getTensorboardPath: Run['getTensorboardPath'] = (...args) =>
  getOrCreateRun().getTensorboardPath(...args);
export const getConnectionsCatalog: Run['getConnectionsCatalog'] = (...args) =>
  getOrCreateRun().getConnectionsCatalog(...args);
export const getArtifactsStoreConnection: Run['getArtifactsStoreConnection'] = (...args) =>
  getOrCreateRun().getArtifactsStoreConnection(...args);
export const getLogLevel: Run['getLogLevel'] = (...args) => getOrCreateRun().getLogLevel(...args);
