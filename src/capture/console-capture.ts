/**
 * The console output of a run, as lines of a Polyaxon log file.
 */

import { hostname } from 'node:os';
import type { Clock } from '../base/clock.js';
import type { Diagnostics } from '../base/diagnostics.js';
import type { RunWriteError } from '../base/errors.js';
import { type ConsoleStream, listenToConsole } from './console-tee.js';
import { findUser } from './host.js';
import { LineAssembler } from './line-assembler.js';
import { LogFile } from './log-file.js';
import { encodeLogLine, type LogOrigin } from './log-line.js';
import { createLineMasker, type Masker } from './secrets.js';
import { toPlainText } from './terminal-text.js';

export interface ConsoleCaptureOptions {
  readonly masker: Masker;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  /** Default: the process's. Says on which node and pod of a cluster it runs. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Lines are written that often. Default 2 s. */
  readonly intervalMs?: number | undefined;
  /** A line without an end counts as a line after so long a silence. Default 1 s; progress bars ten times that. */
  readonly silenceMs?: number | undefined;
  /** Longer lines are cut, and say how much is missing. Default 16,384 UTF-16 code units. */
  readonly maxLineLength?: number | undefined;
  /** What may wait in memory while the disk refuses; later lines are counted. Default 8 MiB. */
  readonly maxWaitingBytes?: number | undefined;
}

/** A line that waits to be written. */
interface ConsoleLine {
  readonly stream: ConsoleStream;
  readonly wallTime: number;
  readonly text: string;
  readonly lostLength: number;
}

const DEFAULT_INTERVAL_MS = 2000;
const DEFAULT_SILENCE_MS = 1000;
const DEFAULT_MAX_LINE_LENGTH = 16_384;
const DEFAULT_MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** Progress bars pause: their last state is worth waiting for. */
const PROGRESS_SILENCES = 10;
/** So much more of a long line is masked than is kept, so that no secret is cut in two and its first half kept. */
const CUT_MARGIN = 4096;
const MICROSECONDS = 1_000_000;
/** A clock that goes back by more is believed. */
const MAX_REORDER_MICROSECONDS = MICROSECONDS;

/** Captures from its making until `close()`. Nothing here throws. */
export class ConsoleCapture {
  readonly #options: ConsoleCaptureOptions;
  readonly #origin: LogOrigin;
  readonly #maxLineLength: number;
  readonly #file: LogFile<ConsoleLine>;
  readonly #streams: Readonly<Record<ConsoleStream, StreamLines>>;
  readonly #maskLine: Readonly<Record<ConsoleStream, (line: string) => string>>;
  readonly #stopListening: () => void;
  #lastMicroseconds = 0;

  /** `path` is that of the log file, such as `plxlogs/logs.jsonl`; it and its directory come with the first line. */
  constructor(path: string, options: ConsoleCaptureOptions) {
    const { masker, clock, diagnostics, environment = process.env } = options;
    this.#options = options;
    this.#origin = findOrigin(environment);
    this.#maxLineLength = options.maxLineLength ?? DEFAULT_MAX_LINE_LENGTH;
    this.#maskLine = { stdout: createLineMasker(masker), stderr: createLineMasker(masker) };
    this.#file = new LogFile<ConsoleLine>(path, {
      encode: (lines) => this.#encode(lines),
      describeLoss: (count) => this.#toLine('stderr', `(${count} lines were lost: the disk refused writes)`),
      clock,
      diagnostics,
      intervalMs: options.intervalMs ?? DEFAULT_INTERVAL_MS,
      maxWaitingBytes: options.maxWaitingBytes ?? DEFAULT_MAX_WAITING_BYTES,
    });
    this.#streams = { stdout: this.#openStream('stdout'), stderr: this.#openStream('stderr') };
    this.#stopListening = listenToConsole((stream, chunk) => this.#streams[stream].push(chunk));
  }

  /** Lines that were not kept because the disk refused writes. */
  get lostLines(): number {
    return this.#file.lostLines;
  }

  /** What the disk said last; undefined when all is well. */
  get failure(): RunWriteError | undefined {
    return this.#file.failure;
  }

  /** Logs a text that did not go through the console, such as the stack that Node.js prints of an uncaught error. */
  log(stream: ConsoleStream, text: string): void {
    for (const line of text.toWellFormed().split(/\r?\n/)) this.#file.append(this.#toLine(stream, line));
  }

  /** Writes all whole lines so far. */
  flush(): void {
    this.#file.flush();
  }

  /** Writes all lines so far, those without an end too; what is printed later is written line by line. Synchronous. */
  drainAtExit(): void {
    this.#endLines();
    this.#file.drainAtExit();
  }

  /** Stops listening and writes what is left. Synchronous; a second call does nothing. */
  close(): void {
    this.#stopListening();
    this.#endLines();
    for (const stream of Object.values(this.#streams)) stream.close();
    this.#file.close();
  }

  #endLines(): void {
    for (const stream of Object.values(this.#streams)) stream.endLine();
  }

  #openStream(stream: ConsoleStream): StreamLines {
    const assembler = new LineAssembler(({ text, lostLength }) => {
      this.#file.append({ ...this.#toLine(stream, text), lostLength });
    }, this.#maxLineLength + CUT_MARGIN);
    return new StreamLines(assembler, this.#options.clock, this.#options.silenceMs ?? DEFAULT_SILENCE_MS);
  }

  #toLine(stream: ConsoleStream, text: string): ConsoleLine {
    return { stream, wallTime: this.#options.clock.wallTime(), text, lostLength: 0 };
  }

  #encode(lines: readonly ConsoleLine[]): string {
    this.#options.masker.refresh();
    return lines.map((line) => this.#encodeLine(line)).join('');
  }

  #encodeLine(line: ConsoleLine): string {
    const masked = this.#maskLine[line.stream](toPlainText(line.text)).trim();
    return masked === ''
      ? ''
      : encodeLogLine(this.#origin, this.#toMicroseconds(line.wallTime), this.#cut(masked, line.lostLength));
  }

  #cut(text: string, lostLength: number): string {
    const isWhole = lostLength === 0;
    const keptLength = Math.min(this.#maxLineLength, isWhole ? text.length : text.length - CUT_MARGIN);
    if (isWhole && text.length <= keptLength) return text;
    const missing = text.length - Math.max(0, keptLength) + lostLength;
    return `${text.slice(0, Math.max(0, keptLength)).toWellFormed()}… (${missing} characters more)`;
  }

  /** Polyaxon sorts lines by time: those of one instant are kept in order. */
  #toMicroseconds(wallTime: number): number {
    const microseconds = Math.round(wallTime * MICROSECONDS);
    const next = this.#lastMicroseconds + 1;
    const isBack = microseconds < next && next - microseconds <= MAX_REORDER_MICROSECONDS;
    this.#lastMicroseconds = isBack ? next : microseconds;
    return this.#lastMicroseconds;
  }
}

/** The lines of one stream, and the silence after which a line counts as whole. */
class StreamLines {
  readonly #assembler: LineAssembler;
  readonly #clock: Clock;
  readonly #silenceMs: number;
  /** Made here, not at the first write: timers keep the asynchronous context in which they are made. */
  readonly #timer: NodeJS.Timeout;
  #lastChunkMs = 0;

  constructor(assembler: LineAssembler, clock: Clock, silenceMs: number) {
    this.#assembler = assembler;
    this.#clock = clock;
    this.#silenceMs = silenceMs;
    this.#timer = setTimeout(() => this.#onSilence(), silenceMs).unref();
  }

  push(chunk: string | Uint8Array): void {
    if (typeof chunk === 'string') this.#assembler.pushText(chunk);
    else this.#assembler.pushBytes(chunk);
    if (!this.#assembler.hasPartialLine) return;
    this.#lastChunkMs = this.#clock.monotonicMs();
    this.#timer.refresh();
  }

  endLine(): void {
    this.#assembler.flush();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #onSilence(): void {
    if (!this.#assembler.hasPartialLine) return;
    const silences = this.#assembler.isProgress ? PROGRESS_SILENCES : 1;
    // Timers may come a little early.
    const isOver = this.#clock.monotonicMs() - this.#lastChunkMs >= silences * this.#silenceMs - 5;
    if (isOver) this.#assembler.flush();
    else this.#timer.refresh();
  }
}

/** Source: traceml 1.3.0, `logging/handler.py`; polyaxon 2.16, `_env_vars/keys.py`. */
function findOrigin(environment: NodeJS.ProcessEnv): LogOrigin {
  return {
    node: environment.POLYAXON_K8S_NODE_NAME ?? 'local',
    pod: environment.POLYAXON_K8S_POD_ID ?? findUser(environment),
    container: hostname(),
  };
}
