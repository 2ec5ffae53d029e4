/** Lays out tables for people. A table that is wider than the terminal cuts texts, then leaves out columns; numbers are never cut. Pure. */

import { largestOf } from '../../src/base/largest-of.js';
import { toPrintable } from '../../src/base/printable-text.js';
import { paint, type TerminalColor } from './paint.js';
import { countColumns, cutColumns } from './text-columns.js';

export interface Column {
  /** With `>` before it: the column contains numbers, which are right-aligned and never cut. */
  readonly header: string;
  /** Texts and headers keep at least this many columns. Default 8. */
  readonly minColumns?: number;
  /** Where texts and header are cut. Default `end`. */
  readonly cut?: 'end' | 'middle';
  /** Columns with the highest number are left out first, equal ones from the right. Default 0: never. */
  readonly omitRank?: number;
}

/** A foreign or own text; `color` is used only where the output has colours. */
export type Cell = string | { readonly text: string; readonly color: TerminalColor | null };

export interface TableOptions {
  /** The columns of the terminal. Default: the table is as wide as its cells. */
  readonly width?: number | undefined;
  /** The columns before each line. Default 0. */
  readonly indent?: number;
  /** Default false. */
  readonly hasColor?: boolean | undefined;
}

interface TextTable {
  /** The lines are printable. Join them with `joinPainted`. */
  readonly lines: readonly string[];
  /** The headers of the columns that were left out. */
  readonly omitted: readonly string[];
}

const GAP = '  ';
const MIN_COLUMNS = 8;

/** The lines of a table, headers first. */
export function toTable(
  columns: readonly (string | Column)[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions = {},
): string[] {
  return [...layOutTable(columns, rows, options).lines];
}

/** Lays out a table, and returns which columns were left out. */
export function layOutTable(
  columns: readonly (string | Column)[],
  rows: readonly (readonly Cell[])[],
  { width = Number.POSITIVE_INFINITY, indent = 0, hasColor = false }: TableOptions = {},
): TextTable {
  const all = columns.map((column, index) => measure(column, index, rows));
  const { kept, widths } = fitColumns(all, width - indent);
  const toLine = (cells: readonly Cell[]): string => {
    const parts = kept.map((column, place) =>
      toPart(cells[column.index] ?? '', column, widths[place]!, hasColor),
    );
    return (' '.repeat(indent) + parts.join(GAP)).trimEnd();
  };
  const omitted = all.filter((column) => !kept.includes(column)).map(({ header }) => header);
  return { lines: [toLine(all.map(({ header }) => header)), ...rows.map(toLine)], omitted };
}

interface Measured {
  readonly index: number;
  readonly header: string;
  readonly isNumber: boolean;
  readonly omitRank: number;
  readonly cut: 'end' | 'middle';
  /** The width without cutting, and the least one. */
  readonly full: number;
  readonly least: number;
}

function measure(column: string | Column, index: number, rows: readonly (readonly Cell[])[]): Measured {
  const given: Column = typeof column === 'string' ? { header: column } : column;
  const { minColumns = MIN_COLUMNS, cut = 'end', omitRank = 0 } = given;
  const isNumber = given.header.startsWith('>');
  const header = toPrintable(isNumber ? given.header.slice(1) : given.header);
  const cells = largestOf(rows.map((row) => countColumns(toPrintable(textOf(row[index] ?? '')))));
  const full = Math.max(countColumns(header), cells);
  const least = Math.max(Math.min(full, minColumns), isNumber ? cells : 0);
  return { index, header, isNumber, omitRank, cut, full, least };
}

/** Leaves out columns until the others fit with their least widths; then cuts the widest columns. */
function fitColumns(
  columns: readonly Measured[],
  width: number,
): { kept: readonly Measured[]; widths: number[] } {
  let kept = columns;
  const gaps = (): number => GAP.length * Math.max(0, kept.length - 1);
  const sum = (widths: readonly number[]): number => widths.reduce((total, each) => total + each, gaps());
  while (sum(kept.map(({ least }) => least)) > width) {
    const highest = largestOf(kept.map(({ omitRank }) => omitRank));
    if (highest === 0) return { kept, widths: kept.map(({ least }) => least) };
    const last = kept.findLast(({ omitRank }) => omitRank === highest);
    kept = kept.filter((column) => column !== last);
  }
  const widths = kept.map(({ full }) => full);
  for (let excess = sum(widths) - width; excess > 0; excess--) {
    const cuttable = widths.map((each, place) => (each > kept[place]!.least ? each : 0));
    widths[cuttable.indexOf(largestOf(cuttable))]! -= 1;
  }
  return { kept, widths };
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

function toPart(cell: Cell, { isNumber, cut }: Measured, width: number, hasColor: boolean): string {
  const text = cutColumns(toPrintable(textOf(cell)), width, cut);
  const space = ' '.repeat(Math.max(0, width - countColumns(text)));
  const color = typeof cell === 'string' ? null : cell.color;
  const shown = hasColor && color !== null ? paint(text, color) : text;
  return isNumber ? space + shown : shown + space;
}
