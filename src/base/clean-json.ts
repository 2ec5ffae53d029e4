/** Converts values to JSON that Polyaxon's API accepts. Pure. */

import type { JsonValue } from './json-value.js';

export type JsonMap = Readonly<Record<string, JsonValue>>;

/** Returns the value as JSON. Values without a JSON form (NaN, infinities) become null; undefined fields of objects are dropped. */
export function toCleanJson(value: unknown): JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      // Python keeps the sign of zero, so the value that the API returns would never equal the value that was sent.
      return Number.isFinite(value) ? (Object.is(value, -0) ? 0 : value) : null;
    case 'object':
      if (value === null) return null;
      if (Array.isArray(value)) return value.map(toCleanJson);
      return toCleanMap(value);
    default:
      return null;
  }
}

/** Like `toCleanJson`, for a value that should be an object. Returns an empty object for anything else. */
export function toCleanMap(value: unknown): JsonMap {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.map(([name, each]) => [name, toCleanJson(each)]));
}
