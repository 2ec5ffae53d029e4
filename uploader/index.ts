/** `polytrack/uploader`: run directories to a store, as a library. */

export { CodedError } from '../src/errors.js';
export { type CheckStoreOptions, checkStore, type StoreCheck } from './check/check-store.js';
export { type CleanedRun, type CleanOptions, type CleanReport, clean } from './clean/clean.js';
export type { CleanedMarker } from './clean/cleaned-marker.js';
export type { CleanRules, KeptReason } from './clean/select.js';
export {
  type PolyaxonApi,
  type ResolvedConfig,
  resolveConfig,
  type SyncConfig,
  type SyncFlags,
} from './config.js';
export { type FoundStatus, findStatus, listStatus } from './engine/find-status.js';
export type { RunStatus, Status, Totals } from './engine/status-file.js';
export { type SyncOptions, syncOnce } from './engine/sync-once.js';
export { type WatchOptions, watch } from './engine/watch.js';
export type { WriterState } from './engine/writer-state.js';
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
  StoreInsideRunError,
  StoreLimitError,
  StoreRequestError,
  StoreUnavailableError,
  StoreUrlError,
} from './errors.js';
export type { FileStat, FileSystem, FsPath, ReadableFile, WritableFile } from './io/file-system.js';
export type { HintListener, HintSource, OpenHints } from './io/hints.js';
export { type Io, nodeIo } from './io/io.js';
export { nodeFileSystem } from './io/node-file-system.js';
export type { ProcessIdentity, ProcessTable } from './io/processes.js';
export type { Randomness } from './io/randomness.js';
export { type ListedFile, type ListedRun, type ListOptions, listFiles, listRuns } from './ls/list-store.js';
export {
  type NotifiedRun,
  type Notifier,
  type RunCompletion,
  type StoredFile,
  silentNotifier,
  type ToldStatus,
} from './notify/notifier.js';
export type { UploadReason, VerifyReason } from './plan/planner.js';
export { PolyaxonApiError, type PolyaxonApiErrorCode } from './polyaxon/api-error.js';
export type { OnSyncEvent, SyncEvent } from './progress.js';
export type { OnProjected, ProjectedFacts } from './projected/projected-facts.js';
export { type PullOptions, pull } from './pull/pull.js';
export type { PulledRun, PullFinding, PullProblem, PullReport } from './pull/pull-report.js';
export type { FileCounts, SyncReport, UnsentFile } from './report.js';
export { type FailedOutcome, OutcomeError, type RetryOutcome } from './retry.js';
export type { SkippedPath } from './scan/directory-node.js';
export type { SkipReason } from './scan/excludes.js';
export {
  type AppendCapability,
  canAppend,
  type StoreCapabilities,
} from './store/capabilities.js';
export { type OpenStoreOptions, openStore } from './store/open-store.js';
export type { S3ClientOptions } from './store/s3-client.js';
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
  ObjectVersion,
  ProbeOutcome,
  RemoveOutcome,
  RemoveRequest,
  Store,
  StoredObject,
  StoredPart,
  StoreNotice,
  StorePermissions,
  UnfinishedUpload,
} from './store/store.js';
export { type VerifyOptions, verify } from './verify/verify.js';
export type { Finding, RunVerification, VerifyProblem, VerifyReport } from './verify/verify-report.js';
