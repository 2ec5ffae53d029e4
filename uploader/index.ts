/** `polytrack/uploader`: the uploader as a library. Uploads runs; verifies, lists, restores and deletes them; checks stores. */

// Upload.

// Several uploaders.
export type { Shard } from './cluster/shards.js';
export { type SyncOptions, sync } from './engine/sync.js';
export { type WatchOptions, watch } from './engine/watch.js';
export type { Cluster } from './settings/find-shards.js';
export {
  type PolyaxonApi,
  type ResolvedConfig,
  resolveConfig,
  type SyncConfig,
  type SyncFlags,
} from './settings/sync-config.js';

// Options, progress and report of an upload.

export type { UploaderOptions } from './engine/context/uploader-context.js';
export type { Strategy } from './pipeline/journal/journal-entry.js';
export type { UploadReason, VerifyReason } from './pipeline/plan/planner.js';
export type { FileCounts, FileState } from './pipeline/report/file-counts.js';
export type { OnSyncEvent, SyncEvent } from './pipeline/report/progress.js';
export type { LogDirectory, SyncReport, UnsentFile, Upload } from './pipeline/report/sync-report.js';
export type { LayoutReason, SkippedPath } from './pipeline/scan/directory-node.js';
export type { SkipReason } from './pipeline/scan/excludes.js';
export type { LogPlace } from './pipeline/scan/log-place.js';
export type { Environment } from './settings/settings.js';
export type { FlagName, Flags, FlagValue, SettingName, SettingValues } from './settings/table.js';
export { type Found, type HttpAddress, SecretUrl, type ValueType } from './settings/value-types.js';

// Status.

export type { RunStatus } from '../src/polyaxon/statuses.js';
export type { FoundRun } from './engine/monitor/describe-runs.js';
export { type FoundStatus, findKnownStatus, findStatus, listStatus } from './engine/monitor/find-status.js';
export type { RunUploadStatus, Status, StatusProblem, Totals } from './engine/monitor/status-file.js';

// Progress of runs, for programs that observe it.

export type { ExportCounts } from '../src/polyaxon/export/exporter-state.js';
export type { ExportFacts, OnExported } from './pipeline/report/export-facts.js';
export {
  noObserver,
  type ObservedRun,
  type RunCompletion,
  type RunObserver,
  type StoredFile,
  type SyncedStatus,
} from './pipeline/report/run-observer.js';
export type { Liveness } from './run-directory/run-liveness.js';

// Stored runs.

export { type CleanedRun, type CleanOptions, type CleanReport, clean } from './operations/clean/clean.js';
export type { CleanRules, KeptReason } from './operations/clean/select-runs.js';
export {
  type CompactedRun,
  type CompactOptions,
  type CompactReport,
  compact,
} from './operations/compact/compact.js';
export {
  type ListedFile,
  type ListedRun,
  type ListOptions,
  listFiles,
  listRuns,
} from './operations/list/list-store.js';
export { type PullOptions, pull } from './operations/pull/pull.js';
export type { PulledRun, PullFinding, PullProblem, PullReport } from './operations/pull/pull-report.js';
export { type VerifyOptions, verify } from './operations/verify/verify.js';
export type {
  Finding,
  RunVerification,
  VerifyProblem,
  VerifyReport,
} from './operations/verify/verify-report.js';

// Runs of a store, for `loadRuns` of `polytrack`.

export type { EventFileBytes } from '../src/format/reader/event-file-bytes.js';
export type { MetricGoal, MetricGoals } from '../src/polyaxon/metric-goal.js';
export type { IndexedRun, LastMetric, LoadedRunFields, MetricRange } from '../src/reading/run-facts.js';
export type {
  ListRunsOptions,
  ReadRunFileOptions,
  RunFileEntry,
  RunFolder,
  RunSource,
} from '../src/reading/run-source.js';
export { openRunSource, type RunSourceOptions } from './operations/read/run-source.js';

// Stores.

export { type CheckStoreOptions, checkStore, type StoreCheck } from './operations/check/check-store.js';

export type { AppendCapability, KnownCapabilities, StoreCapabilities } from './store/base/capabilities.js';
export type { Answer, LearnedAnswer, LearnedAnswers } from './store/base/learned-answers.js';
export type {
  AppendOutcome,
  AppendRequest,
  ByteSource,
  CheckOutcome,
  CollectOutcome,
  CollectRequest,
  CommitOutcome,
  CommitRequest,
  Extent,
  HeadOutcome,
  ListedObject,
  NewerOutcome,
  NewFile,
  ObjectVersion,
  PersistOutcome,
  ReadNewerOptions,
  ReadOptions,
  RemoveOutcome,
  RemoveRequest,
  StageRequest,
  Store,
  StoredObject,
  StoredPart,
  StoreNotice,
  StorePermissions,
  UnfinishedUpload,
} from './store/base/store.js';
export type {
  AskOutcome,
  BucketFacts,
  CredentialFacts,
  ServerFacts,
  StoreFacts,
} from './store/base/store-facts.js';
export type { RequestTimeouts } from './store/base/time-limit.js';
export {
  type AzureClientOptions,
  type GcsClientOptions,
  type OpenStoreOptions,
  openStore,
  type PolyaxonOpenOptions,
  type S3ClientOptions,
  type S3RequestHandler,
  type S3Timeouts,
  type S3WriteOptions,
} from './store/open-store.js';

// Polyaxon types. `polytrack/polyaxon` exports the client and `findConnection`.

export type { EventsSummary, SeriesArtifact } from '../src/polyaxon/export/run-artifact.js';
export type { MetricSummary } from '../src/polyaxon/export/statistics.js';
export type { ArtifactKind } from '../src/polyaxon/polyaxon-value.js';
export type {
  HttpRequest,
  HttpResponse,
  ProxySettings,
  StreamedBody,
  TlsSettings,
  Transport,
} from './base/http/transport.js';
export type { PolyaxonConnection } from './polyaxon-api/connection.js';
export type { CredentialSources, Credentials } from './polyaxon-api/credentials.js';
export { ProjectDirectory, type RunPlace } from './polyaxon-api/project-directory.js';
export type { RunRef } from './polyaxon-api/types.js';

// Interfaces to the operating system, for tests that replace them.

export type { Clock } from '../src/base/clock.js';
export type { JsonValue } from '../src/base/json-value.js';
export type {
  FileStat,
  FileSystem,
  FsPath,
  ReadableFile,
  UpdatableFile,
  WritableFile,
} from './base/io/file-system.js';
export type { FileWatcher, FileWatcherListener, OpenFileWatcher } from './base/io/file-watcher.js';
export { type Io, nodeIo } from './base/io/io.js';
export { nodeFileSystem } from './base/io/node-file-system.js';
export type { ProcessIdentity, ProcessTable } from './base/io/processes.js';
export type { Randomness } from './base/io/randomness.js';

// Errors.

export { CodedError } from '../src/base/errors.js';
export {
  ConfigError,
  FileError,
  type FileErrorCode,
  LockedError,
  NotARunError,
  OtherDestinationError,
  RefusedError,
  RelPathError,
  StateDirectoryError,
  StoreAccessError,
  StoreBucketError,
  StoreClockError,
  StoreConflictError,
  StoreCredentialsError,
  StoreDiskError,
  StoreError,
  type StoreErrorOptions,
  StoreInsideRunError,
  StoreLibraryError,
  StoreLimitError,
  StoreRequestError,
  StoreUnavailableError,
  StoreUrlError,
} from './base/errors.js';
export { type FailedOutcome, OutcomeError, type RetryOutcome } from './base/retry-table.js';
export {
  PolyaxonApiError,
  type PolyaxonApiErrorCode,
  type PolyaxonApiErrorFacts,
} from './polyaxon-api/api-error.js';
