/**
 * Every error that the uploader makes on purpose. Three families:
 *
 * - `RefusedError`: nothing was sent, because what was asked cannot be done as it stands. Thrown.
 * - `StoreError`: the store said no, or nothing. A value in an outcome; reported for each file.
 * - `FileError`: one local file could not be sent. Reported; never stops the others.
 *
 * The codes are listed in docs/uploader.md.
 */

import { CodedError, messageOf } from '../../src/base/errors.js';

/** What was asked cannot be done as it stands; not one byte was sent. */
export abstract class RefusedError extends CodedError {}

/** An option, a variable or the configuration file says something that cannot be used. */
export class ConfigError extends RefusedError {
  readonly code = 'ERR_CONFIG';
  constructor(
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The path is neither a run directory nor a root of runs. */
export class NotARunError extends RefusedError {
  readonly code = 'ERR_NOT_A_RUN';
  readonly hint =
    'Name a run directory (it holds run.plx.json) or the root above it (it holds runs/<uuid>/ directories).';
  constructor(
    readonly path: string,
    found: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${found}`, options);
  }
}

/** The store URL cannot be understood. */
export class StoreUrlError extends RefusedError {
  readonly code = 'ERR_STORE_URL';
  readonly hint =
    'Name the store as s3://bucket/prefix, gs://bucket/prefix, azure://container/prefix, file:///absolute/path or polyaxon://host/owner/project.';
}

/** Sending there would write into what is read. */
export class StoreInsideRunError extends RefusedError {
  readonly code = 'ERR_STORE_INSIDE_RUN';
  readonly hint = 'Choose a store outside of the run directories.';
  constructor(
    readonly storePath: string,
    readonly runDirectory: string,
  ) {
    super(`${storePath}: this store and the run directory ${runDirectory} lie inside one another`);
  }
}

/** The state directory, which holds journal and lock, cannot be used. */
export class StateDirectoryError extends RefusedError {
  readonly code = 'ERR_STATE_DIR';
  readonly hint = 'Name a writable local directory with --state-dir.';
  constructor(
    readonly path: string,
    operation: string,
    options: ErrorOptions,
  ) {
    super(`${path}: could not ${operation}: ${messageOf(options.cause)}`, options);
  }
}

/** Another uploader works on this root and store. */
export class LockedError extends RefusedError {
  readonly code = 'ERR_LOCKED';
  readonly hint: string;
  constructor(
    readonly path: string,
    readonly holder: string,
  ) {
    super(`another uploader (${holder}) is syncing this root to this store`);
    this.hint = `Wait for it to end; if it surely no longer runs, remove ${path}.`;
  }
}

/** Another process watches this root, and sends it somewhere else. */
export class OtherDestinationError extends RefusedError {
  readonly code = 'ERR_OTHER_DESTINATION';
  readonly hint: string;
  constructor(
    readonly root: string,
    readonly store: string,
    owner: { readonly store: string; readonly pid: number | null },
  ) {
    super(
      `${root} is watched by process ${owner.pid ?? 'unknown'}, which sends it to ${owner.store}, not to ${store}`,
    );
    this.hint = `End process ${owner.pid ?? 'unknown'} first, or copy once with: polytrack sync.`;
  }
}

/** The store is spoken to with a library that is not installed. */
export class StoreLibraryError extends RefusedError {
  readonly code = 'ERR_STORE_LIBRARY';
  readonly hint: string;
  constructor(
    readonly library: string,
    wanted: string,
    options?: ErrorOptions,
  ) {
    super(`this store needs ${library}, which is not installed`, options);
    this.hint = `Run: npm install ${wanted}`;
  }
}

/** What a store of another kind than S3 advises. */
export interface StoreErrorOptions extends ErrorOptions {
  readonly hint?: string | undefined;
}

/** The store said no, or nothing at all. */
export abstract class StoreError extends CodedError {
  /** True when no other file would fare better, so that the pass ends here. */
  abstract readonly concernsAllFiles: boolean;
}

/** No credentials, or the store does not take them. */
export class StoreCredentialsError extends StoreError {
  readonly code = 'ERR_STORE_CREDENTIALS';
  readonly hint: string;
  readonly concernsAllFiles = true;
  constructor(message: string, options: StoreErrorOptions = {}) {
    super(message, options);
    this.hint =
      options.hint ??
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, for an identity that this store knows.';
  }
}

/** The credentials are known and not allowed to do this. */
export class StoreAccessError extends StoreError {
  readonly code = 'ERR_STORE_ACCESS';
  readonly hint: string;
  readonly concernsAllFiles = false;
  constructor(message: string, options: StoreErrorOptions = {}) {
    super(message, options);
    this.hint =
      options.hint ??
      'Allow s3:ListBucket on the bucket, and s3:GetObject, s3:PutObject and s3:AbortMultipartUpload on its objects.';
  }
}

/** The bucket is not there, or lies in another region. */
export class StoreBucketError extends StoreError {
  readonly code = 'ERR_STORE_BUCKET';
  readonly hint: string;
  readonly concernsAllFiles = true;
  constructor(message: string, options: StoreErrorOptions = {}) {
    super(message, options);
    this.hint = options.hint ?? 'Create the bucket, or correct its name, --region or --endpoint.';
  }
}

/** Host and store do not agree on the time, although requests were signed with the store's. */
export class StoreClockError extends StoreError {
  readonly code = 'ERR_STORE_CLOCK';
  readonly hint = 'Set the clock of this host, or of the store, with NTP.';
  readonly concernsAllFiles = true;
}

/** The store could not be reached, or answered with passing failures, for as long as this pass may wait. */
export class StoreUnavailableError extends StoreError {
  readonly code = 'ERR_STORE_UNAVAILABLE';
  readonly hint =
    'Check that the store runs and can be reached, then sync again: what is stored is not sent twice.';
  constructor(
    operation: string,
    attempts: number,
    readonly concernsAllFiles: boolean,
    options: ErrorOptions,
  ) {
    super(`${operation}: gave up after ${attempts} attempts: ${messageOf(options.cause)}`, options);
  }
}

/** The store refused a request for good. */
export class StoreRequestError extends StoreError {
  readonly code = 'ERR_STORE_REQUEST';
  readonly hint = 'Read the answer of the store above; sync again once its reason is gone.';
  readonly concernsAllFiles = false;
}

/** Somebody else keeps replacing the object. */
export class StoreConflictError extends StoreError {
  readonly code = 'ERR_STORE_CONFLICT';
  readonly hint = 'Let one uploader work on a run at a time, then sync again.';
  readonly concernsAllFiles = false;
  constructor(readonly key: string) {
    super(`${key}: the object was replaced by somebody else each time that it was to be written`);
  }
}

/** The file is larger than the store takes. */
export class StoreLimitError extends StoreError {
  readonly code = 'ERR_STORE_LIMIT';
  readonly hint = 'Split the file, or leave it out of the run directory.';
  readonly concernsAllFiles = false;
}

/** A file store could not be written or read. */
export class StoreDiskError extends StoreError {
  readonly code = 'ERR_STORE_DISK';
  readonly hint = 'Check that the store directory is writable and has space, then sync again.';
  readonly concernsAllFiles = false;
  constructor(
    readonly path: string,
    operation: string,
    options: ErrorOptions,
  ) {
    super(`${path}: could not ${operation}: ${messageOf(options.cause)}`, options);
  }
}

/** One local file or directory could not be sent. */
export class FileError extends CodedError {
  constructor(
    readonly code: FileErrorCode,
    readonly path: string,
    found: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${found}`, options);
  }
}

/** Makes errors without their stacks, which nobody reads and which take more memory than all else of 100,000 errors. */
export function withoutStacks<Result>(make: () => Result): Result {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

export type FileErrorCode =
  | 'ERR_FILE_UNREADABLE'
  | 'ERR_FILE_VANISHED'
  | 'ERR_FILE_UNSTABLE'
  | 'ERR_FILE_UNFINISHED'
  | 'ERR_FILE_OUTSIDE'
  | 'ERR_NAME_TOO_LONG'
  | 'ERR_NAME_TWIN'
  | 'ERR_RUN_DUPLICATE'
  | 'ERR_ABORTED';

/** A name that came from outside is no path inside a run. */
export class RelPathError extends CodedError {
  readonly code = 'ERR_PATH_INVALID';
  readonly hint = 'Use a path below the run directory, without "..", as polytrack itself writes it.';
  constructor(
    readonly text: string,
    reason: string,
  ) {
    super(`${JSON.stringify(text)} is no path inside a run: ${reason}`);
  }
}
