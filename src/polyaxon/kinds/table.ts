/**
 * Converts the tables of callers to columns of cells: rows, columns, or Apache Arrow tables.
 */

import { describe } from '../../base/describe.js';
import { invalidArgument } from '../../base/errors.js';
import { toWellFormedText } from '../../base/well-formed-text.js';
import { isArrayLike } from '../../summary/arguments.js';
import { type ArrowTable, isArrowTable, readArrowColumns } from './arrow-table.js';
import type { ArrowColumn } from './table-column.js';

/** Rows as objects. The columns are all keys, in order of first occurrence. */
export type RowObjects = readonly Readonly<Record<string, unknown>>[];

/** Rows as arrays, with column names. Short rows are padded with missing cells. */
export interface RowArrays {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** Columns by name: arrays or typed arrays of equal length. */
export type TableColumns = Readonly<Record<string, ArrayLike<unknown>>>;

/** A table. Cells are text, numbers, bigints, booleans or dates; other values are written as JSON. NaN, null and undefined are missing cells. */
export type DataframeInput =
  | RowObjects
  | readonly (readonly unknown[])[]
  | RowArrays
  | TableColumns
  | ArrowTable;

export interface Table {
  readonly columns: readonly ArrowColumn[];
  readonly rowCount: number;
}

/** Checks a table and returns its columns. Throws `ERR_DATAFRAME_INVALID`. */
export function parseTable(input: DataframeInput): Table {
  if (Array.isArray(input)) {
    const rows = input as readonly unknown[];
    return isArrayLike(rows[0]) ? fromArrays(rows, undefined) : fromObjects(rows);
  }
  if (typeof input !== 'object' || input === null) {
    throw invalidTable(`dataframe is ${describe(input)}, expected rows, columns or an Arrow table`);
  }
  if (isArrowTable(input)) return { columns: readArrowColumns(input), rowCount: input.numRows };
  const { columns, rows } = input as Partial<RowArrays>;
  if (Array.isArray(rows) && Array.isArray(columns) && rows.every((row) => isArrayLike(row))) {
    return fromArrays(rows, columns);
  }
  return fromColumns(input as TableColumns);
}

function fromObjects(rows: readonly unknown[]): Table {
  const places = new Map<string, unknown[]>();
  for (const [i, row] of rows.entries()) {
    if (typeof row !== 'object' || row === null || isArrayLike(row)) {
      throw invalidTable(`row ${i} is ${describe(row)}, expected an object`);
    }
    for (const [name, cell] of Object.entries(row)) {
      const cells = places.get(name) ?? new Array<unknown>(rows.length);
      cells[i] = cell;
      places.set(name, cells);
    }
  }
  return parseColumns(
    Array.from(places, ([name, cells]) => ({ name, cells })),
    rows.length,
  );
}

function fromArrays(rows: readonly unknown[], names: readonly unknown[] | undefined): Table {
  let width = names?.length ?? 0;
  for (const [i, row] of rows.entries()) {
    if (!isArrayLike(row)) throw invalidTable(`row ${i} is ${describe(row)}, expected an array`);
    if (names !== undefined && row.length > width) {
      throw invalidTable(`row ${i} has ${row.length} cells, expected at most ${width}`);
    }
    width = Math.max(width, row.length);
  }
  const columns = Array.from({ length: width }, (_, column) => ({
    name: names === undefined ? String(column) : names[column],
    cells: rows.map((row) => (row as ArrayLike<unknown>)[column]),
  }));
  return parseColumns(columns, rows.length);
}

function fromColumns(input: TableColumns): Table {
  const columns = Object.entries(input).map(([name, cells]) => {
    if (!isArrayLike(cells)) throw invalidTable(`column ${name} is ${describe(cells)}, expected an array`);
    return { name, cells };
  });
  const [first] = columns;
  const odd = columns.find(({ cells }) => cells.length !== first!.cells.length);
  if (odd === undefined) return parseColumns(columns, first?.cells.length ?? 0);
  throw invalidTable(
    `column ${odd.name} has ${odd.cells.length} cells, expected ${first!.cells.length} as in ${first!.name}`,
  );
}

function parseColumns(
  columns: readonly { name: unknown; cells: ArrayLike<unknown> }[],
  rowCount: number,
): Table {
  return {
    rowCount,
    columns: columns.map(({ name, cells }, i) => {
      if (typeof name !== 'string')
        throw invalidTable(`columns[${i}] is ${describe(name)}, expected a string`);
      return { name: toWellFormedText(name).text, cells };
    }),
  };
}

/** Creates the error for an invalid table. */
export const invalidTable = invalidArgument(
  'ERR_DATAFRAME_INVALID',
  'Pass rows as objects, { columns, rows }, columns as { name: array }, or an Arrow table.',
);
