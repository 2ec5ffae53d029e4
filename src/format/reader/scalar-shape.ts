/**
 * The bytes that the scalars of one tag have in common: all but wall time, step and the number itself.
 *
 * A shape is learned from a record that was decoded in the general way. A later record whose bytes are equal, but for the number, says the same, so
 * that its bytes are compared, and neither decoded nor run through the CRC one by one (src/format/record/crc-shift.ts).
 */

import { applyShift, type CrcShift, shiftOf } from '../record/crc-shift.js';
import { updateCrc, updateCrcInt32 } from '../record/crc32c.js';
import type { SummaryValue } from '../wire/messages.js';

/** Longer summaries are decoded in the general way. */
export const MAX_SHAPE_BYTES = 1024;

/** Bytes from a float to the double behind it: its own four, key and length of `double_val`. */
const DOUBLE_DISTANCE = 6;

/** Where the number stands in a summary. */
interface NumberPlace {
  readonly floatAt: number;
  /** Whether `double_val` follows it, as in our own records of numbers that float32 does not hold. */
  readonly hasDouble: boolean;
}

/** Where scalars come from: the records of one shape, which are of one tag. */
export interface ScalarSource {
  /** From 0, in the order in which they were first seen. */
  readonly index: number;
  /** The value of the record that came first: its tag, its metadata where all records of the shape have them, and its form. */
  readonly first: SummaryValue;
}

export class ScalarShape implements ScalarSource {
  readonly index: number;
  readonly first: SummaryValue;
  readonly sizeBytes: number;
  /** The shape that came after this one the last time: programs log their metrics in turn. */
  next: ScalarShape | undefined;
  /** As little-endian 32-bit words; the masks are 0 where the number stands, and behind the last byte. */
  readonly #words: Int32Array;
  readonly #masks: Int32Array;
  readonly #floatAt: number;
  readonly #hasDouble: boolean;
  /** For all bytes of the shape, with their constant; and for the bytes behind the number, undefined without any. */
  readonly #shift: CrcShift;
  readonly #constant: number;
  readonly #restShift: CrcShift | undefined;

  private constructor(index: number, first: SummaryValue, summary: Uint8Array, place: NumberPlace) {
    const { floatAt, hasDouble } = place;
    const known = summary;
    const masks = new Uint8Array(Math.ceil(known.length / 4) * 4);
    masks.fill(255, 0, known.length);
    for (const hole of [known, masks]) {
      hole.fill(0, floatAt, floatAt + 4);
      if (hasDouble) hole.fill(0, floatAt + DOUBLE_DISTANCE, floatAt + DOUBLE_DISTANCE + 8);
    }
    const restBytes = known.length - floatAt - (hasDouble ? DOUBLE_DISTANCE + 8 : 4);
    this.index = index;
    this.first = first;
    this.sizeBytes = known.length;
    this.#words = toWords(known);
    this.#masks = toWords(masks);
    this.#floatAt = floatAt;
    this.#hasDouble = hasDouble;
    this.#shift = shiftOf(known.length);
    this.#constant = updateCrc(0, known, 0, known.length);
    this.#restShift = restBytes === 0 ? undefined : shiftOf(restBytes);
  }

  /**
   * The shape of `summary`, field 5 of an event with its key, which holds `value`; undefined when it is no plain float scalar. Takes both over,
   * and overwrites the number.
   */
  static learn(index: number, value: SummaryValue, summary: Uint8Array): ScalarShape | undefined {
    if (summary.length > MAX_SHAPE_BYTES) return undefined;
    const place = findNumber(summary);
    return place === undefined ? undefined : new ScalarShape(index, value, summary, place);
  }

  /** Whether the `sizeBytes` bytes at `at` are of this shape. Up to three bytes more are looked at. */
  matches(view: DataView, at: number): boolean {
    const words = this.#words;
    const masks = this.#masks;
    let difference = 0;
    for (let i = 0; i < words.length; i++) {
      difference |= (view.getInt32(at + i * 4, true) ^ words[i]!) & masks[i]!;
    }
    return difference === 0;
  }

  /** Whether these bytes, and no more, are of this shape. */
  isShapeOf(summary: Uint8Array): boolean {
    if (summary.length !== this.sizeBytes) return false;
    const padded = new Uint8Array(summary.length + 3);
    padded.set(summary);
    return this.matches(new DataView(padded.buffer), 0);
  }

  /** The register of a record's CRC after the shape at `at`, from that of what comes before. */
  updateCrc(view: DataView, at: number, register: number): number {
    const floatAt = at + this.#floatAt;
    const float = view.getInt32(floatAt, true);
    let number: number;
    if (this.#hasDouble) {
      const doubleAt = floatAt + DOUBLE_DISTANCE;
      number =
        updateCrcInt32(float, DOUBLE_DISTANCE + 4) ^
        updateCrcInt32(view.getInt32(doubleAt, true), 4) ^
        updateCrcInt32(view.getInt32(doubleAt + 4, true), 0);
    } else number = updateCrcInt32(float, 0);
    if (this.#restShift !== undefined) number = applyShift(this.#restShift, number);
    return applyShift(this.#shift, register) ^ this.#constant ^ number;
  }

  /** The number of the shape at `at`; the double where it belongs to the float, as in src/format/reader/tensor-values.ts. */
  read(view: DataView, at: number): number {
    const floatAt = at + this.#floatAt;
    const float = view.getFloat32(floatAt, true);
    if (!this.#hasDouble) return float;
    const double = view.getFloat64(floatAt + DOUBLE_DISTANCE, true);
    return Object.is(Math.fround(double), float) ? double : float;
  }
}

/** The tag's bytes of a summary whose first field is a value that begins with its tag; undefined for others. */
export function findTag(
  bytes: Uint8Array,
  at: number,
  end: number,
): readonly [start: number, end: number] | undefined {
  const value = enter(bytes, at, end, SUMMARY);
  const tag = value === undefined ? undefined : enter(bytes, value, end, VALUE);
  const start = tag === undefined || bytes[tag] !== TAG ? undefined : tag + 2;
  // Tags of 128 bytes and more are rare, and left to the general way.
  if (start === undefined || bytes[start - 1]! > 127) return undefined;
  const tagEnd = start + bytes[start - 1]!;
  return tagEnd > end ? undefined : [start, tagEnd];
}

/** Field keys: `Event.summary`, `Summary.value`, those of `Summary.Value`, and those of `TensorProto`. */
const SUMMARY = 0x2a;
const VALUE = 0x0a;
const TAG = 0x0a;
const SIMPLE_VALUE = 0x15;
const TENSOR = 0x42;
const METADATA = 0x4a;
const DTYPE = 0x08;
const DTYPE_FLOAT = 1;
const TENSOR_SHAPE = 0x12;
/** `tensor_content`, which TensorFlow writes; the bytes of a float are the same. */
const CONTENT = 0x22;
const PACKED_FLOAT = 0x2a;
const UNPACKED_FLOAT = 0x2d;
const PACKED_DOUBLE = 0x32;

/** Where the number of a summary of one float scalar stands; undefined for every other form, however legal. */
function findNumber(bytes: Uint8Array): NumberPlace | undefined {
  const end = bytes.length;
  const value = enter(bytes, 0, end, SUMMARY);
  let at = value === undefined ? undefined : enter(bytes, value, end, VALUE);
  let found: NumberPlace | undefined;
  let hasTag = false;
  while (at !== undefined && at < end) {
    const key = bytes[at];
    if (key === SIMPLE_VALUE && found === undefined) {
      found = { floatAt: at + 1, hasDouble: false };
      at += 5;
      continue;
    }
    const content = contentOf(bytes, at, end);
    if (content === undefined) return undefined;
    if (key === TENSOR && found === undefined) {
      found = findInTensor(bytes, content.start, content.end);
      if (found === undefined) return undefined;
    } else if (key === TAG && !hasTag) hasTag = true;
    else if (key !== METADATA) return undefined;
    at = content.end;
  }
  return at === end && hasTag ? found : undefined;
}

function findInTensor(bytes: Uint8Array, start: number, end: number): NumberPlace | undefined {
  let isFloat = false;
  let floatAt: number | undefined;
  let isContent = false;
  let hasDouble = false;
  for (let at = start; at < end; ) {
    const key = bytes[at];
    const length = bytes[at + 1];
    if (key === DTYPE && length === DTYPE_FLOAT) {
      isFloat = true;
      at += 2;
    } else if (key === TENSOR_SHAPE && length === 0) at += 2;
    else if (key === UNPACKED_FLOAT && floatAt === undefined) {
      floatAt = at + 1;
      at += 5;
    } else if ((key === PACKED_FLOAT || key === CONTENT) && length === 4 && floatAt === undefined) {
      floatAt = at + 2;
      isContent = key === CONTENT;
      at += 6;
    } else if (key === PACKED_DOUBLE && length === 8 && at + 10 === end && floatAt === at - 4 && !isContent) {
      hasDouble = true;
      at += 10;
    } else return undefined;
    if (at > end) return undefined;
  }
  return isFloat && floatAt !== undefined ? { floatAt, hasDouble } : undefined;
}

/** Where the content of the field at `at` begins, if it is this one and reaches to the end. */
function enter(bytes: Uint8Array, at: number, end: number, key: number): number | undefined {
  if (bytes[at] !== key) return undefined;
  const content = contentOf(bytes, at, end);
  return content?.end === end ? content.start : undefined;
}

/** The content of a length-delimited field whose key takes one byte and whose length takes at most two. */
function contentOf(bytes: Uint8Array, at: number, end: number): { start: number; end: number } | undefined {
  const low = bytes[at + 1] ?? 0;
  const isShort = low < 128;
  const high = isShort ? 0 : (bytes[at + 2] ?? 0);
  const start = at + (isShort ? 2 : 3);
  const contentEnd = start + (isShort ? low : (low & 127) | (high << 7));
  if (high > 127 || (bytes[at]! & 7) !== 2 || contentEnd > end) return undefined;
  return { start, end: contentEnd };
}

function toWords(bytes: Uint8Array): Int32Array {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  const view = new DataView(padded.buffer);
  return Int32Array.from({ length: padded.length / 4 }, (_, i) => view.getInt32(i * 4, true));
}
