/** Names, numbers, JSON and timestamps match tables that the parts of Polyaxon's client have generated. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toCompactJson, toFloatsJson, toPythonJson } from '../../../src/polyaxon/export/json-text.js';
import {
  TimestampPrinter,
  toIsoTimestamp,
  toPrintableTime,
} from '../../../src/polyaxon/export/timestamp-text.js';
import { sanitizeName, toFallbackName, toReadableName } from '../../../src/polyaxon/names.js';
import { toJsonFloat, toPythonFloat } from '../../../src/polyaxon/number-text.js';
import { polyaxonTexts } from '../../support/polyaxon-fixture.js';

const { names, floats, values } = polyaxonTexts;
const numbers = floats.map(([hex, python, orjson]) => {
  const value = Buffer.from(hex, 'hex').readDoubleBE();
  return { value, python, orjson };
});

describe('sanitizeName', () => {
  it('returns the same names as Polyaxon', () => {
    expect(names.length).toBeGreaterThan(500);
    expect(names.map(([name]) => [name, sanitizeName(name)])).toEqual(names);
  });

  it('accepts any text, and does not change its own results', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const sanitized = sanitizeName(name);
        expect(sanitized).toMatch(/^[\w-]*$/);
        expect(sanitizeName(sanitized)).toBe(sanitized);
      }),
    );
  });
});

describe('toReadableName', () => {
  it.each([
    ['训练/损失', '训练__损失'],
    ['验证/损失', '验证__损失'],
    ['потери/обучение', 'потери__обучение'],
    ['απώλεια', 'απώλεια'],
    ['오차/훈련', '오차__훈련'],
    ['損失 (検証)', '損失-検証'],
    ['हानि/प्रशिक्षण', 'हानि__प्रशिक्षण'],
    ['การสูญเสีย', 'การสูญเสีย'],
    ['خسارة/تدريب', 'خسارة__تدريب'],
    ['אובדן', 'אובדן'],
    ['loss_训练', 'loss_训练'],
    ['Größe', 'Größe'],
    ['ℒ/步', 'L__步'],
    ['損失🔥', '損失'],
    ['损\u200b失\ufe0f', '损失'],
    ['步骤\u0000.1', '步骤-1'],
  ])('keeps the letters of %j', (name, expected) => {
    expect(toReadableName(name)).toBe(expected);
  });

  it.each(['Loss: émile', 'train/loss', 'lr (group 0)', 'a_b', '__', '/', '_-', 'ﬁt²', 'loss 🔥', 'Ⅷ'])(
    "is the name that Polyaxon's client gives %j, which loses no letter there",
    (name) => {
      expect(toReadableName(name)).toBe(sanitizeName(name));
    },
  );

  it.each(['🔥/❄', '★', '\u200b', '☃_☃', '\u3164'])(
    'is empty for %j, which has neither letters nor digits',
    (name) => {
      expect(toReadableName(name)).toBe('');
    },
  );

  it('accepts any text, does not change its own results, and returns only what file names and URLs may have', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const readable = toReadableName(name);
        expect(readable).toMatch(/^[\p{L}\p{M}\p{N}_-]*$/u);
        expect(readable.normalize('NFC')).toBe(readable);
        expect(toReadableName(readable)).toBe(readable);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('toFallbackName', () => {
  it('contains a hash of the name', () => {
    expect(toFallbackName('日本')).toBe('unnamed-cf2abf0c');
    expect(toFallbackName('')).toBe('unnamed-e3b0c442');
  });
});

describe('toPythonFloat', () => {
  it('prints like Python', () => {
    expect(numbers.map(({ value }) => toPythonFloat(value))).toEqual(numbers.map(({ python }) => python));
  });

  it('prints text that parses to the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(toPythonFloat(value))).toBe(value);
        expect(toPythonFloat(value)).toMatch(/^-?\d+(\.\d+(e-\d\d+)?|(\.\d+)?e\+\d\d+|e-\d\d+)$/);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('toJsonFloat', () => {
  it('prints like orjson', () => {
    expect(numbers.map(({ value }) => toJsonFloat(value))).toEqual(numbers.map(({ orjson }) => orjson));
  });
});

describe('toCompactJson and toPythonJson', () => {
  it.each(values)('print %j like orjson and json.dumps', (value, orjson, python) => {
    expect(toCompactJson(value)).toBe(orjson);
    expect(toPythonJson(value)).toBe(python);
  });

  it('print JSON that parses to the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const plain = JSON.parse(JSON.stringify(value));
        expect(JSON.parse(toCompactJson(plain))).toEqual(plain);
        expect(JSON.parse(toPythonJson(plain))).toEqual(plain);
        expect(toPythonJson(plain)).toMatch(/^[ -~]*$/);
      }),
    );
  });
});

describe('toFloatsJson', () => {
  it('prints whole numbers as floats, and null for NaN and infinities', () => {
    expect(toFloatsJson([1, [2.5, -0], 'NaN', null, 'Infinity', '3'])).toBe(
      '[1.0,[2.5,-0.0],null,null,null,3.0]',
    );
  });
});

describe('TimestampPrinter', () => {
  const printer = new TimestampPrinter();
  const print = (wallTime: number): string => Buffer.from(printer.print(wallTime)).toString('latin1');

  it.each([
    [0, '1970-01-01 00:00:00.000000+00:00'],
    [1_700_000_000.123456, '2023-11-14 22:13:20.123456+00:00'],
    [0.9999999, '1970-01-01 00:00:01.000000+00:00'],
    [86_399.9999999, '1970-01-02 00:00:00.000000+00:00'],
    [951_782_400, '2000-02-29 00:00:00.000000+00:00'],
    [-0.5, '1969-12-31 23:59:59.500000+00:00'],
    [-62_135_596_800, '0001-01-01 00:00:00.000000+00:00'],
    [253_402_300_799, '9999-12-31 23:59:59.000000+00:00'],
  ])('prints %d', (wallTime, expected) => {
    expect(print(wallTime)).toBe(expected);
  });

  it('prints the same as Date, in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -7e12, max: 7e12 })), (times) => {
        for (const ms of times) {
          const expected = new Date(ms).toISOString().replace('T', ' ').replace('Z', '000+00:00');
          expect(print(ms / 1000)).toBe(expected);
        }
      }),
    );
  });
});

describe('toIsoTimestamp', () => {
  it('omits microseconds that are 0, like pandas', () => {
    expect(toIsoTimestamp(1_700_000_000)).toBe('2023-11-14T22:13:20+00:00');
    expect(toIsoTimestamp(1_700_000_000.5)).toBe('2023-11-14T22:13:20.500000+00:00');
  });
});

describe('toPrintable', () => {
  it.each([
    [Number.NaN, 0],
    [Number.POSITIVE_INFINITY, 253_402_300_799],
    [Number.NEGATIVE_INFINITY, -62_135_596_800],
    [1e300, 253_402_300_799],
    [253_402_300_799.5, 253_402_300_799.5],
    [12.5, 12.5],
  ])('returns for %d the nearest wall time from year 1 to 9999', (wallTime, expected) => {
    expect(toPrintableTime(wallTime)).toBe(expected);
  });
});
