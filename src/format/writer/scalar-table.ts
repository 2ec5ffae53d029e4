/**
 * What a writer keeps of each scalar tag: its pre-encoded summaries, so that a call writes only wall time, step and value, and the range of its
 * values. Everything is in a few arrays. As objects of each tag, 100,000 tags would miss the processor's cache several times in each call.
 *
 * Measured 8 times as fast as protobufjs' static encoder, with the same bytes (test/format/writer/event-encoder.test.ts). The CRC
 * of the constant bytes is precomputed too (src/format/record/crc-shift.ts).
 */

import { applyShift, shiftOf } from '../record/crc-shift.js';
import { updateCrc, updateCrcInt32 } from '../record/crc32c.js';
import { delimited, encodeTensor, joinPieces, piecesBytes } from '../wire/encode-event.js';
import { DataType } from '../wire/messages.js';
import { encodeUtf8 } from '../wire/proto-bytes.js';

/** The key and length of `double_val`, between the value's float32 and its double. */
const DOUBLE_HEADER_BYTES = 2;
/** The distance from a value's float32 to its double, in templates with both. */
const DOUBLE_DISTANCE = 4 + DOUBLE_HEADER_BYTES;
/** The size of a value with its double. */
const EXACT_BYTES = DOUBLE_DISTANCE + 8;

/** The tensor of a number that float32 can represent. Rank 0, because TensorBoard's fast reader drops every other form. */
const FLOAT = joinPieces(encodeTensor({ dtype: DataType.FLOAT, shape: [], floatVal: Float32Array.of(0) }));

/**
 * The tensor of any other number: the rounded value for TensorBoard, followed by the exact value in `double_val` for readers that
 * support it (src/format/reader/tensor-values.ts). Both of TensorBoard's readers use only the field that belongs to the type,
 * float: tensorboard/util/tensor_util.py (`make_ndarray`), tensorboard/data/server/data_compat.rs.
 */
const FLOAT_AND_DOUBLE = joinPieces(
  encodeTensor({
    dtype: DataType.FLOAT,
    shape: [],
    floatVal: Float32Array.of(0),
    doubleVal: Float64Array.of(0),
  }),
);

/** The most bytes that are written after a template, because its last word may be longer. */
export const TEMPLATE_SLACK_BYTES = 7;

/** A template begins with its size, its form of copying, the offset of its value, and its CRC constant: two words of 8 bytes. */
const HEADER_WORDS = 2;
/** Not 0, which says that there is no template. */
const FIRST_TEMPLATE = 1;
const FIRST_ROWS = 16;
const FIRST_ARENA_BYTES = 4096;

/** `SUMMARY`: field 5 of an `Event`, a summary with one value. `VALUE`: field 1 of a `Summary`, one of several values. */
export const TemplateForm = { SUMMARY: 0, VALUE: 2 } as const;
export type TemplateForm = (typeof TemplateForm)[keyof typeof TemplateForm];
/** Two forms, each with and without the exact double. */
const TEMPLATES_PER_ROW = 4;
/** The last, the lowest and the highest value. */
const NUMBERS_PER_ROW = 3;

export class ScalarTable {
  #rows = 0;
  /** The offset of each template in the arena, in words; 0 before it is needed. */
  #templates = new Int32Array(FIRST_ROWS * TEMPLATES_PER_ROW);
  #numbers = new Float64Array(FIRST_ROWS * NUMBERS_PER_ROW);
  /** The templates, each padded with zeros to whole words. */
  #words = new Float64Array(FIRST_ARENA_BYTES / 8);
  /** The same bytes. */
  #ints = new Int32Array(this.#words.buffer);
  #end = FIRST_TEMPLATE;

  /** Adds a tag without values. Returns its row. */
  add(): number {
    const row = this.#rows++;
    if (row * TEMPLATES_PER_ROW >= this.#templates.length) {
      const templates = new Int32Array(this.#templates.length * 2);
      templates.set(this.#templates);
      this.#templates = templates;
      const numbers = new Float64Array(this.#numbers.length * 2);
      numbers.set(this.#numbers);
      this.#numbers = numbers;
    }
    this.#numbers[row * NUMBERS_PER_ROW] = Number.NaN;
    this.#numbers[row * NUMBERS_PER_ROW + 1] = Number.POSITIVE_INFINITY;
    this.#numbers[row * NUMBERS_PER_ROW + 2] = Number.NEGATIVE_INFINITY;
    return row;
  }

  /** Notes a value that is written. */
  note(row: number, value: number): void {
    const numbers = this.#numbers;
    const at = row * NUMBERS_PER_ROW;
    numbers[at] = value;
    if (value < numbers[at + 1]!) numbers[at + 1] = value;
    if (value > numbers[at + 2]!) numbers[at + 2] = value;
  }

  /** The last value; NaN without any. */
  last(row: number): number {
    return this.#numbers[row * NUMBERS_PER_ROW]!;
  }

  /** The lowest value, except NaN. */
  lowest(row: number): number {
    return this.#numbers[row * NUMBERS_PER_ROW + 1]!;
  }

  /** The highest value, except NaN. */
  highest(row: number): number {
    return this.#numbers[row * NUMBERS_PER_ROW + 2]!;
  }

  /** Returns the template of a tag for values without metadata. `isExact` adds space for the double. */
  template(row: number, tag: string, form: TemplateForm, isExact: boolean): number {
    const index = row * TEMPLATES_PER_ROW + form + (isExact ? 1 : 0);
    const template = this.#templates[index]!;
    return template === 0 ? this.#addTemplate(index, tag, form, isExact) : template;
  }

  sizeOf(template: number): number {
    return this.#ints[template * 2]!;
  }

  /**
   * Writes a template with `value` at `at`, and up to `TEMPLATE_SLACK_BYTES` more. `register` is the CRC register before the
   * template. Returns the register after it.
   */
  write(template: number, view: DataView, at: number, value: number, register: number): number {
    const ints = this.#ints;
    const header = template * 2;
    const sizeBytes = ints[header]!;
    if (ints[header + 1] === 0) copyWords(this.#words, template + HEADER_WORDS, view, at, sizeBytes);
    else copyInts(ints, header + HEADER_WORDS * 2, view, at, sizeBytes);
    const valueOffset = ints[header + 2]!;
    const valueAt = at + valueOffset;
    view.setFloat32(valueAt, value, true);
    const known = applyShift(shiftOf(sizeBytes), register) ^ ints[header + 3]!;
    const isExact = sizeBytes - valueOffset === EXACT_BYTES;
    return known ^ (isExact ? updateCrcExact(view, valueAt, value) : passFloat(view, valueAt));
  }

  #addTemplate(index: number, tag: string, form: TemplateForm, isExact: boolean): number {
    const bytes = encodeScalar(form, tag, 0, isExact);
    const template = this.#end;
    const content = template + HEADER_WORDS;
    this.#end = content + Math.ceil(bytes.length / 8);
    if (this.#end > this.#words.length) this.#grow();
    new Uint8Array(this.#words.buffer).set(bytes, content * 8);
    const hasNaN = this.#words.subarray(content, this.#end).some(Number.isNaN);
    const valueOffset = bytes.length - (isExact ? EXACT_BYTES : 4);
    const constant = updateCrc(0, bytes, 0, bytes.length);
    this.#ints.set([bytes.length, hasNaN ? 1 : 0, valueOffset, constant], template * 2);
    this.#templates[index] = template;
    return template;
  }

  #grow(): void {
    const words = new Float64Array(Math.max(this.#words.length * 2, this.#end));
    new Uint8Array(words.buffer).set(new Uint8Array(this.#words.buffer));
    this.#words = words;
    this.#ints = new Int32Array(words.buffer);
  }
}

/** Encodes a value of a tag. `metadata` is the content of a serialized `SummaryMetadata`; `isExact` adds the double. */
export function encodeScalar(
  form: TemplateForm,
  tag: string,
  value: number,
  isExact: boolean,
  metadata?: Uint8Array,
): Uint8Array {
  const described = metadata === undefined ? [] : delimited(9, [metadata]);
  const tensor = delimited(8, [isExact ? FLOAT_AND_DOUBLE : FLOAT]);
  const field = delimited(1, [...delimited(1, [encodeUtf8(tag)]), ...tensor, ...described]);
  const bytes = joinPieces(form === TemplateForm.SUMMARY ? delimited(5, field) : field);
  const valueAt = bytes.length - piecesBytes(described) - (isExact ? EXACT_BYTES : 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setFloat32(valueAt, value, true);
  if (isExact) view.setFloat64(valueAt + DOUBLE_DISTANCE, value, true);
  return bytes;
}

// Small functions: the hot path compiles to one function only while its parts are small.

/** Copies a template in words: as doubles, it takes half the time. */
function copyWords(words: Float64Array, from: number, view: DataView, at: number, sizeBytes: number): void {
  for (let i = 0; i < sizeBytes; i += 8) view.setFloat64(at + i, words[from + (i >> 3)]!, true);
}

/** Copies a template of which a word as a double would be a NaN, whose bits a copy may change. */
function copyInts(ints: Int32Array, from: number, view: DataView, at: number, sizeBytes: number): void {
  for (let i = 0; i < sizeBytes; i += 4) view.setInt32(at + i, ints[from + (i >> 2)]!, true);
}

/** The contribution of the float at `at` to the CRC register. */
function passFloat(view: DataView, at: number): number {
  return updateCrcInt32(view.getInt32(at, true), 0);
}

/** Writes the double that belongs to the float at `at`. Returns the contribution of both to the CRC register. */
function updateCrcExact(view: DataView, at: number, value: number): number {
  const doubleAt = at + DOUBLE_DISTANCE;
  view.setFloat64(doubleAt, value, true);
  return (
    updateCrcInt32(view.getInt32(at, true), DOUBLE_HEADER_BYTES + 8) ^
    updateCrcInt32(view.getInt32(doubleAt, true), 4) ^
    updateCrcInt32(view.getInt32(doubleAt + 4, true), 0)
  );
}
