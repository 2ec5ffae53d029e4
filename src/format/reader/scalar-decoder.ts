/**
 * Decodes the scalars of an event file in batches, into columns.
 *
 * Checks every CRC. Recognises scalars by their record templates (src/format/reader/scalar-shape.ts). Leaves every other
 * record, and everything that looks damaged, to the general decoder.
 */

import { copyBytes } from '../../base/copy-bytes.js';
import { maskCrc, updateCrc } from '../record/crc32c.js';
import { FOOTER_BYTES, HEADER_BYTES, maskedLengthCrc } from '../record/record-codec.js';
import { decodeEvent } from '../wire/decode-event.js';
import type { Event, SummaryValue, ValueContent } from '../wire/messages.js';
import { findTag, MAX_SHAPE_BYTES, ScalarShape, type ScalarSource } from './scalar-shape.js';

export type { ScalarSource } from './scalar-shape.js';

/** Consecutive scalars in columns; valid until the next batch is read. Contains only scalars whose step is exact as a number. */
export interface ScalarBatch {
  readonly count: number;
  /** For each scalar, its index in `sources`. */
  readonly sourceIndices: Int32Array;
  readonly steps: Float64Array;
  /** Seconds since the Unix epoch. */
  readonly wallTimes: Float64Array;
  readonly values: Float64Array;
  /** The size of each scalar's record in bytes, framing included. The records follow each other in the file. */
  readonly sizes: Int32Array;
  /** All sources so far; the index of a source never changes. */
  readonly sources: readonly ScalarSource[];
}

const BATCH_ROWS = 2048;
const WALL_TIME_KEY = 0x09;
const STEP_KEY = 0x10;
const SUMMARY_KEY = 0x2a;
const WALL_TIME_BYTES = 9;
/** A varint of up to this many bytes is below 2^49. */
const MAX_STEP_BYTES = 7;
/** No scalar is shorter, so the fast path can read this many bytes without a check. */
const MIN_SCALAR_BYTES = WALL_TIME_BYTES + 1 + MAX_STEP_BYTES;
const MAX_SCALAR_BYTES = MAX_SHAPE_BYTES + MIN_SCALAR_BYTES;
/** The initial CRC register. */
const START = -1;
/** Stop learning record templates when a file has more tags than this. */
const MAX_SHAPES = 2 ** 16;
/** Also bounds the search for a template in files of writers whose tags are not found, which all have one hash. */
const MAX_SAME_HASH = 64;

export class ScalarDecoder {
  readonly #shapes: ScalarShape[] = [];
  /** Keyed by a hash of the tag's bytes and the summary's length. */
  readonly #byHash = new Map<number, ScalarShape[]>();
  #last: ScalarShape | undefined;
  readonly #sourceIndices = new Int32Array(BATCH_ROWS);
  readonly #steps = new Float64Array(BATCH_ROWS);
  readonly #wallTimes = new Float64Array(BATCH_ROWS);
  readonly #values = new Float64Array(BATCH_ROWS);
  readonly #sizes = new Int32Array(BATCH_ROWS);
  /** The last wall time, and the CRC register after it. */
  #wallTime = Number.NaN;
  #wallTimeRegister = START;
  #count = 0;

  /** All sources so far. */
  get sources(): readonly ScalarSource[] {
    return this.#shapes;
  }

  /** The scalars of the last `readScalars`. */
  get batch(): ScalarBatch {
    return {
      count: this.#count,
      sourceIndices: this.#sourceIndices,
      steps: this.#steps,
      wallTimes: this.#wallTimes,
      values: this.#values,
      sizes: this.#sizes,
      sources: this.#shapes,
    };
  }

  /**
   * Reads scalars with known templates from `bytes[start]`, until something else follows or the columns are full. Returns the offset
   * after them. `view` covers the same memory, from the same first byte.
   */
  readScalars(bytes: Uint8Array, view: DataView, start: number): number {
    const limit = bytes.length - FOOTER_BYTES;
    let at = start;
    let count = 0;
    let last = this.#last;
    while (count < BATCH_ROWS && at + HEADER_BYTES + MIN_SCALAR_BYTES <= limit) {
      const dataBytes = view.getUint32(at, true);
      const end = at + HEADER_BYTES + dataBytes;
      if (dataBytes < MIN_SCALAR_BYTES || dataBytes > MAX_SCALAR_BYTES || end > limit) break;
      if (view.getUint32(at + 4, true) !== 0 || view.getUint32(at + 8, true) !== maskedLengthCrc(dataBytes))
        break;
      let summaryAt = at + HEADER_BYTES;
      let wallTime = 0;
      let register = START;
      if (bytes[summaryAt] === WALL_TIME_KEY) {
        wallTime = view.getFloat64(summaryAt + 1, true);
        if (wallTime !== this.#wallTime) {
          this.#wallTime = wallTime;
          this.#wallTimeRegister = updateCrc(START, bytes, summaryAt, summaryAt + WALL_TIME_BYTES);
        }
        register = this.#wallTimeRegister;
        summaryAt += WALL_TIME_BYTES;
      }
      let step = 0;
      if (bytes[summaryAt] === STEP_KEY) {
        const stepAt = summaryAt++;
        let factor = 1;
        let byte = bytes[summaryAt++]!;
        while (byte > 127 && summaryAt - stepAt <= MAX_STEP_BYTES) {
          step += (byte & 127) * factor;
          factor *= 128;
          byte = bytes[summaryAt++]!;
        }
        if (byte > 127) break;
        step += byte * factor;
        register = updateCrc(register, bytes, stepAt, summaryAt);
      }
      let shape = last?.next;
      if (shape === undefined || shape.sizeBytes !== end - summaryAt || !shape.matches(view, summaryAt)) {
        shape = this.#find(bytes, view, summaryAt, end);
        if (shape === undefined) break;
        if (last !== undefined) last.next = shape;
      }
      if (maskCrc(~shape.updateCrc(view, summaryAt, register)) !== view.getUint32(end, true)) break;
      this.#sourceIndices[count] = shape.index;
      this.#steps[count] = step;
      this.#wallTimes[count] = wallTime;
      this.#values[count] = shape.read(view, summaryAt);
      this.#sizes[count] = end + FOOTER_BYTES - at;
      last = shape;
      count++;
      at = end + FOOTER_BYTES;
    }
    this.#last = last;
    this.#count = count;
    return at;
  }

  #find(bytes: Uint8Array, view: DataView, at: number, end: number): ScalarShape | undefined {
    const shapes = this.#byHash.get(hashOf(bytes, at, end));
    return shapes?.find((shape) => shape.sizeBytes === end - at && shape.matches(view, at));
  }

  /** Learns the record template of an event that is a single scalar; keeps no reference to its memory. */
  learn({ what }: Event, data: Uint8Array): void {
    if (what.kind !== 'summary' || what.values.length !== 1 || this.#shapes.length >= MAX_SHAPES) return;
    const at = findSummary(data);
    if (at === undefined || data.length - at > MAX_SHAPE_BYTES) return;
    const hash = hashOf(data, at, data.length);
    const others = this.#byHash.get(hash) ?? [];
    if (others.length >= MAX_SAME_HASH) return;
    if (others.some((other) => other.isShapeOf(data.subarray(at)))) return;
    const shape = ScalarShape.learn(
      this.#shapes.length,
      () => decodeOwnValue(data),
      copyBytes(data.subarray(at)),
    );
    if (shape === undefined) return;
    this.#byHash.set(hash, [...others, shape]);
    this.#shapes.push(shape);
    if (this.#last !== undefined) this.#last.next = shape;
    this.#last = shape;
  }
}

/** One scalar of a batch, as an event. */
export function toScalarEvent(batch: ScalarBatch, row: number): Event {
  const { first } = batch.sources[batch.sourceIndices[row]!]!;
  return {
    wallTime: batch.wallTimes[row]!,
    step: batch.steps[row]!,
    what: { kind: 'summary', values: [{ ...first, value: toContent(first, batch.values[row]!) }] },
  };
}

function toContent({ value }: SummaryValue, number: number): ValueContent {
  if (value?.kind !== 'tensor') return { kind: 'simpleValue', simpleValue: number };
  const { doubleVal, ...tensor } = value.tensor;
  if (tensor.tensorContent !== undefined) {
    const tensorContent = new Uint8Array(4);
    new DataView(tensorContent.buffer).setFloat32(0, number, true);
    return { kind: 'tensor', tensor: { ...tensor, tensorContent } };
  }
  const floatVal = Float32Array.of(number);
  const isExact = doubleVal !== undefined;
  return {
    kind: 'tensor',
    tensor: { ...tensor, floatVal, ...(isExact ? { doubleVal: Float64Array.of(number) } : {}) },
  };
}

/** A copy of the value of a record. `structuredClone` would copy all memory that the record lies in. */
function decodeOwnValue(data: Uint8Array): SummaryValue {
  const { what } = decodeEvent(copyBytes(data));
  return (what as Extract<typeof what, { kind: 'summary' }>).values[0]!;
}

/** The start of the summary in an event that has only wall time and step before it, and nothing after it; undefined for other events. */
function findSummary(data: Uint8Array): number | undefined {
  let at = data[0] === WALL_TIME_KEY ? WALL_TIME_BYTES : 0;
  if (data[at] === STEP_KEY) {
    at++;
    while ((data[at] ?? 0) > 127) at++;
    at++;
  }
  return data[at] === SUMMARY_KEY ? at : undefined;
}

function hashOf(bytes: Uint8Array, at: number, end: number): number {
  const tag = findTag(bytes, at, end);
  let hash = end - at;
  if (tag === undefined) return hash;
  for (let i = tag[0]; i < tag[1]; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash;
}
