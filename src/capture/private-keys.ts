/**
 * Finds private keys in PEM format (RFC 7468), in one text or in the lines of a stream. Pure.
 */

import { MASK } from './secret-names.js';

/** Maximum number of lines of a private key. An RSA key with 16,384 bits has 200. */
export const MAX_KEY_LINES = 250;
const MAX_LINE_LENGTH = 1000;

const BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----/g;
const END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----/g;
/** Matches base64, an empty line, or a header of RFC 1421. */
const KEY_LINE = /^(?:[A-Za-z0-9+/=]*|(?:Proc-Type|DEK-Info|Version|Comment):.*)$/;
/** Matches a private key in one line, with escaped line ends. */
const KEY_IN_ONE_LINE = /(?:[A-Za-z0-9+/=]|\\{1,4}[nr])*/y;

/**
 * Masks each private key from its begin line to the next end line. Without an end line, masks everything that can belong to the key.
 * `mask` returns the replacement.
 */
export function maskPrivateKeys(text: string, mask: () => string): string {
  if (!text.includes('PRIVATE KEY')) return text;
  const ends = [...text.matchAll(END)].map((match) => match.index + match[0].length);
  let out = '';
  let from = 0;
  let next = 0;
  for (const match of text.matchAll(BEGIN)) {
    if (match.index < from) continue;
    while (next < ends.length && ends[next]! <= match.index) next++;
    const end = ends[next] ?? endOfKey(text, match.index + match[0].length);
    out += text.slice(from, match.index) + mask();
    from = end;
  }
  return out + text.slice(from);
}

/** Whether the line is the first line of a private key with several lines. */
export function beginsPrivateKey(line: string): boolean {
  if (!line.includes('PRIVATE KEY')) return false;
  const begin = [...line.matchAll(BEGIN)].at(-1);
  return begin !== undefined && line.slice(begin.index + begin[0].length).trim() === '';
}

/** Whether a line after the begin line of a private key is part of the key, its end, or outside. Diff markers may precede the line. */
export function judgeKeyLine(line: string): 'inside' | 'end' | 'outside' {
  if (line.search(END) >= 0) return 'end';
  return line.length <= MAX_LINE_LENGTH && KEY_LINE.test(line.replace(/^[+-]/, '').trim())
    ? 'inside'
    : 'outside';
}

function endOfKey(text: string, from: number): number {
  KEY_IN_ONE_LINE.lastIndex = from;
  let end = from + (KEY_IN_ONE_LINE.exec(text)?.[0].length ?? 0);
  for (let lines = 0; lines < MAX_KEY_LINES; lines++) {
    if (!/[\r\n]/.test(text.charAt(end))) break;
    const next = text.indexOf('\n', end + 1);
    const line = text.slice(end + 1, next < 0 ? text.length : next);
    if (line === MASK || judgeKeyLine(line) === 'outside') break;
    end += 1 + line.length;
  }
  return end;
}
