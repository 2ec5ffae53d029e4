/**
 * Text: Markdown in the text dashboard, or a list or table of Markdown cells.
 *
 * TensorBoard's form is a string tensor of rank 0, 1 (one column) or 2. Source: tensorboard/plugins/text/summary_v2.py.
 */

import { describe } from '../base/describe.js';
import { invalidArgument } from '../base/errors.js';
import { DataType, type SummaryValue } from '../format/wire/messages.js';
import { encodeUtf8 } from '../format/wire/proto-bytes.js';
import { createMetadata, type SeriesLabels } from './plugin-data.js';

/** Markdown, or cells of Markdown as [rows] or [rows, columns]. All rows have the same number of cells. */
export type TextInput = string | readonly string[] | readonly (readonly string[])[];

/** Builds the value of a text. Throws `ERR_TEXT_INVALID`. */
export function createTextValue(tag: string, text: TextInput, labels?: SeriesLabels): SummaryValue {
  const { shape, cells } = parseCells(text);
  return {
    tag,
    metadata: createMetadata('text', labels),
    value: { kind: 'tensor', tensor: { dtype: DataType.STRING, shape, stringVal: cells.map(encodeUtf8) } },
  };
}

/** Whether the whole text can be encoded as UTF-8. */
export function isWellFormedText(text: TextInput): boolean {
  return typeof text === 'string' ? text.isWellFormed() : text.flat().every((cell) => cell.isWellFormed());
}

function parseCells(text: TextInput): { shape: number[]; cells: readonly string[] } {
  if (typeof text === 'string') return { shape: [], cells: [text] };
  if (!Array.isArray(text)) throw invalid(`text is ${describe(text)}, expected a string or rows of strings`);
  const columns = Array.isArray(text[0]) ? text[0].length : undefined;
  for (const [row, cells] of text.entries()) {
    const list: readonly unknown[] = columns === undefined ? [cells] : Array.isArray(cells) ? cells : [];
    if (columns !== undefined && list.length !== columns) {
      throw invalid(`text: row ${row} has ${list.length} cells, expected ${columns} as in the first row`);
    }
    const bad = list.findIndex((cell) => typeof cell !== 'string');
    if (bad >= 0)
      throw invalid(`text: cell ${bad} of row ${row} is ${describe(list[bad])}, expected a string`);
  }
  return columns === undefined
    ? { shape: [text.length], cells: text as string[] }
    : { shape: [text.length, columns], cells: text.flat() };
}

const invalid = invalidArgument(
  'ERR_TEXT_INVALID',
  'Pass a string, or rows with the same number of strings; convert other values with JSON.stringify or String.',
);
