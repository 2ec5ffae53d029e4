/**
 * Objects of other libraries as JSON for an event: figures, specifications, spans.
 *
 * As `JSON.stringify` does it (NaN is null, `undefined` is left out, `toJSON` is asked), but what JSON cannot hold is refused
 * by name, and text is repaired to what UTF-8 can hold.
 */

import type { InvalidArgumentError } from '../../base/errors.js';
import type { JsonValue } from '../../base/json-value.js';
import { toWellFormedText } from '../../base/well-formed-text.js';
import { isArrayLike } from './numbers.js';

/** Deeper than any figure; far from the end of the stack. */
const MAX_DEPTH = 500;

/** Makes the error of a value that JSON cannot hold. */
export type Refusal = (message: string) => InvalidArgumentError;

/** Turns a value into JSON. Throws what `refuse` makes, with the path of a function, a cycle or too deep a value. */
export function toJsonBody(subject: string, value: unknown, refuse: Refusal): JsonValue {
  return convert(subject, value, [], refuse) ?? null;
}

/** `undefined` stands for what is left out. */
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
      throw refuse(`${path} is a ${typeof value}, which JSON cannot hold`);
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
  if (parents.includes(value)) throw refuse(`${path} contains itself`);
  if (parents.length >= MAX_DEPTH) throw refuse(`${path} lies ${MAX_DEPTH} levels deep, expected less`);
  const inner = [...parents, value];
  if ('toJSON' in value && typeof value.toJSON === 'function')
    return convert(path, value.toJSON(), inner, refuse);
  if (isArrayLike(value) || value instanceof Set) {
    return Array.from(value as Iterable<unknown>, (item, i) =>
      // Without a path for each of a million numbers.
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

function toFinite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
