/**
 * Masks secrets in captured data before it is written to disk. Pure: the environment is an argument.
 *
 * Known secrets are the values of variables with secret names. They are masked everywhere. Unknown secrets are found by their form
 * (`secret-shapes.ts`) or by their name (`secret-names.ts`). A masked secret reads `***`.
 */

import type { JsonValue } from '../base/json-value.js';
import { collectSecrets, type KnownSecret } from './environment-secrets.js';
import { beginsPrivateKey, judgeKeyLine, MAX_KEY_LINES } from './private-keys.js';
import { isBoring, judgeName, looksLikeCredential, MASK, type NameVerdict } from './secret-names.js';
import { maskShapes } from './secret-shapes.js';

export interface Masker {
  /** Masks the secrets of a text, in linear time. */
  maskText(text: string): string;
  /** Masks the secrets of a value at any depth, by the names of its keys and by content. `name` is the name of the value itself. */
  maskValue(name: string, value: JsonValue): JsonValue;
  /** Masks like `maskValue`, but only by names: for a value whose texts are masked. */
  maskNamed(name: string, value: JsonValue): JsonValue;
  /** Masks the secrets in arguments of a command: `--token x`, `--password=x`, `FOO_SECRET=x`, and by content. */
  maskArguments(argv: readonly string[]): string[];
  /**
   * Reads the environment again, because programs may load secrets into it after the start. Known secrets stay known. Takes a tenth of a
   * millisecond.
   */
  refresh(): void;
  readonly maskedCount: number;
}

/** Under a secret name, integers from this value are masked. Smaller ones are counts and sizes. */
const MIN_SECRET_INTEGER = 100_000;

const ASSIGNED_ARGUMENT = /^((?:--?|\/)?([A-Za-z_][\w.:-]*)=)([\s\S]+)$/;
const FLAG = /^--?([A-Za-z][\w.-]+)$/;
/** A name such as `X-Api-Key` or `API_KEY`; a word such as `password` may also be an item of a list of words. */
const NAME_OF_PAIR =
  /^[A-Za-z][A-Za-z0-9]*(?:[-_.][A-Za-z0-9]+)+$|^[Aa]uthorization$|^(?:[Ss]et-)?[Cc]ookie$/;
/** The names of a name and its value in an entry of a list. */
const ENTRY_NAME = /^(?:name|key|header|field)$/i;
const ENTRY_VALUE = /^values?$/i;
const PASSWORD_FLAG = /^-[pP]$/;
const USER_FLAG = /^(?:-u|--user|--proxy-user)$/;
const USER_AND_PASSWORD = /^([^\s:/]+:)([^\s:/].*)$/;

/** Creates a masker that knows the secrets of `environment`. */
export function createMasker(environment: NodeJS.ProcessEnv): Masker {
  return new EnvironmentMasker(environment);
}

/** Masks the lines of one stream with `maskText`. A private key with several lines becomes one line of `***` and empty lines. */
export function createLineMasker(masker: Masker): (line: string) => string {
  let keyLinesLeft = 0;
  return (line) => {
    if (keyLinesLeft > 0) {
      const part = judgeKeyLine(line);
      keyLinesLeft = part === 'inside' ? keyLinesLeft - 1 : 0;
      if (part !== 'outside') return '';
    }
    if (beginsPrivateKey(line)) keyLinesLeft = MAX_KEY_LINES;
    return masker.maskText(line);
  };
}

type TextMasker = (text: string) => string;

class EnvironmentMasker implements Masker {
  readonly #environment: NodeJS.ProcessEnv;
  /** Longest first, because one may contain another. */
  #known: readonly KnownSecret[] = [];
  #maskedCount = 0;

  constructor(environment: NodeJS.ProcessEnv) {
    this.#environment = environment;
    this.refresh();
  }

  get maskedCount(): number {
    return this.#maskedCount;
  }

  refresh(): void {
    this.#known = collectSecrets(this.#environment, this.#known);
  }

  maskText(text: string): string {
    const { text: masked, count } = maskShapes(this.#maskKnown(text));
    this.#maskedCount += count;
    return masked;
  }

  maskValue(name: string, value: JsonValue): JsonValue {
    return this.#maskUnder(judgeName(name), value, (text) => this.maskText(text));
  }

  maskNamed(name: string, value: JsonValue): JsonValue {
    return this.#maskUnder(judgeName(name), value, (text) => text);
  }

  maskArguments(argv: readonly string[]): string[] {
    let flag = '';
    const hasUser = argv.some((argument) => /^(?:-[uU]|--user(?:name)?)(?:$|=)/.test(argument));
    return argv.map((argument, index) => {
      const isPassword = hasUser && PASSWORD_FLAG.test(argv[index - 1] ?? '') && !argument.startsWith('-');
      if (isPassword && !isBoring(argument) && !/^[\d.:]+$/.test(argument)) return this.#mask();
      const before = flag;
      flag = FLAG.test(argument) || USER_FLAG.test(argument) ? argument : '';
      if (flag !== '') return this.maskText(argument);
      if (before !== '') return this.#maskFlagValue(before, argument);
      return this.#maskArgument(argument);
    });
  }

  #maskArgument(argument: string): string {
    const [, before = '', name = '', value = ''] = ASSIGNED_ARGUMENT.exec(argument) ?? [];
    return name !== '' && isSecretArgument(name, value) ? before + this.#mask() : this.maskText(argument);
  }

  #maskFlagValue(flag: string, value: string): string {
    const [, user, password] = USER_AND_PASSWORD.exec(value) ?? [];
    if (USER_FLAG.test(flag) && password !== undefined && !isBoring(password)) return user + this.#mask();
    return isSecretArgument(flag.replace(/^-+/, ''), value) ? this.#mask() : this.#maskArgument(value);
  }

  #maskKnown(text: string): string {
    let masked = text;
    for (const secret of this.#known) {
      if (!masked.includes(secret.text)) continue;
      masked = masked.replace(secret.pattern, () => this.#mask());
    }
    return masked;
  }

  #maskUnder(verdict: NameVerdict, value: JsonValue, maskText: TextMasker): JsonValue {
    if (typeof value === 'string') return this.#isSecretText(verdict, value) ? this.#mask() : maskText(value);
    if (typeof value === 'number') {
      const isSecret =
        verdict === 'secret' && Number.isInteger(value) && Math.abs(value) >= MIN_SECRET_INTEGER;
      return isSecret ? this.#mask() : value;
    }
    if (value === null || typeof value !== 'object') return value;
    if (isArray(value)) return this.#maskList(verdict, value, maskText);
    const entry = judgeEntry(value);
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        const own = entry !== 'ordinary' && ENTRY_VALUE.test(key) ? entry : judgeName(key);
        return [maskText(key), this.#maskUnder(verdict === 'secret' ? 'secret' : own, item, maskText)];
      }),
    );
  }

  /** Masks a list. Headers may be lists of names and values in turn, or such pairs in a list. */
  #maskList(verdict: NameVerdict, list: readonly JsonValue[], maskText: TextMasker): JsonValue {
    const isPairs = list.every(isPair);
    const isInTurn = list.length % 2 === 0;
    return list.map((item, index) => {
      if (verdict !== 'secret' && isPairs) {
        const [name, value] = item as unknown as Pair;
        return [maskText(name), this.#maskUnder(judgeName(name), value, maskText)];
      }
      const before = isInTurn && index % 2 === 1 ? list[index - 1] : undefined;
      const isNamed = verdict !== 'secret' && typeof before === 'string' && NAME_OF_PAIR.test(before);
      return this.#maskUnder(isNamed ? judgeName(before) : verdict, item, maskText);
    });
  }

  #isSecretText(verdict: NameVerdict, value: string): boolean {
    if (value === MASK) return false;
    return (
      (verdict === 'secret' && !isBoring(value)) || (verdict === 'perhaps' && looksLikeCredential(value))
    );
  }

  #mask(): string {
    this.#maskedCount++;
    return MASK;
  }
}

function isSecretArgument(name: string, value: string): boolean {
  if (value === MASK || /^no-/.test(name)) return false;
  const verdict = judgeName(name);
  if (verdict === 'secret') return !isBoring(value) || /^\d{4,}$/.test(value);
  return verdict === 'perhaps' && !isBoring(value) && !/\s/.test(value);
}

/** Judges the name of an entry in a list of headers or variables: `{ name, value }`, `{ key, values }`, `{ Name, Value }`. */
function judgeEntry(value: { readonly [key: string]: JsonValue }): NameVerdict {
  const keys = Object.keys(value);
  if (!keys.some((key) => ENTRY_VALUE.test(key))) return 'ordinary';
  const name = value[keys.find((key) => ENTRY_NAME.test(key)) ?? ''];
  return typeof name === 'string' ? judgeName(name) : 'ordinary';
}

type Pair = readonly [name: string, value: JsonValue];

/** Whether an item is a name with its value, as `Object.entries` gives them. */
function isPair(item: JsonValue): boolean {
  return (
    typeof item === 'object' &&
    item !== null &&
    isArray(item) &&
    item.length === 2 &&
    typeof item[0] === 'string'
  );
}

/** `Array.isArray` does not narrow read-only arrays. */
function isArray(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}
