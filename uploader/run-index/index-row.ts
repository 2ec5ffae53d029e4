/**
 * Encodes and parses the index of a store: what a listing of runs shows of each run, so that it need not read the runs. Pure.
 *
 * An object of the index, `.plx/index/<id>.jsonl.gz`, has JSON lines: a header, then one row for each run. A row is derived from the stored run file and
 * the stored event files, and names their version. A reader checks all values: a damaged row counts as absent.
 */

import { gunzipSync, gzipSync } from 'node:zlib';
import { parseBoundedJson } from '../../src/base/bounded-json.js';
import { toCleanMap } from '../../src/base/clean-json.js';
import type { JsonValue } from '../../src/base/json-value.js';
import { METRIC_GOALS, type MetricGoals } from '../../src/polyaxon/metric-goal.js';
import { isDone } from '../../src/polyaxon/run-record.js';
import { toMetricName } from '../../src/reading/last-metrics.js';
import type { LoadedRunFields, MetricRange } from '../../src/reading/run-facts.js';
import { RUN_UUID_PATTERN } from '../../src/run-directory/layout.js';

/** The fields of a run that its row has: all but those that depend on where it is read. */
type IndexedFields = Omit<LoadedRunFields, 'uuid' | 'location' | 'problems'>;

export interface IndexRow {
  readonly runUuid: string;
  /** Of the objects from which the row was derived, see `toRunVersion`. */
  readonly version: string;
  /** Whether the run had no writer any more. Otherwise its files may have changed since. */
  readonly isEnded: boolean;
  /** When the row was derived, in milliseconds since 1970: of two rows of a run, the later one counts. */
  readonly atMs: number;
  readonly fields: IndexedFields;
  /** The last and the extreme values of each metric. */
  readonly metrics: readonly MetricRange[];
}

const HEADER = { kind: 'run-index', version: 1 };
/** A longer row is not stored: the run is then read as without an index. */
const MAX_ROW_CHARACTERS = 1024 * 1024;
/** The most that an object of the index may have once it is decompressed. */
const MAX_TEXT_BYTES = 128 * 1024 * 1024;

/** Whether a run has ended without recording it. */
export function isLostRow({ isEnded, fields: { status } }: IndexRow): boolean {
  return isEnded && (status === null || !isDone(status));
}

/** Returns a row as a line of JSON; null if it is too long for the index. */
export function encodeRow({ runUuid, version, isEnded, atMs, fields, metrics }: IndexRow): string | null {
  const { createdAt, startedAt, finishedAt, ...others } = fields;
  const line = JSON.stringify({
    ...{ uuid: runUuid, version, isEnded, atMs, ...others },
    createdAt: createdAt?.getTime() ?? null,
    startedAt: startedAt?.getTime() ?? null,
    finishedAt: finishedAt?.getTime() ?? null,
    metrics: metrics.map(({ tag, logDirectory, value, step, wallTime, min, max }) => [
      ...[tag, logDirectory, toJson(value), toJson(step), wallTime],
      ...(min === null || max === null ? [] : [...toPoint(min), ...toPoint(max)]),
    ]),
  });
  return line.length > MAX_ROW_CHARACTERS ? null : line;
}

function toPoint({ value, step, wallTime }: NonNullable<MetricRange['min']>): unknown[] {
  return [value, toJson(step), wallTime];
}

/** JSON has neither integers beyond 2^53 nor NaN. */
function toJson(value: number | bigint): number | string {
  return typeof value === 'number' && Number.isFinite(value) ? value : String(value);
}

/** Returns the bytes of an object of the index with these lines. */
export function encodeIndex(lines: readonly string[]): Buffer {
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
  const runUuid = expectText(found.uuid);
  if (!RUN_UUID_PATTERN.test(runUuid)) throw new TypeError('not a uuid');
  const { isEnded, tags, metrics } = found;
  if (typeof isEnded !== 'boolean' || !Array.isArray(tags) || !Array.isArray(metrics))
    throw new TypeError('not a row');
  return {
    ...{ runUuid, isEnded, version: expectText(found.version), atMs: expectNumber(found.atMs) },
    fields: {
      name: toText(found.name),
      description: toText(found.description),
      owner: toText(found.owner),
      project: toText(found.project),
      status: toText(found.status) as IndexedFields['status'],
      createdAt: toDate(found.createdAt),
      startedAt: toDate(found.startedAt),
      finishedAt: toDate(found.finishedAt),
      durationSeconds: found.durationSeconds === null ? null : expectNumber(found.durationSeconds),
      tags: tags.map(expectText),
      inputs: toMap(found.inputs),
      outputs: toMap(found.outputs),
      goals: expectGoals(found.goals),
    },
    metrics: metrics.map(expectMetric),
  };
}

function expectMetric(found: unknown): MetricRange {
  if (!Array.isArray(found)) throw new TypeError('not a metric');
  const [tag, logDirectory, value, step, wallTime, ...range] = found as unknown[];
  const place = { tag: expectText(tag), logDirectory: expectText(logDirectory) };
  return {
    ...{ name: toMetricName(place), ...place, value: Number(value), step: toStep(step) },
    wallTime: expectNumber(wallTime),
    min: range.length === 0 ? null : expectPoint(range.slice(0, 3)),
    max: range.length === 0 ? null : expectPoint(range.slice(3)),
  };
}

function expectPoint([value, step, wallTime]: readonly unknown[]): NonNullable<MetricRange['min']> {
  return { value: expectNumber(value), step: toStep(step), wallTime: expectNumber(wallTime) };
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

function toDate(value: unknown): Date | null {
  return value === null ? null : new Date(expectNumber(value));
}

function toStep(value: unknown): number | bigint {
  return typeof value === 'string' ? BigInt(value) : expectNumber(value);
}

function expectGoals(value: unknown): MetricGoals {
  const goals = toMap(value);
  for (const goal of Object.values(goals))
    if (!METRIC_GOALS.some((known) => known === goal)) throw new TypeError('not a goal');
  return goals as MetricGoals;
}

function toMap(value: unknown): Readonly<Record<string, JsonValue>> {
  return toCleanMap(value);
}
