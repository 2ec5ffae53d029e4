/**
 * The range of pixel values. Integers are 0–255 and fractions are 0–1; the type of the array decides which of them it holds.
 *
 * TensorFlow, PyTorch and Polyaxon's client take the range from the type as well, but scale every integer type except uint8 as if it held
 * fractions. Images of int32, which `tf.browser.fromPixels` returns, then turn black or white (docs/decisions/0053).
 */

import { describe } from '../base/describe.js';

/** Arrays of integers 0–255. */
export type IntegerPixels =
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array;

/** Arrays of fractions 0–1, or of whole numbers 0–255. */
export type NumberPixels = Float32Array | Float64Array | readonly number[];

interface Range {
  readonly min: number;
  readonly max: number;
  readonly isWhole: boolean;
}

/** Whether a value is an array that can hold pixels. */
export function isPixels(pixels: unknown): pixels is IntegerPixels | NumberPixels {
  return isIntegers(pixels) || isNumbers(pixels);
}

/** Converts pixels to bytes; shares the memory of bytes. Values outside the range are clamped, and NaN is 0. */
export function toBytes(pixels: IntegerPixels | NumberPixels): Uint8Array {
  if (pixels instanceof Uint8Array) return pixels;
  if (pixels instanceof Uint8ClampedArray) {
    return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  }
  const factor = isIntegers(pixels) || isWholeBytes(rangeOf(pixels)) ? 1 : 255;
  const bytes = new Uint8ClampedArray(pixels.length);
  for (let i = 0; i < pixels.length; i++) bytes[i] = pixels[i]! * factor;
  return new Uint8Array(bytes.buffer);
}

/** Returns what is wrong with the values, as part of a sentence; undefined if they are in their range. */
export function findRangeProblem(pixels: unknown): string | undefined {
  if (!isPixels(pixels) || pixels instanceof Uint8Array || pixels instanceof Uint8ClampedArray)
    return undefined;
  const range = rangeOf(pixels);
  const found = `pixels is ${describe(pixels)} with values from ${range.min} to ${range.max}`;
  if (isIntegers(pixels) || isWholeBytes(range)) {
    if (range.min < 0 || range.max > 255) return `${found}; integers outside 0–255 are clamped`;
    if (isIntegers(pixels) || Array.isArray(pixels)) return undefined;
    return `${found}, which are taken as 0–255; pass a Uint8Array to say so`;
  }
  if (range.min >= 0 && range.max <= 1) return undefined;
  return `${found}; fractions outside 0–1 are clamped`;
}

/** Whether the values can only be meant as 0–255: whole numbers, and not only 0 and 1. */
function isWholeBytes({ isWhole, max }: Range): boolean {
  return isWhole && max > 1;
}

function rangeOf(pixels: IntegerPixels | NumberPixels): Range {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let isWhole = true;
  for (let i = 0; i < pixels.length; i++) {
    const value = pixels[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
    if (isWhole && !Number.isInteger(value)) isWhole = false;
  }
  return { min, max, isWhole };
}

function isIntegers(pixels: unknown): pixels is IntegerPixels {
  return (
    ArrayBuffer.isView(pixels) &&
    !(pixels instanceof DataView) &&
    !isNumbers(pixels) &&
    !/^(?:Big|Float)/.test(Object.prototype.toString.call(pixels).slice('[object '.length))
  );
}

function isNumbers(pixels: unknown): pixels is NumberPixels {
  return Array.isArray(pixels) || pixels instanceof Float32Array || pixels instanceof Float64Array;
}
