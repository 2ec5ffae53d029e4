/**
 * Finds secrets by the name that they are assigned to: `password = "…"`, `"token": "…"`, `--api-key …`. Pure.
 */

import { isBoring, isMasked, judgeName, looksLikeCredential } from './secret-names.js';

/** Matches a name and everything before its value, including escaped quotes. A name never begins within another name. */
const NAME = /(?<![\w.-])-{0,2}([A-Za-z_][\w.-]{0,80})\\{0,3}["']?[ \t]{0,4}(?:=>|:=|=|:)[ \t]{0,4}/g;
const FLAG = /(?<![\w.-])--([A-Za-z][\w.-]{0,80})[ \t]{1,4}(?!-)/g;
/** Only the first 512 characters of a value are checked, so that ordinary values cost little. A secret value is masked completely. */
const QUOTED_VALUE = /(\\{0,3}["'])((?:(?!\1)(?:\\[^\n]|[^\n\\])){1,512})/y;
const BARE_VALUE = /[^\s"'`,;&|<>(){}[\]\\]{6,512}/y;
const BARE_REST = /[^\s"'`,;&|<>(){}[\]\\]*/y;

/** Masks the values of names that denote secrets. `mask` returns the replacement. */
export function maskAssignments(text: string, mask: () => string): string {
  const masked = /[=:]/.test(text) ? maskValuesAfter(NAME, text, mask) : text;
  return masked.includes('--') ? maskValuesAfter(FLAG, masked, mask) : masked;
}

/** Checks each name. The value of an ordinary name may contain the next name. */
function maskValuesAfter(names: RegExp, text: string, mask: () => string): string {
  let out = '';
  let from = 0;
  names.lastIndex = 0;
  for (let match = names.exec(text); match !== null; match = names.exec(text)) {
    const start = match.index + match[0].length;
    const value = judgeName(match[1]!) === 'ordinary' ? undefined : findSecretValue(match[1]!, text, start);
    if (value === undefined) continue;
    out += text.slice(from, value.start) + mask();
    from = value.end;
    names.lastIndex = from;
  }
  return out + text.slice(from);
}

function findSecretValue(
  name: string,
  text: string,
  start: number,
): { start: number; end: number } | undefined {
  QUOTED_VALUE.lastIndex = start;
  const [whole = '', quote = '', quoted] = QUOTED_VALUE.exec(text) ?? [];
  if (quoted !== undefined) {
    if (!isSecretValue(name, quoted) || quoted.length < 4) return undefined;
    return { start: start + quote.length, end: endOfQuoted(text, quote, start + whole.length) };
  }
  BARE_VALUE.lastIndex = start;
  const bare = BARE_VALUE.exec(text)?.[0];
  if (bare === undefined || !isSecretValue(name, bare)) return undefined;
  const judgedEnd = start + bare.length;
  if (isCode(bare, text.charAt(judgedEnd))) return undefined;
  BARE_REST.lastIndex = judgedEnd;
  return { start, end: judgedEnd + (BARE_REST.exec(text)?.[0].length ?? 0) };
}

/** Returns the end of a long value: its closing quote, or the end of the line if it has none. */
function endOfQuoted(text: string, quote: string, from: number): number {
  if (text.startsWith(quote, from)) return from;
  const ends = [text.indexOf(quote, from), text.indexOf('\n', from)].filter((end) => end >= 0);
  return ends.length === 0 ? text.length : Math.min(...ends);
}

function isSecretValue(name: string, value: string): boolean {
  if (isMasked(value) || isBoring(value)) return false;
  return judgeName(name) === 'secret' || looksLikeCredential(value);
}

/** Whether the value is code: `password = config.password`, `token = tokens[i]`, `secret = b64decode(x)`, `password: string`. */
function isCode(value: string, next: string): boolean {
  return /[([]/.test(next) || /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\.?$/.test(value) || !/\d|[^\w.]/.test(value);
}
