/**
 * Checks and sorts arrays of numbers and labels from callers.
 */

import { toWellFormedText } from '../../base/well-formed-text.js';

/** The class of a sample: a name, a number, or a boolean. */
export type ClassLabel = string | number | boolean;

/** Returns a class as text. */
export function toLabelText(label: ClassLabel): string {
  return toWellFormedText(String(label)).text;
}

/** Returns the distinct labels in ascending order, as `np.unique` does: numbers by value, text by code point. */
export function distinctLabels(labels: ArrayLike<ClassLabel>): ClassLabel[] {
  const distinct = [...new Set(Array.from(labels))];
  return distinct.sort((a, b) => {
    if (typeof a === 'string' || typeof b === 'string') return compareText(String(a), String(b));
    return Number(a) - Number(b);
  });
}

/** Compares by code point. `<` compares UTF-16 units, which sorts U+FFFF after U+10000. */
function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
