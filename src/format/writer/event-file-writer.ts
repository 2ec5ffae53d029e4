/**
 * Writes the event files of one directory: queue, flush by size and time, rotation, close.
 *
 * A call encodes into memory and returns. The event loop writes later: when the flush interval has passed, when `DRAIN_BYTES` wait,
 * or at `flush()`. If the program blocks the event loop, a call writes synchronously, once per flush interval or `SPILL_BYTES`.
 * Without that, a synchronous training loop would show nothing and use more and more memory. The file always ends with a complete
 * record, unless the disk failed within one. The next write then continues at that byte.
 *
 * Long because queue, flush, rotation and close change the state of one file, and their order is what keeps it whole.
 */

import { hostname } from 'node:os';
import { basename, isAbsolute, resolve } from 'node:path';
import { describe } from '../../base/describe.js';
import { ClosedError, EventsDroppedError, InvalidArgumentError, RunWriteError } from '../../base/errors.js';
import { reportUnawaited } from '../../base/observed-promise.js';
import { checkOptions } from '../../base/options.js';
import { addExitListener, isProcessExiting, removeExitListener } from '../../base/process-exit.js';
import { EVENT_FILE_MARK, toEventFileName } from '../event-file-name.js';
import { RecordQueue } from '../record/record-queue.js';
import type { Event, SummaryMetadata, SummaryValue } from '../wire/messages.js';
import { listEarlierFiles, readEarlierFiles, secondsAfter } from './earlier-files.js';
import { EventEncoder, type FileStart, type ScalarRange, type ScalarTag } from './event-encoder.js';
import {
  EVENT_FILE_WRITER_OPTIONS,
  type EventFileWriterOptions,
  type ResolvedEventFileOptions,
  resolveEventFileOptions,
} from './event-file-options.js';
import type { OpenEventFile } from './event-sink.js';
import { writeFirstFile } from './first-file.js';
import { planRetractions } from './retraction.js';
import { stepAfter } from './step.js';

/** The amount of waiting data that schedules a write for the next turn of the event loop. */
const DRAIN_BYTES = 1024 * 1024;
/** The amount of waiting data that a call writes synchronously, because the event loop is blocked. */
const SPILL_BYTES = 4 * 1024 * 1024;
/** Calls with the same wall time check the monotonic clock only once in this many calls. */
const CALLS_PER_CLOCK_CHECK = 16;
const MAX_WRITE_BYTES = 1024 * 1024;

/** The warning code for each notice of the encoder. */
const NOTICE_CODES = {
  stepNotIncreasing: 'WARN_STEP_NOT_INCREASING',
  tagReused: 'WARN_TAG_REUSED',
  metadataIgnored: 'WARN_METADATA_IGNORED',
} as const;

const WRITER_NAME = 'polytrack';

/** The start of a file that continues what was written before. */
const CONTINUED: FileStart = { sessionStarts: [] };

/** Makes the names of files unique that this process creates within one second. */
let fileSequence = 0;

export class EventFileWriter {
  readonly directory: string;
  readonly #options: ResolvedEventFileOptions;
  readonly #queue = new RecordQueue();
  readonly #encoder: EventEncoder;
  /** The bytes in the queue that belong to the current file, for each point where the next file begins. */
  readonly #boundaries: number[] = [];
  #earlierLayout: SummaryValue | undefined;
  #earlierHParams: readonly Event[] = [];
  #file: OpenEventFile | undefined;
  #lastPath: string | undefined;
  #fileSeconds = 0;
  #writtenBytes = 0;
  #bytesInFile = 0;
  #lastDrainMs: number;
  #lastWallTime = Number.NaN;
  #calls = 0;
  #droppedEvents = 0;
  #unreportedDrops = 0;
  #failure: RunWriteError | undefined;
  /** A failed sync, which `flush()` has not reported yet. */
  #unsynced: RunWriteError | undefined;
  /** Earlier files whose last sync has failed. */
  #unsyncedFiles: OpenEventFile[] = [];
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #closing: Promise<void> | undefined;
  /** Whether the process exits and everything up to then was written. */
  #isDrained = false;

  /**
   * Creates an event file in `directory` at once, with `file_version` and SessionLog START.
   *
   * Does not throw when the disk fails: `flush()`, `close()` and the diagnostics report that, and the write is retried. Throws
   * `ERR_OPTION_INVALID` for invalid options, and for a directory that TensorBoard would treat as an event file.
   */
  constructor(directory: string, options: EventFileWriterOptions = {}) {
    checkOptions('new EventFileWriter', options, EVENT_FILE_WRITER_OPTIONS);
    checkDirectoryName(directory);
    this.directory = directory;
    this.#options = resolveEventFileOptions(options);
    const { diagnostics } = this.#options;
    this.#encoder = new EventEncoder(this.#queue, (notice) =>
      diagnostics.warn(NOTICE_CODES[notice.kind], notice.detail),
    );
    const { clock } = this.#options;
    this.#lastDrainMs = clock.monotonicMs();
    this.#bytesInFile = this.#encoder.startFile(clock.wallTime(), WRITER_NAME, this.#planStart());
    addExitListener(this);
    this.#drain();
  }

  /** The number of events that were dropped because writes failed and the queue was full. */
  get droppedEvents(): number {
    return this.#droppedEvents;
  }

  /** The path of the file that was written last, also after `close()`; undefined before the first one could be created. */
  get currentFile(): string | undefined {
    return this.#file?.path ?? this.#lastPath;
  }

  /** True once the tag has a value. */
  knows(tag: string): boolean {
    return this.#encoder.knows(tag);
  }

  /** The plugin of the tag's first value, including values of an earlier process; empty without a value. */
  pluginOf(tag: string): string {
    return this.#encoder.pluginOf(tag);
  }

  /** The last layout of custom scalars that an earlier process has written, if the writer resumes. */
  get earlierLayout(): SummaryValue | undefined {
    return this.#earlierLayout;
  }

  /** The step for a value without a step: one more than the tag's last step, or 0 for its first value. */
  nextStep(tag: string): number | bigint {
    return this.#encoder.nextStep(tag);
  }

  /** Marks a step of the tag as used, without a value. The next value without a step comes after it. */
  skipStep(tag: string, step: number | bigint): void {
    this.#encoder.skipStep(tag, step);
  }

  /** Throws `ClosedError` once the writer is closed. */
  checkOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError(`the event file writer of ${this.directory}`);
  }

  /** Whether a tag has points that a later value does not replace. */
  hasCurve(tag: string): boolean {
    return this.#encoder.hasCurve(tag);
  }

  /** Lets the next value of a tag replace its last point, whatever its step is. */
  makeProvisional(tag: string): void {
    this.#encoder.makeProvisional(tag);
  }

  /** The last value of a scalar tag that this writer has written; undefined without any. */
  lastScalar(tag: string): number | undefined {
    return this.#encoder.lastScalar(tag);
  }

  /** The events of an earlier process that have values of the plugin `hparams`, in the order in which TensorBoard reads them. */
  get earlierHParams(): readonly Event[] {
    return this.#earlierHParams;
  }

  /** The last value of each scalar tag. */
  lastScalars(): Record<string, number> {
    return Object.fromEntries(Array.from(this.#encoder.scalarRanges(), ({ tag, last }) => [tag, last]));
  }

  /** The scalar tags that this writer has written, in the order of their first values. @internal */
  scalarRanges(): Iterable<ScalarRange> {
    return this.#encoder.scalarRanges();
  }

  /** Writes one scalar. Uses `metadata` for the tag's first value. Does not check its arguments: see `summary/`. */
  writeScalar(
    tag: string | ScalarTag,
    value: number,
    step: number | bigint | undefined,
    wallTime: number | undefined,
    metadata?: SummaryMetadata,
  ): void {
    if (!this.#admit()) return;
    const time = wallTime ?? this.#options.clock.wallTime();
    this.#appended(this.#encoder.scalar(tag, value, step, time, metadata), time);
  }

  /** Writes scalars of several tags with one wall time; those with the same step become one event. Does not check its arguments. */
  writeScalars(
    tags: readonly ScalarTag[],
    values: readonly number[],
    step: number | bigint | undefined,
    wallTime: number,
  ): void {
    if (tags.length === 0 || !this.#admit()) return;
    this.#appended(this.#encoder.scalars(tags, values, step, wallTime), wallTime);
  }

  /** Writes scalars of one tag like repeated `writeScalar`. Does not check its arguments; the arrays must have the same length. */
  writeSeries(
    tag: ScalarTag,
    values: ArrayLike<number>,
    steps: ArrayLike<number | bigint>,
    wallTime: number,
    metadata?: SummaryMetadata,
  ): void {
    for (let i = 0; i < values.length; i++) {
      if (!this.#admit()) continue;
      this.#appended(this.#encoder.scalar(tag, values[i]!, steps[i]!, wallTime, metadata), wallTime);
    }
  }

  /** Writes values with the same step as one event. Does not check its arguments: see `summary/`. */
  writeSummary(values: readonly SummaryValue[], step: number | bigint, wallTime: number | undefined): void {
    if (!this.#admit()) return;
    const time = wallTime ?? this.#options.clock.wallTime();
    this.#appended(this.#encoder.summary(values, step, time), time);
  }

  /** Writes any event unchanged. */
  writeEvent(event: Event): void {
    if (!this.#admit()) return;
    const bytes = event.what.kind === 'graphDef' ? this.#encoder.graph(event) : this.#encoder.event(event);
    this.#appended(bytes, event.wallTime);
  }

  /** Writes events to a separate file, which readers take before all others. Works after `close` too. Throws `RunWriteError`. */
  writeFirst(events: readonly Event[]): void {
    try {
      writeFirstFile(this.directory, WRITER_NAME, events, this.#options);
    } catch (cause) {
      throw new RunWriteError(this.directory, 'write an event file', { cause });
    }
  }

  /**
   * Resolves once all events so far are in the file, and on the disk if `fsync` is set.
   *
   * Rejects with `RunWriteError` when a write fails; the events stay in memory, and a later flush retries. Rejects with
   * `EventsDroppedError` once after events were dropped.
   */
  flush(): Promise<void> {
    this.#drain();
    return this.#observe(this.#settle());
  }

  /** Flushes, closes the file and ends the writer. Rejects like `flush()`. A second call returns the same promise. */
  close(): Promise<void> {
    this.#closing ??= this.#observe(this.#close());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal The last write, at process exit, where no promise can be awaited. */
  drain(): void {
    // Exit handlers run after the first call, and may remove what the program does not need any more.
    if (this.#isDrained && this.#queue.sizeBytes === 0) return;
    this.#isDrained = isProcessExiting();
    this.#drain();
  }

  /**
   * Checks the existing files in the directory and decides how the first file starts.
   *
   * A new series begins with START at 0. A resumed series begins with START at the first step that is written again, twice if the earlier
   * files have no START, because the first one of all supersedes nothing. A second writer writes no START, which would remove the points of
   * the first.
   */
  #planStart(): FileStart {
    const { resume, sink, diagnostics } = this.#options;
    if (resume === false) {
      const names = this.#listFiles();
      this.#fileSeconds = secondsAfter(names) ?? 0;
      if (names.length === 0) return { sessionStarts: [0] };
      const message = `${this.directory} already has event files, and TensorBoard draws them as one run; use a separate directory for each writer, or resume`;
      diagnostics.warn('WARN_SECOND_WRITER', message);
      return CONTINUED;
    }
    const fromStep = resume === true ? undefined : resume.fromStep;
    const earlier = readEarlierFiles(this.directory, sink, fromStep);
    this.#fileSeconds = secondsAfter(earlier.names) ?? 0;
    this.#earlierLayout = earlier.layout;
    this.#earlierHParams = earlier.hparams;
    const start = fromStep ?? (earlier.largestStep === undefined ? 0 : stepAfter(earlier.largestStep));
    if (earlier.names.length === 0) return { sessionStarts: [start] };
    const retractions = fromStep === undefined ? undefined : planRetractions(earlier.tags, fromStep);
    this.#encoder.continueAfter(earlier.tags, retractions);
    return { sessionStarts: earlier.hasSessionStart ? [start] : [start, start], retractions };
  }

  #listFiles(): string[] {
    try {
      return listEarlierFiles(this.directory, this.#options.sink);
    } catch {
      // A directory that cannot be listed cannot be written either; the first write reports that.
      return [];
    }
  }

  /** Returns the promise in a form that the program may ignore. */
  #observe(work: Promise<void>): Promise<void> {
    return reportUnawaited(work, (error) => this.#options.diagnostics.unawaited(error));
  }

  async #close(): Promise<void> {
    this.#cancelSchedule();
    this.#drain();
    removeExitListener(this);
    try {
      await this.#settle();
    } finally {
      for (const file of this.#unsyncedFiles.splice(0)) this.#closeAny(file, false);
      this.#closeFile(false);
    }
    this.#throwUnreported();
  }

  async #settle(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    for (const file of this.#unsyncedFiles.splice(0)) this.#closeAny(file, true);
    if (this.#options.fsync && this.#file !== undefined) {
      const { path } = this.#file;
      await this.#file.sync().catch((cause: unknown) => this.#noteUnsynced(path, cause));
    }
    this.#throwUnreported();
  }

  /** Throws once what no later write can make good. */
  #throwUnreported(): void {
    const unsynced = this.#unsynced;
    this.#unsynced = undefined;
    if (unsynced !== undefined) throw unsynced;
    if (this.#unreportedDrops === 0) return;
    const dropped = this.#unreportedDrops;
    this.#unreportedDrops = 0;
    throw new EventsDroppedError(this.directory, dropped);
  }

  #noteUnsynced(path: string, cause: unknown): void {
    this.#unsynced = new RunWriteError(path, 'sync the file to disk', { cause });
    this.#options.diagnostics.error(this.#unsynced);
  }

  /** Forgets the file before it is closed, so that no failure can close it again. */
  #closeFile(sync: boolean): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#lastPath = file.path;
    this.#file = undefined;
    this.#closeAny(file, sync);
  }

  #closeAny(file: OpenEventFile, sync: boolean): void {
    try {
      file.close(sync);
    } catch (cause) {
      this.#noteUnsynced(file.path, cause);
      if (sync) this.#unsyncedFiles.push(file);
    }
  }

  /** Restores the file if another program has removed or replaced it, or begins another one if its content is gone. */
  #keepFile(): void {
    const file = this.#file;
    if (file?.restore === undefined) return;
    const { path } = file;
    const { diagnostics, clock } = this.#options;
    const state = file.restore(this.#writtenBytes);
    if (state === 'present') return;
    if (state === 'restored') {
      const message = `${path}: another program removed or replaced the event file; all its events are again in ${file.path}`;
      diagnostics.warn('WARN_EVENT_FILE_REMOVED', message);
      return;
    }
    // Without the metadata in the lost part, TensorBoard cannot show the waiting events.
    const lostBytes = this.#writtenBytes + this.#queue.sizeBytes;
    this.#closeFile(false);
    this.#queue.consume(this.#queue.sizeBytes);
    this.#boundaries.length = 0;
    this.#bytesInFile = this.#encoder.startFile(clock.wallTime(), WRITER_NAME, CONTINUED);
    const message = `${path}: another program truncated the event file; up to ${lostBytes} bytes of events are lost, and later events go to a new file`;
    diagnostics.warn('WARN_EVENT_FILE_REMOVED', message);
  }

  /** Whether the queue has space for another event. If not, counts the event as dropped. */
  #admit(): boolean {
    this.checkOpen();
    if (this.#queue.sizeBytes < this.#options.maxQueueBytes) return true;
    if (this.#failure === undefined) this.#drain();
    if (this.#queue.sizeBytes < this.#options.maxQueueBytes) return true;
    this.#droppedEvents++;
    this.#unreportedDrops++;
    const dropped = new EventsDroppedError(this.directory, this.#droppedEvents, { cause: this.#failure });
    this.#options.diagnostics.error(dropped);
    if (this.#options.onQueueFull === 'throw') throw dropped;
    return false;
  }

  /** Called after a record was encoded: rotates the file, and schedules or performs a write. */
  #appended(recordBytes: number, wallTime: number): void {
    this.#bytesInFile += recordBytes;
    if (this.#bytesInFile >= this.#options.maxFileBytes) this.#rotate();
    const waiting = this.#queue.sizeBytes;
    if (this.#failure === undefined) {
      if (waiting >= SPILL_BYTES || this.#isStarved(wallTime)) {
        this.#drain();
        return;
      }
      if (waiting >= DRAIN_BYTES) this.#immediate ??= setImmediate(this.#drainLater);
    }
    this.#schedule();
  }

  /** Whether the flush interval has passed without its timer running, because the caller blocks the event loop. */
  #isStarved(wallTime: number): boolean {
    // Thousands of calls may share a millisecond, and reading the clock costs as much as encoding a scalar.
    if (wallTime === this.#lastWallTime && ++this.#calls % CALLS_PER_CLOCK_CHECK !== 0) return false;
    this.#lastWallTime = wallTime;
    if (this.#timer === undefined) return false;
    return this.#options.clock.monotonicMs() - this.#lastDrainMs >= this.#options.flushIntervalMs;
  }

  /** Marks the end of the current file in the queue and begins the next one, without START because the run continues. */
  #rotate(): void {
    this.#boundaries.push(this.#queue.sizeBytes - this.#boundaries.reduce((sum, bytes) => sum + bytes, 0));
    this.#bytesInFile = this.#encoder.startFile(this.#options.clock.wallTime(), WRITER_NAME, CONTINUED);
  }

  readonly #drainLater = (): void => this.#drain();

  #schedule(): void {
    if (this.#timer !== undefined || this.#closing !== undefined) return;
    this.#timer = setTimeout(this.#drainLater, this.#options.flushIntervalMs);
    this.#timer.unref();
  }

  /** Writes everything that waits. Keeps and reports a failure for `flush()`, and clears it once a write succeeds. */
  #drain(): void {
    this.#cancelSchedule();
    this.#lastDrainMs = this.#options.clock.monotonicMs();
    try {
      this.#keepFile();
      while (this.#queue.sizeBytes > 0) {
        const boundary = this.#boundaries[0];
        if (boundary === 0) {
          this.#boundaries.shift();
          this.#closeFile(this.#options.fsync);
          continue;
        }
        this.#file ??= this.#createFile();
        const limit = Math.min(boundary ?? this.#queue.sizeBytes, MAX_WRITE_BYTES);
        const written = this.#file.write(this.#queue.waiting.subarray(0, limit), this.#writtenBytes);
        this.#writtenBytes += written;
        this.#queue.consume(written);
        if (boundary !== undefined) this.#boundaries[0] = boundary - written;
        this.#keepFile();
      }
      if (this.#failure !== undefined) this.#options.diagnostics.recovered(this.#failure.code);
      this.#failure = undefined;
    } catch (cause) {
      this.#failure = new RunWriteError(this.#file?.path ?? this.directory, 'write events', { cause });
      this.#options.diagnostics.error(this.#failure);
      // After a failure, retry at the next interval, even without new events.
      this.#schedule();
    }
  }

  /** Creates the next file, with a name that sorts after all earlier files of this writer. */
  #createFile(): OpenEventFile {
    this.#fileSeconds = Math.max(this.#fileSeconds, Math.floor(this.#options.clock.wallTime()));
    for (;;) {
      const name = toEventFileName({
        seconds: this.#fileSeconds,
        hostname: hostname(),
        pid: process.pid,
        sequence: fileSequence++,
        suffix: this.#options.fileNameSuffix,
      });
      try {
        const file = this.#options.sink.create(this.directory, name);
        this.#writtenBytes = 0;
        return file;
      } catch (error) {
        // Another thread, or a container with the same host name and pid, uses this name: try the next one.
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  }

  #cancelSchedule(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
  }
}

/**
 * Rejects names that contain `tfevents`: TensorBoard's Python reader opens such a directory as a file, and then fails for all runs.
 * Source: tensorboard/backend/event_processing/io_wrapper.py.
 */
function checkDirectoryName(directory: string): void {
  if (typeof directory !== 'string' || directory === '') {
    throw new InvalidArgumentError(
      'ERR_OPTION_INVALID',
      `directory is ${describe(directory)}, expected the path of a directory`,
      'Pass the directory of the event file as first argument.',
    );
  }
  const parts = isAbsolute(directory) ? [] : directory.split(/[\\/]/);
  const bad = [...parts, basename(resolve(directory))].find((name) => name.includes(EVENT_FILE_MARK));
  if (bad === undefined) return;
  throw new InvalidArgumentError(
    'ERR_OPTION_INVALID',
    `${directory}: ${bad} contains "${EVENT_FILE_MARK}", so TensorBoard would read the directory as an event file`,
    'Give the directory another name.',
  );
}
