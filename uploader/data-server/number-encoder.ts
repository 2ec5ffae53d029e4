/** Encodes the numbers of series, and keeps the last answers: a page that reloads asks for the same ones. */

import {
  BYTES,
  fieldKey,
  MAX_VARINT_BYTES,
  writeInt64,
  writeVarint,
} from '../../src/format/wire/proto-bytes.js';
import { type NumberPoints, selectPoints } from './model/number-columns.js';

interface Answer {
  readonly added: number;
  readonly target: number;
  readonly bytes: Uint8Array;
}

const MAX_KEPT_BYTES = 4 * 1024 * 1024;
const STEP = 1;
const WALL_TIME = 2;
const VALUE = 3;
/** Keys and lengths of the three columns. */
const HEADERS_BYTES = 3 * (1 + MAX_VARINT_BYTES);

export class NumberEncoder {
  /** In the order of use. */
  readonly #kept = new Map<NumberPoints, Answer>();
  #keptBytes = 0;

  /** A `ScalarData` of about `target` points. */
  encode(points: NumberPoints, target: number): Uint8Array {
    const { added } = points;
    const kept = this.#kept.get(points);
    if (kept !== undefined) this.#forget(points, kept);
    const isCurrent = kept !== undefined && kept.added === added && kept.target === target;
    const bytes = isCurrent ? kept.bytes : encodeNumbers(points, target);
    if (added !== undefined) this.#keep(points, { added, target, bytes });
    return bytes;
  }

  #keep(points: NumberPoints, answer: Answer): void {
    this.#kept.set(points, answer);
    this.#keptBytes += answer.bytes.length;
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#keptBytes <= MAX_KEPT_BYTES) break;
      this.#forget(oldest, { bytes });
    }
  }

  #forget(points: NumberPoints, { bytes }: Pick<Answer, 'bytes'>): void {
    this.#kept.delete(points);
    this.#keptBytes -= bytes.length;
  }
}

function encodeNumbers(points: NumberPoints, target: number): Uint8Array {
  const { steps, wallTimes, values, exactSteps } = points;
  const chosen = selectPoints(values, points.count, target);
  const count = chosen?.length ?? points.count;
  const bytes = new Uint8Array(HEADERS_BYTES + count * (MAX_VARINT_BYTES + 12));
  const view = new DataView(bytes.buffer);
  // The steps come first, and their length before them: leave as many bytes as it needs at most.
  const stepsAt = 1 + MAX_VARINT_BYTES;
  let at = stepsAt;
  for (let i = 0; i < count; i++) {
    const row = chosen === undefined ? i : chosen[i]!;
    const step = exactSteps?.get(row) ?? steps[row]!;
    if (typeof step === 'number' && step >= 0 && step < 128) bytes[at++] = step;
    else at = writeInt64(bytes, at, step);
  }
  const header = new Uint8Array(stepsAt);
  header[0] = fieldKey(STEP, BYTES);
  const headerBytes = writeVarint(header, 1, at - stepsAt);
  const start = stepsAt - headerBytes;
  bytes.set(header.subarray(0, headerBytes), start);
  bytes[at] = fieldKey(WALL_TIME, BYTES);
  at = writeVarint(bytes, at + 1, count * 8);
  for (let i = 0; i < count; i++, at += 8)
    view.setFloat64(at, wallTimes[chosen === undefined ? i : chosen[i]!]!, true);
  bytes[at] = fieldKey(VALUE, BYTES);
  at = writeVarint(bytes, at + 1, count * 4);
  for (let i = 0; i < count; i++, at += 4)
    view.setFloat32(at, values[chosen === undefined ? i : chosen[i]!]!, true);
  return bytes.slice(start, at);
}
