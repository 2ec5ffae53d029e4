/**
 * Encodes and parses the index of a store: what a listing of runs shows of each run, so that it need not read the runs. Pure.
 *
 * An object of the index, `.plx/index/<id>.jsonl.gz`, has JSON lines: a header, then one row for each run. A row is derived from the stored run file and
 * the stored event files, and names their version. A reader checks all values: a damaged row counts as absent. Copies on disk have checked rows in columns,
 * which are read in a fifth of the time.
 */

import { crc32, gunzipSync, gzipSync } from 'node:zlib';
import { parseBoundedJson } from '../../src/base/bounded-json.js';
import { toCleanMap } from '../../src/base/clean-json.js';
import { METRIC_GOALS, type MetricGoals } from '../../src/polyaxon/metric-goal.js';
import { isDone } from '../../src/polyaxon/run-record.js';
import { toMetricName } from '../../src/reading/last-metrics.js';
import type { IndexedRun, LoadedRunFields, MetricRange } from '../../src/reading/run-facts.js';
import { RUN_UUID_PATTERN } from '../../src/run-directory/layout.js';

/** The fields of a run that its row has: all but those that depend on where it is read. */
type IndexedFields = Omit<LoadedRunFields, 'uuid' | 'location' | 'problems'>;
type Dates = 'createdAt' | 'startedAt' | 'finishedAt';

/** What the index has of a run, as JSON has it. */
export interface IndexRow extends Omit<IndexedFields, Dates>, Readonly<Record<Dates, number | null>> {
  readonly uuid: string;
  /** Of the objects from which the row was derived, see `toRunVersion`. */
  readonly version: string;
  /** Whether the run had no writer any more. Otherwise its files may have changed since. */
  readonly isEnded: boolean;
  /** When the row was derived, in milliseconds since 1970: of two rows of a run, the later one counts. */
  readonly atMs: number;
  /** The last and the extreme values of each metric. */
  readonly metrics: readonly RowMetric[];
}
/** Tag, log directory, value, step and wall time; then value, step and wall time of the least and of the largest finite value, if there are any. */
type RowMetric = readonly [string, string, RowNumber, RowNumber, number, ...RowNumber[]];
/** JSON has neither integers beyond 2^53 nor NaN: these are texts. */
type RowNumber = number | string;

const HEADER = { kind: 'run-index', version: 1 };
/** A longer row is not stored: the run is then read as without an index. */
const MAX_ROW_CHARACTERS = 1024 * 1024;
/** The most that an object of the index may have once it is decompressed. */
const MAX_TEXT_BYTES = 128 * 1024 * 1024;
/** Of a copy on disk: eight hex digits and a line feed. */
const CHECKSUM_BYTES = 9;

export function createRow(
  known: Pick<IndexRow, 'uuid' | 'version' | 'isEnded' | 'atMs'>,
  { createdAt, startedAt, finishedAt, ...fields }: IndexedFields,
  metrics: readonly MetricRange[],
): IndexRow {
  return {
    ...known,
    ...fields,
    createdAt: createdAt?.getTime() ?? null,
    startedAt: startedAt?.getTime() ?? null,
    finishedAt: finishedAt?.getTime() ?? null,
    metrics: metrics.map(({ tag, logDirectory, value, step, wallTime, min, max }) => [
      ...([tag, logDirectory, toRowNumber(value), toRowNumber(step), wallTime] as const),
      ...(min === null || max === null ? [] : [...toPoint(min), ...toPoint(max)]),
    ]),
  };
}

function toPoint({ value, step, wallTime }: NonNullable<MetricRange['min']>): RowNumber[] {
  return [value, toRowNumber(step), wallTime];
}

function toRowNumber(value: number | bigint): RowNumber {
  return typeof value === 'number' && Number.isFinite(value) ? value : String(value);
}

/** The run of a row. Fast, because a listing calls it for each run: metrics are converted if they are used. */
export class IndexRun implements IndexedRun {
  readonly fields: LoadedRunFields;
  readonly isLost: boolean;
  readonly #row: IndexRow;
  #metrics: readonly MetricRange[] | undefined;

  constructor(row: IndexRow, location: string) {
    const { uuid, isEnded, name, description, owner, project, status } = row;
    const { createdAt, startedAt, finishedAt, durationSeconds, tags, inputs, outputs, goals } = row;
    this.#row = row;
    this.isLost = isEnded && (status === null || !isDone(status));
    this.fields = {
      uuid,
      name,
      description,
      owner,
      project,
      status,
      createdAt: toDate(createdAt),
      startedAt: toDate(startedAt),
      finishedAt: toDate(finishedAt),
      durationSeconds,
      tags,
      inputs,
      outputs,
      goals,
      location,
      problems: [],
    };
  }

  get metrics(): readonly MetricRange[] {
    this.#metrics ??= this.#row.metrics.map(toMetric);
    return this.#metrics;
  }
}

function toMetric(metric: RowMetric): MetricRange {
  const [tag, logDirectory, value, step, wallTime] = metric;
  const name = toMetricName({ tag, logDirectory });
  const min = toRangePoint(metric, 5);
  const max = toRangePoint(metric, 8);
  return { name, tag, logDirectory, value: Number(value), step: toStep(step), wallTime, min, max };
}

/** `start`: the place of the point in the list. */
function toRangePoint(metric: RowMetric, start: number): MetricRange['min'] {
  if (metric.length <= start) return null;
  return {
    value: metric[start] as number,
    step: toStep(metric[start + 1]!),
    wallTime: metric[start + 2] as number,
  };
}

function toStep(step: RowNumber): number | bigint {
  return typeof step === 'string' ? BigInt(step) : step;
}

function toDate(timeMs: number | null): Date | null {
  return timeMs === null ? null : new Date(timeMs);
}

/** Returns the bytes of an object of the index. Rows that are too long are left out. */
export function encodeIndex(rows: readonly IndexRow[]): Buffer {
  const lines = rows.map((row) => JSON.stringify(row)).filter(({ length }) => length <= MAX_ROW_CHARACTERS);
  return gzipSync([JSON.stringify(HEADER), ...lines].join('\n'));
}

/** Returns the rows of an object of the index; null if it is damaged. Damaged rows are left out. */
export function parseIndex(bytes: Uint8Array): IndexRow[] | null {
  let lines: string[];
  try {
    lines = gunzipSync(bytes, { maxOutputLength: MAX_TEXT_BYTES }).toString('utf8').split('\n');
  } catch {
    return null; // not what an uploader has written
  }
  const [header, ...rows] = lines;
  if (header !== JSON.stringify(HEADER)) return null;
  return rows.flatMap((line) => parseRow(line) ?? []);
}

/** A column of a copy on disk for each value of its rows. */
type RowColumns = { readonly [Name in keyof IndexRow]: readonly IndexRow[Name][] };

/** Returns the bytes of a copy on disk. */
export function encodeColumns(rows: readonly IndexRow[]): Buffer {
  const names = Object.keys(rows[0] ?? { uuid: null }) as (keyof IndexRow)[];
  const columns = names.map((name) => [name, rows.map((row) => row[name])]);
  const json = Buffer.from(JSON.stringify(Object.fromEntries(columns)));
  return Buffer.concat([toChecksum(json), json]);
}

/** Returns the rows of a copy on disk; null if it is damaged. Its values were checked before it was written. */
export function decodeColumns(bytes: Buffer): IndexRow[] | null {
  const json = bytes.subarray(CHECKSUM_BYTES);
  if (!toChecksum(json).equals(bytes.subarray(0, CHECKSUM_BYTES))) return null;
  try {
    const all = JSON.parse(json.toString('utf8')) as RowColumns;
    return all.uuid.map((uuid, at) => ({
      uuid,
      version: all.version[at]!,
      isEnded: all.isEnded[at]!,
      atMs: all.atMs[at]!,
      name: all.name[at]!,
      description: all.description[at]!,
      owner: all.owner[at]!,
      project: all.project[at]!,
      status: all.status[at]!,
      createdAt: all.createdAt[at]!,
      startedAt: all.startedAt[at]!,
      finishedAt: all.finishedAt[at]!,
      durationSeconds: all.durationSeconds[at]!,
      tags: all.tags[at]!,
      goals: all.goals[at]!,
      inputs: all.inputs[at]!,
      outputs: all.outputs[at]!,
      metrics: all.metrics[at]!,
    }));
  } catch {
    return null; // written by another version of polytrack
  }
}

/** The line before the columns, because a damaged digit is still JSON. */
function toChecksum(json: Uint8Array): Buffer {
  return Buffer.from(`${crc32(json).toString(16).padStart(8, '0')}\n`);
}

function parseRow(line: string): IndexRow | null {
  if (line.length > MAX_ROW_CHARACTERS) return null;
  try {
    return expectRow(parseBoundedJson(line) as Readonly<Record<string, unknown>>);
  } catch {
    return null; // not JSON, or without one of the values
  }
}

/** Throws a `TypeError` for a value of another type than the row has. */
function expectRow(found: Readonly<Record<string, unknown>>): IndexRow {
  const uuid = expectText(found.uuid);
  if (!RUN_UUID_PATTERN.test(uuid)) throw new TypeError('not a uuid');
  const { isEnded, tags, metrics } = found;
  if (typeof isEnded !== 'boolean' || !Array.isArray(tags) || !Array.isArray(metrics))
    throw new TypeError('not a row');
  return {
    ...{ uuid, version: expectText(found.version), isEnded, atMs: expectNumber(found.atMs) },
    name: toText(found.name),
    description: toText(found.description),
    owner: toText(found.owner),
    project: toText(found.project),
    status: toText(found.status) as IndexRow['status'],
    createdAt: toNumber(found.createdAt),
    startedAt: toNumber(found.startedAt),
    finishedAt: toNumber(found.finishedAt),
    durationSeconds: toNumber(found.durationSeconds),
    tags: tags.map(expectText),
    inputs: toCleanMap(found.inputs),
    outputs: toCleanMap(found.outputs),
    goals: expectGoals(found.goals),
    metrics: metrics.map(expectMetric),
  };
}

function expectMetric(found: unknown): RowMetric {
  if (!Array.isArray(found)) throw new TypeError('not a metric');
  const [tag, logDirectory, value, step, wallTime, ...range] = found as unknown[];
  if (range.length !== 0 && range.length !== 6) throw new TypeError('not a range of values');
  return [
    ...([expectText(tag), expectText(logDirectory), expectValue(value), expectStep(step)] as const),
    expectNumber(wallTime),
    ...range.map((each, index) => (index % 3 === 1 ? expectStep(each) : expectNumber(each))),
  ];
}

/** A number, or the text of one that is not finite. */
function expectValue(value: unknown): RowNumber {
  return value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? value : expectNumber(value);
}

function expectStep(step: unknown): RowNumber {
  if (typeof step !== 'string') return expectNumber(step);
  if (!/^-?\d+$/.test(step)) throw new TypeError('not a step');
  return step;
}

function expectText(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('not a text');
  return value;
}

function expectNumber(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError('not a number');
  return value;
}

function toText(value: unknown): string | null {
  return value === null ? null : expectText(value);
}

function toNumber(value: unknown): number | null {
  return value === null ? null : expectNumber(value);
}

function expectGoals(value: unknown): MetricGoals {
  const goals = toCleanMap(value);
  for (const goal of Object.values(goals))
    if (!METRIC_GOALS.some((known) => known === goal)) throw new TypeError('not a goal');
  return goals as MetricGoals;
}
