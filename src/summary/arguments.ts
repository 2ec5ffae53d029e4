/**
 * Checks the arguments that every logging call has besides its value: name, step, wall time, display name and description.
 *
 * This is the only place that turns a caller's `name` into a tag.
 */

import { describe } from '../base/describe.js';
import { InvalidArgumentError } from '../base/errors.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import { type RepairedText, toWellFormedText } from '../base/well-formed-text.js';

/** Options that every kind of event supports. */
export interface EventOptions {
  /**
   * The position on the x axis: an integer, possibly negative; a bigint beyond 2^53 (the format has int64). Default: one more than
   * the last step of this name, or 0 for its first value.
   */
  readonly step?: number | bigint | undefined;
  /** Seconds since the Unix epoch, with a fraction. Default: now. */
  readonly wallTime?: number | undefined;
  /** The wall time as a `Date` or ISO 8601 text (UTC if the text has no zone). Use instead of `wallTime`. */
  readonly timestamp?: Date | string | undefined;
  /** Shown instead of the name in TensorBoard's classic dashboards. The first value of a name decides. */
  readonly displayName?: string | undefined;
  /** Markdown that is shown with the chart. The first value of a name decides. */
  readonly description?: string | undefined;
}

export const EVENT_OPTIONS: OptionTable<EventOptions> = {
  step: 'any',
  wallTime: 'any',
  timestamp: 'any',
  displayName: 'string',
  description: 'string',
};

/** The options of an event, or only its step. */
export type StepOr<Options> = Options | number | bigint;

/** Checks the options of an event. A number in their place is its step. Throws `ERR_OPTION_INVALID`. */
export function parseEventOptions<Options extends EventOptions>(
  subject: string,
  given: StepOr<Options> | undefined,
  table: OptionTable<Options>,
): Options {
  if (typeof given === 'number' || typeof given === 'bigint') return { step: given } as Options;
  if (hasOnlyStep(given)) return given;
  checkOptions<Options>(subject, given, table);
  return given ?? ({} as Options);
}

/** Whether options are a plain object with a step and nothing else. Most are, and the general check takes a fifth of the time of a scalar. */
function hasOnlyStep<Options>(options: Options | undefined): options is Options {
  if (typeof options !== 'object' || options === null) return false;
  for (const name in options) if (name !== 'step') return false;
  return Object.getPrototypeOf(options) === Object.prototype;
}

/** The longest name in characters, which is the limit of Polyaxon's server for artifact names (haupt 2.16). */
export const MAX_NAME_CHARACTERS = 256;

/** Wall times from this value are rejected as milliseconds. In seconds it is the year 5138. */
const MAX_WALL_TIME_SECONDS = 1e11;
const MAX_EXACT_INTEGER = 2 ** 53;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Validates a name: a string of 1 to 256 characters. */
export function parseName(name: unknown): RepairedText {
  if (typeof name !== 'string') {
    throw invalidName(`name is ${describe(name)}, expected a string`, 'Pass the name as a string.');
  }
  if (name.trim() === '') throw invalidName('name is empty', 'Give the value a name, such as "train/loss".');
  if (name.length > MAX_NAME_CHARACTERS) {
    throw invalidName(
      `name has ${name.length} characters, expected at most ${MAX_NAME_CHARACTERS}: ${name.slice(0, 40)}…`,
      'Shorten the name, and put long text in `description`.',
    );
  }
  return toWellFormedText(name);
}

/** Validates a step; undefined stays undefined. */
export function parseStep(step: unknown): number | bigint | undefined {
  if (step === undefined) return undefined;
  if (typeof step === 'number') {
    if (Number.isInteger(step) && Math.abs(step) <= MAX_EXACT_INTEGER) return step;
    const found = Number.isInteger(step) ? `${step}, beyond 2^53` : `${step}, not an integer`;
    throw invalidStep(`step is ${found}`, 'Pass a whole number, or a bigint beyond 2^53.');
  }
  if (typeof step === 'bigint') {
    if (step >= INT64_MIN && step <= INT64_MAX) return step;
    throw invalidStep(`step is ${step}, outside int64`, 'Use steps within int64.');
  }
  throw invalidStep(`step is ${describe(step)}, expected an integer`, 'Pass a whole number or a bigint.');
}

/** Validates a wall time; undefined stays undefined. */
export function parseWallTime(wallTime: unknown): number | undefined {
  if (wallTime === undefined) return undefined;
  if (typeof wallTime === 'number' && wallTime >= 0 && wallTime < MAX_WALL_TIME_SECONDS) return wallTime;
  throw new InvalidArgumentError(
    'ERR_WALL_TIME_INVALID',
    `wallTime is ${describe(wallTime)}, expected seconds since 1970 as a number`,
    'Pass seconds, for example Date.now() / 1000.',
  );
}

/** The wall time from the options, in seconds; undefined if they have none. Throws `ERR_WALL_TIME_INVALID`. */
export function parseEventTime({ wallTime, timestamp }: Pick<EventOptions, 'wallTime' | 'timestamp'>) {
  if (timestamp === undefined) return parseWallTime(wallTime);
  if (wallTime === undefined) return parseTimestamp(timestamp);
  throw new InvalidArgumentError(
    'ERR_WALL_TIME_INVALID',
    `wallTime is ${describe(wallTime)} and timestamp is ${describe(timestamp)}, expected only one of them`,
    'Pass either wallTime or timestamp.',
  );
}

/** A date, optionally followed by hours and minutes, seconds, a fraction and a zone. */
const ISO_TIME =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:Z|([+-])(\d\d):?(\d\d)?)?)?$/i;

/** Seconds since the Unix epoch, with fractions to the microsecond; `Date.parse` truncates to milliseconds. */
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

/** Whether a value is an array or a typed array. */
export function isArrayLike(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
}

function invalidName(message: string, hint: string): InvalidArgumentError {
  return new InvalidArgumentError('ERR_NAME_INVALID', message, hint);
}

function invalidStep(message: string, hint: string): InvalidArgumentError {
  return new InvalidArgumentError('ERR_STEP_INVALID', message, hint);
}
