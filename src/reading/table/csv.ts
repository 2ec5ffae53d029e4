/** Encodes a table as CSV: RFC 4180 with a header, UTF-8. A missing number is an empty field. */

import type { MetricTable } from './metric-table.js';

export async function* encodeCsv({ columns, chunks }: MetricTable): AsyncGenerator<Uint8Array, void, void> {
  yield Buffer.from(toLine(columns.map(({ name }) => name)));
  for await (const { count, data } of chunks) {
    let text = '';
    for (let row = 0; row < count; row++) text += toLine(data.map((column) => column[row]));
    yield Buffer.from(text);
  }
}

function toLine(cells: readonly unknown[]): string {
  return `${cells.map(toCell).join(',')}\r\n`;
}

function toCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
