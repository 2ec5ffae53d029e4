/**
 * Builds tables as CSV or HTML files, with the first rows as a text preview for TensorBoard.
 *
 * Source of the form: traceml 1.3.0, `V1EventDataframe` and `log_dataframe`, which writes `df.to_csv(path)` or `df.to_html(path)`, with row
 * numbers in an unnamed first column. CSV: RFC 4180, except that lines end with LF, as pandas writes them.
 */

import { describe } from '../../base/describe.js';
import { createTextValue } from '../../summary/text.js';
import { type CellWriter, createCellWriter } from './cell-text.js';
import { type KindEvent, valuePreview } from './kind-event.js';
import { type DataframeInput, invalidTable, parseTable, type Table } from './table.js';

export type DataframeContentType = 'csv' | 'html';

/** The limits of the preview. */
const SHOWN_ROWS = 20;
const SHOWN_COLUMNS = 20;
const SHOWN_CHARACTERS = 100;

const encoder = new TextEncoder();

/** Builds a table. Throws `ERR_DATAFRAME_INVALID`. */
export function createDataframe(input: DataframeInput, contentType: DataframeContentType = 'csv'): KindEvent {
  if (contentType !== 'csv' && contentType !== 'html') {
    throw invalidTable(`contentType is ${describe(contentType)}, expected csv or html`);
  }
  const table = parseTable(input);
  const writers = table.columns.map(createCellWriter);
  const file = contentType === 'csv' ? toCsv(table, writers) : toHtml(table, writers);
  const preview = toMarkdown(table, writers);
  return {
    kind: 'dataframe',
    value: { content_type: contentType },
    asset: { extension: contentType, bytes: encoder.encode(file) },
    preview: valuePreview('dataframe', 'text', (tag, labels) => createTextValue(tag, preview, labels)),
  };
}

function toCsv({ columns, rowCount }: Table, writers: readonly CellWriter[]): string {
  const lines = [toCsvLine(['', ...columns.map(({ name }) => name)])];
  for (let row = 0; row < rowCount; row++) {
    lines.push(toCsvLine([String(row), ...writers.map((writer) => writer.toText(row) ?? '')]));
  }
  return `${lines.join('\n')}\n`;
}

function toCsvLine(fields: readonly string[]): string {
  // Quote a single empty field, because readers skip empty lines.
  if (fields.length === 1 && fields[0] === '') return '""';
  return fields
    .map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(',');
}

function toHtml({ columns, rowCount }: Table, writers: readonly CellWriter[]): string {
  const head = ['', ...columns.map(({ name }) => name)].map((name) => `      <th>${escapeHtml(name)}</th>`);
  const rows = Array.from({ length: rowCount }, (_, row) => [
    '    <tr>',
    `      <th>${row}</th>`,
    ...writers.map((writer) => `      <td>${escapeHtml(writer.toText(row) ?? writer.missing)}</td>`),
    '    </tr>',
  ]);
  return [
    '<table border="1" class="dataframe">',
    '  <thead>',
    '    <tr style="text-align: right;">',
    ...head,
    '    </tr>',
    '  </thead>',
    '  <tbody>',
    ...rows.flat(),
    '  </tbody>',
    '</table>',
  ].join('\n');
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Returns the first rows and columns as Markdown, with a note if the table has more. */
function toMarkdown({ columns, rowCount }: Table, writers: readonly CellWriter[]): string {
  const names = columns.slice(0, SHOWN_COLUMNS).map(({ name }) => toMarkdownCell(name));
  const shownRows = Math.min(rowCount, SHOWN_ROWS);
  const lines = [`|  | ${names.join(' | ')} |`, `| --- |${' --- |'.repeat(names.length)}`];
  for (let row = 0; row < shownRows; row++) {
    const cells = writers.slice(0, SHOWN_COLUMNS).map((writer) => toMarkdownCell(writer.toText(row) ?? ''));
    lines.push(`| ${row} | ${cells.join(' | ')} |`);
  }
  const parts = [
    ...(shownRows < rowCount ? [`${shownRows} of ${rowCount} rows`] : []),
    ...(names.length < columns.length ? [`${names.length} of ${columns.length} columns`] : []),
  ];
  const note = parts.length === 0 ? '' : `\n\nThe first ${parts.join(', ')}.`;
  return `${lines.join('\n')}${note}`;
}

function toMarkdownCell(text: string): string {
  const cut = text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS - 1)}…`;
  return cut
    .toWellFormed()
    .replace(/\s+/g, ' ')
    .replace(/[\\*_`[\]<|]/g, '\\$&');
}
