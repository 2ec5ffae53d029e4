/**
 * `polytrack/polyaxon`: a client for Polyaxon's API; Polyaxon's kinds, names and statuses; conversion of event files to Polyaxon event files.
 *
 * The client does not retry; the caller does. `polytrack/uploader` keeps a server up to date with the runs of a directory.
 */

import './polyaxon-api/provide-run-client.js';

// Entry points of the API client.

export {
  type CallOptions,
  PolyaxonClient,
  type PolyaxonClientOptions,
  type RequestOptions,
} from './polyaxon-api/client.js';
export {
  type ConnectionOptions,
  findConnection,
  type PolyaxonConnection,
  type Variables,
} from './polyaxon-api/connection.js';

export type { PageOptions, ProjectClientOptions } from './polyaxon-api/project-calls.js';
export {
  type CopyVersionOptions,
  type ProjectBody,
  ProjectClient,
  type RegisterVersionBody,
  type RegisterVersionOptions,
  type StageVersionOptions,
} from './polyaxon-api/project-client.js';
export {
  type GetEventsOptions,
  type GetLogsOptions,
  type LogStatusOptions,
  type LogValuesOptions,
  type PullRemoteRunOptions,
  type PushOfflineRunOptions,
  RunClient,
  type RunClientOptions,
  type WatchLogsOptions,
  type WatchRunOptions,
} from './polyaxon-api/run-client.js';
export type { RunEvents, RunMetricEvents } from './polyaxon-api/run-events.js';

// Requests and responses of the API. `V1RunArtifact` and `V1StatusCondition` are API types; `polytrack` exports those of the run directory.

export type { JsonObject, V1RunArtifact, V1StatusCondition } from '../src/polyaxon/api-types.js';
export {
  PolyaxonApiError,
  type PolyaxonApiErrorCode,
  type PolyaxonApiErrorFacts,
} from './polyaxon-api/api-error.js';
export { type CredentialSources, Credentials } from './polyaxon-api/credentials.js';
export { type PolyaxonLocation, parsePolyaxonUrl, toPolyaxonUrl } from './polyaxon-api/polyaxon-url.js';
export type {
  ArtifactTree,
  CloneRunBody,
  CreateRunBody,
  Installation,
  PatchRunBody,
  PolyaxonProject,
  PolyaxonProjectVersion,
  PolyaxonRun,
  RunEdge,
  RunLogLine,
  RunLogs,
  RunRef,
  RunStatuses,
  StageCondition,
  SyncRunBody,
  VersionKind,
  VersionStage,
} from './polyaxon-api/types.js';

// Statuses, kinds and names.

export {
  ASSETS_DIRECTORY,
  EVENTS_DIRECTORY,
  RESOURCES_DIRECTORY,
  sanitizeName,
  toFallbackName,
  toReadableName,
} from '../src/polyaxon/names.js';
export {
  ARTIFACT_KINDS,
  type ArtifactKind,
  createPolyaxonValue,
  type DecodedPolyaxonValue,
  decodePolyaxonValue,
  POLYAXON_PLUGIN,
  type PolyaxonAsset,
  type PolyaxonBody,
  toPolyaxonTag,
} from '../src/polyaxon/polyaxon-value.js';
export { isDone } from '../src/polyaxon/run-record.js';
export { RUN_STATUSES, type RunStatus } from '../src/polyaxon/statuses.js';

// Export: converts event files to Polyaxon event files and their assets.

export {
  artifactsOf,
  type EventsSummary,
  type ExportAsset,
  type ExportCounts,
  Exporter,
  type ExporterOptions,
  type ExporterState,
  type ExportNotice,
  type ExportOutput,
  type ExportTarget,
  type NamedSeries,
  type SeriesAppend,
  type SeriesArtifact,
} from '../src/polyaxon/export/exporter.js';
export type { NameChange } from '../src/polyaxon/export/name-space.js';
export type { QuantileSketchState } from '../src/polyaxon/export/quantile-sketch.js';
export type { SeriesIdentity, SeriesState } from '../src/polyaxon/export/series.js';
export type { MetricSummary, StatisticsState } from '../src/polyaxon/export/statistics.js';
export type { TagState } from '../src/polyaxon/export/tag-table.js';

// Errors, and types that the exports above use.

export type { Clock } from '../src/base/clock.js';
export { CodedError, InvalidValueError } from '../src/base/errors.js';
export type { JsonValue } from '../src/base/json-value.js';
export type { ScalarBatch, ScalarSource } from '../src/format/reader/scalar-decoder.js';
export type { EndStep } from '../src/format/restarts.js';
export type {
  DataClass,
  DataType,
  Event,
  EventContent,
  LegacyAudio,
  LegacyHistogram,
  LegacyImage,
  SessionStatus,
  SummaryMetadata,
  SummaryValue,
  TensorProto,
  ValueContent,
} from '../src/format/wire/messages.js';
export { ConfigError, StoreError, StoreUrlError } from './base/errors.js';
export type {
  HttpRequest,
  HttpResponse,
  ProxySettings,
  StreamedBody,
  TlsSettings,
  Transport,
} from './base/http/transport.js';
export type {
  FileStat,
  FileSystem,
  FsPath,
  ReadableFile,
  UpdatableFile,
  WritableFile,
} from './base/io/file-system.js';
export { nodeFileSystem } from './base/io/node-file-system.js';
