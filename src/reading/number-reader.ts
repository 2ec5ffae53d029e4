/**
 * Reads the numbers of a log directory, in the order of reading: the scalars of polytrack, TensorFlow, PyTorch and others.
 *
 * The same values as in Polyaxon's files (src/polyaxon/export/exporter.ts). Skips damage, and returns it as problems.
 */

import {
  type CodedError,
  EventFileChangedError,
  EventFileDamagedError,
  InvalidValueError,
  RunFileError,
} from '../base/errors.js';
import type { EventFileBytes } from '../format/reader/event-file-bytes.js';
import { EventFileReader } from '../format/reader/event-file-reader.js';
import type { ScalarBatch } from '../format/reader/scalar-decoder.js';
import { numberFrom } from '../format/reader/tensor-values.js';
import type { SessionStart } from '../format/restarts.js';
import { type Event, SessionStatus, type SummaryValue } from '../format/wire/messages.js';
import { retractedTags } from '../format/wire/retraction-value.js';
import { TagTable } from '../polyaxon/export/tag-table.js';
import { POLYAXON_PLUGIN } from '../polyaxon/polyaxon-value.js';
import { isRunSession } from '../polyaxon/run-session.js';
import type { LogDirectory } from './log-directories.js';
import type { RunFolder } from './run-source.js';

/** Receives the numbers of one log directory. */
export interface NumberSink<Series extends NumberSeries> {
  /** The numbers that follow are in this file after this offset, and before the next session start or retraction. */
  openSegment(fileName: string, offset: number): void;
  /** A session start, or a retraction, which has a tag. */
  startSession(start: SessionStart): void;
  /** The series of a tag; null if its numbers are not wanted. */
  seriesOf(tag: string): Series | null;
}

export interface NumberSeries {
  /** `step` is a bigint if it is not exact as a number. */
  push(step: number | bigint, wallTime: number, value: number): void;
}

/** Where to begin: a file by its index, and an offset in it at which a record may or may not begin. */
export interface ReadingStart {
  readonly fileIndex: number;
  readonly offset: number;
}

interface ReadingOptions {
  /** Default: the start of the first file. */
  readonly start?: ReadingStart | undefined;
  /** How much to read of each file. Default: all of it. */
  readonly maxBytes?: number | undefined;
  /** What is known of the tags. Usually only the first value of a tag has its metadata. Default: nothing. */
  readonly table?: TagTable | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Before the first record of a file. */
const BEFORE = -1;

/** Reads the files of a log directory. Returns what is damaged. */
export async function readNumbers<Series extends NumberSeries>(
  folder: RunFolder,
  directory: LogDirectory,
  sink: NumberSink<Series>,
  options: ReadingOptions = {},
): Promise<CodedError[]> {
  const { start = { fileIndex: 0, offset: 0 }, maxBytes, table = new TagTable(''), signal } = options;
  const problems: CodedError[] = [];
  for (const [index, { name, path }] of directory.files.entries()) {
    if (index < start.fileIndex) continue;
    const offset = index === start.fileIndex ? start.offset : 0;
    sink.openSegment(name, offset === 0 ? BEFORE : offset);
    await using reader = new EventFileReader(`${folder.location}/${path}`, {
      offset,
      onDamage: 'skip',
      open: async () => withLimit(await folder.openFile(path, signal), maxBytes),
    });
    const numbers = new FileNumbers(name, table, sink, problems);
    try {
      for await (const batch of reader.readBatches()) {
        signal?.throwIfAborted();
        if (batch.kind === 'scalars') numbers.addScalars(batch.scalars);
        else numbers.addEvent(batch.event, batch.offset);
      }
    } catch (error) {
      if (!(error instanceof RunFileError || error instanceof EventFileChangedError)) throw error;
      problems.push(error);
    }
    // Bytes before the first record are half a record if the reading began inside the file.
    const damage = reader.damage.filter((each) => offset === 0 || each.offset > offset);
    const [first] = damage;
    if (first === undefined) continue;
    const damagedBytes = damage.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    problems.push(new EventFileDamagedError(reader.path, first.offset, damagedBytes, damage.length));
  }
  return problems;
}

/** A file of which only the first `maxBytes` are visible. */
function withLimit(bytes: EventFileBytes, maxBytes: number | undefined): EventFileBytes {
  if (maxBytes === undefined) return bytes;
  return {
    findSize: async () => Math.min(maxBytes, await bytes.findSize()),
    read: (buffer, position) => bytes.read(buffer, position),
    close: () => bytes.close(),
  };
}

/** Finds the numbers among the values of one file. */
class FileNumbers<Series extends NumberSeries> {
  readonly #name: string;
  readonly #table: TagTable;
  readonly #sink: NumberSink<Series>;
  readonly #problems: CodedError[];
  /** By the index of the scalar source; null for sources without wanted numbers. */
  readonly #bySource: (Series | null | undefined)[] = [];
  readonly #invalidTags = new Set<string>();

  constructor(name: string, table: TagTable, sink: NumberSink<Series>, problems: CodedError[]) {
    this.#name = name;
    this.#table = table;
    this.#sink = sink;
    this.#problems = problems;
  }

  addScalars(batch: ScalarBatch): void {
    const { count, sourceIndices, steps, wallTimes, values } = batch;
    const bySource = this.#bySource;
    for (let row = 0; row < count; row++) {
      const index = sourceIndices[row]!;
      let series = bySource[index];
      if (series === undefined) {
        series = this.#findSeries(batch, index);
        bySource[index] = series;
      }
      if (series !== null) series.push(steps[row]!, wallTimes[row]!, values[row]!);
    }
  }

  addEvent(event: Event, offset: number): void {
    const { what, step, wallTime } = event;
    const isStart = what.kind === 'sessionLog' && what.status === SessionStatus.START;
    const restarted = isStart ? [undefined] : retractedTags(event);
    for (const tag of restarted) this.#sink.startSession({ fileName: this.#name, offset, step, tag });
    if (restarted.length > 0) this.#sink.openSegment(this.#name, offset);
    if (what.kind !== 'summary') return;
    const { values } = what;
    // Values beside one of Polyaxon's kinds are previews of it.
    if (values.length > 1 && values.some((value) => this.#pluginOf(value) === POLYAXON_PLUGIN)) return;
    for (const value of values) {
      const number = this.#numberOf(value);
      if (number !== undefined) this.#sink.seriesOf(value.tag)?.push(step, wallTime, number);
    }
  }

  #findSeries(batch: ScalarBatch, index: number): Series | null {
    const { first } = batch.sources[index]!;
    const plugin = this.#pluginOf(first);
    const isNumber = first.value?.kind === 'simpleValue' || plugin === 'scalars';
    const isMetric = isNumber && plugin !== POLYAXON_PLUGIN && !isRunSession(first);
    return isMetric ? this.#sink.seriesOf(first.tag) : null;
  }

  #pluginOf(value: SummaryValue): string | undefined {
    return this.#table.infoOf(value).pluginName;
  }

  #numberOf(value: SummaryValue): number | undefined {
    const { tag, value: content } = value;
    const plugin = this.#pluginOf(value);
    // The outputs of the run, for TensorBoard.
    if (plugin === POLYAXON_PLUGIN || isRunSession(value)) return undefined;
    if (content?.kind === 'simpleValue') return content.simpleValue;
    if (content?.kind !== 'tensor' || plugin !== 'scalars') return undefined;
    try {
      return numberFrom(tag, content.tensor);
    } catch (error) {
      if (!(error instanceof InvalidValueError)) throw error;
      if (!this.#invalidTags.has(tag)) this.#problems.push(error);
      this.#invalidTags.add(tag);
      return undefined;
    }
  }
}
