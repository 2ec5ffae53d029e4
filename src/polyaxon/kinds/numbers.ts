/**
 * Arrays of numbers and labels as callers give them.
 */

import { toWellFormedText } from '../../base/well-formed-text.js';

/** What a sample is: a class by name or number, or yes and no. */
export type ClassLabel = string | number | boolean;

export function isArrayLike(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
}

/** A class as text, for a label. */
export function toLabelText(label: ClassLabel): string {
  return toWellFormedText(String(label)).text;
}

/** Different labels, ascending: numbers by size, text by code point, as `np.unique`. */
export function distinctLabels(labels: ArrayLike<ClassLabel>): ClassLabel[] {
  const distinct = [...new Set(Array.from(labels))];
  return distinct.sort((a, b) => {
    if (typeof a === 'string' || typeof b === 'string') return compareText(String(a), String(b));
    return Number(a) - Number(b);
  });
}

/** By code point: `<` goes by UTF-16 unit, which puts U+FFFF behind U+10000. */
function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
