import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { erasesLine, toPlainText } from '../../src/capture/terminal-text.js';
import { measureCpuMs } from '../support/cpu-time.js';

describe('toPlainText', () => {
  it.each([
    ['\x1b[31mred\x1b[0m and \x1b[1;38;2;1;2;3mbold\x1b[m', 'red and bold'],
    ['\x1b]8;;https://example.com\x07link\x1b]8;;\x07', 'link'],
    ['\x1b]0;title\x1b\\text', 'text'],
    ['\x1b[?25l\x1b[2K\x1b[1Gspinner\x1b[?25h', 'spinner'],
    ['\x9b31mred\x9b0m', 'red'],
    ['\x1bPdevice control\x1b\\text \x1b(Bmore \x1b7\x1b8end', 'text more end'],
    ['|\b/\b-\b\\\bdone', 'done'],
    ['ab\b\bx', 'xb'],
    ['\bstart', 'start'],
    ['bell\x07 null\x00 delete\x7f', 'bell null delete'],
    ['tab\tstays', 'tab\tstays'],
    ['[31m is text, é日本🙂 too', '[31m is text, é日本🙂 too'],
    ['cut \x1b[31', 'cut 31'],
  ])('turns %j into %j', (text, expected) => {
    expect(toPlainText(text)).toBe(expected);
  });

  it('does not change text without control characters', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !/\p{Cc}/u.test(value));
    fc.assert(fc.property(text, (value) => toPlainText(value) === value));
  });

  it.each(['\x1b[', '\x1b]', '\x1b', '\x1bP', '\x1b[0', '\b', '\x9b', '\x1b '])(
    'takes linear time for %j',
    (piece) => {
      const text = piece.repeat(Math.ceil(1_000_000 / piece.length));

      expect(measureCpuMs(() => toPlainText(text))).toBeLessThan(20_000);
    },
  );
});

describe('erasesLine', () => {
  it.each([
    ['\x1b[K', true],
    ['\x1b[2K', true],
    ['\x1b[J', true],
    ['\x1b[0m', false],
    ['K', false],
  ])('returns for %j: %s', (text, expected) => {
    expect(erasesLine(text)).toBe(expected);
  });
});
