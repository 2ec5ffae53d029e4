/** Formats values of runs for people and for CSV. Pure. */

import { formatAge } from '../../base/format-age.js';
import type { RunValue } from './run-row.js';

const DIGITS = 4;

/** A number with at most four digits after the leading one, as short as possible; whole numbers stay exact. */
export function toNumberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  return String(Number(value.toPrecision(DIGITS)));
}

/** A value as a short text. `age` and `duration` are seconds. */
export function toValueText(column: string, value: RunValue): string {
  if (value === null) return '';
  if (typeof value !== 'number') return String(value);
  if (column === 'age') return formatAge(value * 1000);
  return column === 'duration' ? toDurationText(value) : toNumberText(value);
}

/** The value of a best point, and its step: `0.021 @400`. */
export function toBestText(value: number, step: RunValue | bigint): string {
  return `${toNumberText(value)} @${step}`;
}

/** `2026-01-31 17:05:09` of an ISO time. */
export function toTimeText(time: string): string {
  return time.slice(0, 19).replace('T', ' ');
}

/** `1.6 s`, `2 min 5 s`, `3 h 10 min`, `2 d 4 h`. */
export function toDurationText(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Lines of CSV (RFC 4180, with line feeds), headers first; a missing value is empty. */
export function toCsv(columns: readonly string[], rows: readonly (readonly RunValue[])[]): string {
  return [columns, ...rows].map((row) => `${row.map(toCsvField).join(',')}\n`).join('');
}

function toCsvField(value: RunValue): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
