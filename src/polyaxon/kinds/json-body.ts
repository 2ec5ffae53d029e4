/**
 * Converts objects of other libraries to JSON for an event: figures, specifications, spans.
 *
 * Works like `JSON.stringify` (NaN becomes null, `undefined` is omitted, `toJSON` is called), with two differences: it rejects
 * values that JSON cannot represent, with their path, and replaces lone surrogates.
 */

import type { InvalidArgumentError } from '../../base/errors.js';
import type { JsonValue } from '../../base/json-value.js';
import { toWellFormedText } from '../../base/well-formed-text.js';
import { isArrayLike } from '../../summary/arguments.js';
import { toFinite } from '../number-text.js';

/** Deeper than any real figure, and far from a stack overflow. */
const MAX_DEPTH = 500;

/** Creates the error for a value that JSON cannot represent. */
export type Refusal = (message: string) => InvalidArgumentError;

/** Converts a value to JSON. Throws the error of `refuse`, with the path of a function, a symbol, a cycle or a value nested too deeply. */
export function toJsonBody(subject: string, value: unknown, refuse: Refusal): JsonValue {
  return convert(subject, value, [], refuse) ?? null;
}

/** Returns `undefined` for values to omit. */
function convert(
  path: string,
  value: unknown,
  parents: readonly object[],
  refuse: Refusal,
): JsonValue | undefined {
  switch (typeof value) {
    case 'undefined':
      return undefined;
    case 'boolean':
      return value;
    case 'string':
      return toWellFormedText(value).text;
    case 'number':
      return toFinite(value);
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case 'function':
    case 'symbol':
      throw refuse(`${path} is a ${typeof value}, which JSON cannot represent`);
    case 'object':
      return value === null ? null : convertObject(path, value, parents, refuse);
  }
}

function convertObject(
  path: string,
  value: object,
  parents: readonly object[],
  refuse: Refusal,
): JsonValue | undefined {
  if (parents.includes(value)) throw refuse(`${path} is a circular reference`);
  if (parents.length >= MAX_DEPTH) throw refuse(`${path} is nested ${MAX_DEPTH} levels deep, expected fewer`);
  const inner = [...parents, value];
  if ('toJSON' in value && typeof value.toJSON === 'function')
    return convert(path, value.toJSON(), inner, refuse);
  if (isArrayLike(value) || value instanceof Set) {
    return Array.from(value as Iterable<unknown>, (item, i) =>
      // Avoid building a path for each of a million numbers.
      typeof item === 'number' ? toFinite(item) : (convert(`${path}[${i}]`, item, inner, refuse) ?? null),
    );
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const fields = entries.map(([key, item]) => {
    const name = toWellFormedText(String(key)).text;
    return [name, convert(`${path}.${name}`, item, inner, refuse)] as const;
  });
  return Object.fromEntries(fields.filter((field): field is [string, JsonValue] => field[1] !== undefined));
}
