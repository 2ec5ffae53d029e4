/** polytrack: experiment tracking for TypeScript and Node.js. */

export type { Clock } from './clock.js';
export { Diagnostics, type DiagnosticsOptions, type TrackingWarning } from './diagnostics.js';
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
} from './errors.js';
export type { EventFileWriterOptions, Resume } from './event/event-file-options.js';
export { EventFileWriter } from './event/event-file-writer.js';
export type { EventSink, OpenEventFile } from './event/event-sink.js';
export { MemorySink } from './event/memory-sink.js';
export type {
  DataframeOptions,
  HistogramOptions,
  ImageOptions,
  NumpyHistogramOptions,
  SeriesOptions,
  SharedEventOptions,
  VideoEventOptions,
} from './event-log.js';
export type { RunPaths } from './layout.js';
export type { AudioSource, ImageSource } from './media-file.js';
export { ARTIFACT_KINDS, type ArtifactKind } from './polyaxon/polyaxon-value.js';
export type { EmbeddingInput, EmbeddingVectors } from './projector/projector-files.js';
export {
  type DamagedRange,
  EventFileReader,
  type EventFileReaderOptions,
  type ReadBatch,
  type ReadEvent,
} from './reader/event-file-reader.js';
export { listEventFiles, type RunFiles } from './reader/list-event-files.js';
export type {
  DecodedHParamColumn,
  DecodedMetricColumn,
  HParamsData,
  LayoutCategory,
} from './reader/plugin-messages.js';
export { type DecodedClip, type DecodedValue, decodeValue, TagIndex } from './reader/plugin-value.js';
export { type ScalarBatch, type ScalarSource, toScalarEvent } from './reader/scalar-decoder.js';
export type { Connection } from './run/connections.js';
export type { EndOptions } from './run/run.js';
export { Run } from './run/run.js';
export type { ArtifactOptions, ModelOptions, PathOptions, RefOptions } from './run/run-artifacts.js';
export type { RunMode } from './run/run-context.js';
export type { FinalStatus } from './run/run-end.js';
export type { LogTraceOptions } from './run/run-events.js';
export type { RunChanges, StatusOptions, ValuesOptions } from './run/run-metadata.js';
export type { RunFormat, RunOptions, SyncOptions } from './run/run-options.js';
export type {
  RunArtifact,
  RunMetadata,
  RunRecord,
  RunStatus,
  StatusCondition,
} from './run/run-record.js';
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
export type { ChartFigure } from './summary/polyaxon/chart.js';
export type { ConfusionInput, ConfusionMatrix, ConfusionSamples } from './summary/polyaxon/confusion.js';
export type {
  CurvePoints,
  PrecisionRecallInput,
  PrecisionRecallPoints,
  RocCurveInput,
  RocPoints,
} from './summary/polyaxon/curve.js';
export type { DataframeContentType } from './summary/polyaxon/dataframe.js';
export type { EncodedVideo, VideoSource } from './summary/polyaxon/media.js';
export type { ScoredSamples } from './summary/polyaxon/scored-samples.js';
export type { DataframeInput } from './summary/polyaxon/table.js';
export type { PrCurveCounts, PrCurveInput, PrCurvePredictions } from './summary/pr-curve.js';
export type { TextInput } from './summary/text.js';
export type { VideoFrames, VideoInput, VideoOptions } from './summary/video.js';
export type { HparamsOptions, SummaryWriterOptions } from './summary-writer.js';
export { SummaryWriter } from './summary-writer.js';
export { PolytrackSpanExporter, type SpanExporterOptions } from './trace/otel-exporter.js';
export type { SpanInput, SpanJson, SpanKind, SpanStatus } from './trace/span.js';
export type {
  ManualSpan,
  SpanHandle,
  TracedFunction,
  TraceOptions,
  TraceStreamOptions,
} from './trace/span-handle.js';
export * as tracking from './tracking.js';
export type {
  Event,
  EventContent,
  SummaryMetadata,
  SummaryValue,
  TensorProto,
  ValueContent,
} from './wire/messages.js';
export { DataClass, DataType, SessionStatus } from './wire/messages.js';
