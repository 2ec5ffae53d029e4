/** Tables have the same bytes as files that pandas writes when Polyaxon's client calls it. */

import { readFileSync } from 'node:fs';
import { Table, tableFromArrays, tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDataframe, type DataframeContentType } from '../../../src/polyaxon/kinds/dataframe.js';
import type { DataframeInput } from '../../../src/polyaxon/kinds/table.js';

interface TableCase {
  readonly name: string;
  readonly columns?: Record<string, unknown[]>;
  readonly dtypes?: Record<string, string>;
  readonly rows?: unknown[];
  readonly names?: string[] | null;
  readonly csv: string;
  readonly html?: string;
}

const fixtures = new URL('../../../fixtures/pandas/', import.meta.url);
const cases = JSON.parse(readFileSync(new URL('tables.json', fixtures), 'utf8'), revive) as TableCase[];

/** The fixture stores values that JSON lacks as `{ special }`. */
function revive(_key: string, value: unknown): unknown {
  const special = (value as { special?: string } | null)?.special;
  if (special === undefined) return value;
  if (special.startsWith('date:')) return new Date(special.slice(5));
  if (special.startsWith('bigint:')) return BigInt(special.slice(7));
  return special === 'nan' ? Number.NaN : Number.POSITIVE_INFINITY;
}

const TYPED: Record<string, (cells: never[]) => ArrayLike<unknown>> = {
  float32: (cells) => Float32Array.from(cells),
  float64: (cells) => Float64Array.from(cells),
  uint8: (cells) => Uint8Array.from(cells),
  int64: (cells) => BigInt64Array.from(cells),
};

function toInput({ columns, dtypes, rows, names }: TableCase): DataframeInput {
  if (rows !== undefined)
    return names ? { columns: names, rows: rows as unknown[][] } : (rows as unknown[][]);
  return Object.fromEntries(
    Object.entries(columns!).map(([name, cells]) => {
      const type = dtypes?.[name];
      return [name, type === undefined ? cells : TYPED[type]!(cells as never[])];
    }),
  );
}

function fileOf(input: DataframeInput, contentType?: DataframeContentType): string {
  const { asset } = createDataframe(input, contentType);
  return new TextDecoder().decode(asset !== undefined && 'bytes' in asset ? asset.bytes : undefined);
}

function previewOf(input: DataframeInput): string {
  const value = createDataframe(input).preview!.create('t', {}).now();
  const tensor = value.value?.kind === 'tensor' ? value.value.tensor : undefined;
  return new TextDecoder().decode(tensor!.stringVal![0]);
}

describe('createDataframe', () => {
  it.each(cases)('writes CSV like pandas: $name', (table) => {
    expect(fileOf(toInput(table))).toBe(table.csv);
  });

  it.each(cases.filter(({ html }) => html !== undefined))('writes HTML like pandas: $name', (table) => {
    expect(fileOf(toInput(table), 'html')).toBe(table.html);
  });

  it('writes an Arrow table like pandas', () => {
    const table = tableFromIPC(readFileSync(new URL('table.arrows', fixtures)));

    expect(table).toBeInstanceOf(Table);
    expect(fileOf(table)).toBe(readFileSync(new URL('table.csv', fixtures), 'utf8'));
  });

  it('accepts Arrow tables that were created in JavaScript', () => {
    const table = tableFromArrays({
      n: Int32Array.of(1, 2),
      s: ['x', 'é'],
      at: [new Date(0), new Date(1500)],
    });

    expect(fileOf(table)).toBe(',n,s,at\n0,1,x,1970-01-01 00:00:00.000\n1,2,é,1970-01-01 00:00:01.500\n');
  });

  it('has the content type and the bytes of the file', () => {
    expect(createDataframe([{ a: 1 }])).toMatchObject({
      kind: 'dataframe',
      value: { content_type: 'csv' },
      asset: { extension: 'csv', bytes: expect.any(Uint8Array) },
    });
    expect(createDataframe([{ a: 1 }], 'html')).toMatchObject({ asset: { extension: 'html' } });
  });

  it('quotes fields as RFC 4180 requires, and writes nested values as JSON', () => {
    expect(fileOf({ a: ['x\ry'] })).toBe(',a\n0,"x\ry"\n');
    expect(fileOf({ a: [[1, 2n], { b: Uint8Array.of(3) }] })).toBe(',a\n0,"[1,""2""]"\n1,"{""b"":[3]}"\n');
    expect(fileOf({ a: [new Date(Number.NaN), '\ud800'] })).toBe(',a\n0,\n1,\ufffd\n');
  });

  it('can be read back by an RFC 4180 parser', () => {
    const cell = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (rows) => {
        const csv = fileOf({ columns: ['a', 'b'], rows });

        expect(parseCsv(csv).slice(1)).toEqual(rows.map((row, i) => [String(i), ...row]));
      }),
    );
  });

  it('shows the first rows and columns, and the total numbers', () => {
    const rows = Array.from({ length: 1000 }, (_, i) => Array.from({ length: 30 }, (_, j) => i * 100 + j));

    const preview = previewOf(rows);

    expect(preview.split('\n')).toHaveLength(2 + 20 + 2);
    expect(preview).toContain('| 19 | 1900 | 1901 |');
    expect(preview).toMatch(/The first 20 of 1000 rows, 20 of 30 columns\.$/);
    expect(previewOf([{ 'a|b': '<x>\n|*', long: 'y'.repeat(200) }])).toBe(
      `|  | a\\|b | long |\n| --- | --- | --- |\n| 0 | \\<x> \\|\\* | ${'y'.repeat(99)}… |`,
    );
  });

  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  it.each([
    ['undefined', undefined, 'dataframe is undefined'],
    ['a number', 5, 'dataframe is 5 (number)'],
    ['a row that is a number', [{ a: 1 }, 5], 'row 1 is 5 (number), expected an object'],
    ['rows of two kinds', [[1], { a: 1 }], 'row 1 is an object with the key a, expected an array'],
    ['a long row', { columns: ['a'], rows: [[1], [1, 2]] }, 'row 1 has 2 cells, expected at most 1'],
    ['a column name that is a number', { columns: [1], rows: [[1]] }, 'columns[0] is 1 (number)'],
    ['a column that is a number', { a: 5 }, 'column a is 5 (number), expected an array'],
    ['columns of unequal length', { a: [1], b: [1, 2] }, 'column b has 2 cells, expected 1 as in a'],
    ['a function', { a: [1, () => 1] }, 'column a, row 1 is a function'],
    ['a circular reference', { a: [cyclic] }, 'column a, row 0 cannot be written as JSON'],
  ])('rejects %s', (_, input, message) => {
    expect(() => createDataframe(input as DataframeInput)).toThrow(
      expect.objectContaining({ code: 'ERR_DATAFRAME_INVALID', message: expect.stringContaining(message) }),
    );
  });

  it('rejects other file formats', () => {
    expect(() => createDataframe([], 'xlsx' as DataframeContentType)).toThrow(
      expect.objectContaining({ code: 'ERR_DATAFRAME_INVALID', message: expect.stringContaining('xlsx') }),
    );
  });
});

function parseCsv(csv: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\n)/g)) {
    row.push(quoted?.replaceAll('""', '"') ?? plain!);
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
