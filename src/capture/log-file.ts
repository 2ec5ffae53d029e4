/**
 * Appends complete lines to a log file without slowing the program down.
 *
 * Lines are buffered without encoding and written at an interval. A call writes synchronously only if the program blocks the event loop
 * or the buffer is large. While writes fail, lines are kept up to a limit, then dropped and counted. A file also has a limit: beyond it,
 * only the last lines are kept, in memory, and written at the end.
 */

import { closeSync, fstatSync, ftruncateSync, mkdirSync, readSync, type Stats, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { openToAppend } from '../base/append-file.js';
import type { Clock } from '../base/clock.js';
import type { Diagnostics } from '../base/diagnostics.js';
import { RunWriteError } from '../base/errors.js';

export interface LogFileOptions<Line extends WaitingLine> {
  /** Encodes lines in their order, each preceded by a line feed. May omit lines. */
  readonly encode: (lines: readonly Line[]) => string;
  /** Returns a line that reports `count` dropped lines. */
  readonly describeLoss: (count: number) => Line;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly intervalMs: number;
  /** Limit for buffered lines, encoded or not. */
  readonly maxWaitingBytes: number;
  /** Bytes that this process writes at most, except for the last lines. Default: no limit. */
  readonly maxFileBytes?: number | undefined;
  /** Returns a line that reports the limit, or at the end `count` lines that were left out because of it. */
  readonly describeLimit?: ((count: number | null) => Line) | undefined;
}

interface WaitingLine {
  readonly text: string;
}

/** Buffer size from which a call writes synchronously. */
const SPILL_BYTES = 2 * 1024 * 1024;
/** Memory that a line needs in addition to its text. */
const LINE_BYTES = 100;
/** Number of bytes at the end of an existing file that are searched for the last line. */
const TAIL_BYTES = 256 * 1024;
/** Memory for the last lines beyond the limit of the file. */
const LAST_LINES_BYTES = 256 * 1024;
const LINE_FEED = 0x0a;
const EMPTY: Buffer = Buffer.alloc(0);

export class LogFile<Line extends WaitingLine> {
  readonly path: string;
  readonly #options: LogFileOptions<Line>;
  readonly #timer: NodeJS.Timeout;
  #lines: Line[] = [];
  #lineBytes = 0;
  /** Encoded bytes that are not written yet. */
  #unwritten: Buffer = EMPTY;
  /** The beginning of a line at the end of the file whose rest is in `#unwritten`. Not empty only after a write has failed. */
  #torn: Buffer = EMPTY;
  #lastAttemptMs: number;
  #failure: RunWriteError | undefined;
  #lostLines = 0;
  #unreportedLoss = 0;
  #isTailChecked = false;
  /** The size of the file after the last write. */
  #sizeBytes = 0;
  #writesAtOnce = false;
  #writtenBytes = 0;
  /** The last lines since the limit of the file was reached; null before. */
  #lastLines: LastLines<Line> | null = null;

  /** Does not access the disk before the first line. */
  constructor(path: string, options: LogFileOptions<Line>) {
    this.path = path;
    this.#options = options;
    this.#lastAttemptMs = options.clock.monotonicMs();
    this.#timer = setInterval(() => this.flush(), options.intervalMs).unref();
  }

  /** Number of lines that were dropped because writes to disk failed. */
  get lostLines(): number {
    return this.#lostLines;
  }

  /** The error of the last write; undefined if it succeeded. */
  get failure(): RunWriteError | undefined {
    return this.#failure;
  }

  append(line: Line): void {
    const bytes = toMemoryBytes(line);
    if (this.#lastLines !== null) {
      this.#lastLines.add(line, bytes);
      this.#reportLimit(this.#lastLines.count);
      return;
    }
    const isFull = () => this.#waitingBytes + bytes > this.#options.maxWaitingBytes;
    // While writes fail, only the interval retries, not every line.
    if (isFull() && this.#failure === undefined) this.flush();
    if (isFull()) {
      this.#lose();
      return;
    }
    this.#keep(line);
    if (this.#isDue()) this.flush();
  }

  #keep(line: Line): void {
    this.#lines.push(line);
    this.#lineBytes += toMemoryBytes(line);
  }

  /** Writes all lines so far. Never throws: if the write fails, the lines are kept and the error is reported. */
  flush(): void {
    this.#lastAttemptMs = this.#options.clock.monotonicMs();
    if (this.#waitingBytes === 0) return;
    try {
      this.#encodeLines();
      this.#write();
      this.#recover();
      if (this.#isOverLimit) this.#beginLastLines();
    } catch (cause) {
      this.#fail(cause);
    }
  }

  /** Writes all lines so far, and all later lines immediately. */
  drainAtExit(): void {
    this.#writesAtOnce = true;
    this.#endLastLines();
    this.flush();
  }

  get #isOverLimit(): boolean {
    const { maxFileBytes = Number.POSITIVE_INFINITY } = this.#options;
    return !this.#writesAtOnce && this.#lastLines === null && this.#writtenBytes >= maxFileBytes;
  }

  #beginLastLines(): void {
    const { describeLimit } = this.#options;
    if (describeLimit !== undefined) this.#keep(describeLimit(null));
    this.#lastLines = new LastLines();
  }

  #reportLimit(count: number): void {
    const { diagnostics, maxFileBytes } = this.#options;
    if (count > 1) {
      diagnostics.count('WARN_LOG_LIMIT');
      return;
    }
    const message = `${this.path}: ${maxFileBytes} bytes of console output are logged; of the rest, only the last lines will be`;
    this.#report(() => diagnostics.warn('WARN_LOG_LIMIT', message));
  }

  #endLastLines(): void {
    const last = this.#lastLines;
    const { describeLimit } = this.#options;
    this.#lastLines = null;
    if (last === null) return;
    const omission = describeLimit === undefined ? [] : [describeLimit(last.omittedCount)];
    for (const line of [...omission, ...last.lines]) this.#keep(line);
  }

  /** Stops the interval and writes all remaining lines. */
  close(): void {
    clearInterval(this.#timer);
    this.drainAtExit();
  }

  get #waitingBytes(): number {
    return this.#lineBytes + this.#unwritten.length;
  }

  /** Whether this call must write, because the event loop is blocked, the buffer is large or the process ends. */
  #isDue(): boolean {
    if (this.#writesAtOnce) return true;
    const waitedMs = this.#options.clock.monotonicMs() - this.#lastAttemptMs;
    if (waitedMs >= 2 * this.#options.intervalMs) return true;
    return this.#failure === undefined && this.#waitingBytes >= SPILL_BYTES;
  }

  #encodeLines(): void {
    const lines = this.#lines;
    this.#lines = [];
    this.#lineBytes = 0;
    const bytes = Buffer.from(this.#options.encode(lines));
    this.#unwritten = this.#unwritten.length === 0 ? bytes : Buffer.concat([this.#unwritten, bytes]);
  }

  #write(): void {
    if (this.#unwritten.length === 0) return;
    const fd = this.#open();
    try {
      const stat = fstatSync(fd);
      if (!this.#isTailChecked) this.#checkTail(fd, stat);
      else this.#checkLoss(stat);
      while (this.#unwritten.length > 0) {
        const written = this.#unwritten.subarray(0, writeSync(fd, this.#unwritten));
        this.#unwritten = this.#unwritten.subarray(written.length);
        this.#writtenBytes += written.length;
        this.#torn = this.#unwritten[0] === LINE_FEED ? EMPTY : this.#lastLineOf(written);
      }
      this.#torn = EMPTY;
      this.#sizeBytes = fstatSync(fd).size;
    } catch (error) {
      this.#takeBackTornLine(fd);
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** Opens the file for each write, so that a file that was removed is created again. */
  #open(): number {
    try {
      return openToAppend(this.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      mkdirSync(dirname(this.path), { recursive: true });
      return openToAppend(this.path);
    }
  }

  /** Reports that another program has removed or truncated the file since the last write. */
  #checkLoss({ size }: Stats): void {
    if (size >= this.#sizeBytes) return;
    const message = `${this.path}: another program removed or truncated the log; ${this.#sizeBytes - size} bytes of earlier lines are lost`;
    this.#sizeBytes = size;
    this.#torn = EMPTY;
    this.#options.diagnostics.warn('WARN_LOG_FILE_REMOVED', message);
  }

  #lastLineOf(written: Buffer): Buffer {
    const start = written.lastIndexOf(LINE_FEED);
    return start < 0 ? Buffer.concat([this.#torn, written]) : written.subarray(start);
  }

  /** Removes the partial line that a killed process may have written, because Polyaxon's reader fails at it. */
  #checkTail(fd: number, { size }: Stats): void {
    this.#isTailChecked = true;
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(fd, tail, 0, tail.length, size - tail.length);
    const lineStart = tail.lastIndexOf(LINE_FEED);
    if (lineStart >= 0 && !isJson(tail.toString('utf8', lineStart + 1))) {
      ftruncateSync(fd, size - tail.length + lineStart);
    }
  }

  /** Removes a partly written line, so that the file ends with a complete line. */
  #takeBackTornLine(fd: number): void {
    if (this.#torn.length === 0) return;
    try {
      ftruncateSync(fd, fstatSync(fd).size - this.#torn.length);
      this.#unwritten = Buffer.concat([this.#torn, this.#unwritten]);
      this.#torn = EMPTY;
    } catch {
      // The next write then continues after the last written byte.
    }
  }

  #recover(): void {
    if (this.#failure !== undefined) this.#options.diagnostics.recovered(this.#failure.code);
    this.#failure = undefined;
    if (this.#unreportedLoss === 0) return;
    const line = this.#options.describeLoss(this.#unreportedLoss);
    this.#unreportedLoss = 0;
    this.append(line);
  }

  #fail(cause: unknown): void {
    this.#failure = new RunWriteError(this.path, 'append to the log', { cause });
    this.#report(() => this.#options.diagnostics.error(this.#failure!));
  }

  #lose(): void {
    this.#lostLines++;
    this.#unreportedLoss++;
    const { diagnostics } = this.#options;
    if (this.#unreportedLoss > 1) diagnostics.count('WARN_LOG_LINES_DROPPED');
    else {
      const message = `${this.path}: lines are dropped while writes to disk fail`;
      this.#report(() => diagnostics.warn('WARN_LOG_LINES_DROPPED', message));
    }
  }

  #report(report: () => void): void {
    try {
      report();
    } catch {
      // A callback of the program has thrown. No one can handle the error here.
    }
  }
}

/** Keeps the last lines that fit into `LAST_LINES_BYTES`, and counts the others. */
class LastLines<Line extends WaitingLine> {
  readonly lines: Line[] = [];
  omittedCount = 0;
  #bytes = 0;

  get count(): number {
    return this.omittedCount + this.lines.length;
  }

  add(line: Line, bytes: number): void {
    this.lines.push(line);
    this.#bytes += bytes;
    while (this.#bytes > LAST_LINES_BYTES && this.lines.length > 1) {
      this.#bytes -= toMemoryBytes(this.lines.shift()!);
      this.omittedCount += 1;
    }
  }
}

function toMemoryBytes({ text }: WaitingLine): number {
  return 2 * text.length + LINE_BYTES;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
