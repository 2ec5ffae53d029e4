/**
 * Prints JSON in the two styles of Polyaxon's Python client: orjson for values, `json.dumps` for lines and for plotly.
 */

import type { JsonValue } from '../../base/json-value.js';
import { toJsonFloat, toPythonFloat } from '../number-text.js';

/** Returns compact JSON with unescaped non-ASCII text and numbers as in orjson. Whole numbers become integers: JSON has no separate float type. */
export function toCompactJson(value: JsonValue): string {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : toJsonFloat(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(toCompactJson).join(',')}]`;
  const fields = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${toCompactJson(item)}`);
  return `{${fields.join(',')}}`;
}

/** Returns JSON in the style of Python's `json.dumps`: separators `, ` and `: `, non-ASCII escaped. */
export function toPythonJson(value: JsonValue): string {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : toPythonFloat(value);
  if (typeof value === 'string') return toPythonString(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (isList(value)) return `[${value.map(toPythonJson).join(', ')}]`;
  const fields = Object.entries(value).map(([key, item]) => `${toPythonString(key)}: ${toPythonJson(item)}`);
  return `{${fields.join(', ')}}`;
}

/** Returns a string in the style of `json.dumps`: all except printable ASCII is escaped, by UTF-16 unit. */
export function toPythonString(text: string): string {
  return JSON.stringify(text).replace(/[^ -~]/g, escapeUnit);
}

/** Like `toCompactJson`, for a number or nested lists of numbers that Polyaxon's schema declares as floats. */
export function toFloatsJson(value: JsonValue): string {
  if (value !== null && typeof value === 'object' && isList(value))
    return `[${value.map(toFloatsJson).join(',')}]`;
  // Text such as "NaN" represents numbers that JSON lacks.
  return value === null ? 'null' : toJsonFloat(Number(value));
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** `Array.isArray` does not narrow readonly arrays. */
function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}
