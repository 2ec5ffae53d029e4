import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSpanTime, toIsoSeconds } from '../../src/trace/span-time.js';

describe('parseSpanTime', () => {
  it.each([
    [new Date('2024-01-02T03:04:05.120Z'), '2024-01-02T03:04:05.120000+00:00'],
    [1704164645.123456, '2024-01-02T03:04:05.123456+00:00'],
    [1704164645, '2024-01-02T03:04:05+00:00'],
    [0, '1970-01-01T00:00:00+00:00'],
    [-0.5, '1969-12-31T23:59:59.500000+00:00'],
    ['2024-01-02T03:04:05Z', '2024-01-02T03:04:05+00:00'],
    ['2024-01-02T03:04:05.000Z', '2024-01-02T03:04:05+00:00'],
    ['2024-01-02 03:04:05.1234567', '2024-01-02T03:04:05.123456+00:00'],
    ['2024-01-02T03:04:05.1+0230', '2024-01-02T03:04:05.100000+02:30'],
    ['2024-01-02T03:04-05', '2024-01-02T03:04:00-05:00'],
    ['2024-02-29', '2024-02-29T00:00:00+00:00'],
    ['0001-01-01T00:00:00-00:00', '0001-01-01T00:00:00+00:00'],
  ])('writes %s as %s', (value, expected) => {
    expect(parseSpanTime('span.startedAt', value)).toBe(expected);
  });

  it.each([
    ['a number of milliseconds', 1704164645123],
    ['NaN', Number.NaN],
    ['an invalid Date', new Date('nothing')],
    ['text that is not a time', 'yesterday'],
    ['a day that does not exist', '2023-02-29T00:00:00Z'],
    ['an hour that does not exist', '2024-01-02T24:00:01Z'],
    ['an offset that does not exist', '2024-01-02T03:04:05+24:00'],
    ['the year 0', '0000-01-01T00:00:00Z'],
    ['true', true],
    ['an object', {}],
  ])('rejects %s, and reports the key', (_, value) => {
    expect(() => parseSpanTime('span.startedAt', value)).toThrow(
      expect.objectContaining({
        code: 'ERR_SPAN_INVALID',
        message: expect.stringContaining('span.startedAt'),
        hint: expect.stringContaining('seconds'),
      }),
    );
  });

  it('returns the text of toIsoSeconds unchanged', () => {
    fc.assert(
      fc.property(fc.double({ min: -62_135_596_800, max: 253_402_300_799, noNaN: true }), (seconds) => {
        const text = toIsoSeconds(seconds);

        expect(parseSpanTime('span.startedAt', text)).toBe(text);
        expect(Math.abs(Date.parse(text) / 1000 - seconds)).toBeLessThan(0.0011);
      }),
    );
  });
});
