/**
 * One Polyaxon event file (`.plx`): collects appended rows and the facts for its summary.
 *
 * Two formats. CSV: a header, then rows with fields separated by `|`, each after a line feed. JSON lines (html, text, chart, span): no
 * header, each line after a line feed. Neither ends with a line feed. Source: traceml 1.3.0, `traceml/events/schemas.py`
 * (`LoggedEventListSpec`, `V1Event.to_csv`, `V1Event.to_json`), `traceml/serialization/base.py`.
 */

import { ASSETS_DIRECTORY, EVENTS_DIRECTORY, hashName, RESOURCES_DIRECTORY } from '../names.js';
import { toPythonFloat } from '../number-text.js';
import type { ArtifactKind } from '../polyaxon-value.js';
import { toPythonString } from './json-text.js';
import { cutName } from './name-space.js';
import { RowBuffer } from './row-buffer.js';
import { Statistics, type StatisticsState } from './statistics.js';

/** What is exported: a run's events or its system metrics. */
export type ExportTarget = 'events' | 'resources';

/** The state of a series as JSON. Steps beyond 2^53 are text. */
export interface SeriesState extends Omit<SeriesIdentity, 'target'> {
  readonly sizeBytes: number;
  readonly rows: number;
  readonly firstStep: number | string;
  readonly lastStep: number | string;
  readonly highestStep: number | string;
  readonly firstWallTime: number;
  readonly lastWallTime: number;
  readonly statistics?: StatisticsState;
  /** Whether there is a file without rows. */
  readonly isEmptied?: true;
  /** Whether rows are left out because their steps are superseded. */
  readonly hasSuperseded?: true;
}

/** Identifies a series. `kind` is the name of its directory, which is `metric` for system metrics too. */
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
  /** A printable wall time; `timestamp` is its text. */
  readonly wallTime: number;
  readonly timestamp: Uint8Array;
}

/** Bytes to write at `offset`, which is the size of the file. At 0, they replace a file that exists. */
export interface SeriesAppend {
  readonly path: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** The maximum length of a file name in bytes on ext4, APFS and NTFS. */
const MAX_FILE_NAME = 255;
/** The maximum length of an artifact's path on the server, in characters. Source: haupt 2.16.1, `haupt/db/abstracts/artifacts.py`. */
const MAX_PATH = 256;
const EXTENSION = '.plx';

const JSON_LINES_KINDS: ReadonlySet<ArtifactKind> = new Set(['html', 'text', 'chart', 'span']);

const decoder = new TextDecoder();

/** Returns whether the file of a kind has JSON lines, whose value is a string. Source: `V1ArtifactKind.is_jsonl_file_event`. */
export function isJsonLines(kind: ArtifactKind): boolean {
  return JSON_LINES_KINDS.has(kind);
}

/** Returns the maximum length of a series' name in bytes, which also limits its path to `MAX_PATH` characters. */
export function maxNameLength(target: ExportTarget, kind: ArtifactKind): number {
  return MAX_PATH - toPath(target, kind, '').length;
}

export class Series {
  readonly identity: SeriesIdentity;
  /** Relative to the run directory. */
  readonly path: string;
  /** For metrics only. */
  readonly statistics: Statistics | undefined;
  /** The last superseded number of a metric. Not part of the state. */
  supersededNumber: number | undefined;
  readonly #isJsonLines: boolean;
  readonly #hasSteps: boolean;
  #sizeBytes = 0;
  #rows = 0;
  #firstStep: number | bigint = 0;
  #lastStep: number | bigint = 0;
  #highestStep: number | bigint = 0;
  #firstWallTime = 0;
  #lastWallTime = 0;
  /** Whether there is a file without rows. */
  #isEmptied = false;
  /** From the state. */
  #hadSuperseded = false;
  /** The number of superseded rows, and their highest step. Not part of the state. */
  #supersededRows = 0;
  #supersededStep: number | bigint = 0;
  /** Appended rows that have not been taken. */
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
    this.#isEmptied = state.isEmptied === true;
    this.#hadSuperseded = state.hasSuperseded === true;
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

  /** Whether the series has a file. A series without one only reserves its name. */
  get hasFile(): boolean {
    return this.#rows > 0 || this.#isEmptied;
  }

  /** Whether rows are left out because their steps are superseded. */
  get hasSuperseded(): boolean {
    return this.#hadSuperseded || this.#supersededRows > 0 || this.supersededNumber !== undefined;
  }

  /** Whether a row has this step or a later one. */
  hasRowsFrom(step: number | bigint): boolean {
    return this.#rows > 0 && this.#hasSteps && this.#highestStep >= step;
  }

  /** Bytes that have been appended but not taken. */
  get waitingBytes(): number {
    return this.#waiting.sizeBytes;
  }

  /** The steps and wall times of the first and last row; `steps` is undefined if the file has none. */
  get range(): {
    readonly steps: readonly [first: number | bigint, last: number | bigint] | undefined;
    readonly wallTimes: readonly [first: number, last: number];
  } {
    return {
      steps: this.#hasSteps ? [this.#firstStep, this.#lastStep] : undefined,
      wallTimes: [this.#firstWallTime, this.#lastWallTime],
    };
  }

  /**
   * Creates a file without rows, which replaces one whose rows are all superseded. The next row replaces it.
   *
   * From a header and a line feed, the server and the client read an empty table; without the line feed, the server fails (haupt 2.16.1,
   * polyaxon 2.16.4). The second line feed distinguishes the file from an older copy of the one that it replaces.
   */
  appendNothing(): void {
    if (this.hasFile) return;
    this.#isEmptied = true;
    this.#waiting.append(`${this.#isJsonLines ? '' : this.#header}\n\n`);
  }

  /** Appends a number to a metric. */
  appendNumber(eventTime: EventTime, value: number): void {
    this.statistics?.add(value);
    this.#startRow(eventTime);
    this.#waiting.appendFields(this.#toStepText(eventTime), eventTime.timestamp, toPythonFloat(value));
  }

  /** Appends a value: any text for JSON lines, otherwise JSON text without line feeds. */
  appendText(eventTime: EventTime, text: string): void {
    const { timestamp, step } = eventTime;
    this.#startRow(eventTime);
    if (this.#isJsonLines) {
      const { kind } = this.identity;
      const time = decoder.decode(timestamp);
      this.#waiting.append(`\n{"timestamp": "${time}", "step": ${step}, "${kind}": ${toPythonString(text)}}`);
    } else {
      this.#waiting.appendFields(this.#toStepText(eventTime), timestamp, '');
      // Readers split rows at every bar, and decode the escape.
      this.#waiting.append(text.replaceAll('|', '\\u007c'));
    }
  }

  /**
   * Returns the path of an asset of the next row: `<name>_<step>.<extension>`, as in Python's client. Adds the row number if that path may
   * exist already; the client overwrites the asset of a repeated step.
   *
   * No two rows share a path, because a step contains no `_`.
   */
  assetPath(step: number | bigint, extension: string): string {
    const isNew = this.#rows === 0 || step > this.#highestStep;
    return this.#toAssetPath(step, extension, isNew ? undefined : this.#rows);
  }

  #toAssetPath(step: number | bigint, extension: string, row: number | undefined): string {
    const { kind, name } = this.identity;
    const ending = extension.replaceAll(/[^\w.-]/g, '').slice(0, 32);
    const suffix = `_${step}${row === undefined ? '' : `-${row}`}${ending === '' ? '' : `.${ending}`}`;
    return `${ASSETS_DIRECTORY}/${kind}/${cutName(name, suffix, MAX_FILE_NAME, () => hashName(name))}`;
  }

  /** Counts a superseded row, which is not appended. Returns the path that its asset had. */
  skipRow(step: number | bigint, extension: string | undefined): string | undefined {
    const rows = this.#rows + this.#supersededRows;
    const highest = [
      ...(this.#rows === 0 ? [] : [this.#highestStep]),
      ...(this.#supersededRows === 0 ? [] : [this.#supersededStep]),
    ];
    const isNew = highest.every((each) => step > each);
    if (this.#supersededRows++ === 0 || step > this.#supersededStep) this.#supersededStep = step;
    return extension === undefined ? undefined : this.#toAssetPath(step, extension, isNew ? undefined : rows);
  }

  /** Returns the bytes appended since the last call; undefined if none were. */
  take(): SeriesAppend | undefined {
    if (this.#waiting.sizeBytes === 0) return undefined;
    const append = { path: this.path, offset: this.#sizeBytes, bytes: this.#waiting.take() };
    if (!this.#isEmptied) this.#sizeBytes += append.bytes.length;
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
      ...(this.#isEmptied ? { isEmptied: true } : {}),
      ...(this.hasSuperseded ? { hasSuperseded: true } : {}),
    };
  }

  #startRow({ step, wallTime }: EventTime): void {
    if (this.#rows === 0) {
      this.#firstStep = step;
      this.#highestStep = step;
      this.#firstWallTime = wallTime;
      if (this.#isEmptied) {
        this.#waiting.take();
        this.#isEmptied = false;
      }
      if (!this.#isJsonLines) this.#waiting.append(this.#header);
    } else if (step > this.#highestStep) this.#highestStep = step;
    this.#rows++;
    this.#lastStep = step;
    this.#lastWallTime = wallTime;
  }

  get #header(): string {
    return `step|timestamp|${this.identity.kind}`;
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
