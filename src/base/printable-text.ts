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
/** Without these expressions, most texts need a tenth of the time. */
const ASCII_LINE = /^[\x20-\x7e]*$/;
const ASCII_LINES = /^[\x20-\x7e\n]*$/;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Returns a text as one line. */
export function toPrintable(text: string): string {
  return ASCII_LINE.test(text) ? text : text.replace(UNPRINTABLE, toEscape);
}

/** Returns a text of whole lines: line breaks stay. For text whose foreign parts are printable already, and for JSON. */
export function toPrintableLines(text: string): string {
  return ASCII_LINES.test(text) ? text : text.replace(UNPRINTABLE_IN_LINES, toEscape);
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
