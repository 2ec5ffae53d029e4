/** polytrack: experiment tracking for TypeScript and Node.js. */

export type { Clock } from './clock.js';
export { Diagnostics, type DiagnosticsOptions, type TrackingWarning } from './diagnostics.js';
export {
  ClosedError,
  CodedError,
  CorruptRecordError,
  EventsDroppedError,
  type InvalidArgumentCode,
  InvalidArgumentError,
  ResumeError,
  RunExistsError,
  RunWriteError,
} from './errors.js';
export type { EventFileWriterOptions, Resume } from './event/event-file-options.js';
export { EventFileWriter } from './event/event-file-writer.js';
export type { EventSink, OpenEventFile } from './event/event-sink.js';
export { MemorySink } from './event/memory-sink.js';
export type { HistogramOptions, SharedEventOptions } from './event-log.js';
export type { RunPaths } from './layout.js';
export type { ArtifactOptions, EndOptions } from './run.js';
export { Run } from './run.js';
export type { RunOptions } from './run-options.js';
export type { RunArtifact, RunRecord, RunStatus, StatusCondition } from './run-record.js';
export type { EventOptions } from './summary/arguments.js';
export type { AudioInput, AudioSamples } from './summary/audio.js';
export type { HistogramBuckets, HistogramInput, HistogramValues } from './summary/histogram.js';
export type { ImageInput, ImagePixels } from './summary/image.js';
export * as tracking from './tracking.js';
