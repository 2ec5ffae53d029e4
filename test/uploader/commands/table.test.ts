import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layOutTable, toTable } from '../../../uploader/commands/table.js';
import { countColumns } from '../../../uploader/commands/text-columns.js';

const COLUMNS = [
  { header: 'name', minColumns: 10 },
  { header: 'tag', cut: 'middle' as const },
  '>loss',
  { header: '>accuracy', omitRank: 1 },
];
const ROWS = [
  ['baseline with a long name', 'validation/top5', '0.25', '0.93'],
  ['損失関数の実験', 'train', '-12.5', ''],
];

describe('toTable', () => {
  it('is as wide as its cells without a width', () => {
    expect(toTable(COLUMNS, ROWS)).toEqual([
      'name                       tag               loss  accuracy',
      'baseline with a long name  validation/top5   0.25      0.93',
      '損失関数の実験             train            -12.5',
    ]);
  });

  it('cuts the widest texts first, and indents', () => {
    expect(toTable(COLUMNS, ROWS, { width: 50, indent: 2 })).toEqual([
      '  name            tag               loss  accuracy',
      '  baseline with…  validation/top5   0.25      0.93',
      '  損失関数の実験  train            -12.5',
    ]);
  });

  it('paints cells on request', () => {
    const rows = [[{ text: 'failed', color: 'red' as const }, '1']];

    expect(toTable(['status', '>n'], rows)).toEqual(['status  n', 'failed  1']);
    expect(toTable(['status', '>n'], rows, { hasColor: true })).toEqual([
      'status  n',
      '\u001b[31mfailed\u001b[39m  1',
    ]);
  });

  it('shows foreign text on one line, and measures what it shows', () => {
    expect(toTable(['name', '>n'], [['a\u001b[2J\nb', '1']])).toEqual([
      'name           n',
      'a\\u001b[2J\\nb  1',
    ]);
  });
});

describe('layOutTable', () => {
  it('leaves out optional columns that do not fit, and returns their names', () => {
    const { lines, omitted } = layOutTable(COLUMNS, ROWS, { width: 30 });

    expect(omitted).toEqual(['accuracy']);
    expect(lines).toEqual([
      'name        tag           loss',
      'baseline …  valid…/top5   0.25',
      '損失関数…   train        -12.5',
    ]);
  });

  it('never exceeds the width while texts can be cut, and never cuts numbers', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    const number = fc.double({ noNaN: true }).map((value) => value.toPrecision(4));
    const table = fc.array(fc.tuple(text, number, text, number), { maxLength: 5 });
    fc.assert(
      fc.property(table, fc.integer({ min: 50, max: 120 }), (rows, width) => {
        const columns = ['a', '>b', { header: 'c', cut: 'middle' as const }, { header: '>d', omitRank: 1 }];
        const { lines, omitted } = layOutTable(columns, rows, { width });

        for (const line of lines) expect(countColumns(line)).toBeLessThanOrEqual(width);
        rows.forEach(([, first, , second], index) => {
          expect(lines[index + 1]).toContain(first);
          if (omitted.length === 0) expect(lines[index + 1]).toContain(second);
        });
      }),
    );
  });
});
