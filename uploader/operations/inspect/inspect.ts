/** Summarises event files: for each run its files, and for each tag its kind, number of values, steps and times. */

import { join } from 'node:path';
import { messageOf } from '../../../src/base/errors.js';
import type { ReadEvent } from '../../../src/format/reader/event-file-reader.js';
import type { RunFiles } from '../../../src/format/reader/list-event-files.js';
import { TagIndex } from '../../../src/format/reader/plugin-value.js';
import type { Event, SummaryValue } from '../../../src/format/wire/messages.js';
import { chooseRuns, createTagError } from './choose-runs.js';
import { decodeInspected, type InspectedValue } from './inspected-value.js';
import { toJsonValue, toPointText } from './point-text.js';
import { type Damage, scanFile } from './scan-file.js';

export interface TagInspection {
  readonly tag: string;
  /** The plugin that shows the tag; empty when none does. */
  readonly plugin: string;
  /** The form of the first value: `tensor`, or a form of TensorFlow 1. */
  readonly form: 'tensor' | 'simpleValue' | 'image' | 'audio' | 'histogram' | 'obsoleteHistogram' | 'none';
  readonly displayName: string | undefined;
  readonly description: string | undefined;
  readonly count: number;
  readonly firstStep: number | bigint;
  readonly lastStep: number | bigint;
  readonly minStep: number | bigint;
  readonly maxStep: number | bigint;
  /** Seconds since the Unix epoch. */
  readonly firstWallTime: number;
  readonly lastWallTime: number;
  /** The bytes of the tag's records; a record of several values counts in equal parts. */
  readonly sizeBytes: number;
}

export interface FileInspection {
  readonly name: string;
  readonly sizeBytes: number;
  readonly records: number;
  /** The library that wrote the file, if the file names it. */
  readonly writer: string | undefined;
  readonly damage: readonly Damage[];
  readonly tailBytes: number;
}

/** One value of the requested tag. Of images and clips only the size is kept, so that a point stays small. */
export interface Point {
  readonly step: number | bigint;
  readonly wallTime: number;
  /** What the value is, as a short line. */
  readonly text: string;
  /** The content of a text or a structured value; absent if `text` is the whole value. */
  readonly content?: unknown;
  /** The number, if the value is a scalar. */
  readonly scalar: number | undefined;
  /** The value as JSON: see `toJsonValue`. */
  readonly value: unknown;
}

export interface RunInspection {
  /** Path relative to the log directory; `.` for the log directory. */
  readonly run: string;
  readonly files: readonly FileInspection[];
  readonly tags: readonly TagInspection[];
  /** The number of events other than summaries, by kind. */
  readonly otherEvents: Readonly<Record<string, number>>;
  /** Values of the requested tag, in file order. */
  readonly points: readonly Point[];
}

export interface InspectOptions {
  /** Also return the values of this tag. */
  readonly tag?: string | undefined;
  /** Inspect only this run. */
  readonly run?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Inspects a file, or all runs below a directory. Throws `ConfigError` for a run or a tag that does not exist, and the error of the file system. */
export async function inspect(path: string, options: InspectOptions = {}): Promise<RunInspection[]> {
  const inspections: RunInspection[] = [];
  for (const run of await chooseRuns(path, options.run)) inspections.push(await inspectRun(run, options));
  const { tag } = options;
  if (tag !== undefined && inspections.length > 0 && inspections.every(({ points }) => points.length === 0))
    throw createTagError(
      path,
      tag,
      inspections.flatMap(({ tags }) => tags.map((each) => each.tag)),
    );
  return inspections;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

async function inspectRun(
  { run, directory, files }: RunFiles,
  { tag, signal }: InspectOptions,
): Promise<RunInspection> {
  const collector = new RunCollector(tag);
  const inspected: FileInspection[] = [];
  for (const name of files) inspected.push(await inspectFile(join(directory, name), name, collector, signal));
  const tags = [...collector.tags.values()].sort((a, b) => (a.tag < b.tag ? -1 : 1));
  return { run, files: inspected, tags, otherEvents: collector.otherEvents, points: collector.points };
}

async function inspectFile(
  path: string,
  name: string,
  collector: RunCollector,
  signal: AbortSignal | undefined,
): Promise<FileInspection> {
  let records = 0;
  let recordBytes = 0;
  let writer: string | undefined;
  const onRecord = ({ event, sizeBytes }: ReadEvent): void => {
    records++;
    recordBytes += sizeBytes;
    if (event.what.kind === 'fileVersion') writer ??= event.what.writer;
    collector.add(event, sizeBytes);
  };
  const { damage, tailBytes } = await scanFile(path, onRecord, signal);
  const damagedBytes = damage.reduce((sum, range) => sum + range.sizeBytes, 0);
  return { name, sizeBytes: recordBytes + damagedBytes + tailBytes, records, writer, damage, tailBytes };
}

class RunCollector {
  readonly tags = new Map<string, Mutable<TagInspection>>();
  readonly otherEvents: Record<string, number> = {};
  readonly points: Point[] = [];
  readonly #index = new TagIndex();
  readonly #wanted: string | undefined;

  constructor(wanted: string | undefined) {
    this.#wanted = wanted;
  }

  add(event: Event, sizeBytes: number): void {
    const { what } = event;
    if (what.kind !== 'summary') {
      if (what.kind !== 'fileVersion') this.otherEvents[what.kind] = (this.otherEvents[what.kind] ?? 0) + 1;
      return;
    }
    for (const value of what.values) {
      if (value.value?.kind === 'obsoleteHistogram') {
        this.otherEvents.retraction = (this.otherEvents.retraction ?? 0) + 1;
        continue;
      }
      this.#addValue(value, event, sizeBytes / what.values.length);
      if (value.tag === this.#wanted) {
        this.points.push({ step: event.step, wallTime: event.wallTime, ...this.#describe(value) });
      }
    }
  }

  #addValue(value: SummaryValue, { step, wallTime }: Event, sizeBytes: number): void {
    const metadata = this.#index.metadataOf(value);
    const known = this.tags.get(value.tag);
    if (known === undefined) {
      this.tags.set(value.tag, {
        tag: value.tag,
        plugin: metadata?.pluginName ?? '',
        form: value.value?.kind ?? 'none',
        displayName: metadata?.displayName,
        description: metadata?.description,
        count: 1,
        firstStep: step,
        lastStep: step,
        minStep: step,
        maxStep: step,
        firstWallTime: wallTime,
        lastWallTime: wallTime,
        sizeBytes,
      });
      return;
    }
    known.count++;
    known.lastStep = step;
    known.lastWallTime = wallTime;
    known.sizeBytes += sizeBytes;
    if (step < known.minStep) known.minStep = step;
    if (step > known.maxStep) known.maxStep = step;
  }

  #describe(value: SummaryValue): Pick<Point, 'text' | 'content' | 'scalar' | 'value'> {
    let decoded: InspectedValue;
    try {
      decoded = decodeInspected(this.#index, value);
    } catch (error) {
      const reason = messageOf(error);
      return { text: `cannot be decoded: ${reason}`, scalar: undefined, value: { kind: 'invalid', reason } };
    }
    const { text, content } = toPointText(decoded);
    return {
      text,
      ...(content === undefined ? {} : { content: toJson(content) }),
      scalar: decoded.kind === 'scalar' ? decoded.value : undefined,
      value: toJson(decoded),
    };
  }
}

function toJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, toJsonValue)) as unknown;
}
