/** Finds the parameters that several runs have in common. Pure. */

import type { JsonValue } from '../base/json-value.js';

type JsonObject = Readonly<Record<string, JsonValue>>;

/** Returns the values that are equal in all objects; those of nested objects one by one. */
export function findCommon([first = {}, ...others]: readonly JsonObject[]): Record<string, JsonValue> {
  const common: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(first)) {
    const rest = others.map((each) => (Object.hasOwn(each, name) ? each[name] : undefined));
    const objects = [value, ...rest].filter(isObject);
    const isNested = objects.length === others.length + 1 && Object.keys(value as object).length > 0;
    if (!isNested && rest.every((each) => isEqual(each, value))) common[name] = value;
    const nested = isNested ? findCommon(objects) : {};
    if (Object.keys(nested).length > 0) common[name] = nested;
  }
  return common;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Compares JSON values; the order of the keys of an object does not matter. */
function isEqual(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keys.length === others.length &&
    keys.every((key) => Object.hasOwn(b, key) && isEqual(Reflect.get(a, key), Reflect.get(b, key)))
  );
}
