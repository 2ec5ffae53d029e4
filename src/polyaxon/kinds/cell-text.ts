/**
 * Prints cells as pandas does, so that tables have the same bytes as those of Polyaxon's Python client.
 *
 * Source: pandas 2.2.3 with numpy 1.26 (`DataFrame.to_csv`, `DataFrame.to_html`), compared in the tests. The type that pandas infers for
 * a column decides: numbers are floats if one of them has a fraction or is missing.
 */

import { describe } from '../../base/describe.js';
import { messageOf } from '../../base/errors.js';
import { toWellFormedText } from '../../base/well-formed-text.js';
import { isArrayLike } from '../../summary/arguments.js';
import { toPythonFloat } from '../number-text.js';
import { toPythonFloat32, toPythonNumber, toUtcTime, type UtcTime } from './python-text.js';
import { invalidTable } from './table.js';
import type { ArrowColumn } from './table-column.js';

/** Prints the cells of one column. */
export interface CellWriter {
  /** Returns the text of a cell; undefined if the cell is missing. */
  toText(row: number): string | undefined;
  /** The text for a missing cell in HTML. */
  readonly missing: 'NaN' | 'None' | 'NaT';
}

export function createCellWriter(column: ArrowColumn): CellWriter {
  const { cells, times } = column;
  if (times !== undefined) return timeWriter(column);
  if (cells instanceof Float32Array) return floatWriter(cells, toPythonFloat32);
  if (cells instanceof Float64Array) return floatWriter(cells, toPythonFloat);
  const list = Array.from(cells);
  if (
    list.every((cell) => isMissing(cell) || typeof cell === 'number') &&
    list.some((cell) => typeof cell === 'number')
  ) {
    const areIntegers = list.every((cell) => Number.isSafeInteger(cell));
    return floatWriter(list as (number | null)[], areIntegers ? String : toPythonFloat);
  }
  const areDates =
    list.every((cell) => isMissing(cell) || cell instanceof Date) &&
    list.some((cell) => cell instanceof Date);
  return {
    toText: (row) => cellTextFrom(column.name, row, list[row]),
    missing: areDates ? 'NaT' : 'None',
  };
}

function floatWriter(
  cells: ArrayLike<number | null | undefined>,
  print: (value: number) => string,
): CellWriter {
  return {
    toText(row) {
      const value = cells[row];
      return value === null || value === undefined || Number.isNaN(value) ? undefined : print(value);
    },
    missing: 'NaN',
  };
}

/** Prints timestamps without a zone: dates only if all are at midnight, and fractions if any timestamp has one. */
function timeWriter({ cells, times }: ArrowColumn): CellWriter {
  const list = Array.from(cells as ArrayLike<bigint | null>, (cell) =>
    cell === null ? undefined : toUtcTime(cell),
  );
  if (times === 'zoned') return { toText: (row) => toZonedText(list[row]), missing: 'NaT' };
  const areDays =
    times === 'date' || list.every((eventTime) => eventTime === undefined || isMidnight(eventTime));
  const hasFraction = list.some((eventTime) => eventTime !== undefined && eventTime.microseconds > 0);
  // pandas prints milliseconds if they are precise enough.
  const areMilliseconds = list.every(
    (eventTime) => eventTime === undefined || eventTime.microseconds % 1000 === 0,
  );
  const digits = !hasFraction ? 0 : areMilliseconds ? 3 : 6;
  return {
    toText(row) {
      const eventTime = list[row];
      if (eventTime === undefined) return undefined;
      if (areDays) return eventTime.date;
      const fraction = String(eventTime.microseconds).padStart(6, '0').slice(0, digits);
      return `${eventTime.date} ${eventTime.time}${digits === 0 ? '' : `.${fraction}`}`;
    },
    missing: times === 'date' ? 'None' : 'NaT',
  };
}

function isMidnight({ time, microseconds }: UtcTime): boolean {
  return time === '00:00:00' && microseconds === 0;
}

function isMissing(cell: unknown): boolean {
  return cell === null || cell === undefined;
}

function cellTextFrom(column: string, row: number, cell: unknown): string | undefined {
  switch (typeof cell) {
    case 'undefined':
      return undefined;
    case 'string':
      return toWellFormedText(cell).text;
    case 'number':
      return Number.isNaN(cell) ? undefined : toPythonNumber(cell);
    case 'bigint':
      return String(cell);
    case 'boolean':
      return cell ? 'True' : 'False';
    case 'object':
      return cell === null
        ? undefined
        : cell instanceof Date
          ? toZonedText(ofDate(cell))
          : jsonTextFrom(column, row, cell);
    default:
      throw invalidTable(
        `column ${column}, row ${row} is ${describe(cell)}, expected text, a number, a date or JSON`,
      );
  }
}

/** Prints a timestamp with its zone, as `str(Timestamp)` does. */
function toZonedText(eventTime: UtcTime | undefined): string | undefined {
  if (eventTime === undefined) return undefined;
  const fraction = eventTime.microseconds === 0 ? '' : `.${String(eventTime.microseconds).padStart(6, '0')}`;
  return `${eventTime.date} ${eventTime.time}${fraction}+00:00`;
}

function ofDate(date: Date): UtcTime | undefined {
  return Number.isNaN(date.getTime()) ? undefined : toUtcTime(BigInt(date.getTime()) * 1000n);
}

/** Prints a nested value as JSON. pandas prints Python notation, which other programs cannot read. */
function jsonTextFrom(column: string, row: number, cell: object): string | undefined {
  try {
    const text: unknown = JSON.stringify(cell, (_, value: unknown) => toPlain(value));
    return typeof text === 'string' ? toWellFormedText(text).text : undefined;
  } catch (cause) {
    throw invalidTable(`column ${column}, row ${row} cannot be written as JSON: ${messageOf(cause)}`);
  }
}

/** `JSON.stringify` rejects bigints and writes typed arrays as objects. */
function toPlain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return isArrayLike(value) && !Array.isArray(value) ? Array.from(value) : value;
}
