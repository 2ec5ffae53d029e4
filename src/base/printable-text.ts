/**
 * Prints foreign text, such as tags, names, paths and answers of servers, so that it can neither act on a terminal nor imitate a line of a
 * command. Pure.
 *
 * Control characters (ECMA-48), line and paragraph separators, bidirectional controls (Unicode UAX #9), zero-width and other
 * invisible characters, and lone surrogates become escapes. The escapes are those of JSON, so that JSON stays the same JSON.
 * Every other character stays unchanged.
 */

/** The invisible characters inside an emoji, such as ❤️ and 👩‍🚀. */
const IN_EMOJI =
  /(?<=\p{Extended_Pictographic})\ufe0f|(?<=\p{Extended_Pictographic}\ufe0f?)\u200d(?=\p{Extended_Pictographic})/u;
const UNPRINTABLE = new RegExp(
  `(?!${IN_EMOJI.source})[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}\\p{Default_Ignorable_Code_Point}\\u2800]`,
  'gu',
);
const UNPRINTABLE_IN_LINES = new RegExp(`(?!\\n)${UNPRINTABLE.source}`, 'gu');
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Returns a text as one line. */
export function toPrintable(text: string): string {
  return text.replace(UNPRINTABLE, toEscape);
}

/** Returns a text of whole lines: line breaks stay. For text whose foreign parts are printable already, and for JSON. */
export function toPrintableLines(text: string): string {
  return text.replace(UNPRINTABLE_IN_LINES, toEscape);
}

/** Joins lines, each of which may contain foreign text. */
export function joinLines(lines: readonly string[]): string {
  return lines.map((line) => `${toPrintable(line)}\n`).join('');
}

function toEscape(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');
}

/** Characters that fill two columns. Source: Unicode UAX #11, East_Asian_Width W and F. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/gu;
/** Characters that are drawn over the previous one. */
const COMBINING = /[\p{Mn}\p{Me}]/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a quick test for ASCII
const ASCII = /^[\x00-\x7f]*$/;

/** Returns the number of columns that a printable text fills on a terminal. */
export function countColumns(text: string): number {
  if (ASCII.test(text)) return text.length;
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  return [...text].length + count(WIDE) - count(COMBINING);
}
