/** `polytrack`: experiment tracking for TypeScript and Node.js. `polytrack/format` reads and writes event files. */

// Entry points: a run, the run of this process, and a TensorBoard log directory.

export { type EndOptions, Run } from './run/run.js';
export { tracking } from './run/tracking.js';
export { type RunFunction, withRun } from './run/with-run.js';
export {
  type HparamsOptions,
  SummaryWriter,
  type SummaryWriterOptions,
} from './summary-writer/summary-writer.js';

// Runs that are read back.

export {
  type AggregatedRun,
  type AggregateRunsOptions,
  aggregateRuns,
  type RunAggregate,
} from './aggregate/aggregate-runs.js';
export { logAggregate } from './aggregate/log-aggregate.js';
export type { AggregatedMetric } from './aggregate/metric-statistics.js';
export type { MetricGoal, MetricGoals } from './polyaxon/metric-goal.js';
export type { BestMetric } from './reading/best-metric.js';
export { type LoadedRuns, type LoadRunsOptions, loadRuns } from './reading/load-runs.js';
export type {
  LoadedRun,
  ReadBestMetricsOptions,
  ReadMetricsOptions,
  RunArtifacts,
  RunBestMetrics,
  RunLastMetrics,
  RunMetrics,
} from './reading/loaded-run.js';
export type { MetricKind } from './reading/log-directories.js';
export type { MetricPoints } from './reading/metric-points.js';
export type { IndexedRun, LastMetric, LoadedRunFields, MetricRange } from './reading/run-facts.js';
export type { LoadedArtifact } from './reading/run-fields.js';
export type {
  ListRunsOptions,
  ReadRunFileOptions,
  RunFileEntry,
  RunFolder,
  RunSource,
} from './reading/run-source.js';
export {
  type ExportFormat,
  type ExportMetricsOptions,
  exportMetrics,
} from './reading/table/export-metrics.js';

// Options and records of a run.

export type { JsonValue } from './base/json-value.js';
export type { JsonObject, V1StatusCondition } from './polyaxon/api-types.js';
export type { ArtifactKind } from './polyaxon/polyaxon-value.js';
export type {
  RunArtifact,
  RunMetadata,
  RunRecord,
  RunStatus,
  StatusCondition,
} from './polyaxon/run-record.js';
export type { AlertOptions } from './run/alert.js';
export type {
  ArtifactOptions,
  CodeRefOptions,
  DataRefOptions,
  EnvOptions,
  ModelOptions,
  ModelRefOptions,
  PathOptions,
  RefOptions,
  TensorboardRefOptions,
} from './run/artifacts.js';
export type { Connection } from './run/connections.js';
export type { LogValue, LogValues } from './run/log-values.js';
export type { MetricOptions, RunChanges, StatusOptions, TagsOptions, ValuesOptions } from './run/metadata.js';
export type { ClientOfRun, RunServices } from './run/run-client.js';
export type { RunConfig } from './run/run-config.js';
export type { FinalStatus } from './run/run-end.js';
export type { RunMode } from './run/run-environment.js';
export type { RunFormat, RunOptions, RunResume, RunSyncOptions } from './run/run-options.js';
export type { ModelPrice, TraceMetricsOptions } from './run/span-metrics.js';
export type { LogTraceOptions, ScoredSpan } from './run/tracing.js';
export type { AlertLevel } from './run-directory/alerts-file.js';
export type { RunPaths } from './run-directory/layout.js';

// Graphs, charts, embeddings, meshes and hyperparameters.

export type { EmbeddingInput, EmbeddingVectors } from './embedding/projector-files.js';
export type {
  ChartTable,
  CustomScalarsCategory,
  CustomScalarsChart,
  CustomScalarsLayout,
  MarginSeries,
} from './summary/custom-scalars.js';
export { exactTag } from './summary/custom-scalars.js';
export type {
  GraphAttribute,
  GraphDataType,
  GraphShape,
  GraphTensor,
} from './summary/graph/graph-attributes.js';
export { GraphBuilder, type GraphNode } from './summary/graph/graph-builder.js';
export type {
  HParamColumn,
  HParamDomain,
  HParamsConfig,
  HParamValue,
  MetricColumn,
  SessionOptions,
  SessionOutcome,
} from './summary/hparams.js';
export type { MeshInput, Triples } from './summary/mesh.js';

// Tracing.

export type { ScoreOptions, SpanUsage } from './trace/gen-ai.js';
export type { SpanRun } from './trace/open-traces.js';
export { PolytrackSpanExporter, type SpanExporterOptions } from './trace/otel-exporter.js';
export type {
  OtelAttributes,
  OtelEvent,
  OtelExportResult,
  OtelLink,
  OtelReadableSpan,
  OtelScope,
  OtelSpanContext,
  OtelTime,
} from './trace/otel-span.js';
export type {
  JsonRecord,
  SpanCondition,
  SpanConditionJson,
  SpanInput,
  SpanJson,
  SpanKind,
  SpanMasker,
  SpanStatus,
} from './trace/span.js';
export type {
  ManualSpan,
  SpanHandle,
  StatusDetails,
  TracedFunction,
  TraceOptions,
  TraceStreamOptions,
} from './trace/span-handle.js';
export type { SpanTime } from './trace/span-time.js';
export type { TraceLimits } from './trace/trace-limits.js';
export type { StreamSource } from './trace/trace-stream.js';
export type { TracedOptions } from './trace/traced-function.js';
export { readTraceparent, type TraceparentSource } from './trace/traceparent.js';

// Values of events, and their options.

export type { EmbeddingOptions, GraphInput, LayoutOptions } from './event-log/dashboards.js';
export type {
  DataframeOptions,
  HistogramOptions,
  ImageOptions,
  NumpyHistogramOptions,
  SeriesOptions,
  SharedEventOptions,
  VideoEventOptions,
} from './event-log/event-log-options.js';
export type { AudioSource, ImageSource } from './event-log/media-file.js';
export type { ArrowTable } from './polyaxon/kinds/arrow-table.js';
export type { ChartFigure } from './polyaxon/kinds/chart.js';
export type { ConfusionInput, ConfusionMatrix, ConfusionSamples } from './polyaxon/kinds/confusion.js';
export type {
  CurvePoints,
  PrecisionRecallInput,
  PrecisionRecallPoints,
  RocCurveInput,
  RocPoints,
} from './polyaxon/kinds/curve.js';
export type { DataframeContentType } from './polyaxon/kinds/dataframe.js';
export type { EncodedVideo, VideoSource } from './polyaxon/kinds/media.js';
export type { ClassLabel } from './polyaxon/kinds/numbers.js';
export type { ScoredSamples } from './polyaxon/kinds/scored-samples.js';
export type { DataframeInput, RowArrays, RowObjects, TableColumns } from './polyaxon/kinds/table.js';
export type { EventOptions, StepOr } from './summary/arguments.js';
export type { AudioInput, AudioSamples } from './summary/audio.js';
export type { HistogramBuckets, HistogramInput, HistogramValues } from './summary/histogram.js';
export type { RawHistogram } from './summary/histogram-raw.js';
export type { ImageBatch, ImageInput, ImagePixels } from './summary/image.js';
export type { BoxOptions, ImageBox, ImageBoxes } from './summary/image-boxes.js';
export type { IntegerPixels, NumberPixels } from './summary/image-range.js';
export type { BinRule, HistogramBins } from './summary/numpy-bins.js';
export type { PrCurveCounts, PrCurveInput, PrCurvePredictions } from './summary/pr-curve.js';
export type { OnnxTensor, ShapedArray, Tensor, TensorData, TensorFlowTensor } from './summary/tensor.js';
export type { TensorAudio } from './summary/tensor-audio.js';
export type { ImageTensor, TensorImage } from './summary/tensor-image.js';
export type { ScalarInput } from './summary/tensor-scalar.js';
export type { TextInput } from './summary/text.js';
export type { VideoFrames, VideoInput, VideoOptions } from './summary/video.js';

// Errors, warnings, and replaceable parts.

export type { Clock } from './base/clock.js';
export { Diagnostics, type DiagnosticsOptions, type TrackingWarning } from './base/diagnostics.js';
export {
  ClosedError,
  CodedError,
  EventFileChangedError,
  EventFileDamagedError,
  EventsDroppedError,
  type InvalidArgumentCode,
  InvalidArgumentError,
  InvalidValueError,
  LibraryMissingError,
  MetricUnknownError,
  NoClientError,
  NoCommonMetricError,
  NoRunError,
  ResumeError,
  RunCleanedError,
  RunExistsError,
  RunFileError,
  RunsNotFoundError,
  RunWriteError,
  TooFewRunsError,
} from './base/errors.js';
export type { EventFileBytes } from './format/reader/event-file-bytes.js';
export type { Resume } from './format/writer/event-file-options.js';
export type { EventSink, OpenEventFile } from './format/writer/event-sink.js';
