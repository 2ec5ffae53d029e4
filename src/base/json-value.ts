/** Converts the inputs and outputs that callers log to JSON for `run.plx.json`. Errors name the offending key. */

import { describe, shorten } from './describe.js';
import { CodedError, invalidArgument, messageOf } from './errors.js';
import { toWellFormedText } from './well-formed-text.js';

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/**
 * Converts the values of `params` to JSON.
 *
 * JSON has no form for some values. NaN and ±Infinity become the strings "NaN", "Infinity" and "-Infinity"; integers
 * beyond 2^53 become decimal strings; `undefined` becomes null. Dates become ISO text, typed arrays and iterables
 * become arrays, and objects with `toJSON` become what it returns. Throws `ERR_PARAMS_INVALID` with the path of a
 * value that is cyclic, nested too deeply, not JSON, or that throws when it is read.
 */
export function parseJsonObject(subject: string, params: unknown): Record<string, JsonValue> {
  if (typeof params !== 'object' || params === null || Symbol.iterator in params) {
    throw invalid(`${subject} is ${describe(params)}, expected an object`);
  }
  const json = parseJsonValue(subject, params, []);
  // What `toJSON` has returned.
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw invalid(`${subject} is ${describe(params)}, whose JSON is not an object`);
  }
  return json as Record<string, JsonValue>;
}

/** The levels that Polyaxon's Python client accepts. Source: orjson's limit of 254 levels. */
export const MAX_JSON_LEVELS = 250;

function parseJsonValue(path: string, value: unknown, parents: readonly object[]): JsonValue {
  switch (typeof value) {
    case 'undefined':
      return null;
    case 'boolean':
      return value;
    case 'string':
      return toWellFormedText(value).text;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case 'function':
    case 'symbol':
      throw invalid(`${shorten(path)} is a ${typeof value}, which JSON cannot represent`);
    case 'object':
      return value === null ? null : reading(path, () => objectToJson(path, value, parents));
  }
}

function objectToJson(path: string, value: object, parents: readonly object[]): JsonValue {
  if (parents.includes(value)) throw invalid(`${shorten(path)} is a circular reference`);
  if (parents.length >= MAX_JSON_LEVELS) {
    throw invalid(`${shorten(path)} is nested deeper than ${MAX_JSON_LEVELS} levels`);
  }
  const inner = [...parents, value];
  if ('toJSON' in value && typeof value.toJSON === 'function')
    return parseJsonValue(path, value.toJSON(), inner);
  if (Symbol.iterator in value) {
    return Array.from(value as Iterable<unknown>, (item, index) =>
      parseJsonValue(`${path}[${index}]`, item, inner),
    );
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      toWellFormedText(key).text,
      parseJsonValue(`${path}.${key}`, item, inner),
    ]),
  );
}

/** Returns what `read` returns. An error of the caller's code, such as a getter that throws, becomes `ERR_PARAMS_INVALID`. */
function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw invalid(`${shorten(path)} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

const invalid = invalidArgument(
  'ERR_PARAMS_INVALID',
  'Log strings, numbers, booleans, arrays and plain objects of them.',
);
