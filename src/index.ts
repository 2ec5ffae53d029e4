/** polytrack: experiment tracking for TypeScript and Node.js. */

export type { Clock } from './base/clock.js';
export { Diagnostics, type DiagnosticsOptions, type TrackingWarning } from './base/diagnostics.js';
export {
  ClosedError,
  CodedError,
  CorruptRecordError,
  EventFileChangedError,
  EventsDroppedError,
  type InvalidArgumentCode,
  InvalidArgumentError,
  InvalidEventError,
  InvalidValueError,
  ResumeError,
  RunExistsError,
  RunWriteError,
} from './base/errors.js';
export type { EmbeddingInput, EmbeddingVectors } from './embedding/projector-files.js';
export type {
  DataframeOptions,
  HistogramOptions,
  ImageOptions,
  NumpyHistogramOptions,
  SeriesOptions,
  SharedEventOptions,
  VideoEventOptions,
} from './event-log/event-log.js';
export type { AudioSource, ImageSource } from './event-log/media-file.js';
export {
  type DamagedRange,
  EventFileReader,
  type EventFileReaderOptions,
  type ReadBatch,
  type ReadEvent,
} from './format/reader/event-file-reader.js';
export { listEventFiles, type RunFiles } from './format/reader/list-event-files.js';
export type {
  DecodedHParamColumn,
  DecodedMetricColumn,
  HParamsData,
  LayoutCategory,
} from './format/reader/plugin-messages.js';
export { type DecodedClip, type DecodedValue, decodeValue, TagIndex } from './format/reader/plugin-value.js';
export { type ScalarBatch, type ScalarSource, toScalarEvent } from './format/reader/scalar-decoder.js';
export type {
  Event,
  EventContent,
  SummaryMetadata,
  SummaryValue,
  TensorProto,
  ValueContent,
} from './format/wire/messages.js';
export { DataClass, DataType, SessionStatus } from './format/wire/messages.js';
export type { EventFileWriterOptions, Resume } from './format/writer/event-file-options.js';
export { EventFileWriter } from './format/writer/event-file-writer.js';
export type { EventSink, OpenEventFile } from './format/writer/event-sink.js';
export { MemorySink } from './format/writer/memory-sink.js';
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
export type { ScoredSamples } from './polyaxon/kinds/scored-samples.js';
export type { DataframeInput } from './polyaxon/kinds/table.js';
export { ARTIFACT_KINDS, type ArtifactKind } from './polyaxon/polyaxon-value.js';
export type {
  RunArtifact,
  RunMetadata,
  RunRecord,
  RunStatus,
  StatusCondition,
} from './polyaxon/run-record.js';
export type { Connection } from './run/connections.js';
export type { EndOptions } from './run/run.js';
export { Run } from './run/run.js';
export type { ArtifactOptions, ModelOptions, PathOptions, RefOptions } from './run/run-artifacts.js';
export type { FinalStatus } from './run/run-end.js';
export type { RunMode } from './run/run-environment.js';
export type { LogTraceOptions } from './run/run-events.js';
export type { RunChanges, StatusOptions, ValuesOptions } from './run/run-metadata.js';
export type { RunFormat, RunOptions, SyncOptions } from './run/run-options.js';
export * as tracking from './run/tracking.js';
export type { RunPaths } from './run-directory/layout.js';
export type { EventOptions } from './summary/arguments.js';
export type { AudioInput, AudioSamples } from './summary/audio.js';
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
export type { HistogramBuckets, HistogramInput, HistogramValues } from './summary/histogram.js';
export type { RawHistogram } from './summary/histogram-raw.js';
export type {
  HParamColumn,
  HParamDomain,
  HParamsConfig,
  HParamValue,
  MetricColumn,
  SessionOptions,
  SessionOutcome,
} from './summary/hparams.js';
export type { ImageBatch, ImageInput, ImagePixels } from './summary/image.js';
export type { BoxOptions, ImageBox, ImageBoxes } from './summary/image-boxes.js';
export type { MeshInput, Triples } from './summary/mesh.js';
export type { PrCurveCounts, PrCurveInput, PrCurvePredictions } from './summary/pr-curve.js';
export type { TextInput } from './summary/text.js';
export type { VideoFrames, VideoInput, VideoOptions } from './summary/video.js';
export type { HparamsOptions, SummaryWriterOptions } from './summary-writer/summary-writer.js';
export { SummaryWriter } from './summary-writer/summary-writer.js';
export { PolytrackSpanExporter, type SpanExporterOptions } from './trace/otel-exporter.js';
export type { SpanInput, SpanJson, SpanKind, SpanStatus } from './trace/span.js';
export type {
  ManualSpan,
  SpanHandle,
  TracedFunction,
  TraceOptions,
  TraceStreamOptions,
} from './trace/span-handle.js';
