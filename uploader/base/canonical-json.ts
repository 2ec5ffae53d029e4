/** JSON as Polyaxon's API takes it, and hashes that tell whether two values are the same. Pure. */

import { createHash } from 'node:crypto';
import type { JsonValue } from '../../src/base/json-value.js';

export type JsonMap = Readonly<Record<string, JsonValue>>;

/** The value with null in place of what JSON does not have (NaN, infinities), and without fields of objects that are undefined. */
export function toCleanJson(value: unknown): JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      // Python keeps the sign of zero, and an answer of it would never be equal to what was sent.
      return Number.isFinite(value) ? (Object.is(value, -0) ? 0 : value) : null;
    case 'object':
      if (value === null) return null;
      if (Array.isArray(value)) return value.map(toCleanJson);
      return toCleanMap(value);
    default:
      return null;
  }
}

/** As `toCleanJson`, for what should be an object; empty for anything else. */
export function toCleanMap(value: unknown): JsonMap {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.map(([name, each]) => [name, toCleanJson(each)]));
}

/** The same for equal values, whatever the order of their fields: 16 hex digits. */
export function toHash(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(toSorted(value)))
    .digest('hex')
    .slice(0, 16);
}

function toSorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toSorted);
  if (typeof value !== 'object' || value === null) return toCleanJson(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, each]) => [name, toSorted(each)]);
}
