/**
 * Checks options objects, for all public functions. Each function lists its options in a table beside their type; the compiler
 * rejects a table that lacks an option or has one too many.
 */

import { describe, quote } from './describe.js';
import { InvalidArgumentError } from './errors.js';

/** The type of an option's value. `any`: the function checks the value itself. */
type OptionType = 'boolean' | 'string' | 'number' | 'function' | 'object' | 'any';

/** Only boolean and function options are always checked here; other values may have their own rules and codes. */
type TypeOf<Value> = [Value] extends [boolean]
  ? 'boolean'
  : [Value] extends [(...args: never[]) => unknown]
    ? 'function'
    : Exclude<OptionType, 'boolean' | 'function'>;

/** The name and type of every option of a function. */
export type OptionTable<Options> = {
  readonly [Name in keyof Options]-?: TypeOf<NonNullable<Options[Name]>>;
};

/**
 * Checks that `options` is an object, that it has no unknown names, and that its values have the types of the table. `subject` is the function
 * that the caller called. Throws `ERR_OPTION_INVALID`.
 */
export function checkOptions<Options extends object>(
  subject: string,
  options: Options | null | undefined,
  table: OptionTable<Options>,
): void {
  if (options === undefined) return;
  if (!isOptionsObject(options)) {
    throw new InvalidArgumentError(
      'ERR_OPTION_INVALID',
      `${subject}: options is ${describe(options)}, expected an object`,
      `Pass an object with any of the options ${Object.keys(table).join(', ')}.`,
    );
  }
  for (const name in options) {
    const type: OptionType | undefined = Object.hasOwn(table, name) ? table[name] : undefined;
    if (type === undefined) throw unknownOption(subject, name, Object.keys(table));
    if (type === 'any') continue;
    const value: unknown = options[name];
    if (value !== undefined && (typeof value !== type || value === null)) {
      throw new InvalidArgumentError(
        'ERR_OPTION_INVALID',
        `${subject}: ${name} is ${describe(value)}, expected ${ARTICLES[type]} ${type}`,
        `Omit ${name}, or pass ${ARTICLES[type]} ${type}.`,
      );
    }
  }
}

const ARTICLES = { boolean: 'a', string: 'a', number: 'a', function: 'a', object: 'an' } as const;

/** Whether a value can be an options object: a plain object or one of the caller's classes; not an array, a map or a date. */
function isOptionsObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return (
    prototype === Object.prototype ||
    prototype === null ||
    Object.prototype.toString.call(value) === '[object Object]'
  );
}

function unknownOption(subject: string, name: string, known: readonly string[]): InvalidArgumentError {
  const similar = findSimilar(name, known);
  return new InvalidArgumentError(
    'ERR_OPTION_INVALID',
    `${subject} has no option ${quote(name)}${similar === undefined ? '' : `; did you mean "${similar}"?`}`,
    known.length === 0
      ? 'Omit it; there are no options.'
      : similar === undefined
        ? `Use only ${known.join(', ')}.`
        : `Rename it to ${similar}, or omit it.`,
  );
}

/** Returns the known name that a name was probably meant to be: in another notation (`wall_time`), longer or shorter, or misspelled. */
export function findSimilar(name: string, known: readonly string[]): string | undefined {
  return rankSimilar(name, known)[0];
}

/** Returns the known names that `name` may be a misspelling of, the most similar first. */
export function rankSimilar(name: string, known: readonly string[]): string[] {
  const given = normalize(name);
  const scored = known
    .map((candidate) => ({ candidate, distance: distanceOf(given, normalize(candidate)) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.min(MOST_EDITS, candidate.length / 3)));
  scored.sort((a, b) => a.distance - b.distance);
  return scored.map(({ candidate }) => candidate);
}

const MOST_EDITS = 3;

function normalize(name: string): string {
  return name
    .slice(0, 64)
    .replace(/[-_\s]/g, '')
    .toLowerCase();
}

/** Returns the number of inserted, deleted, replaced and swapped letters; 1 if one name contains the other as its end or beginning. */
function distanceOf(a: string, b: string): number {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  if (short.length >= 4 && (long.startsWith(short) || long.endsWith(short))) return a === b ? 0 : 1;
  if (long.length - short.length > MOST_EDITS) return Number.POSITIVE_INFINITY;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
