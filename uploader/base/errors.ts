/**
 * The errors that the uploader creates itself, in three families:
 *
 * - `RefusedError`: the uploader cannot carry out the command and has sent nothing. Thrown.
 * - `StoreError`: the store rejected a request or did not answer. A value in an outcome; reported for each file.
 * - `FileError`: one local file could not be uploaded. Reported; the other files are still uploaded.
 *
 * The codes are listed in docs/errors.md.
 *
 * Long because it has one class for each kind of error.
 */

import { quote } from '../../src/base/describe.js';
import { CodedError, messageOf } from '../../src/base/errors.js';
import { describeFailure } from './describe-failure.js';

/** The uploader cannot carry out the command with these arguments or in this state. It has not sent any bytes. */
export abstract class RefusedError extends CodedError {}

/** An option, a variable or the configuration file has an invalid value. */
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
  readonly hint: string;
  constructor(
    readonly path: string,
    found: string,
    { hint, ...options }: ErrorOptions & { readonly hint?: string } = {},
  ) {
    super(`${path}: ${found}`, options);
    this.hint =
      hint ??
      'Pass a run directory (with run.plx.json) or the root above it (with runs/<uuid>/ directories).';
  }
}

/** No run has this name, uuid or path. */
export class RunUnknownError extends RefusedError {
  readonly code = 'ERR_RUN_UNKNOWN';
  readonly hint: string;
  constructor(
    readonly reference: string,
    place: string,
    similar: readonly string[],
  ) {
    super(`${quote(reference)}: ${place} has no run of this name, and none whose uuid begins with it`);
    const list = 'Run `polytrack runs` to list the runs.';
    this.hint = similar.length === 0 ? list : `Did you mean ${similar.map(quote).join(' or ')}? ${list}`;
  }
}

/** Several runs have this name, or a uuid that begins with it. */
export class RunAmbiguousError extends RefusedError {
  readonly code = 'ERR_RUN_AMBIGUOUS';
  readonly hint = 'Pass the uuid of one of them, as many digits as needed, or its path.';
  constructor(
    readonly reference: string,
    place: string,
    /** The first of the runs, each in a few words. */
    readonly candidates: readonly string[],
    count: number,
  ) {
    const rest = count - candidates.length;
    const more = rest === 0 ? '' : `; and ${rest} more`;
    super(`${quote(reference)} means ${count} runs in ${place}: ${candidates.join('; ')}${more}`);
  }
}

/** TensorBoard is not installed, or not found. */
export class TensorBoardMissingError extends RefusedError {
  readonly code = 'ERR_TENSORBOARD_MISSING';
  readonly hint = 'Run: pip install tensorboard';
  constructor(commands: readonly string[]) {
    super(`TensorBoard is not installed: none of these commands starts it: ${commands.join(', ')}`);
  }
}

/** TensorBoard has ended before it was stopped. */
export class TensorBoardFailedError extends CodedError {
  readonly code = 'ERR_TENSORBOARD_FAILED';
  readonly hint = 'Correct what TensorBoard reports; --verbose prints all of its output.';
  constructor(
    readonly end: number | string | null,
    output: string,
  ) {
    const lines = output.trim().split('\n');
    super(
      `TensorBoard ended (${typeof end === 'number' ? `exit code ${end}` : end}): ${lines.at(-1)?.trim()}`,
    );
  }
}

/** The store URL is invalid. */
export class StoreUrlError extends RefusedError {
  readonly code = 'ERR_STORE_URL';
  readonly hint =
    'Write the store URL as s3://bucket/prefix, gs://bucket/prefix, azure://container/prefix, file:///absolute/path or polyaxon://host/owner/project.';
}

/** The store lies inside a run directory, or a run directory inside the store: an upload would write into its own source. */
export class StoreInsideRunError extends RefusedError {
  readonly code = 'ERR_STORE_INSIDE_RUN';
  readonly hint = 'Choose a store outside the run directories.';
  constructor(
    readonly storePath: string,
    readonly runDirectory: string,
  ) {
    super(`${storePath}: the store and the run directory ${runDirectory} overlap`);
  }
}

/** The state directory, which holds the journal and the lock, cannot be used. */
export class StateDirectoryError extends RefusedError {
  readonly code = 'ERR_STATE_DIR';
  readonly hint = 'Set --state-dir to a writable local directory.';
  constructor(
    readonly path: string,
    operation: string,
    options: ErrorOptions,
  ) {
    super(`${path}: could not ${operation}: ${messageOf(options.cause)}`, options);
  }
}

/** Another uploader is syncing this root to this store. */
export class LockedError extends RefusedError {
  readonly code = 'ERR_LOCKED';
  readonly hint: string;
  constructor(
    readonly path: string,
    readonly holder: string,
  ) {
    super(`another uploader (${holder}) is syncing this root to this store`);
    this.hint = `Wait for it to end. If you are sure that it no longer runs, remove ${path}.`;
  }
}

/** Another process watches this root and uploads it to a different store. */
export class OtherDestinationError extends RefusedError {
  readonly code = 'ERR_OTHER_DESTINATION';
  readonly hint: string;
  constructor(
    readonly root: string,
    readonly store: string,
    owner: { readonly store: string; readonly pid: number | null },
  ) {
    super(
      `${root} is watched by process ${owner.pid ?? 'unknown'}, which uploads it to ${owner.store}, not to ${store}`,
    );
    this.hint = `End process ${owner.pid ?? 'unknown'} first, or upload once with: polytrack sync.`;
  }
}

/** Another command deletes or overwrites files of the run. */
export class RunLockedError extends CodedError {
  readonly code = 'ERR_RUN_LOCKED';
  readonly hint: string;
  constructor(
    readonly directory: string,
    readonly holder: string,
    lockPath: string,
  ) {
    super(`${directory}: another command (${holder}) is deleting or restoring files of this run`);
    this.hint = `Wait for it to end, then repeat the command. If you are sure that it no longer runs, remove ${lockPath}.`;
  }
}

/** A program is writing to the run, so its files are neither deleted nor replaced. */
export class RunLiveError extends CodedError {
  readonly code = 'ERR_RUN_LIVE';
  readonly hint = 'Repeat the command when the run has ended, or pull into another directory.';
  constructor(
    readonly directory: string,
    sign: string,
  ) {
    super(`${directory}: the run is being written: ${sign}`);
  }
}

/** The object of a local file is that file itself, so it proves nothing. */
export class SameFileError extends CodedError {
  readonly code = 'ERR_STORE_SAME_FILE';
  readonly hint = 'Choose a store that is another directory, not another path or link to the same files.';
  constructor(
    readonly directory: string,
    store: string,
  ) {
    super(`${directory}: ${store} leads to the same files, so nothing is stored elsewhere`);
  }
}

/** The directory belongs to another run. */
export class RunOccupiedError extends CodedError {
  readonly code = 'ERR_RUN_OCCUPIED';
  readonly hint = 'Pull into another directory, or move the run that is there.';
  constructor(
    readonly directory: string,
    found: string,
  ) {
    super(`${directory}: the directory belongs to another run: ${found}`);
  }
}

/** The leases of a cluster cannot be kept here. */
export class ClusterStoreError extends RefusedError {
  readonly code = 'ERR_CLUSTER_STORE';
  readonly hint =
    'Give each uploader fixed shards with --shard i/n, or keep the leases in Kubernetes with --cluster kubernetes:<name>.';
  constructor(place: string, reason: string, options?: ErrorOptions) {
    super(`--cluster: ${place} cannot keep leases: ${reason}`, options);
  }
}

/** The store needs a client library that is not installed. */
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

/** Replaces the default hint, which is written for S3. */
export interface StoreErrorOptions extends ErrorOptions {
  readonly hint?: string | undefined;
}

/** The store rejected a request or did not answer. */
export abstract class StoreError extends CodedError {
  /** True if every other file would fail in the same way, so that the sync ends. */
  abstract readonly concernsAllFiles: boolean;
}

/** No credentials were found, or the store rejects them. */
export class StoreCredentialsError extends StoreError {
  readonly code = 'ERR_STORE_CREDENTIALS';
  readonly hint: string;
  readonly concernsAllFiles = true;
  constructor(message: string, options: StoreErrorOptions = {}) {
    super(message, options);
    this.hint =
      options.hint ??
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, to credentials that this store accepts.';
  }
}

/** The store accepts the credentials, but they do not allow this operation. */
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

/** The bucket does not exist or is in another region. */
export class StoreBucketError extends StoreError {
  readonly code = 'ERR_STORE_BUCKET';
  readonly hint: string;
  readonly concernsAllFiles = true;
  constructor(message: string, options: StoreErrorOptions = {}) {
    super(message, options);
    this.hint = options.hint ?? 'Create the bucket, or check its name, --region and --endpoint.';
  }
}

/** The clocks of host and store differ, and the store rejects even requests that are signed with its own time. */
export class StoreClockError extends StoreError {
  readonly code = 'ERR_STORE_CLOCK';
  readonly hint = 'Synchronise the clocks of this host and of the store with NTP.';
  readonly concernsAllFiles = true;
}

/** The store was unreachable or returned temporary errors until the retry timeout. */
export class StoreUnavailableError extends StoreError {
  readonly code = 'ERR_STORE_UNAVAILABLE';
  readonly hint =
    'Check that the store is running and reachable, then sync again. Stored files are not uploaded twice.';
  constructor(
    operation: string,
    readonly attempts: number,
    readonly concernsAllFiles: boolean,
    options: ErrorOptions,
  ) {
    super(
      `${operation}: gave up after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}: ${describeFailure(options.cause)}`,
      options,
    );
  }
}

/** The store rejected a request, and a retry would fail too. */
export class StoreRequestError extends StoreError {
  readonly code = 'ERR_STORE_REQUEST';
  readonly hint = 'Read the answer of the store above, remove its cause, then sync again.';
  readonly concernsAllFiles = false;
}

/** Another process replaces the object each time. */
export class StoreConflictError extends StoreError {
  readonly code = 'ERR_STORE_CONFLICT';
  readonly hint = 'Run only one uploader for a run at a time, then sync again.';
  readonly concernsAllFiles = false;
  constructor(readonly key: string) {
    super(`${key}: another process replaced the object before every attempt to write it`);
  }
}

/** The file is larger than the store allows. */
export class StoreLimitError extends StoreError {
  readonly code = 'ERR_STORE_LIMIT';
  readonly hint = 'Split the file, or move it out of the run directory.';
  readonly concernsAllFiles = false;
}

/** An object has more bytes than the store has announced, or than polytrack reads of such an object. */
export class ObjectTooLargeError extends StoreError {
  readonly code = 'ERR_OBJECT_TOO_LARGE';
  readonly hint = 'Find out who wrote the object, then replace it with the right content or remove it.';
  readonly concernsAllFiles = false;
  constructor(
    readonly key: string,
    readonly maxBytes: number,
  ) {
    super(`${key}: the object has more than ${maxBytes} bytes, so it was not read to its end`);
  }
}

/** The store's answer has no end: a listing that repeats itself, or an answer larger than any page. */
export class StoreAnswerError extends StoreError {
  readonly code = 'ERR_STORE_ANSWER';
  readonly hint = 'Check the store and any gateway in front of it: it does not answer as its API requires.';
  readonly concernsAllFiles = false;
}

/** A directory used as a store could not be read or written. */
export class StoreDiskError extends StoreError {
  readonly code = 'ERR_STORE_DISK';
  readonly hint = 'Check that the store directory is writable and has free space, then sync again.';
  readonly concernsAllFiles = false;
  constructor(
    readonly path: string,
    operation: string,
    options: ErrorOptions,
  ) {
    super(`${path}: could not ${operation}: ${messageOf(options.cause)}`, options);
  }
}

/** One local file or directory could not be uploaded. */
export class FileError extends CodedError {
  constructor(
    readonly code: FileErrorCode,
    readonly path: string,
    readonly found: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${found}`, options);
  }
}

/** Calls `make` so that errors it creates have no stack. The stacks of 100,000 errors use more memory than the rest of them. */
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
  | 'ERR_FILE_TOO_LARGE'
  | 'ERR_FILE_VANISHED'
  | 'ERR_FILE_UNSTABLE'
  | 'ERR_FILE_UNFINISHED'
  | 'ERR_FILE_OUTSIDE'
  | 'ERR_FILE_BEHIND'
  | 'ERR_NAME_TOO_LONG'
  | 'ERR_NAME_TWIN'
  | 'ERR_RUN_CONFLICT'
  | 'ERR_RUN_DUPLICATE'
  | 'ERR_ABORTED';

/** A path from outside, such as a journal or a listing, is not a valid path inside a run. */
export class RelPathError extends CodedError {
  readonly code = 'ERR_PATH_INVALID';
  readonly hint = 'Use a path relative to the run directory, without "..".';
  constructor(
    readonly text: string,
    reason: string,
  ) {
    super(`${JSON.stringify(text)} is not a path inside a run: ${reason}`);
  }
}
