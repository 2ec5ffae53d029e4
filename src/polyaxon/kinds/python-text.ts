/**
 * Numbers and moments as Python prints them: Polyaxon's annotations and CSV files hold such text.
 */

import { toPythonFloat } from '../number-text.js';

/** Python switches to an exponent below the first and from the second on. Source: CPython, `float_repr_style` short. */
const SMALLEST_POSITIONAL = 1e-4;
const FIRST_WITH_EXPONENT = 1e16;

/** A float32 as numpy 1.26 prints it: with the fewest digits that tell it from its neighbours. */
export function toPythonFloat32(value: number): string {
  if (!Number.isFinite(value)) return toPythonFloat(value);
  for (let digits = 0; digits < 9; digits++) {
    const text = value.toExponential(digits);
    if (Math.fround(Number(text)) === value) return layOut(value, text);
  }
  return layOut(value, value.toExponential());
}

/** A number as Python has it once JSON has been through: whole ones are integers, all others floats. */
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

/** Parts of a moment in UTC, from whole microseconds since the Unix epoch. */
export interface UtcTime {
  readonly date: string;
  readonly time: string;
  /** 0–999,999. */
  readonly microseconds: number;
}

/** Splits a moment; undefined beyond the years that `Date` has. */
export function toUtcTime(microseconds: bigint): UtcTime | undefined {
  const rest = ((microseconds % MICROSECONDS) + MICROSECONDS) % MICROSECONDS;
  const date = new Date(Number((microseconds - rest) / 1000n));
  if (Number.isNaN(date.getTime())) return undefined;
  const iso = date.toISOString();
  const split = iso.indexOf('T');
  return { date: iso.slice(0, split), time: iso.slice(split + 1, split + 9), microseconds: Number(rest) };
}

const MICROSECONDS = 1_000_000n;
