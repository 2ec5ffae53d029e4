/** Colours text for a terminal. Foreign text must be printable before it is painted: only the codes of this file reach the terminal. Pure. */

import { toPrintable, toPrintableLines } from '../../src/base/printable-text.js';

/** `red`: failed. `yellow`: needs attention or is not finished. `green`: succeeded. `dim`: less important. */
export type TerminalColor = 'red' | 'yellow' | 'green' | 'dim';

/** Select Graphic Rendition (ECMA-48): the parameters that switch a colour on and off. */
const PARAMETERS: Readonly<Record<TerminalColor, readonly [number, number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  dim: [2, 22],
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: the codes begin with ESC
const OWN_CODES = /(\u001b\[(?:31|32|33|39|2|22)m)/;

/** Returns a printable text with a colour. */
export function paint(text: string, color: TerminalColor): string {
  const [on, off] = PARAMETERS[color];
  return text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`;
}

/** Like `joinLines`, for lines of which parts are painted. */
export function joinPainted(lines: readonly string[]): string {
  return lines.map((line) => `${keepColors(line, toPrintable)}\n`).join('');
}

/** Like `toPrintableLines`, for text of which parts are painted. */
export function toPaintedLines(text: string): string {
  return keepColors(text, toPrintableLines);
}

function keepColors(text: string, convert: (text: string) => string): string {
  if (!text.includes('\u001b')) return convert(text);
  return text
    .split(OWN_CODES)
    .map((part, index) => (index % 2 === 1 ? part : convert(part)))
    .join('');
}
