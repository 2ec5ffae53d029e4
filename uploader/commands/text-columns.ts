/** Measures and cuts printable text by the columns that it fills on a terminal. Pure. */

import { eastAsianWidth } from 'get-east-asian-width';

/** Characters without a column: those drawn over or joined to the previous one, and the vowels and finals of decomposed Hangul syllables. */
const JOINED = /[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]/u;
/** An emoji, or a text character that a variation selector turns into one. */
const EMOJI = /\p{Emoji_Presentation}|\ufe0f/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a quick test for ASCII
const ASCII = /^[\x00-\x7f]*$/;
const ELLIPSIS = '…';

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Returns the number of columns that a printable text fills on a terminal. */
export function countColumns(text: string): number {
  if (ASCII.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of segmenter.segment(text)) columns += countSegment(segment);
  return columns;
}

/** Returns a text of at most this many columns: the begin, or the begin and the end, of a longer text, with `…` for the rest. */
export function cutColumns(text: string, columns: number, place: 'end' | 'middle' = 'end'): string {
  if (countColumns(text) <= columns) return text;
  if (columns < 1) return '';
  const segments = Array.from(segmenter.segment(text), ({ segment }) => segment);
  const kept = columns - 1;
  const first = take(segments, place === 'end' ? kept : Math.ceil(kept / 2));
  if (place === 'end') return first.join('') + ELLIPSIS;
  const last = take(segments.reverse(), kept - countColumns(first.join(''))).reverse();
  return first.join('') + ELLIPSIS + last.join('');
}

/** Breaks a text at spaces into lines of at most this many columns. A longer word, such as a path, is broken after a `/` or anywhere. */
export function wrapColumns(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && countColumns(last) + 1 + countColumns(word) <= columns)
      lines[lines.length - 1] = `${last} ${word}`;
    else for (const part of breakWord(word, columns)) lines.push(part);
  }
  return lines;
}

function breakWord(word: string, columns: number): string[] {
  const parts: string[] = [];
  let rest = word;
  while (countColumns(rest) > columns) {
    const segments = Array.from(segmenter.segment(rest), ({ segment }) => segment);
    const fitting = take(segments, columns).join('') || segments[0]!;
    const slash = fitting.lastIndexOf('/') + 1;
    parts.push(fitting.slice(0, slash || fitting.length));
    rest = rest.slice(slash || fitting.length);
  }
  return rest === '' ? parts : [...parts, rest];
}

/** The first segments that fit into this many columns. */
function take(segments: readonly string[], columns: number): string[] {
  let used = 0;
  const count = segments.findIndex((segment) => {
    used += countSegment(segment);
    return used > columns;
  });
  return segments.slice(0, count === -1 ? segments.length : count);
}

/** The columns of one user-perceived character. Terminals draw an emoji of several characters as one, and count the others one by one. */
function countSegment(segment: string): number {
  if (EMOJI.test(segment)) return 2;
  let columns = 0;
  for (const character of segment)
    if (!JOINED.test(character)) columns += eastAsianWidth(character.codePointAt(0) ?? 0);
  return columns;
}
