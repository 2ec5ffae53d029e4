/**
 * Finds secrets in any text by their form or by the text before them. Pure.
 *
 * Every expression is bounded in length or restricts the preceding character, so that matching takes linear time for any text.
 */

import { maskPlaces } from './command-secrets.js';
import { maskPrivateKeys } from './private-keys.js';
import { maskAssignments } from './secret-assignments.js';
import { isBoring, isMasked, judgeName, looksLikeCredential, looksRandom, MASK } from './secret-names.js';
import { maskTokens } from './token-formats.js';

/** A text without its secrets, and the number of secrets. */
interface MaskedText {
  readonly text: string;
  readonly count: number;
}

/** Tokens in the paths of webhooks. */
const WEBHOOK =
  /(hooks\.slack\.com\/(?:services|workflows|triggers)\/|discord(?:app)?\.com\/api\/webhooks\/\d{10,24}\/|webhook\.office\.com\/webhookb2\/|hooks\.zapier\.com\/hooks\/catch\/|chat\.googleapis\.com\/v1\/spaces\/[\w-]{1,40}\/messages\?key=|api\.telegram\.org\/bot)[A-Za-z0-9/_@:%=&-]{16,300}/g;

const AUTHORIZATION =
  /(authorization\\{0,3}["']?[ \t]{0,4}[:=][ \t]{0,4}\\{0,3}["']?)((?:bearer|basic|token|digest|apikey|negotiate)\s{1,4})?([^\s"'\\,;]{4,})/gi;
const BEARER = /(?<![A-Za-z0-9_])((?:bearer|basic)\s{1,4})([A-Za-z0-9._~+/-]{16,}={0,2})/gi;
const COOKIE =
  /(?<![A-Za-z0-9_])((?:set-)?cookie\\{0,3}["']?\s{0,2}[:=]\s{0,4}\\{0,3}["']?)([^\s"'=;\\]{1,256}=[^\r\n"']+)/gi;

/** Matches `scheme://user:password@` and `https://token@`. */
const URL_USER =
  /(?<![A-Za-z0-9+.-])([a-z][a-z0-9+.-]{1,30}:\/\/)([^\s/?#@:"'<>]{0,256})(:[^\s/?#"'<>]{0,1024})?@/gi;
const QUERY = /([?&](?:amp;)?)([A-Za-z][\w.-]{0,60})=([^\s&"'<>#;]+)/g;
const SIGNATURE_NAME =
  /^(?:x-(?:amz|goog)-(?:signature|credential|security-token)|signature|sig|awsaccesskeyid|googleaccessid)$/i;

/** Replaces everything that looks like a secret with `***`. */
export function maskShapes(text: string): MaskedText {
  let count = 0;
  const mask = (before: string, after = ''): string => {
    count++;
    return `${before}${MASK}${after}`;
  };
  let masked = maskTokens(
    maskPrivateKeys(text, () => mask('')),
    () => mask(''),
  )
    .replace(AUTHORIZATION, (all, before: string, scheme: string | undefined, value: string) =>
      isMasked(value) || isBoring(value) || !(scheme !== undefined || looksLikeCredential(value))
        ? all
        : mask(before + (scheme ?? '')),
    )
    .replace(BEARER, (all, scheme: string, value: string) => (isBearer(scheme, value) ? mask(scheme) : all));
  if (masked.includes('://')) {
    masked = masked
      .replace(WEBHOOK, (_, before: string) => mask(before))
      .replace(URL_USER, (all, scheme: string, user: string, password: string | undefined) =>
        maskUser(all, scheme, user, password, mask),
      );
  }
  if (masked.includes('ookie')) {
    masked = masked.replace(COOKIE, (all, before: string, value: string) =>
      isMasked(value) ? all : mask(before),
    );
  }
  masked = masked.replace(QUERY, (all, before: string, name: string, value: string) =>
    isSecretInQuery(name, value) ? mask(`${before}${name}=`) : all,
  );
  masked = maskPlaces(masked, () => mask(''));
  return { text: maskAssignments(masked, () => mask('')), count };
}

/** Whether the word after `Bearer` or `Basic` is a token and not a word of a sentence. */
function isBearer(scheme: string, value: string): boolean {
  const isLong = /^bearer/i.test(scheme) && value.length >= 20 && /^[\w.~+-]+$/.test(value);
  return isLong || (looksLikeCredential(value) && (/\d/.test(value) || value.endsWith('=')));
}

function maskUser(
  all: string,
  scheme: string,
  user: string,
  password: string | undefined,
  mask: (before: string, after?: string) => string,
): string {
  if (password !== undefined) {
    const isNothing = password === ':' || isMasked(password.slice(1)) || isPlaceholderOf(password.slice(1));
    return isNothing ? all : mask(`${scheme}${user}:`, '@');
  }
  // A user without a password is a name such as `git`, unless it looks like a token.
  return looksLikeCredential(user) && user.length >= 16 ? mask(scheme, '@') : all;
}

/** Whether the text is a placeholder such as `${PASSWORD}`. */
function isPlaceholderOf(text: string): boolean {
  return /^(?:\$\{?\w+\}?|<\w+>|%\w+%)$/.test(text);
}

function isSecretInQuery(name: string, value: string): boolean {
  if (isMasked(value)) return false;
  if (SIGNATURE_NAME.test(name)) return true;
  if (name === 'key') return looksRandom(value);
  const verdict = judgeName(name);
  return (
    !isBoring(value) &&
    (verdict === 'secret' ? value.length >= 3 : verdict === 'perhaps' && value.length >= 6)
  );
}
