/**
 * Prints numbers and timestamps as Python does, for Polyaxon's annotations and CSV files.
 */

import { toPythonFloat } from '../number-text.js';

/** Python uses an exponent below the first limit, and from the second on. Source: CPython, `float_repr_style` short. */
const SMALLEST_POSITIONAL = 1e-4;
const FIRST_WITH_EXPONENT = 1e16;

/** Prints a float32 as numpy 1.26 does: with the fewest digits that distinguish it from its neighbours. */
export function toPythonFloat32(value: number): string {
  if (!Number.isFinite(value)) return toPythonFloat(value);
  for (let digits = 0; digits < 9; digits++) {
    const text = value.toExponential(digits);
    if (Math.fround(Number(text)) === value) return layOut(value, text);
  }
  return layOut(value, value.toExponential());
}

/** Prints a number as Python does after reading it from JSON: whole numbers as integers, others as floats. */
export function toPythonNumber(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : toPythonFloat(value);
}

function layOut(value: number, exponential: string): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < SMALLEST_POSITIONAL || size >= FIRST_WITH_EXPONENT)) {
    return exponential.replace(/e([+-])(\d)$/, 'e$10$2').replace(/\.?0+e/, 'e');
  }
  const text = String(Number(exponential));
  const signed = Object.is(value, -0) ? '-0' : text;
  return /[.]/.test(signed) ? signed : `${signed}.0`;
}

/** The parts of a UTC timestamp. */
export interface UtcTime {
  readonly date: string;
  readonly time: string;
  /** 0–999,999. */
  readonly microseconds: number;
}

/** Splits a timestamp in microseconds since the Unix epoch; undefined outside the range of `Date`. */
export function toUtcTime(microseconds: bigint): UtcTime | undefined {
  const rest = ((microseconds % MICROSECONDS) + MICROSECONDS) % MICROSECONDS;
  const date = new Date(Number((microseconds - rest) / 1000n));
  if (Number.isNaN(date.getTime())) return undefined;
  const iso = date.toISOString();
  const split = iso.indexOf('T');
  return { date: iso.slice(0, split), time: iso.slice(split + 1, split + 9), microseconds: Number(rest) };
}

const MICROSECONDS = 1_000_000n;
