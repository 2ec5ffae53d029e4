import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinLines, toPrintable, toPrintableLines } from '../../src/base/printable-text.js';

/** Any text in which characters that act on terminals or cannot be seen are frequent. */
const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '\u001b[2J',
        '\u001b]0;title\u0007',
        '\u009b2J',
        '\u0085',
        '\r',
        '\n',
        '\t',
        '\u007f',
        '\b',
      ),
      fc.constantFrom(
        '\u202e',
        '\u2066',
        '\u2069',
        '\u200f',
        '\u061c',
        '\u200b',
        '\u200d',
        '\ufeff',
        '\u2028',
        '\u2029',
      ),
      fc.constantFrom(
        '\u00ad',
        '\u115f',
        '\u3164',
        '\ufe0f',
        '\u{e0041}',
        '\u{1d173}',
        '\ud800',
        '\udc00',
        '\u2800',
      ),
    ),
  )
  .map((parts) => parts.join(''));

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u115f\u3164\u2800]/u;

describe('toPrintable', () => {
  it('F88: returns one line without characters that act on a terminal or cannot be seen', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(toPrintable(text)).not.toMatch(INVISIBLE);
      }),
    );
  });

  it('F88: leaves printable text of any script unchanged', () => {
    const text = 'Größe, 損失, потеря, خسارة, הפסד, नुकसान, ∂L/∂w ≤ 10⁻³ → ✓ ❤️ 👩‍🚀 🇩🇪 é';

    expect(toPrintable(text)).toBe(text);
  });

  it('F88: shows what it replaces', () => {
    expect(toPrintable('a\u001b]0;t\u0007\r\nb\u202e\u{e0041}\ud800')).toBe(
      'a\\u001b]0;t\\u0007\\r\\nb\\u202e\\udb40\\udc41\\ud800',
    );
  });
});

describe('toPrintableLines', () => {
  it('F88: keeps line breaks, and JSON the same JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(hostile, hostile), (value) => {
        const printed = toPrintableLines(JSON.stringify(value, null, 2));

        expect(printed.replaceAll('\n', '')).not.toMatch(INVISIBLE);
        expect(JSON.parse(printed)).toEqual(value);
      }),
    );
  });
});

describe('joinLines', () => {
  it('F88: prints each text on exactly one line', () => {
    fc.assert(
      fc.property(fc.array(hostile), (lines) => {
        expect(joinLines(lines).split('\n')).toHaveLength(lines.length + 1);
      }),
    );
  });
});
