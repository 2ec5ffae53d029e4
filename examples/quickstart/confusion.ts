/** Counts confused digits, and computes precision and recall from the counts. */

import type { ConfusionMatrix } from 'polytrack';
import { mostLikely } from './network.js';

export interface Mistake {
  /** The index of the image. */
  readonly index: number;
  readonly actual: number;
  readonly predicted: number;
}

export interface Confusion {
  readonly classes: number;
  /** The number of images of class `row` that were classified as `column`. Shape: classes×classes, row-major. */
  readonly counts: Uint32Array;
  readonly mistakes: readonly Mistake[];
}

export function countConfusion(likelihoods: Float32Array, labels: Uint8Array): Confusion {
  const classes = likelihoods.length / labels.length;
  const counts = new Uint32Array(classes * classes);
  const mistakes: Mistake[] = [];
  labels.forEach((actual, index) => {
    const predicted = mostLikely(likelihoods.subarray(index * classes, (index + 1) * classes));
    const cell = actual * classes + predicted;
    counts[cell] = counts[cell]! + 1;
    if (predicted !== actual) mistakes.push({ index, actual, predicted });
  });
  return { classes, counts, mistakes };
}

/** Converts the counts to a matrix whose rows and columns are digits. */
export function toMatrix({ classes, counts }: Confusion): ConfusionMatrix {
  const digits = Array.from({ length: classes }, (_, digit) => digit);
  const rows = digits.map((digit) => counts.subarray(digit * classes, (digit + 1) * classes));
  return { x: digits, y: digits, z: rows };
}

/** Returns precision and recall of every class as a Markdown table. */
export function toMarkdownTable({ classes, counts }: Confusion): string {
  const rows = Array.from({ length: classes }, (_, label) => {
    const others = Array.from({ length: classes }, (_, other) => other);
    const right = counts[label * classes + label]!;
    const predicted = others.reduce((sum, other) => sum + counts[other * classes + label]!, 0);
    const actual = others.reduce((sum, other) => sum + counts[label * classes + other]!, 0);
    return `| ${label} | ${percent(right, predicted)} | ${percent(right, actual)} | ${actual} |`;
  });
  return ['| digit | precision | recall | images |', '|---|---|---|---|', ...rows].join('\n');
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`;
}
