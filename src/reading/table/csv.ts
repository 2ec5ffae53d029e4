/**
 * Encodes a table as text in UTF-8: CSV (RFC 4180) with a header, in which a missing number is an empty field; or JSON lines, an object for each row, in which a
 * number that JSON does not have is null.
 */

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

export async function* encodeJson({ columns, chunks }: MetricTable): AsyncGenerator<Uint8Array, void, void> {
  const keys = columns.map(({ name }) => `${JSON.stringify(name)}:`);
  for await (const { count, data } of chunks) {
    let text = '';
    for (let row = 0; row < count; row++)
      text += `{${keys.map((key, column) => key + toJson(data[column]?.[row])).join(',')}}\n`;
    yield Buffer.from(text);
  }
}

function toJson(value: unknown): string {
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value ?? null);
}
