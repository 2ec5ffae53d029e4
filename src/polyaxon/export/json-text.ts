/**
 * JSON text in the two styles of Polyaxon's Python client: orjson's for values, `json.dumps`' for lines and for plotly.
 */

import type { JsonValue } from '../../base/json-value.js';
import { toJsonFloat, toPythonFloat } from '../number-text.js';

/** Compact JSON, non-ASCII as it is, numbers as orjson prints them; whole numbers as integers, since JSON tells them from no float. */
export function toCompactJson(value: JsonValue): string {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : toJsonFloat(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(toCompactJson).join(',')}]`;
  const fields = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${toCompactJson(item)}`);
  return `{${fields.join(',')}}`;
}

/** JSON with `, ` and `: `, non-ASCII escaped: Python's `json.dumps`. */
export function toPythonJson(value: JsonValue): string {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : toPythonFloat(value);
  if (typeof value === 'string') return toPythonString(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (isList(value)) return `[${value.map(toPythonJson).join(', ')}]`;
  const fields = Object.entries(value).map(([key, item]) => `${toPythonString(key)}: ${toPythonJson(item)}`);
  return `{${fields.join(', ')}}`;
}

/** A string of `json.dumps`: all but printable ASCII escaped, by UTF-16 unit. */
export function toPythonString(text: string): string {
  return JSON.stringify(text).replace(/[^ -~]/g, escapeUnit);
}

/** As `toCompactJson`, for a number or nested lists of numbers that Polyaxon's schema declares as floats. */
export function toFloatsJson(value: JsonValue): string {
  if (value !== null && typeof value === 'object' && isList(value))
    return `[${value.map(toFloatsJson).join(',')}]`;
  // Text such as "NaN" stands for what JSON has no number for.
  return value === null ? 'null' : toJsonFloat(Number(value));
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** `Array.isArray` does not tell readonly arrays from objects. */
function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}
