import { describe, expect, it } from 'vitest';
import { toSparkline } from '../../../../uploader/operations/runs/sparkline.js';
import { toCsv, toDurationText, toNumberText } from '../../../../uploader/operations/runs/value-text.js';

describe('toNumberText', () => {
  it.each([
    [0.16949152, '0.1695'],
    [123456, '123456'],
    [1.5e-7, '1.5e-7'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
    [123456.789, '123500'],
  ])('%d', (value, text) => {
    expect(toNumberText(value)).toBe(text);
  });
});

describe('toDurationText', () => {
  it.each([
    [0.49, '0.5 s'],
    [59.96, '1 min 0 s'],
    [125, '2 min 5 s'],
    [3599.7, '1 h 0 min'],
    [90_000, '1 d 1 h'],
  ])('%d seconds', (seconds, text) => {
    expect(toDurationText(seconds)).toBe(text);
  });
});

describe('toCsv', () => {
  it('quotes separators, quotes and line breaks', () => {
    expect(
      toCsv(
        ['name', 'lr'],
        [
          ['a,"b"\nc', 0.1],
          [null, true],
        ],
      ),
    ).toBe('name,lr\n"a,""b""\nc",0.1\n,true\n');
  });
});

describe('toSparkline', () => {
  it('draws the means of equal parts, and a space where no value is finite', () => {
    expect(toSparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe('▁▂▃▄▅▆▇█');
    expect(toSparkline([0, 0, 7, 7, Number.NaN, Number.NaN], 3)).toBe('▁█ ');
    expect(toSparkline([5, 5, 5], 20)).toBe('▁▁▁');
    expect(toSparkline([], 20)).toBe('');
    expect(toSparkline([-1.7e308, 1.7e308], 2)).toBe('▁█');
  });
});
