/**
 * Converts times of spans to ISO text in the format of Polyaxon's Python classes.
 *
 * `2024-01-02T03:04:05.123456+00:00`: microseconds, omitted when they are 0; a numeric offset, never `Z`; text without an offset is UTC.
 * Source: traceml 1.3.0 `V1EventSpan.to_json` (pydantic, then orjson), run on each of these forms.
 */

import { describe } from '../base/describe.js';
import { InvalidArgumentError } from '../base/errors.js';

/** A point in time: a Date, seconds since the Unix epoch, or ISO 8601 text (UTC unless it has an offset). */
export type SpanTime = Date | number | string;

const ISO_PATTERN =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)? ?(Z|[+-]\d{2}(?::?\d{2})?)?$/i;

/** Python's `datetime` supports the years 1 to 9999. */
const MIN_SECONDS = -62_135_596_800;
const MAX_SECONDS = 253_402_300_800;

/** Returns ISO text in UTC of a time in seconds since the Unix epoch, rounded to microseconds. */
export function toIsoSeconds(seconds: number): string {
  return toIsoMicros(Math.round(seconds * 1e6));
}

/** Returns ISO text in UTC of a time in whole microseconds since the Unix epoch. */
export function toIsoMicros(micros: number): string {
  const fraction = ((micros % 1e6) + 1e6) % 1e6;
  const second = new Date((micros - fraction) / 1000).toISOString().slice(0, 19);
  return `${second}${formatFraction(String(fraction).padStart(6, '0'))}+00:00`;
}

/** Returns ISO text of `value` and keeps its offset. Throws `ERR_SPAN_INVALID` with `path`. */
export function parseSpanTime(path: string, value: unknown): string {
  if (typeof value === 'string') return parseIsoText(path, value);
  const seconds = value instanceof Date ? value.getTime() / 1000 : value;
  if (typeof seconds === 'number' && seconds >= MIN_SECONDS && seconds < MAX_SECONDS) {
    return toIsoSeconds(seconds);
  }
  throw invalidTime(path, value);
}

function parseIsoText(path: string, text: string): string {
  const match = ISO_PATTERN.exec(text);
  if (match === null) throw invalidTime(path, text);
  const [, year = '', month = '', day = '', hour = '00', minute = '00', second = '00', fraction = '', zone] =
    match;
  const offset = toOffset(zone);
  const time = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  // `Date` changes a date that does not exist, such as February 30, to another one.
  const date = new Date(`${time}Z`);
  if (year === '0000' || offset === undefined || Number.isNaN(date.getTime())) throw invalidTime(path, text);
  if (date.toISOString().slice(0, 19) !== time) throw invalidTime(path, text);
  return `${time}${formatFraction(fraction.padEnd(6, '0').slice(0, 6))}${offset}`;
}

function toOffset(zone = 'Z'): string | undefined {
  if (/^z$/i.test(zone)) return '+00:00';
  const hours = zone.slice(1, 3);
  const minutes = zone.slice(3).replace(':', '') || '00';
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  return Number(hours) + Number(minutes) === 0 ? '+00:00' : `${zone[0]}${hours}:${minutes}`;
}

function formatFraction(digits: string): string {
  return digits === '000000' ? '' : `.${digits}`;
}

function invalidTime(path: string, value: unknown): InvalidArgumentError {
  const found = value instanceof Date ? String(value) : describe(value);
  return new InvalidArgumentError(
    'ERR_SPAN_INVALID',
    `${path} is ${found}, expected a time in the years 1 to 9999`,
    'Pass a Date, ISO 8601 text, or seconds (not milliseconds) since the Unix epoch.',
  );
}
