/**
 * Writes the console output of a run to a Polyaxon log file, line by line.
 */

import { hostname } from 'node:os';
import type { Clock } from '../base/clock.js';
import type { Diagnostics } from '../base/diagnostics.js';
import type { RunWriteError } from '../base/errors.js';
import { type ConsoleStream, listenToConsole } from './console-tee.js';
import { findUser } from './host.js';
import { LineAssembler } from './line-assembler.js';
import { LogFile } from './log-file.js';
import { createLineMasker, type Masker } from './secrets.js';
import { toPlainText } from './terminal-text.js';

export interface ConsoleCaptureOptions {
  readonly masker: Masker;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  /** Names the node and pod of a cluster. Default: the environment of the process. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Time between two writes. Default 2 s. */
  readonly intervalMs?: number | undefined;
  /** A partial line is flushed after this much inactivity. Default 1 s; ten times as long for progress bars. */
  readonly silenceMs?: number | undefined;
  /** Longer lines are truncated, with a note of the missing length. Default 16,384 UTF-16 code units. */
  readonly maxLineLength?: number | undefined;
  /** Limit for lines that are buffered while writes to disk fail. Later lines are dropped and counted. Default 8 MiB. */
  readonly maxWaitingBytes?: number | undefined;
  /** Limit for the log file, except for the last lines of the run. Default 32 MiB. */
  readonly maxLogBytes?: number | undefined;
}

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
const DEFAULT_MAX_LOG_BYTES = 32 * 1024 * 1024;
/** Progress bars pause between updates, so wait longer for their last state. */
const PROGRESS_SILENCES = 10;
/** Number of characters beyond the limit that are masked as well. Otherwise the first half of a cut secret could be kept. */
const CUT_MARGIN = 4096;
const MICROSECONDS = 1_000_000;
/** If the clock goes back further than this, its new time is used. */
const MAX_REORDER_MICROSECONDS = MICROSECONDS;

/** Captures console output from construction until `close()`. Never throws. */
export class ConsoleCapture {
  readonly #options: ConsoleCaptureOptions;
  readonly #origin: LogOrigin;
  readonly #maxLineLength: number;
  readonly #file: LogFile<ConsoleLine>;
  readonly #streams: Readonly<Record<ConsoleStream, StreamLines>>;
  readonly #maskLine: Readonly<Record<ConsoleStream, (line: string) => string>>;
  readonly #stopListening: () => void;
  #lastMicroseconds = 0;

  /** `path` is the log file, such as `plxlogs/logs.jsonl`. The first line creates it and its directory. */
  constructor(path: string, options: ConsoleCaptureOptions) {
    const { masker, clock, diagnostics, environment = process.env } = options;
    this.#options = options;
    this.#origin = findOrigin(environment);
    this.#maxLineLength = options.maxLineLength ?? DEFAULT_MAX_LINE_LENGTH;
    this.#maskLine = { stdout: createLineMasker(masker), stderr: createLineMasker(masker) };
    this.#file = new LogFile<ConsoleLine>(path, {
      encode: (lines) => this.#encode(lines),
      describeLoss: (count) => this.#toLine('stderr', `(${count} lines were lost: writes to disk failed)`),
      clock,
      diagnostics,
      intervalMs: options.intervalMs ?? DEFAULT_INTERVAL_MS,
      maxWaitingBytes: options.maxWaitingBytes ?? DEFAULT_MAX_WAITING_BYTES,
      maxFileBytes: options.maxLogBytes ?? DEFAULT_MAX_LOG_BYTES,
      describeLimit: (count) => this.#toLine('stderr', toLimitNotice(count)),
    });
    this.#streams = { stdout: this.#openStream('stdout'), stderr: this.#openStream('stderr') };
    this.#stopListening = listenToConsole((stream, chunk) => this.#streams[stream].push(chunk));
  }

  get lostLines(): number {
    return this.#file.lostLines;
  }

  get failure(): RunWriteError | undefined {
    return this.#file.failure;
  }

  /** Logs text that did not go through the console, such as the stack trace that Node.js prints for an uncaught error. */
  log(stream: ConsoleStream, text: string): void {
    for (const line of text.toWellFormed().split(/\r?\n/)) this.#file.append(this.#toLine(stream, line));
  }

  /** Writes all complete lines so far. */
  flush(): void {
    this.#file.flush();
  }

  /** Writes all lines so far, including partial lines. Later output is written immediately. Synchronous. */
  drainAtExit(): void {
    this.#endLines();
    this.#file.drainAtExit();
  }

  /** Stops listening and writes all remaining lines. Synchronous; a second call does nothing. */
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

  /** Returns increasing timestamps, because Polyaxon sorts lines by time and would reorder lines with equal ones. */
  #toMicroseconds(wallTime: number): number {
    const microseconds = Math.round(wallTime * MICROSECONDS);
    const next = this.#lastMicroseconds + 1;
    const isBack = microseconds < next && next - microseconds <= MAX_REORDER_MICROSECONDS;
    this.#lastMicroseconds = isBack ? next : microseconds;
    return this.#lastMicroseconds;
  }
}

/** The lines of one stream. Flushes a partial line after a period of inactivity. */
class StreamLines {
  readonly #assembler: LineAssembler;
  readonly #clock: Clock;
  readonly #silenceMs: number;
  /** Created in the constructor, not at the first write, because a timer keeps the asynchronous context of its creation. */
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
    // Timers may fire slightly early.
    const isOver = this.#clock.monotonicMs() - this.#lastChunkMs >= silences * this.#silenceMs - 5;
    if (isOver) this.#assembler.flush();
    else this.#timer.refresh();
  }
}

function toLimitNotice(count: number | null): string {
  return count === null
    ? '(the limit of this log is reached, see maxLogBytes: of the following output, only the last lines will be logged)'
    : `(${count} lines left out)`;
}

/** Source: traceml 1.3.0, `logging/handler.py`; polyaxon 2.16, `_env_vars/keys.py`. */
function findOrigin(environment: NodeJS.ProcessEnv): LogOrigin {
  return {
    node: environment.POLYAXON_K8S_NODE_NAME ?? 'local',
    pod: environment.POLYAXON_K8S_POD_ID ?? findUser(environment),
    container: hostname(),
  };
}

interface LogOrigin {
  readonly node: string;
  readonly pod: string;
  readonly container: string;
}

/**
 * Encodes one line: a line feed, then compact JSON.
 *
 *     {"timestamp":"2024-01-02T03:04:05.123456+00:00","node":"local","pod":"alice","container":"myhost","value":"epoch 1 done"}
 *
 * The timestamp always has six fractional digits. `text` must be well-formed. Source: traceml 1.3.0, `logging/schemas.py`
 * (`V1Logs.get_jsonl_events`: each line is preceded by a line feed).
 */
export function encodeLogLine(origin: LogOrigin, microseconds: number, text: string): string {
  const { node, pod, container } = origin;
  const json = JSON.stringify({ timestamp: toTimestamp(microseconds), node, pod, container, value: text });
  return `\n${json.replace(/[\u0085\u2028\u2029]/g, escapeLineEnd)}`;
}

/** Converts microseconds since the Unix epoch to an ISO time with an offset. */
function toTimestamp(microseconds: number): string {
  const seconds = Math.floor(microseconds / MICROSECONDS);
  const fraction = String(microseconds - seconds * MICROSECONDS).padStart(6, '0');
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}+00:00`;
}

/** Escapes a character that Python treats as a line end. */
function escapeLineEnd(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
