/** `polytrack/uploader`: run directories to a store, as a library. */

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
  StoreInsideRunError,
  StoreLimitError,
  StoreRequestError,
  StoreUnavailableError,
  StoreUrlError,
} from './base/errors.js';
export type { FileStat, FileSystem, FsPath, ReadableFile, WritableFile } from './base/io/file-system.js';
export type { HintListener, HintSource, OpenHints } from './base/io/hints.js';
export { type Io, nodeIo } from './base/io/io.js';
export { nodeFileSystem } from './base/io/node-file-system.js';
export type { ProcessIdentity, ProcessTable } from './base/io/processes.js';
export type { Randomness } from './base/io/randomness.js';
export { type FailedOutcome, OutcomeError, type RetryOutcome } from './base/retry.js';
export { type FoundStatus, findStatus, listStatus } from './engine/monitor/find-status.js';
export type { RunStatus, Status, Totals } from './engine/monitor/status-file.js';
export { type SyncOptions, sync } from './engine/sync.js';
export { type WatchOptions, watch } from './engine/watch.js';
export { type CheckStoreOptions, checkStore, type StoreCheck } from './operations/check/check-store.js';
export { type CleanedRun, type CleanOptions, type CleanReport, clean } from './operations/clean/clean.js';
export type { CleanRules, KeptReason } from './operations/clean/select-runs.js';
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
export type { UploadReason, VerifyReason } from './pipeline/plan/planner.js';
export type { ExportFacts, OnExported } from './pipeline/report/export-facts.js';
export type { OnSyncEvent, SyncEvent } from './pipeline/report/progress.js';
export {
  noObserver,
  type ObservedRun,
  type RunCompletion,
  type RunObserver,
  type StoredFile,
  type SyncedStatus,
} from './pipeline/report/run-observer.js';
export type { FileCounts, SyncReport, UnsentFile } from './pipeline/report/sync-report.js';
export type { SkippedPath } from './pipeline/scan/directory-node.js';
export type { SkipReason } from './pipeline/scan/excludes.js';
export { PolyaxonApiError, type PolyaxonApiErrorCode } from './polyaxon-api/api-error.js';
export type { CleanedMarker } from './run-directory/cleaned-marker.js';
export type { WriterState } from './run-directory/writer-state.js';
export {
  type PolyaxonApi,
  type ResolvedConfig,
  resolveConfig,
  type SyncConfig,
  type SyncFlags,
} from './settings/sync-config.js';
export {
  type AppendCapability,
  canAppend,
  type StoreCapabilities,
} from './store/base/capabilities.js';
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
} from './store/base/store.js';
export { type OpenStoreOptions, openStore, type S3ClientOptions } from './store/open-store.js';
