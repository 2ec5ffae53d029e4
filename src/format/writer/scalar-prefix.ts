/**
 * The beginning of an event, wall time and step, with what it does to the CRC: kept from one scalar to the next, since values of one
 * step follow each other, and thousands may share a millisecond.
 */

import { updateCrc } from '../record/crc32c.js';
import { FIXED64, fieldKey, MAX_VARINT_BYTES, VARINT, writeInt64 } from '../wire/proto-bytes.js';

const WALL_TIME_KEY = fieldKey(1, FIXED64);
const STEP_KEY = fieldKey(2, VARINT);
const WALL_TIME_BYTES = 9;

/** Most bytes of a prefix, in whole words. */
export const MAX_PREFIX_BYTES = Math.ceil((WALL_TIME_BYTES + 1 + MAX_VARINT_BYTES) / 4) * 4;

/** The register of a CRC before its first byte. */
const START = -1;

export class ScalarPrefix {
  readonly #bytes = new Uint8Array(MAX_PREFIX_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  #wallTime = 0;
  #step: number | bigint = 0;
  #wallTimeBytes = 0;
  #wallTimeRegister = START;
  /** Bytes of the prefix. */
  sizeBytes = 0;
  /** The register of the CRC after it. */
  register = START;

  /** Becomes the prefix of this wall time and step; defaults are left out. */
  set(wallTime: number, step: number | bigint): void {
    if (step !== this.#step || wallTime !== this.#wallTime) this.#change(wallTime, step);
  }

  /** Writes the prefix at `at`, and up to three bytes more; returns the offset after it. */
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
