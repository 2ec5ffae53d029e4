/**
 * Converts a line that was written for a terminal to its visible text. Pure; takes linear time.
 */

/**
 * Control sequences: CSI (colours, cursor), OSC (titles, links), other strings, and short escapes; also in their one-byte form.
 *
 * Source: ECMA-48, section 5.4; xterm's "Control Sequences".
 */
const CONTROL_SEQUENCE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression matches control characters
  /(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]|\x1b\][^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)?|\x1b[PX^_][^\x1b\x9c]{0,4096}(?:\x1b\\|\x9c)?|\x1b[ -/]{0,4}[0-~]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression matches control characters
const CONTROL_CHARACTER = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression matches control characters
const ERASE = /(?:\x1b\[|\x9b)\??[0-3]?[JK]/;

/** Removes colours, links and other control sequences, and applies backspaces. Keeps tabs. */
export function toPlainText(text: string): string {
  const shown = text.includes('\x1b') || text.includes('\x9b') ? text.replace(CONTROL_SEQUENCE, '') : text;
  return (shown.includes('\b') ? overwrite(shown) : shown).replace(CONTROL_CHARACTER, '');
}

/** Whether the text erases its line or the screen. */
export function erasesLine(text: string): boolean {
  return ERASE.test(text);
}

/** Applies backspaces: each moves one column to the left, and later characters overwrite earlier ones. */
function overwrite(text: string): string {
  const shown: string[] = [];
  let column = 0;
  for (const character of text) {
    if (character === '\b') column = Math.max(0, column - 1);
    else shown[column++] = character;
  }
  return shown.join('');
}
