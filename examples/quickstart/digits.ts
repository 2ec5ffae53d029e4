/** Loads real handwritten digits: 1,797 images of 8×8 pixels from `fixtures/digits/` (CC BY 4.0, see its LICENSE.md). */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Random, shuffledIndices } from './random.js';

export const DIGIT_SIDE = 8;
export const DIGIT_PIXELS = DIGIT_SIDE * DIGIT_SIDE;
export const CLASSES = 10;

const INK_MAX = 16;

export interface Digits {
  readonly count: number;
  /** Shape: count×64, row-major; 0 is paper, 1 is ink. */
  readonly pixels: Float32Array;
  /** The digit on each image, 0–9. */
  readonly labels: Uint8Array;
}

/** Reads the digits of this repository. */
export async function loadDigits(): Promise<Digits> {
  const packageRoot = dirname(createRequire(import.meta.url).resolve('polytrack/package.json'));
  const csv = gunzipSync(await readFile(join(packageRoot, 'fixtures/digits/digits.csv.gz'))).toString('utf8');
  const rows = csv.trim().split('\n');
  const pixels = new Float32Array(rows.length * DIGIT_PIXELS);
  const labels = new Uint8Array(rows.length);
  rows.forEach((row, index) => {
    const numbers = row.split(',').map(Number);
    if (numbers.length !== DIGIT_PIXELS + 1)
      throw new Error(`digits: line ${index + 1} has ${numbers.length} numbers`);
    labels[index] = numbers[DIGIT_PIXELS]!;
    for (let pixel = 0; pixel < DIGIT_PIXELS; pixel++) {
      pixels[index * DIGIT_PIXELS + pixel] = numbers[pixel]! / INK_MAX;
    }
  });
  return { count: rows.length, pixels, labels };
}

/** Splits the digits at random into a training set and a test set. `testShare`: the size of the test set, 0–1. */
export function splitDigits(
  digits: Digits,
  testShare: number,
  random: Random,
): { train: Digits; test: Digits } {
  const indices = shuffledIndices(digits.count, random);
  const testCount = Math.round(digits.count * testShare);
  return {
    train: pick(digits, indices.subarray(testCount)),
    test: pick(digits, indices.subarray(0, testCount)),
  };
}

function pick(digits: Digits, indices: Uint32Array): Digits {
  const pixels = new Float32Array(indices.length * DIGIT_PIXELS);
  indices.forEach((from, to) => {
    pixels.set(digits.pixels.subarray(from * DIGIT_PIXELS, (from + 1) * DIGIT_PIXELS), to * DIGIT_PIXELS);
  });
  return { count: indices.length, pixels, labels: Uint8Array.from(indices, (from) => digits.labels[from]!) };
}
