/**
 * The errors that polytrack throws on purpose.
 *
 * Callers branch on `code`, which is stable and covered by semver. People read `message` and `hint`; `cause` helps with
 * debugging. docs/errors.md lists the codes.
 */

/** An error with a stable code and a hint. */
export abstract class CodedError extends Error {
  /** A stable identifier, for `switch`. */
  abstract readonly code: `ERR_${string}`;
  /** What the user can do, as one imperative sentence. */
  abstract readonly hint: string;
  override readonly name: string = this.constructor.name;
}

/** An argument of a tracking call is invalid. Thrown by the call, before it queues anything. */
export class InvalidArgumentError extends CodedError {
  constructor(
    readonly code: InvalidArgumentCode,
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export type InvalidArgumentCode =
  | 'ERR_NAME_INVALID'
  | 'ERR_STEP_INVALID'
  | 'ERR_WALL_TIME_INVALID'
  | 'ERR_SCALAR_INVALID'
  | 'ERR_IMAGE_INVALID'
  | 'ERR_AUDIO_INVALID'
  | 'ERR_HISTOGRAM_INVALID'
  | 'ERR_TENSOR_INVALID'
  | 'ERR_TEXT_INVALID'
  | 'ERR_VIDEO_INVALID'
  | 'ERR_PR_CURVE_INVALID'
  | 'ERR_CURVE_INVALID'
  | 'ERR_CONFUSION_INVALID'
  | 'ERR_HTML_INVALID'
  | 'ERR_DATAFRAME_INVALID'
  | 'ERR_CHART_INVALID'
  | 'ERR_MODEL_INVALID'
  | 'ERR_HPARAMS_INVALID'
  | 'ERR_MESH_INVALID'
  | 'ERR_LAYOUT_INVALID'
  | 'ERR_EMBEDDING_INVALID'
  | 'ERR_RUN_UNKNOWN'
  | 'ERR_RUN_AMBIGUOUS'
  | 'ERR_GRAPH_INVALID'
  | 'ERR_PARAMS_INVALID'
  | 'ERR_TAGS_INVALID'
  | 'ERR_ARTIFACT_INVALID'
  | 'ERR_SPAN_INVALID'
  | 'ERR_ARTIFACT_TOO_LARGE'
  | 'ERR_STATUS_INVALID'
  | 'ERR_PROGRESS_INVALID'
  | 'ERR_OPTION_INVALID';

/** Returns a function that creates errors with one code and one hint. */
export function invalidArgument(code: InvalidArgumentCode, hint: string) {
  return (message: string, options?: ErrorOptions) => new InvalidArgumentError(code, message, hint, options);
}

/** The run or the event file writer is closed and accepts no more events. */
export class ClosedError extends CodedError {
  readonly code = 'ERR_CLOSED';
  readonly hint = 'Log before end() or close(), or start a new run.';
  constructor(subject: string) {
    super(`${subject} is closed`);
  }
}

/** A function of `tracking` was called before `init`, or after `end`. */
export class NoRunError extends CodedError {
  readonly code = 'ERR_NO_RUN';
  readonly hint = 'Call tracking.init(options) first, or use the methods of your own Run.';
  constructor(subject: string) {
    super(`${subject}: this process has no run`);
  }
}

/** `run.client` needs `polytrack/polyaxon`. */
export class NoClientError extends CodedError {
  readonly code = 'ERR_NO_CLIENT';
  readonly hint = "Import 'polytrack/polyaxon' in the program; tracking alone opens no network connection.";
  constructor() {
    super('run.client: the client of Polyaxon is not loaded');
  }
}

/** The run directory already exists and belongs to an earlier process. */
export class RunExistsError extends CodedError {
  readonly code = 'ERR_RUN_EXISTS';
  readonly hint = 'Pass `resume: true` to continue the run, or omit `uuid` to start a new one.';
  constructor(readonly path: string) {
    super(`${path}: the directory already contains a run`);
  }
}

/** Local files of the run were deleted after they had been stored, and are not here, or not in this store. */
export class RunCleanedError extends CodedError {
  readonly code = 'ERR_RUN_CLEANED';
  readonly hint: string;
  constructor(
    readonly path: string,
    detail: string,
    /** The URL of the store that has the files; empty if unknown. */
    readonly store: string,
  ) {
    super(`${path}: ${detail}`);
    const from = store === '' ? 'the store that has its files' : store;
    this.hint = `Restore the run with \`polytrack pull\` from ${from}, then try again.`;
  }
}

/** The event files of an earlier process cannot be read, so the step to resume from is unknown. */
export class ResumeError extends CodedError {
  readonly code = 'ERR_RESUME';
  readonly hint = 'Make the event files readable, or start a new run.';
  constructor(
    readonly path: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: cannot resume: ${detail}`, options);
  }
}

/** A file or directory of the run could not be written. `flush()`, `end()`, `close()` and `onError` report it. */
export class RunWriteError extends CodedError {
  readonly code = 'ERR_RUN_WRITE';
  readonly hint = 'Make sure that the directory exists, is writable and has free space; flush() retries.';
  constructor(
    readonly path: string,
    operation: string,
    options: ErrorOptions,
  ) {
    super(`${path}: could not ${operation}: ${messageOf(options.cause)}`, options);
  }
}

/** Events were dropped because writes failed until the queue was full. */
export class EventsDroppedError extends CodedError {
  readonly code = 'ERR_EVENTS_DROPPED';
  readonly hint = 'Free disk space, or raise maxQueueBytes to survive longer outages.';
  constructor(
    readonly path: string,
    readonly droppedEvents: number,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${droppedEvents} events were dropped because writes to the disk failed`, options);
  }
}

/** An event file has bytes that are not a record: a CRC does not match, or the length is impossible. */
export class CorruptRecordError extends CodedError {
  readonly code = 'ERR_RECORD_CORRUPT';
  readonly hint = 'Keep the damaged file, and continue with the next file of the run.';
  constructor(
    readonly offset: number,
    readonly part: 'length' | 'data',
    options?: ErrorOptions,
  ) {
    super(`CRC mismatch in the ${part} of the record at byte ${offset}`, options);
  }
}

/** A complete record does not contain an `Event`. */
export class InvalidEventError extends CodedError {
  readonly code = 'ERR_EVENT_INVALID';
  readonly hint = 'Run `polytrack fsck` to see how TensorBoard handles this record.';
  constructor(
    readonly path: string,
    readonly offset: number,
    options?: ErrorOptions,
  ) {
    super(`${path}: the record at byte ${offset} does not contain an event`, options);
  }
}

/** An event file was replaced or truncated during reading, so events that were already read may no longer exist. */
export class EventFileChangedError extends CodedError {
  readonly code = 'ERR_EVENT_FILE_CHANGED';
  readonly hint = 'Read the file again from the start.';
  constructor(
    readonly path: string,
    detail: string,
  ) {
    super(`${path}: ${detail}`);
  }
}

/** Bytes of an event file are damaged, and were skipped. */
export class EventFileDamagedError extends CodedError {
  readonly code = 'ERR_EVENT_FILE_DAMAGED';
  readonly hint = 'Run `polytrack fsck` to see what is damaged. All complete records were read.';
  constructor(
    readonly path: string,
    /** The position of the first damaged byte. */
    readonly offset: number,
    readonly damagedBytes: number,
    places: number,
  ) {
    const where = places === 1 ? `at byte ${offset}` : `in ${places} places, the first at byte ${offset}`;
    super(`${path}: ${damagedBytes} bytes ${where} are damaged and were skipped`);
  }
}

/** A file of a run is missing, unreadable, too large, or does not have the expected content. Other files and runs are not concerned. */
export class RunFileError extends CodedError {
  readonly code = 'ERR_RUN_FILE';
  readonly hint = 'Restore the file, or ignore the values that are missing because of it.';
  constructor(
    readonly path: string,
    found: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${found}`, options);
  }
}

/** An optional package is not installed, or is not found from a bundle. */
export class LibraryMissingError extends CodedError {
  readonly code = 'ERR_LIBRARY_MISSING';
  readonly hint: string;
  constructor(
    readonly library: string,
    /** The argument of `npm install`. */
    wanted: string,
    options?: ErrorOptions,
  ) {
    super(`the package ${library} cannot be loaded: ${messageOf(options?.cause)}`, options);
    this.hint = `Run npm install ${wanted}`;
  }
}

/** A place does not contain runs. */
export class RunsNotFoundError extends CodedError {
  readonly code = 'ERR_RUNS_NOT_FOUND';
  readonly hint =
    'Pass a root (with runs/<uuid>/ directories), a run directory (with run.plx.json) or the URL of a store.';
  constructor(
    readonly path: string,
    found: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${found}`, options);
  }
}

/** Statistics over runs need several of them. */
export class TooFewRunsError extends CodedError {
  readonly code = 'ERR_RUNS_TOO_FEW';
  readonly hint = 'Pass two or more different runs.';
  constructor(readonly found: number) {
    super(`found ${found === 1 ? '1 run' : `${found} runs`}, expected at least 2 different ones`);
  }
}

/** None of the runs has a metric of this name. */
export class MetricUnknownError extends CodedError {
  readonly code = 'ERR_METRIC_UNKNOWN';
  readonly hint = '`polytrack show <run>` lists the metrics of a run.';
  constructor(readonly metric: string) {
    super(`no run has the metric ${JSON.stringify(metric)}`);
  }
}

/** No metric has a step that enough runs have. */
export class NoCommonMetricError extends CodedError {
  readonly code = 'ERR_NO_COMMON_METRIC';
  readonly hint =
    'Aggregate runs that log the same metrics at the same steps; `polytrack show <run>` lists the metrics of a run.';
  constructor(
    readonly runs: number,
    minRuns: number,
    /** The names of the metrics that were found. */
    readonly metrics: readonly string[],
  ) {
    const more = metrics.length > 5 ? ` and ${metrics.length - 5} more` : '';
    const found =
      metrics.length === 0 ? 'none has a metric' : `found ${metrics.slice(0, 5).join(', ')}${more}`;
    super(`no metric has a step that ${minRuns} of the ${runs} runs have: ${found}`);
  }
}

/** A summary value does not have the form that its plugin requires. */
export class InvalidValueError extends CodedError {
  readonly code = 'ERR_VALUE_INVALID';
  readonly hint = 'Fix the program that wrote the value; TensorBoard cannot show it either.';
  constructor(
    readonly tag: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`${tag}: ${detail}`, options);
  }
}

/** The message of any thrown value, for use at the end of another message. Never throws, whatever was thrown. */
export function messageOf(cause: unknown): string {
  try {
    return cause instanceof Error ? String(cause.message) : String(cause);
  } catch {
    return 'a value without a text';
  }
}
