/**
 * A log file that grows by whole lines, and never stands in the way of the program.
 *
 * Lines wait in memory, unencoded, and are written off the call: at an interval, or when many wait. Only a program that never
 * lets the event loop run pays for a write itself. While the disk refuses, lines are kept up to a bound, then counted.
 */

import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../base/clock.js';
import type { Diagnostics } from '../base/diagnostics.js';
import { RunWriteError } from '../base/errors.js';

export interface LogFileOptions<Line extends WaitingLine> {
  /** What is written of lines, in their order: the line feed before each included, nothing of those that are left out. */
  readonly encode: (lines: readonly Line[]) => string;
  /** The line that tells of `count` lines that were not kept. */
  readonly describeLoss: (count: number) => Line;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly intervalMs: number;
  /** What may wait in memory, encoded or not. */
  readonly maxWaitingBytes: number;
}

export interface WaitingLine {
  readonly text: string;
}

/** Waiting bytes that a call writes itself. */
const SPILL_BYTES = 2 * 1024 * 1024;
/** What a line costs in memory besides its text. */
const LINE_BYTES = 100;
/** The last line of a file that a process left is looked for in so many bytes. */
const TAIL_BYTES = 256 * 1024;
const LINE_FEED = 0x0a;
const EMPTY: Buffer = Buffer.alloc(0);

export class LogFile<Line extends WaitingLine> {
  readonly path: string;
  readonly #options: LogFileOptions<Line>;
  readonly #timer: NodeJS.Timeout;
  #lines: Line[] = [];
  #lineBytes = 0;
  /** Encoded, and refused by the disk. */
  #refused: Buffer = EMPTY;
  /** The beginning of a line at the end of the file, the rest of which is in `#refused`. Empty unless the disk has just refused. */
  #torn: Buffer = EMPTY;
  #lastAttemptMs: number;
  #failure: RunWriteError | undefined;
  #lostLines = 0;
  #unreportedLoss = 0;
  #isTailChecked = false;
  #writesAtOnce = false;

  /** Touches no disk before the first line. */
  constructor(path: string, options: LogFileOptions<Line>) {
    this.path = path;
    this.#options = options;
    this.#lastAttemptMs = options.clock.monotonicMs();
    this.#timer = setInterval(() => this.flush(), options.intervalMs).unref();
  }

  /** Lines that were not kept because the disk refused writes. */
  get lostLines(): number {
    return this.#lostLines;
  }

  /** What the disk said last; undefined when all is well. */
  get failure(): RunWriteError | undefined {
    return this.#failure;
  }

  append(line: Line): void {
    const bytes = 2 * line.text.length + LINE_BYTES;
    const isFull = () => this.#waitingBytes + bytes > this.#options.maxWaitingBytes;
    // While the disk refuses, the interval tries again: not every line.
    if (isFull() && this.#failure === undefined) this.flush();
    if (isFull()) {
      this.#lose();
      return;
    }
    this.#lines.push(line);
    this.#lineBytes += bytes;
    if (this.#isDue()) this.flush();
  }

  /** Writes all lines so far. Throws nothing: what the disk refuses is kept and reported. */
  flush(): void {
    this.#lastAttemptMs = this.#options.clock.monotonicMs();
    if (this.#waitingBytes === 0) return;
    try {
      this.#encodeLines();
      this.#write();
      this.#recover();
    } catch (cause) {
      this.#fail(cause);
    }
  }

  /** As `flush`; lines that come later are written at once. */
  drainAtExit(): void {
    this.#writesAtOnce = true;
    this.flush();
  }

  /** Writes what is left. */
  close(): void {
    clearInterval(this.#timer);
    this.drainAtExit();
  }

  get #waitingBytes(): number {
    return this.#lineBytes + this.#refused.length;
  }

  /** Whether the call has to write: the event loop has not run for long, or the process is at its end. */
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
    this.#refused = this.#refused.length === 0 ? bytes : Buffer.concat([this.#refused, bytes]);
  }

  #write(): void {
    if (this.#refused.length === 0) return;
    const fd = this.#open();
    try {
      if (!this.#isTailChecked) this.#checkTail(fd, fstatSync(fd));
      while (this.#refused.length > 0) {
        const written = this.#refused.subarray(0, writeSync(fd, this.#refused));
        this.#refused = this.#refused.subarray(written.length);
        this.#torn = this.#refused[0] === LINE_FEED ? EMPTY : this.#lastLineOf(written);
      }
      this.#torn = EMPTY;
    } catch (error) {
      this.#takeBackTornLine(fd);
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** Opened for each write: a file that was taken away meanwhile is made anew. */
  #open(): number {
    try {
      return openSync(this.path, 'a+', 0o644);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      mkdirSync(dirname(this.path), { recursive: true });
      return openSync(this.path, 'a+', 0o644);
    }
  }

  #lastLineOf(written: Buffer): Buffer {
    const start = written.lastIndexOf(LINE_FEED);
    return start < 0 ? Buffer.concat([this.#torn, written]) : written.subarray(start);
  }

  /** A process that was killed may have left the beginning of a line, at which Polyaxon's reader fails. */
  #checkTail(fd: number, { size }: Stats): void {
    this.#isTailChecked = true;
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(fd, tail, 0, tail.length, size - tail.length);
    const lineStart = tail.lastIndexOf(LINE_FEED);
    if (lineStart >= 0 && !isJson(tail.toString('utf8', lineStart + 1))) {
      ftruncateSync(fd, size - tail.length + lineStart);
    }
  }

  /** So that the file ends in a whole line. */
  #takeBackTornLine(fd: number): void {
    if (this.#torn.length === 0) return;
    try {
      ftruncateSync(fd, fstatSync(fd).size - this.#torn.length);
      this.#refused = Buffer.concat([this.#torn, this.#refused]);
      this.#torn = EMPTY;
    } catch {
      // Then the next write goes on at that byte.
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
      const message = `${this.path}: lines are not kept while the disk refuses writes`;
      this.#report(() => diagnostics.warn('WARN_LOG_LINES_DROPPED', message));
    }
  }

  #report(report: () => void): void {
    try {
      report();
    } catch {
      // A callback of the program's that throws: there is nobody to tell.
    }
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
