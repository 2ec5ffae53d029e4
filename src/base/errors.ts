/**
 * Every error that polytrack throws on purpose.
 *
 * Callers branch on `code`, which is stable and covered by semver; people read `message`, then `hint`; debuggers
 * read `cause`. The codes are listed in README.md.
 */

/** A failure with a stable code and one sentence that says what to do about it. */
export abstract class CodedError extends Error {
  /** Stable identifier, for `switch`. */
  abstract readonly code: `ERR_${string}`;
  /** What the user can do: one imperative sentence. */
  abstract readonly hint: string;
  override readonly name: string = this.constructor.name;
}

/** An argument of a tracking call is outside what can be written. Thrown at the call, before anything is queued. */
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

/** Which argument was refused. */
export type InvalidArgumentCode =
  | 'ERR_NAME_INVALID'
  | 'ERR_STEP_INVALID'
  | 'ERR_WALL_TIME_INVALID'
  | 'ERR_SCALAR_INVALID'
  | 'ERR_IMAGE_INVALID'
  | 'ERR_AUDIO_INVALID'
  | 'ERR_HISTOGRAM_INVALID'
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
  | 'ERR_GRAPH_INVALID'
  | 'ERR_PARAMS_INVALID'
  | 'ERR_TAGS_INVALID'
  | 'ERR_ARTIFACT_INVALID'
  | 'ERR_SPAN_INVALID'
  | 'ERR_ARTIFACT_TOO_LARGE'
  | 'ERR_STATUS_INVALID'
  | 'ERR_PROGRESS_INVALID'
  | 'ERR_OPTION_INVALID';

/** The run, or the event file writer, has been ended: it takes no more events. */
export class ClosedError extends CodedError {
  readonly code = 'ERR_CLOSED';
  readonly hint = 'Log before end() or close(), or start a new run.';
  constructor(subject: string) {
    super(`${subject} is closed`);
  }
}

/** A run directory exists already and belongs to an earlier process. */
export class RunExistsError extends CodedError {
  readonly code = 'ERR_RUN_EXISTS';
  readonly hint = 'Leave out `uuid` to start a new run, or choose another root.';
  constructor(readonly path: string) {
    super(`${path}: there is a run in this directory already`);
  }
}

/** The event files of an earlier process could not be read, so that it is not known where to go on. */
export class ResumeError extends CodedError {
  readonly code = 'ERR_RESUME';
  readonly hint = 'Check that the event files can be read, or start a new run.';
  constructor(
    readonly path: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: cannot be resumed: ${detail}`, options);
  }
}

/** A file or directory of the run could not be written. Surfaces at `flush()`, `end()`, `close()` and `onError`. */
export class RunWriteError extends CodedError {
  readonly code = 'ERR_RUN_WRITE';
  readonly hint = 'Check that the directory exists, is writable and has space; flush() tries again.';
  constructor(
    readonly path: string,
    operation: string,
    options: ErrorOptions,
  ) {
    super(`${path}: could not ${operation}: ${messageOf(options.cause)}`, options);
  }
}

/** Events were left out because the disk refused them for so long that the queue was full. */
export class EventsDroppedError extends CodedError {
  readonly code = 'ERR_EVENTS_DROPPED';
  readonly hint = 'Free the disk, or raise maxQueueBytes to survive longer outages.';
  constructor(
    readonly path: string,
    readonly droppedEvents: number,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${droppedEvents} events were dropped while the disk refused writes`, options);
  }
}

/** Bytes of an event file that are no record: a CRC does not match, or the length is impossible. */
export class CorruptRecordError extends CodedError {
  readonly code = 'ERR_RECORD_CORRUPT';
  readonly hint = 'The bytes on disk are damaged: keep the file, and read on from the next file of the run.';
  constructor(
    readonly offset: number,
    readonly part: 'length' | 'data',
    options?: ErrorOptions,
  ) {
    super(`CRC mismatch in the ${part} of the record at byte ${offset}`, options);
  }
}

/** A record of an event file is whole, and holds no `Event`. */
export class InvalidEventError extends CodedError {
  readonly code = 'ERR_EVENT_INVALID';
  readonly hint = 'Its writer is at fault: `polytrack fsck` tells what TensorBoard does about it.';
  constructor(
    readonly path: string,
    readonly offset: number,
    options?: ErrorOptions,
  ) {
    super(`${path}: the record at byte ${offset} holds no event`, options);
  }
}

/** An event file was replaced or cut while it was being read, so that what was read may be gone. */
export class EventFileChangedError extends CodedError {
  readonly code = 'ERR_EVENT_FILE_CHANGED';
  readonly hint = 'Read the file anew from its beginning.';
  constructor(
    readonly path: string,
    detail: string,
  ) {
    super(`${path}: ${detail}`);
  }
}

/** A summary value does not have the form that its plugin asks for. */
export class InvalidValueError extends CodedError {
  readonly code = 'ERR_VALUE_INVALID';
  readonly hint = 'Its writer is at fault; TensorBoard cannot show the value either.';
  constructor(
    readonly tag: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`${tag}: ${detail}`, options);
  }
}

/** The text of any thrown value, for the end of a message. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
