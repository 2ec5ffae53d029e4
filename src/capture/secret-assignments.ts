/**
 * Finds secrets by the name that they are assigned to: `password = "…"`, `"token": "…"`, `--api-key …`. Pure.
 */

import { NAMED_FORMATS } from './secret-formats.js';
import {
  isBoring,
  isMasked,
  isPasswordName,
  isSomeKey,
  judgeName,
  looksLikeCredential,
  looksRandom,
  toWords,
} from './secret-names.js';

/** Matches a name and everything before its value, including escaped quotes. A name never begins within another name. */
const NAME = /(?<![\w.-])-{0,2}([A-Za-z_][\w.-]{0,80})\\{0,3}["']?[ \t]{0,4}(?:=>|:=|=|:)[ \t]{0,4}/g;
const FLAG = /(?<![\w.-])--([A-Za-z][\w.-]{0,80})[ \t]{1,4}(?!-)/g;
/** Only the first 512 characters of a value are checked, so that ordinary values cost little. A secret value is masked completely. */
const QUOTED_VALUE = /(\\{0,3}["'])((?:(?!\1)(?:\\[^\n]|[^\n\\])){1,512})/y;
const BARE_VALUE = /[^\s"'`,;&|<>(){}[\]\\]{3,512}/y;
const BARE_REST = /[^\s"'`,;&|<>(){}[\]\\]*/y;

/** Masks the values of names that denote secrets. `mask` returns the replacement. */
export function maskAssignments(text: string, mask: () => string): string {
  const masked = /[=:]/.test(text) ? maskValuesAfter(NAME, text, mask) : text;
  return masked.includes('--') ? maskValuesAfter(FLAG, masked, mask) : masked;
}

/** The prefix of a string literal, such as that of Python's bytes. */
const LITERAL_PREFIX = /[bruBRU]{1,2}(?=\\{0,3}["'])/y;
/** Words of programs and of messages that follow a name where a value could stand. */
const PROGRAM_WORDS = new Set(
  (
    'await async new function lambda typeof this self props process import require return yield const let var if else str bytes bool boolean int float any ' +
    'never void binary array list dict optional union literal callable type class struct enum interface char varchar text is are was must should can cannot may ' +
    'requires needs value option argument flag and or for with from when that not see use used using input'
  ).split(' '),
);
/** The rest of a sentence. */
const SENTENCE = /[ \t]{1,4}[a-z][a-z']{0,30}(?:[ ,.;!?]|$)/y;

/** Checks each name. The value of an ordinary name may contain the next name. */
function maskValuesAfter(names: RegExp, text: string, mask: () => string): string {
  let out = '';
  let from = 0;
  names.lastIndex = 0;
  for (let match = names.exec(text); match !== null; match = names.exec(text)) {
    const value = findSecretValue(match[1]!, text, match.index, match.index + match[0].length);
    if (value === undefined) continue;
    out += text.slice(from, value.start) + mask();
    from = value.end;
    names.lastIndex = from;
  }
  return out + text.slice(from);
}

/** Returns the value at `start` if it is a secret of `name`, which begins at `nameStart` or right after dashes. */
function findSecretValue(
  name: string,
  text: string,
  nameStart: number,
  start: number,
): { start: number; end: number } | undefined {
  const isSecret = judgeValues(name);
  if (isSecret === undefined) return undefined;
  LITERAL_PREFIX.lastIndex = start;
  const quoteStart = start + (LITERAL_PREFIX.exec(text)?.[0].length ?? 0);
  QUOTED_VALUE.lastIndex = quoteStart;
  const [whole = '', quote = '', quoted] = QUOTED_VALUE.exec(text) ?? [];
  if (quoted !== undefined) {
    if (!isSecret(quoted) || quoted.length < 3) return undefined;
    return { start: quoteStart + quote.length, end: endOfQuoted(text, quote, quoteStart + whole.length) };
  }
  BARE_VALUE.lastIndex = start;
  const bare = BARE_VALUE.exec(text)?.[0];
  if (bare === undefined || !isSecret(bare)) return undefined;
  const judgedEnd = start + bare.length;
  if (isCode(bare, text, judgedEnd, /\s[=:]|[=:]>?\s/.test(text.slice(nameStart, start)))) return undefined;
  BARE_REST.lastIndex = judgedEnd;
  return { start, end: judgedEnd + (BARE_REST.exec(text)?.[0].length ?? 0) };
}

/** Returns the end of a long value: its closing quote, or the end of the line if it has none. */
function endOfQuoted(text: string, quote: string, from: number): number {
  if (text.startsWith(quote, from)) return from;
  const ends = [text.indexOf(quote, from), text.indexOf('\n', from)].filter((end) => end >= 0);
  return ends.length === 0 ? text.length : Math.min(...ends);
}

type Judge = ((value: string) => boolean) | undefined;

/** The names in a log repeat: judging a name costs more than finding it. Emptied when it is full. */
const judged = new Map<string, Judge>();
const MAX_JUDGED = 1000;

/** Returns a function that says whether a value of this name is a secret; undefined if no value is. */
function judgeValues(name: string): Judge {
  if (judged.has(name)) return judged.get(name);
  if (judged.size >= MAX_JUDGED) judged.clear();
  const judge = createJudge(name);
  judged.set(name, judge);
  return judge;
}

function createJudge(name: string): Judge {
  switch (judgeName(name)) {
    case 'secret':
      return (value) =>
        !isMasked(value) && (!isBoring(value) || (isPasswordName(name) && /^\d{4,}$/.test(value)));
    case 'perhaps':
      return (value) => !isMasked(value) && looksLikeCredential(value);
    case 'ordinary':
      return (
        findNamedFormat(name) ??
        (isSomeKeyVariable(name) ? (value) => looksRandom(value.replaceAll(':', '')) : undefined)
      );
  }
}

/** Whether a variable of the environment, by its name, may hold a key: `FAL_KEY`, `BW_SESSION`. */
function isSomeKeyVariable(name: string): boolean {
  return (
    /^[A-Z][A-Z0-9]*_[A-Z0-9_]*(?:KEY|SESSION|CREDENTIALS?)$/.test(name) &&
    (isSomeKey(name) || !name.endsWith('KEY'))
  );
}

/** No form of a named value is longer. */
const MAX_NAMED = 150;
const SERVICES = NAMED_FORMATS.map(([names, form]) => ({
  names: names.split('|').map((each) => `-${each}`),
  form: new RegExp(`^(?:${form})$`),
}));
const SERVICE = new RegExp(
  SERVICES.flatMap(({ names }) => names.map((each) => each.slice(1, 4))).join('|'),
  'i',
);

/** Returns a check for values of a name that contains the name of a service, such as `datadog: …`. */
function findNamedFormat(name: string): Judge {
  if (!SERVICE.test(name)) return undefined;
  const words = `-${toWords(name).join('-')}`;
  const forms = SERVICES.filter(({ names }) => names.some((each) => words.includes(each)));
  if (forms.length === 0) return undefined;
  return (value) =>
    value.length <= MAX_NAMED &&
    /\d/.test(value) &&
    /[A-Za-z]/.test(value) &&
    forms.some(({ form }) => form.test(value));
}

/**
 * Whether the value is code or a word of a message: `password = config.password`, `token = tokens[i]`, `secret = b64decode(x)`, `password: string`,
 * `password = newPassword`, `password: too short`. Between `=` and a password of letters, there is usually no space.
 */
function isCode(value: string, text: string, end: number, isSpaced: boolean): boolean {
  const next = text.charAt(end);
  if (/[([]/.test(next) || (next === '<' && isSpaced && /^[A-Z][a-z]/.test(value))) return true;
  if (/^[A-Z][A-Z0-9]*_[A-Z0-9_]+$/.test(value) && judgeName(value) !== 'ordinary') return true;
  if (/^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\.?$/.test(value)) return true;
  if (/\d|[^\w.]/.test(value)) return value.length < 4 && isSpaced;
  if (PROGRAM_WORDS.has(value.toLowerCase()) || judgeName(value) !== 'ordinary') return true;
  if (!isSpaced) return false;
  SENTENCE.lastIndex = end;
  return value.length < 6 || /_|[a-z][A-Z]/.test(value) || SENTENCE.test(text);
}
