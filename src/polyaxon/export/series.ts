/**
 * One `.plx` file: its rows as they are appended, and what its summary says of them.
 *
 * Two forms. CSV: a header, then rows with `|` between the fields, each with a line feed before it. JSON lines (html, text, chart, span): no
 * header, a line feed before each line. No line feed at the end. Source: traceml 1.3.0, `traceml/events/schemas.py`
 * (`LoggedEventListSpec`, `V1Event.to_csv`, `V1Event.to_json`), `traceml/serialization/base.py`.
 */

import { ASSETS_DIRECTORY, EVENTS_DIRECTORY, hashName, RESOURCES_DIRECTORY } from '../names.js';
import { toPythonFloat } from '../number-text.js';
import type { ArtifactKind } from '../polyaxon-value.js';
import { toPythonString } from './json-text.js';
import { cutName } from './name-space.js';
import { RowBuffer } from './row-buffer.js';
import { Statistics, type StatisticsState } from './statistics.js';

/** What is projected: a run's events, or its system metrics. */
export type ExportTarget = 'events' | 'resources';

/** A series, as JSON. Steps beyond 2^53 are text. */
export interface SeriesState {
  readonly kind: ArtifactKind;
  readonly logDirectory: string;
  readonly rawName: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly rows: number;
  readonly firstStep: number | string;
  readonly lastStep: number | string;
  readonly highestStep: number | string;
  readonly firstWallTime: number;
  readonly lastWallTime: number;
  readonly statistics?: StatisticsState;
}

/** What a series is and where; `kind` is the directory's, which for system metrics is `metric` too. */
export interface SeriesIdentity {
  readonly target: ExportTarget;
  readonly kind: ArtifactKind;
  readonly logDirectory: string;
  readonly rawName: string;
  readonly name: string;
}

/** When a value was logged. */
export interface EventTime {
  readonly step: number | bigint;
  /** Printable; `timestamp` is it printed. */
  readonly wallTime: number;
  readonly timestamp: Uint8Array;
}

export interface SeriesAppend {
  readonly path: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Most bytes of a file name: ext4, APFS, NTFS. */
const MAX_FILE_NAME = 255;
/** Most characters of an artifact's path on the server. Source: haupt 2.16.1, `haupt/db/abstracts/artifacts.py`. */
const MAX_PATH = 256;
const EXTENSION = '.plx';

const JSON_LINES_KINDS: ReadonlySet<ArtifactKind> = new Set(['html', 'text', 'chart', 'span']);

const decoder = new TextDecoder();

/** Whether the events of a kind are JSON lines, whose value is a string. Source: `V1ArtifactKind.is_jsonl_file_event`. */
export function isJsonLines(kind: ArtifactKind): boolean {
  return JSON_LINES_KINDS.has(kind);
}

/** Most characters of the name of a series. */
export function maxNameLength(target: ExportTarget, kind: ArtifactKind): number {
  return MAX_PATH - toPath(target, kind, '').length;
}

export class Series {
  readonly identity: SeriesIdentity;
  /** Relative to the run directory. */
  readonly path: string;
  /** For metrics only. */
  readonly statistics: Statistics | undefined;
  readonly #isJsonLines: boolean;
  readonly #hasSteps: boolean;
  #sizeBytes = 0;
  #rows = 0;
  #firstStep: number | bigint = 0;
  #lastStep: number | bigint = 0;
  #highestStep: number | bigint = 0;
  #firstWallTime = 0;
  #lastWallTime = 0;
  /** What has been appended and not taken. */
  readonly #waiting = new RowBuffer();

  constructor(identity: SeriesIdentity, exactValues: number, state?: SeriesState) {
    const { target, kind, name } = identity;
    this.identity = identity;
    this.path = toPath(target, kind, name);
    this.statistics = kind === 'metric' ? new Statistics(exactValues, state?.statistics) : undefined;
    this.#isJsonLines = isJsonLines(kind);
    this.#hasSteps = target === 'events';
    if (state === undefined) return;
    this.#sizeBytes = state.sizeBytes;
    this.#rows = state.rows;
    this.#firstStep = fromStepState(state.firstStep);
    this.#lastStep = fromStepState(state.lastStep);
    this.#highestStep = fromStepState(state.highestStep);
    this.#firstWallTime = state.firstWallTime;
    this.#lastWallTime = state.lastWallTime;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Bytes that wait to be taken. */
  get waitingBytes(): number {
    return this.#waiting.sizeBytes;
  }

  /** First and last row; the steps undefined where the file has none. */
  get range(): {
    readonly steps: readonly [first: number | bigint, last: number | bigint] | undefined;
    readonly wallTimes: readonly [first: number, last: number];
  } {
    return {
      steps: this.#hasSteps ? [this.#firstStep, this.#lastStep] : undefined,
      wallTimes: [this.#firstWallTime, this.#lastWallTime],
    };
  }

  /** Appends a number to a metric. */
  appendNumber(eventTime: EventTime, value: number): void {
    this.statistics?.add(value);
    this.#startRow(eventTime);
    this.#waiting.appendFields(this.#toStepText(eventTime), eventTime.timestamp, toPythonFloat(value));
  }

  /** Appends a value: JSON text, which has no line feeds, or any text for kinds that are JSON lines. */
  appendText(eventTime: EventTime, text: string): void {
    const { timestamp, step } = eventTime;
    this.#startRow(eventTime);
    if (this.#isJsonLines) {
      const { kind } = this.identity;
      const time = decoder.decode(timestamp);
      this.#waiting.append(`\n{"timestamp": "${time}", "step": ${step}, "${kind}": ${toPythonString(text)}}`);
    } else {
      this.#waiting.appendFields(this.#toStepText(eventTime), timestamp, '');
      // Readers split rows at every bar, and take the escape for what it stands for.
      this.#waiting.append(text.replaceAll('|', '\\u007c'));
    }
  }

  /**
   * The path of an asset of the row that comes next. As Python's client names it, `<name>_<step>.<extension>`; with the row's number where
   * that may be taken: the client overwrites the asset of a step that comes again.
   *
   * Different rows of different series never share a path: no step has a `_`.
   */
  assetPath(step: number | bigint, extension: string): string {
    const { kind, name } = this.identity;
    const isNew = this.#rows === 0 || step > this.#highestStep;
    const ending = extension.replaceAll(/[^\w.-]/g, '').slice(0, 32);
    const suffix = `_${step}${isNew ? '' : `-${this.#rows}`}${ending === '' ? '' : `.${ending}`}`;
    return `${ASSETS_DIRECTORY}/${kind}/${cutName(name, suffix, MAX_FILE_NAME, hashName(name))}`;
  }

  /** What has been appended since the last call; undefined: nothing. */
  take(): SeriesAppend | undefined {
    if (this.#waiting.sizeBytes === 0) return undefined;
    const append = { path: this.path, offset: this.#sizeBytes, bytes: this.#waiting.take() };
    this.#sizeBytes += append.bytes.length;
    return append;
  }

  toState(): SeriesState {
    const { kind, logDirectory, rawName, name } = this.identity;
    return {
      ...{ kind, logDirectory, rawName, name },
      sizeBytes: this.#sizeBytes,
      rows: this.#rows,
      firstStep: toStepState(this.#firstStep),
      lastStep: toStepState(this.#lastStep),
      highestStep: toStepState(this.#highestStep),
      firstWallTime: this.#firstWallTime,
      lastWallTime: this.#lastWallTime,
      ...(this.statistics === undefined ? {} : { statistics: this.statistics.toState() }),
    };
  }

  #startRow({ step, wallTime }: EventTime): void {
    if (this.#rows === 0) {
      this.#firstStep = step;
      this.#highestStep = step;
      this.#firstWallTime = wallTime;
      if (!this.#isJsonLines) this.#waiting.append(`step|timestamp|${this.identity.kind}`);
    } else if (step > this.#highestStep) this.#highestStep = step;
    this.#rows++;
    this.#lastStep = step;
    this.#lastWallTime = wallTime;
  }

  #toStepText({ step }: EventTime): string {
    return this.#hasSteps ? String(step) : '';
  }
}

function toPath(target: ExportTarget, kind: ArtifactKind, name: string): string {
  const directory = target === 'events' ? EVENTS_DIRECTORY : RESOURCES_DIRECTORY;
  return `${directory}/${kind}/${name}${EXTENSION}`;
}

function toStepState(step: number | bigint): number | string {
  return typeof step === 'bigint' ? String(step) : step;
}

function fromStepState(step: number | string): number | bigint {
  return typeof step === 'string' ? BigInt(step) : step;
}
