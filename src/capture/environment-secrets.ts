/**
 * Finds the secrets in environment variables, in all forms in which they can occur in texts. Pure.
 */

import { isBoring, isSomeKey, judgeName, looksRandom } from './secret-names.js';

/** A text that must not be written. */
export interface KnownSecret {
  readonly text: string;
  /** Matches the secret everywhere, except inside longer numbers if it consists of digits. */
  readonly pattern: RegExp;
}

/** Shorter values occur in too many ordinary texts. */
const MIN_SECRET_LENGTH = 6;
/** Minimum length for a single line of a secret with several lines. Shorter lines are not specific enough. */
const MIN_SECRET_LINE_LENGTH = 16;
/** A value that equals one of these variables is not a secret. */
const ORDINARY_VARIABLES = ['USER', 'USERNAME', 'LOGNAME', 'HOSTNAME', 'HOME', 'PWD', 'SHELL', 'LANG'];
const URL_PASSWORD = /^[a-z][a-z0-9+.-]{1,30}:\/\/[^\s/?#@:]{0,256}:([^\s/?#]{1,1024})@/i;

/** Returns the secrets of the environment and the `known` ones, longest first. Returns `known` itself if it finds no new ones. */
export function collectSecrets(
  environment: NodeJS.ProcessEnv,
  known: readonly KnownSecret[],
): readonly KnownSecret[] {
  const texts = new Set(known.map((secret) => secret.text));
  const ordinary = new Set(ORDINARY_VARIABLES.map((name) => environment[name]));
  for (const [name, value = ''] of Object.entries(environment)) {
    for (const secret of findSecrets(name, value)) {
      if (secret.length < MIN_SECRET_LENGTH || isBoring(secret) || ordinary.has(secret)) continue;
      for (const form of toForms(secret)) texts.add(form);
    }
  }
  if (texts.size === known.length) return known;
  return [...texts].sort((a, b) => b.length - a.length).map((text) => ({ text, pattern: toPattern(text) }));
}

function findSecrets(name: string, value: string): string[] {
  if (judgeName(name) !== 'ordinary' || (isSomeKey(name) && looksRandom(value))) {
    const text = value.trim();
    const lines = text.split(/\r?\n/).map((line) => line.trim());
    if (lines.length === 1) return [text];
    return [
      text,
      ...lines.filter((line) => line.length >= MIN_SECRET_LINE_LENGTH && !line.startsWith('-----')),
    ];
  }
  const password = URL_PASSWORD.exec(value)?.[1];
  return password === undefined ? [] : [password, decode(password)];
}

/** Returns the secret as plain text, in JSON, in a URL and in base64. */
function toForms(secret: string): string[] {
  const forms = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())];
  // Bytes of unknown encoding are searched with one character for each byte.
  forms.push(Buffer.from(secret).toString('latin1'));
  if (secret.length >= 8) forms.push(Buffer.from(secret).toString('base64').replace(/=+$/, ''));
  return forms;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // The password contains an unescaped percent sign.
    return text;
  }
}

function toPattern(text: string): RegExp {
  const escaped = text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  return new RegExp(/^\d+$/.test(text) ? `(?<!\\d)${escaped}(?!\\d)` : escaped, 'g');
}
