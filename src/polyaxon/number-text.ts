/**
 * Prints numbers as Polyaxon's Python client does. JavaScript and Python choose the same digits: the shortest that round-trip.
 */

/** From this size on, Python and orjson write an exponent; JavaScript does so only from 1e21. */
const FIRST_WITH_EXPONENT = 1e16;

/** Returns Python's `repr` of a float: `0.1`, `3.0`, `1e-05`, `1e+16`, `nan`, `inf`. Source: CPython, `float_repr_style` short. */
export function toPythonFloat(value: number): string {
  const size = Math.abs(value);
  if (size >= FIRST_WITH_EXPONENT) return value === size ? toLargePython(value) : `-${toLargePython(size)}`;
  if (Number.isInteger(value)) return toWholeFloat(value);
  if (size >= 1e-4) return String(value);
  return Number.isNaN(value) ? 'nan' : value.toExponential().replace(/e-(\d)$/, 'e-0$1');
}

function toLargePython(size: number): string {
  return size === Number.POSITIVE_INFINITY ? 'inf' : size.toExponential();
}

/**
 * Returns a float as Polyaxon's JSON has it: `0.1`, `3.0`, `0.00001`, `1e-7`, `1e+16`; `null` for NaN and infinities.
 *
 * Source: orjson 3.13.0, which `to_json` of traceml's events uses.
 */
export function toJsonFloat(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  const size = Math.abs(value);
  if (size >= FIRST_WITH_EXPONENT) return value.toExponential();
  if (Number.isInteger(value)) return toWholeFloat(value);
  return size >= 1e-5 ? String(value) : value.toExponential();
}

function toWholeFloat(value: number): string {
  return Object.is(value, -0) ? '-0.0' : `${value}.0`;
}

/** Returns a number; null for NaN and infinities, which JSON lacks. */
export function toFinite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
