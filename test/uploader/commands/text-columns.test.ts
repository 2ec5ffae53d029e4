import { describe, expect, it } from 'vitest';
import { countColumns, cutColumns, wrapColumns } from '../../../uploader/commands/text-columns.js';

describe('countColumns', () => {
  // The numbers are those of Python's wcwidth 0.7.0, wcswidth().
  it.each([
    ['loss', 4],
    ['Größe', 5],
    ['損失', 4],
    ['손실', 4],
    ['손실'.normalize('NFD'), 4],
    ['ｌｏｓｓ', 8],
    ['e\u0301', 1],
    ['नि', 2],
    ['नमस्ते', 4],
    ['ไทย', 3],
    ['∂L/∂w ≤ 10⁻³', 12],
    ['🚀', 2],
    ['👩‍🚀', 2],
    ['👍🏽', 2],
    ['🇩🇪', 2],
    ['❤️', 2],
    ['☺', 1],
    ['䷀', 2],
    ['𠀀', 2],
  ])('counts the columns of %s', (text, columns) => {
    expect(countColumns(text)).toBe(columns);
  });
});

describe('cutColumns', () => {
  it('keeps a text that fits', () => {
    expect(cutColumns('損失', 4)).toBe('損失');
  });

  it('keeps the begin, or begin and end, of a longer text', () => {
    expect(cutColumns('validation/accuracy', 10)).toBe('validatio…');
    expect(cutColumns('validation/accuracy', 10, 'middle')).toBe('valid…racy');
  });

  it('never cuts inside a character, nor exceeds the columns', () => {
    for (const text of ['損失損失損失', '👩‍🚀👩‍🚀👩‍🚀', 'e\u0301e\u0301e\u0301e\u0301'])
      for (const place of ['end', 'middle'] as const)
        for (let columns = 0; columns <= countColumns(text); columns++) {
          const cut = cutColumns(text, columns, place);

          expect(countColumns(cut)).toBeLessThanOrEqual(columns);
          expect(cut.replace('…', '')).toMatch(/^(?:損|失|👩‍🚀|e\u0301)*$/u);
        }
  });
});

describe('wrapColumns', () => {
  it('breaks at spaces, and never without a width', () => {
    expect(wrapColumns('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrapColumns('損失 損失', 8)).toEqual(['損失', '損失']);
    expect(wrapColumns('one two', Number.POSITIVE_INFINITY)).toEqual(['one two']);
  });

  it('breaks a word that is too long after a slash, or anywhere', () => {
    expect(wrapColumns('in /data/runs/first', 8)).toEqual(['in', '/data/', 'runs/', 'first']);
    expect(wrapColumns('損失損失損', 5)).toEqual(['損失', '損失', '損']);
    expect(wrapColumns('損失', 1)).toEqual(['損', '失']);
  });
});
