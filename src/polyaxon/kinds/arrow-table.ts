/**
 * Reads Apache Arrow tables. Recognises them by their methods, so it needs no dependency and works with any version.
 *
 * Source: apache-arrow 21, `Table`, `Vector`, `Type` (`src/enum.ts`).
 */

import type { ArrowColumn } from './table-column.js';

/** The part of Arrow's `Table` that is used here. */
export interface ArrowTable {
  readonly numRows: number;
  readonly schema: { readonly fields: readonly { readonly name: string; readonly type: ArrowType }[] };
  getChildAt(index: number): ArrowVector | null;
}

interface ArrowVector {
  readonly length: number;
  get(index: number): unknown;
}

interface ArrowType {
  readonly typeId: number;
  readonly timezone?: string | null | undefined;
  /** For decimals: the number of digits after the point. */
  readonly scale?: number | undefined;
  readonly precision?: number | undefined;
  /** For dictionaries: the type of their values. */
  readonly dictionary?: ArrowType | undefined;
}

/** Values of Arrow's `Type`. */
const INT = 2;
const FLOAT = 3;
const DECIMAL = 7;
const DATE = 8;
const TIMESTAMP = 10;
const SINGLE_PRECISION = 1;
const MICROSECONDS_PER_MILLISECOND = 1000n;

export function isArrowTable(value: object): value is ArrowTable {
  const { numRows, schema, getChildAt } = value as Partial<ArrowTable>;
  return typeof numRows === 'number' && Array.isArray(schema?.fields) && typeof getChildAt === 'function';
}

/** Returns copies of a table's columns. Times of day, durations and nested values are not converted. */
export function readArrowColumns(table: ArrowTable): ArrowColumn[] {
  return table.schema.fields.map(({ name, type }, i) =>
    readColumn(name, type, table.getChildAt(i), table.numRows),
  );
}

function readColumn(
  name: string,
  given: ArrowType,
  vector: ArrowVector | null,
  rowCount: number,
): ArrowColumn {
  const type = given.dictionary ?? given;
  const cells = Array.from({ length: rowCount }, (_, row) => vector?.get(row) ?? null);
  switch (type.typeId) {
    case DATE:
      return { name, cells: cells.map(toMicroseconds), times: 'date' };
    case TIMESTAMP:
      return { name, cells: cells.map(toMicroseconds), times: type.timezone ? 'zoned' : 'time' };
    case DECIMAL:
      return { name, cells: cells.map((cell) => toDecimal(cell, type.scale ?? 0)) };
    case FLOAT: {
      const numbers = cells.map(toDouble);
      const isSingle = type.precision === SINGLE_PRECISION;
      return { name, cells: isSingle ? Float32Array.from(numbers) : Float64Array.from(numbers) };
    }
    case INT:
      // As in pandas: integers become floats if one is missing.
      return { name, cells: cells.includes(null) ? Float64Array.from(cells, toDouble) : cells };
    default:
      return { name, cells };
  }
}

function toDouble(cell: unknown): number {
  return cell === null ? Number.NaN : Number(cell);
}

/** Arrow returns timestamps in milliseconds, with a fraction for finer units; older versions return dates. */
function toMicroseconds(cell: unknown): bigint | null {
  if (cell === null) return null;
  if (typeof cell === 'bigint') return cell * MICROSECONDS_PER_MILLISECOND;
  const milliseconds = Number(cell);
  return Number.isFinite(milliseconds) ? BigInt(Math.round(milliseconds * 1000)) : null;
}

/** Arrow stores a decimal as an integer in two's complement, in words of 32 bits, lowest first. */
function toDecimal(cell: unknown, scale: number): string | null {
  if (cell === null) return null;
  if (!(cell instanceof Uint32Array)) return String(cell);
  let value = 0n;
  for (const word of [...cell].reverse()) value = (value << 32n) | BigInt(word);
  value = BigInt.asIntN(cell.length * 32, value);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return value < 0n ? `-${text}` : text;
}
