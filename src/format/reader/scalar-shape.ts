/**
 * The bytes that the scalars of one tag have in common: all but wall time, step and value.
 *
 * A record template is learned from a record that the general decoder has read. A later record with the same bytes, except for the number,
 * has the same meaning. Its bytes are only compared, not decoded, and their CRC comes from tables (src/format/record/crc-shift.ts).
 */

import { applyShift, type CrcShift, shiftOf } from '../record/crc-shift.js';
import { updateCrc, updateCrcInt32 } from '../record/crc32c.js';
import type { SummaryValue } from '../wire/messages.js';

/** The general decoder reads longer summaries. */
export const MAX_SHAPE_BYTES = 1024;

/** Bytes from the start of a float to the double after it: the float's four bytes, then key and length of `double_val`. */
const DOUBLE_DISTANCE = 6;

/** The position of the number in a summary. */
interface NumberPlace {
  readonly floatAt: number;
  /** Whether `double_val` follows; polytrack writes it for numbers that float32 cannot represent. */
  readonly hasDouble: boolean;
}

/** The origin of scalars: all records with one template, and so with one tag. */
export interface ScalarSource {
  /** Counted from 0, in order of first appearance. */
  readonly index: number;
  /** The value of the first record: its tag, its form, and its metadata if it is part of the template. */
  readonly first: SummaryValue;
}

export class ScalarShape implements ScalarSource {
  readonly index: number;
  readonly first: SummaryValue;
  readonly sizeBytes: number;
  /** The template that followed this one last time: programs log their metrics in the same order. */
  next: ScalarShape | undefined;
  /** As little-endian 32-bit words. The masks are 0 at the number and after the last byte. */
  readonly #words: Int32Array;
  readonly #masks: Int32Array;
  readonly #floatAt: number;
  readonly #hasDouble: boolean;
  /** The tables and the constant for all bytes of the template, and the tables for the bytes after the number, if any. */
  readonly #shift: CrcShift;
  readonly #constant: number;
  readonly #restShift: CrcShift | undefined;

  private constructor(index: number, first: SummaryValue, summary: Uint8Array, place: NumberPlace) {
    const { floatAt, hasDouble } = place;
    const masks = new Uint8Array(Math.ceil(summary.length / 4) * 4);
    masks.fill(255, 0, summary.length);
    for (const hole of [summary, masks]) {
      hole.fill(0, floatAt, floatAt + 4);
      if (hasDouble) hole.fill(0, floatAt + DOUBLE_DISTANCE, floatAt + DOUBLE_DISTANCE + 8);
    }
    const restBytes = summary.length - floatAt - (hasDouble ? DOUBLE_DISTANCE + 8 : 4);
    this.index = index;
    this.first = first;
    this.sizeBytes = summary.length;
    this.#words = toWords(summary);
    this.#masks = toWords(masks);
    this.#floatAt = floatAt;
    this.#hasDouble = hasDouble;
    this.#shift = shiftOf(summary.length);
    this.#constant = updateCrc(0, summary, 0, summary.length);
    this.#restShift = restBytes === 0 ? undefined : shiftOf(restBytes);
  }

  /**
   * The template of `summary`, which is field 5 of an event with its key; undefined when it is not a plain float scalar. Keeps `summary`
   * and overwrites the number. Calls `decode` for the value in it only if there is a template.
   */
  static learn(index: number, decode: () => SummaryValue, summary: Uint8Array): ScalarShape | undefined {
    if (summary.length > MAX_SHAPE_BYTES) return undefined;
    const place = findNumber(summary);
    return place === undefined ? undefined : new ScalarShape(index, decode(), summary, place);
  }

  /** Whether the `sizeBytes` bytes at `at` match this template. Reads up to three bytes more. */
  matches(view: DataView, at: number): boolean {
    const words = this.#words;
    const masks = this.#masks;
    let difference = 0;
    for (let i = 0; i < words.length; i++) {
      difference |= (view.getInt32(at + i * 4, true) ^ words[i]!) & masks[i]!;
    }
    return difference === 0;
  }

  /** Whether these bytes, without any others, match this template. */
  isShapeOf(summary: Uint8Array): boolean {
    if (summary.length !== this.sizeBytes) return false;
    const padded = new Uint8Array(summary.length + 3);
    padded.set(summary);
    return this.matches(new DataView(padded.buffer), 0);
  }

  /** The CRC register after the bytes of the template at `at`; `register` is the register before it. */
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

  /** The number in the bytes at `at`. Returns the double if it matches the float, as in src/format/reader/tensor-values.ts. */
  read(view: DataView, at: number): number {
    const floatAt = at + this.#floatAt;
    const float = view.getFloat32(floatAt, true);
    if (!this.#hasDouble) return float;
    const double = view.getFloat64(floatAt + DOUBLE_DISTANCE, true);
    return Object.is(Math.fround(double), float) ? double : float;
  }
}

/** The tag's bytes, if the first field of the summary is a value that begins with its tag; otherwise undefined. */
export function findTag(
  bytes: Uint8Array,
  at: number,
  end: number,
): readonly [start: number, end: number] | undefined {
  const value = enter(bytes, at, end, SUMMARY);
  const tag = value === undefined ? undefined : enter(bytes, value, end, VALUE);
  const start = tag === undefined || bytes[tag] !== TAG ? undefined : tag + 2;
  // Leave tags of 128 bytes and more to the general decoder; they are rare.
  if (start === undefined || bytes[start - 1]! > 127) return undefined;
  const tagEnd = start + bytes[start - 1]!;
  return tagEnd > end ? undefined : [start, tagEnd];
}

/** Field keys of `Event.summary`, `Summary.value`, `Summary.Value` and `TensorProto`. */
const SUMMARY = 0x2a;
const VALUE = 0x0a;
const TAG = 0x0a;
const SIMPLE_VALUE = 0x15;
const TENSOR = 0x42;
const METADATA = 0x4a;
const DTYPE = 0x08;
const DTYPE_FLOAT = 1;
const TENSOR_SHAPE = 0x12;
/** `tensor_content`, which TensorFlow writes; it stores a float in the same bytes. */
const CONTENT = 0x22;
const PACKED_FLOAT = 0x2a;
const UNPACKED_FLOAT = 0x2d;
const PACKED_DOUBLE = 0x32;

/** The position of the number in a summary of one float scalar; undefined for every other form, even if valid. */
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

/** The start of the content of the field at `at`, if the field has this key and reaches to `end`. */
function enter(bytes: Uint8Array, at: number, end: number, key: number): number | undefined {
  if (bytes[at] !== key) return undefined;
  const content = contentOf(bytes, at, end);
  return content?.end === end ? content.start : undefined;
}

/** The content of a length-delimited field with a one-byte key and a length of at most two bytes. */
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
