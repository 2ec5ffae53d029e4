/** `polytrack/format`: reads event files of any program, and writes event files. */

// Reading.

export type { EventFileBytes } from './reader/event-file-bytes.js';
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
export type { Complex } from './reader/tensor-values.js';

// Writing.

export type { ScalarTag } from './writer/event-encoder.js';
export type { EventFileWriterOptions, Resume } from './writer/event-file-options.js';
export { EventFileWriter } from './writer/event-file-writer.js';
export type { EventSink, OpenEventFile } from './writer/event-sink.js';
export { MemorySink } from './writer/memory-sink.js';

// Messages.

export {
  DataClass,
  DataType,
  type Event,
  type EventContent,
  type LegacyAudio,
  type LegacyHistogram,
  type LegacyImage,
  SessionStatus,
  type SummaryMetadata,
  type SummaryValue,
  type TensorProto,
  type ValueContent,
} from './wire/messages.js';

// Errors, warnings, and replaceable parts.

export type { Clock } from '../base/clock.js';
export { Diagnostics, type DiagnosticsOptions, type TrackingWarning } from '../base/diagnostics.js';
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
  RunWriteError,
} from '../base/errors.js';
