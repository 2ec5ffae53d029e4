/**
 * What every logging call takes besides its value, checked once: name, step, wall time, display name, description.
 *
 * The one place where a caller's `name` becomes a tag.
 */

import { InvalidArgumentError } from '../base/errors.js';
import { type RepairedText, toWellFormedText } from '../base/well-formed-text.js';

/** Options that every kind of event takes. */
export interface EventOptions {
  /**
   * Where on the x axis the value stands: an integer, negative ones too; a bigint beyond 2^53 (the format has int64).
   * Default: one more than the last step of this name, 0 for its first value.
   */
  readonly step?: number | bigint | undefined;
  /** Seconds since the Unix epoch, with a fraction. Default: now. */
  readonly wallTime?: number | undefined;
  /** The same as a `Date` or as ISO 8601 text, UTC where the text names no zone; in place of `wallTime`. */
  readonly timestamp?: Date | string | undefined;
  /** Shown in place of the name by TensorBoard's classic dashboards. The first value of a name decides. */
  readonly displayName?: string | undefined;
  /** Markdown, shown beside the chart. The first value of a name decides. */
  readonly description?: string | undefined;
}

/** Longest name, in characters: what Polyaxon's server takes for an artifact's name (haupt 2.16). */
export const MAX_NAME_CHARACTERS = 256;

/** Wall times from here on are taken for milliseconds: as seconds this is the year 5138. */
const MAX_WALL_TIME_SECONDS = 1e11;
const MAX_EXACT_INTEGER = 2 ** 53;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Checks a name: a string of 1 to 256 characters. */
export function parseName(name: unknown): RepairedText {
  if (typeof name !== 'string') {
    throw invalidName(`name is ${describe(name)}, expected a string`, 'Pass the name as a string.');
  }
  if (name.trim() === '') throw invalidName('name is empty', 'Give the value a name, such as "train/loss".');
  if (name.length > MAX_NAME_CHARACTERS) {
    throw invalidName(
      `name has ${name.length} characters, expected at most ${MAX_NAME_CHARACTERS}: ${name.slice(0, 40)}…`,
      'Shorten the name; put long text into `description`.',
    );
  }
  return toWellFormedText(name);
}

/** Checks a step; leaves an absent one absent. */
export function parseStep(step: unknown): number | bigint | undefined {
  if (step === undefined) return undefined;
  if (typeof step === 'number') {
    if (Number.isInteger(step) && Math.abs(step) <= MAX_EXACT_INTEGER) return step;
    const found = Number.isInteger(step) ? `${step}, beyond 2^53` : `${step}, not an integer`;
    throw new InvalidArgumentError(
      'ERR_STEP_INVALID',
      `step is ${found}`,
      'Pass a whole number, or a bigint beyond 2^53.',
    );
  }
  if (typeof step === 'bigint') {
    if (step >= INT64_MIN && step <= INT64_MAX) return step;
    throw new InvalidArgumentError(
      'ERR_STEP_INVALID',
      `step is ${step}, outside int64`,
      'Use steps within int64.',
    );
  }
  throw new InvalidArgumentError(
    'ERR_STEP_INVALID',
    `step is ${describe(step)}, expected an integer`,
    'Pass a whole number or a bigint.',
  );
}

/** Checks a wall time; leaves an absent one absent. */
export function parseWallTime(wallTime: unknown): number | undefined {
  if (wallTime === undefined) return undefined;
  if (typeof wallTime === 'number' && wallTime >= 0 && wallTime < MAX_WALL_TIME_SECONDS) return wallTime;
  throw new InvalidArgumentError(
    'ERR_WALL_TIME_INVALID',
    `wallTime is ${describe(wallTime)}, expected seconds since 1970 as a number`,
    'Pass seconds, for example Date.now() / 1000.',
  );
}

/** The wall time that options name, in seconds; undefined when they name none. Throws `ERR_WALL_TIME_INVALID`. */
export function parseEventTime({ wallTime, timestamp }: Pick<EventOptions, 'wallTime' | 'timestamp'>) {
  if (timestamp === undefined) return parseWallTime(wallTime);
  if (wallTime === undefined) return parseTimestamp(timestamp);
  throw new InvalidArgumentError(
    'ERR_WALL_TIME_INVALID',
    `wallTime is ${describe(wallTime)} and timestamp is ${describe(timestamp)}, expected one of them`,
    'Leave out wallTime or timestamp: both say when.',
  );
}

/** Date, then perhaps hours and minutes, seconds, their fraction, and a zone. */
const ISO_TIME =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:Z|([+-])(\d\d):?(\d\d)?)?)?$/i;

/** Seconds since the Unix epoch, fractions to the microsecond kept: `Date.parse` cuts them to milliseconds. */
function parseTimestamp(timestamp: unknown): number {
  const seconds =
    timestamp instanceof Date
      ? timestamp.getTime() / 1000
      : typeof timestamp === 'string'
        ? parseIsoTime(timestamp)
        : Number.NaN;
  if (seconds >= 0 && seconds < MAX_WALL_TIME_SECONDS) return seconds;
  throw new InvalidArgumentError(
    'ERR_WALL_TIME_INVALID',
    `timestamp is ${describe(timestamp)}, expected a Date or ISO 8601 text from 1970 on`,
    'Pass a Date, or text such as 2024-01-02T03:04:05.678Z.',
  );
}

function parseIsoTime(text: string): number {
  const match = ISO_TIME.exec(text.trim());
  if (match === null) return Number.NaN;
  const [
    ,
    year,
    month,
    day,
    hour = '0',
    minute = '0',
    second = '0',
    fraction = '',
    sign,
    zoneHour,
    zoneMinute,
  ] = match;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const isDate = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  if (!isDate || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return Number.NaN;
  const time = (Number(hour) * 60 + Number(minute)) * 60 + Number(second);
  const offset = sign === undefined ? 0 : (Number(zoneHour) * 60 + Number(zoneMinute ?? 0)) * 60;
  return date.getTime() / 1000 + time - (sign === '-' ? -offset : offset) + Number(`0.${fraction || 0}`);
}

/** A value as it reads in an error message. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'object') return `an object (${value.constructor?.name ?? 'no class'})`;
  return typeof value === 'function' ? 'a function' : `${String(value)} (${typeof value})`;
}

function invalidName(message: string, hint: string): InvalidArgumentError {
  return new InvalidArgumentError('ERR_NAME_INVALID', message, hint);
}
