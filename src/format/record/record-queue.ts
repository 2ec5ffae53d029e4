/**
 * Complete records in memory that wait to be written: one growing buffer, consumed from the front.
 *
 * An encoder reserves space, writes a record's data in place and seals it, so nothing is copied between encoder and
 * file. Bytes are removed only after they were written, so a failed write loses nothing.
 */

import { FRAMING_BYTES, HEADER_BYTES, sealRecord, sealRecordWithCrc } from './record-codec.js';

const INITIAL_BYTES = 64 * 1024;
/** A buffer that grew above this size for a large record is released when it is empty. */
const KEPT_BYTES = 8 * 1024 * 1024;

export class RecordQueue {
  /** The buffer. `reserve` may replace it, so do not keep a reference across that call. */
  bytes = new Uint8Array(INITIAL_BYTES);
  /** A view of `bytes`. */
  view = new DataView(this.bytes.buffer);
  #start = 0;
  #end = 0;

  /** The size of all sealed records that wait to be written. */
  get sizeBytes(): number {
    return this.#end - this.#start;
  }

  /** The bytes that wait to be written, as a view that is valid until the next `reserve`. */
  get waiting(): Uint8Array {
    return this.bytes.subarray(this.#start, this.#end);
  }

  /** Reserves space for a record of up to `dataBytes` bytes. Returns the offset in `bytes` at which its data begins. */
  reserve(dataBytes: number): number {
    const needed = this.#end + dataBytes + FRAMING_BYTES;
    if (needed > this.bytes.length) this.#grow(dataBytes + FRAMING_BYTES);
    return this.#end + HEADER_BYTES;
  }

  /** Seals the record whose data ends at `dataEnd`. Returns its size, framing included. */
  seal(dataEnd: number): number {
    const start = this.#end;
    this.#end = sealRecord(this.bytes, this.view, start, dataEnd - start - HEADER_BYTES);
    return this.#end - start;
  }

  /** Like `seal`, for data with a known masked CRC. */
  sealWithCrc(dataEnd: number, maskedCrc: number): number {
    const start = this.#end;
    this.#end = sealRecordWithCrc(this.view, start, dataEnd - start - HEADER_BYTES, maskedCrc);
    return this.#end - start;
  }

  /** Removes the first `count` bytes, which the caller has written to the file. */
  consume(count: number): void {
    this.#start += count;
    if (this.#start < this.#end) return;
    this.#start = 0;
    this.#end = 0;
    if (this.bytes.length > KEPT_BYTES) this.#replace(new Uint8Array(INITIAL_BYTES));
  }

  #grow(extraBytes: number): void {
    const waiting = this.sizeBytes;
    const needed = waiting + extraBytes;
    let capacity = this.bytes.length;
    while (capacity < needed) capacity *= 2;
    if (capacity === this.bytes.length) {
      this.bytes.copyWithin(0, this.#start, this.#end);
    } else {
      const larger = new Uint8Array(capacity);
      larger.set(this.waiting);
      this.#replace(larger);
    }
    this.#start = 0;
    this.#end = waiting;
  }

  #replace(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}
