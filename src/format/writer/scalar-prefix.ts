/**
 * The start of an event (wall time and step) and its CRC. Kept from one scalar to the next, because values of one step follow each
 * other and thousands may share a millisecond.
 */

import { updateCrc } from '../record/crc32c.js';
import { FIXED64, fieldKey, MAX_VARINT_BYTES, VARINT, writeInt64 } from '../wire/proto-bytes.js';

const WALL_TIME_KEY = fieldKey(1, FIXED64);
const STEP_KEY = fieldKey(2, VARINT);
const WALL_TIME_BYTES = 9;

/** The maximum size of a prefix, rounded up to whole words. */
export const MAX_PREFIX_BYTES = Math.ceil((WALL_TIME_BYTES + 1 + MAX_VARINT_BYTES) / 4) * 4;

/** The initial CRC register. */
const START = -1;

export class ScalarPrefix {
  readonly #bytes = new Uint8Array(MAX_PREFIX_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  #wallTime = 0;
  #step: number | bigint = 0;
  #wallTimeBytes = 0;
  #wallTimeRegister = START;
  sizeBytes = 0;
  /** The CRC register after the prefix. */
  register = START;

  /** Sets the prefix to this wall time and step; omits defaults. */
  set(wallTime: number, step: number | bigint): void {
    if (step !== this.#step || wallTime !== this.#wallTime) this.#change(wallTime, step);
  }

  /** Writes the prefix at `at`, and up to three bytes more. Returns the offset after the prefix. */
  write(view: DataView, at: number): number {
    const { sizeBytes } = this;
    for (let i = 0; i < sizeBytes; i += 4) view.setInt32(at + i, this.#view.getInt32(i, true), true);
    return at + sizeBytes;
  }

  #change(wallTime: number, step: number | bigint): void {
    if (wallTime !== this.#wallTime) this.#setWallTime(wallTime);
    this.#step = step;
    let end = this.#wallTimeBytes;
    if (step !== 0 && step !== 0n) {
      this.#bytes[end] = STEP_KEY;
      end = writeInt64(this.#bytes, end + 1, step);
    }
    this.sizeBytes = end;
    this.register = updateCrc(this.#wallTimeRegister, this.#bytes, this.#wallTimeBytes, end);
  }

  #setWallTime(wallTime: number): void {
    this.#wallTime = wallTime;
    this.#wallTimeBytes = wallTime === 0 ? 0 : WALL_TIME_BYTES;
    this.#bytes[0] = WALL_TIME_KEY;
    this.#view.setFloat64(1, wallTime, true);
    this.#wallTimeRegister = updateCrc(START, this.#bytes, 0, this.#wallTimeBytes);
  }
}
