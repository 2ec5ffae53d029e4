/**
 * Passes the events of one log directory to its event file: in the order of the calls within each tag, with the steps that were not given,
 * and without the events that are sampled out.
 */

import { Diagnostics } from '../base/diagnostics.js';
import { ClosedError, EventsDroppedError, InvalidArgumentError } from '../base/errors.js';
import { reportUnawaited } from '../base/observed-promise.js';
import type { EventContent, SummaryValue } from '../format/wire/messages.js';
import { resolveEventFileOptions } from '../format/writer/event-file-options.js';
import { EventFileWriter } from '../format/writer/event-file-writer.js';
import { PendingEvents } from '../format/writer/pending-events.js';
import {
  type EventOptions,
  parseEventTime,
  parseName,
  parseStep,
  parseWallTime,
} from '../summary/arguments.js';
import { type Encoding, mapEncoding, ready } from '../summary/encoding.js';
import { UnreadTensorError } from '../summary/tensor.js';
import type { EventLogOptions } from './event-log-options.js';

/** Larger values are encoded in the background. Smaller ones are encoded as fast in the call. */
const BACKGROUND_BYTES = 64 * 1024;

export class EventQueue {
  readonly diagnostics: Diagnostics;
  readonly writer: EventFileWriter;
  /** Whether some events may be sampled out. */
  readonly hasFilter: boolean;
  readonly #pending: PendingEvents;
  readonly #options: ReturnType<typeof resolveEventFileOptions>;
  readonly #filter: EventLogOptions['filter'];
  /** The step of events without one; undefined: each name counts its own steps. */
  defaultStep: number | bigint | undefined;
  #closing: Promise<void> | undefined;
  /** What a call of `together` has accepted so far; undefined outside of one. */
  #accepted: (() => void)[] | undefined;

  constructor(directory: string, options: EventLogOptions) {
    this.diagnostics = options.diagnostics ?? new Diagnostics();
    this.#filter = options.filter;
    this.hasFilter = options.filter !== undefined;
    this.#options = resolveEventFileOptions({ ...options, diagnostics: this.diagnostics });
    this.writer = new EventFileWriter(directory, this.#options);
    this.#pending = new PendingEvents(this.writer, this.#options.maxQueueBytes, (tag, cause) =>
      this.#reportLost(tag, cause),
    );
  }

  /** Whether data is on disk when it is flushed, also after a power cut. */
  get fsync(): boolean {
    return this.#options.fsync;
  }

  /** The current time, in seconds. */
  wallTime(): number {
    return this.#options.clock.wallTime();
  }

  /** The step for the next event of this tag without a step. */
  nextStep(tag: string): number | bigint {
    return this.#pending.nextStep(tag);
  }

  /** Returns the tag for a name. Throws `ERR_NAME_INVALID`. */
  parseTag(name: string): string {
    const { text, repaired } = parseName(name);
    if (repaired)
      this.diagnostics.warn('WARN_TEXT_REPAIRED', `name ${text}: lone surrogates were replaced by U+FFFD`);
    return text;
  }

  /** Logs the values that `create` builds for a tag as one event. */
  summary(
    tag: string,
    options: EventOptions,
    create: (tag: string) => Encoding<readonly SummaryValue[]>,
    sampledAs = tag,
  ): void {
    const step = parseStep(options.step) ?? this.defaultStep ?? this.#pending.nextStep(tag);
    const wallTime = parseEventTime(options);
    this.checkOpen();
    if (this.isSampledOut(tag, step, sampledAs)) return;
    const time = wallTime ?? this.wallTime();
    this.inOrder([tag], step, create(tag), (values) => this.writer.writeSummary(values, step, time));
  }

  /** Runs `log`, and writes what it logs once it returns; nothing if it throws. */
  together(log: () => void): void {
    const accepted: (() => void)[] = [];
    this.#accepted = accepted;
    try {
      log();
    } finally {
      this.#accepted = undefined;
    }
    for (const write of accepted) write();
  }

  /** Whether what is logged waits for the end of a call of `together`. */
  get isTogether(): boolean {
    return this.#accepted !== undefined;
  }

  /** Does something that belongs to an event that is accepted: immediately, or at the end of `together`. */
  whenAccepted(work: () => void): void {
    if (this.#accepted === undefined) work();
    else this.#accepted.push(work);
  }

  /** Writes a small value immediately, and others once they are read and encoded. Keeps the order of calls within each tag. */
  inOrder<T>(
    tags: readonly string[],
    step: number | bigint,
    encoding: Encoding<T>,
    write: (value: T) => void,
  ): void {
    const isSmall = encoding.mustRead !== true && encoding.sizeBytes <= BACKGROUND_BYTES;
    if (this.isTogether) {
      const checked = isSmall ? ready(encoding.now()) : encoding;
      this.whenAccepted(() => this.inOrder(tags, step, checked, write));
      return;
    }
    if (isSmall && !tags.some((tag) => this.isWaiting(tag))) {
      write(encoding.now());
      return;
    }
    const value = mapEncoding(encoding, (encoded) => () => write(encoded));
    this.#pending.add(tags, step, value);
  }

  /** Whether events of this tag are still being read or encoded. */
  isWaiting(tag: string): boolean {
    return this.#pending.isWaiting && this.#pending.has(tag);
  }

  /** Reports a value that was logged but can be neither read nor encoded. */
  #reportLost(tag: string, cause: unknown): void {
    if (cause instanceof InvalidArgumentError) this.diagnostics.rejected(cause);
    else if (cause instanceof UnreadTensorError)
      this.diagnostics.warn('WARN_TENSOR_UNREAD', `${tag}: ${cause.message}`);
    else this.diagnostics.error(new EventsDroppedError(this.writer.directory, 1, { cause }));
  }

  /** Logs an event other than a summary. */
  event(what: EventContent, step: number | bigint | undefined, wallTime: number | undefined): void {
    this.checkOpen();
    const time = parseWallTime(wallTime) ?? this.wallTime();
    this.writer.writeEvent({ wallTime: time, step: parseStep(step) ?? this.defaultStep ?? 0, what });
  }

  /** Throws `ClosedError` if the log is closed. */
  checkOpen(): void {
    if (this.#closing !== undefined)
      throw new ClosedError(`the event file writer of ${this.writer.directory}`);
  }

  /** Whether values are being read or encoded in the background. */
  get isEncoding(): boolean {
    return this.#pending.isWaiting;
  }

  /** Encodes and writes all pending values synchronously, for the exit of the process. */
  drain(): void {
    this.#pending.drain();
  }

  flush(): Promise<void> {
    return this.#observe(this.#pending.settle().then(() => this.writer.flush()));
  }

  close(): Promise<void> {
    this.#closing ??= this.#observe(this.#pending.settle().then(() => this.writer.close()));
    return this.#closing;
  }

  /** Returns the promise in a form that the program may ignore. */
  #observe(work: Promise<void>): Promise<void> {
    return reportUnawaited(work, (error) => this.diagnostics.unawaited(error));
  }

  /** Whether `filter` leaves the event out; `given`: its step. */
  isSampledOut(tag: string, given: number | bigint | undefined, sampledAs = tag): boolean {
    const filter = this.#filter;
    if (filter === undefined) return false;
    const step = given ?? this.#pending.nextStep(tag);
    if (this.diagnostics.guard('filter', () => filter({ tag: sampledAs, step }), true)) return false;
    this.diagnostics.count('EVENTS_SAMPLED_OUT');
    this.inOrder([tag], step, ready(undefined), () => this.writer.skipStep(tag, step));
    return true;
  }
}
