/**
 * A bitmap font: the printable ASCII characters, 5 pixels wide and 7 pixels high, and about 800 letters and symbols of Latin, Greek
 * and Cyrillic (`font-glyphs.ts`), whose accents and descenders reach beyond that by a row or two.
 */

import { GLYPHS } from './font-glyphs.js';

export const FONT_WIDTH = 5;
export const FONT_HEIGHT = 7;
/** Rows of pixels that glyphs may have: from the first, above the capitals, to the one before the last. */
export const FONT_ROWS = { first: -1, end: 9 } as const;

const FIRST = 0x20;
const LAST = 0x7e;
const GLYPH_BYTES = 10;
const LEFTMOST = 0x80;

/** Five columns for each character from space to tilde, left to right. The lowest bit is the top pixel. */
const COLUMNS = Buffer.from(
  '000000000000005f00000007000700147f147f14242a7f2a12231308646236495620500000070000001c2241000041221c00' +
    '2a1c7f1c2a08083e080800403000000808080808006060000020100804023e5149453e00427f400042615149462141494d33' +
    '1814127f1027454545393c4a49493141211109073649494936464949291e0036360000005636000008142241001414141414' +
    '004122140802015909063e415d594e7e0909097e7f494949363e414141227f4141221c7f494949417f090909013e4149497a' +
    '7f0808087f00417f41002040413f017f081422417f404040407f020c027f7f0408107f3e4141413e7f090909063e4151215e' +
    '7f09192946264949493201017f01013f4040403f1f2040201f3f4038403f631408146307087008076151494543007f414100' +
    '02040810200041417f0004020102044040404040000102040020545454787f484444383844444420384444487f3854545418' +
    '087e0901020c5252523e7f0804047800447d40002040443d007f1028440000417f40007c041804787c080404783844444438' +
    '7c14141408081414187c7c080404084854545420043f4440203c4040207c1c2040201c3c4030403c44281028440c5050503c' +
    '4464544c44000836410000007f000000413608000804081008',
  'hex',
);

/** A rectangle, for characters without a glyph. */
const REPLACEMENT = Buffer.from('00f88888888888f80000', 'hex');

let glyphs: ReadonlyMap<number, Uint8Array> | undefined;

/** Splits a text into the characters that are drawn side by side; accents are joined to their letters. */
export function toCharacters(text: string): string[] {
  return [...text.normalize('NFC')];
}

/** Returns the characters of a text that are drawn as a rectangle, or without their accents, each once. */
export function findUndrawable(text: string): string[] {
  return [...new Set(toCharacters(text))].filter(
    (character) => !isAscii(codeOf(character)) && !glyphOf(character),
  );
}

/** Whether a character has a pixel set at this column and row. */
export function isInked(character: string, column: number, row: number): boolean {
  const code = codeOf(character);
  if (!isAscii(code)) {
    const glyph = glyphOf(character) ?? withoutAccents(character) ?? REPLACEMENT;
    if (typeof glyph === 'string') return isInked(glyph, column, row);
    return ((glyph[row - FONT_ROWS.first] ?? 0) & (LEFTMOST >> column)) !== 0;
  }
  if (row < 0 || row >= FONT_HEIGHT || column >= FONT_WIDTH) return false;
  return ((COLUMNS[(code - FIRST) * FONT_WIDTH + column]! >> row) & 1) === 1;
}

/** Returns the letter of a character with accents that the font lacks, if the font has the letter. */
function withoutAccents(character: string): string | undefined {
  const [letter, ...marks] = character.normalize('NFD');
  if (letter === undefined || marks.length === 0) return undefined;
  return isAscii(codeOf(letter)) || glyphOf(letter) !== undefined ? letter : undefined;
}

function glyphOf(character: string): Uint8Array | undefined {
  glyphs ??= decodeGlyphs();
  return glyphs.get(codeOf(character));
}

function decodeGlyphs(): ReadonlyMap<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  for (const [firstCode, base64] of GLYPHS) {
    const bytes = Buffer.from(base64, 'base64');
    for (let i = 0; i * GLYPH_BYTES < bytes.length; i++)
      found.set(firstCode + i, bytes.subarray(i * GLYPH_BYTES, (i + 1) * GLYPH_BYTES));
  }
  return found;
}

function codeOf(character: string): number {
  return character.codePointAt(0)!;
}

function isAscii(code: number): boolean {
  return code >= FIRST && code <= LAST;
}
