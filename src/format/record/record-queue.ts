/**
 * Whole records in memory, waiting for the disk: one growing buffer that is written from the front.
 *
 * An encoder asks for room, writes a record's data in place and seals it; nothing is copied on the way to the file. Bytes
 * leave only after the file has them, so a failed write loses nothing.
 */

import { FRAMING_BYTES, HEADER_BYTES, sealRecord, sealRecordWithCrc } from './record-codec.js';

const INITIAL_BYTES = 64 * 1024;
/** A buffer that grew above this for one large record is given back once it is empty. */
const KEPT_BYTES = 8 * 1024 * 1024;

export class RecordQueue {
  /** The buffer; replaced whenever it grows, so never keep it across a `reserve`. */
  bytes = new Uint8Array(INITIAL_BYTES);
  /** A view of `bytes`. */
  view = new DataView(this.bytes.buffer);
  #start = 0;
  #end = 0;

  /** Bytes of sealed records that wait. */
  get sizeBytes(): number {
    return this.#end - this.#start;
  }

  /** The bytes that wait, as a view that is valid until the next `reserve`. */
  get waiting(): Uint8Array {
    return this.bytes.subarray(this.#start, this.#end);
  }

  /** Makes room for a record of up to `dataBytes` bytes and returns the offset in `bytes` at which its data begins. */
  reserve(dataBytes: number): number {
    const needed = this.#end + dataBytes + FRAMING_BYTES;
    if (needed > this.bytes.length) this.#grow(dataBytes + FRAMING_BYTES);
    return this.#end + HEADER_BYTES;
  }

  /** Seals the record whose data was written from the reserved offset up to `dataEnd`; returns its size with framing. */
  seal(dataEnd: number): number {
    const start = this.#end;
    this.#end = sealRecord(this.bytes, this.view, start, dataEnd - start - HEADER_BYTES);
    return this.#end - start;
  }

  /** As `seal`, for data whose masked CRC is known. */
  sealWithCrc(dataEnd: number, maskedCrc: number): number {
    const start = this.#end;
    this.#end = sealRecordWithCrc(this.view, start, dataEnd - start - HEADER_BYTES, maskedCrc);
    return this.#end - start;
  }

  /** Forgets the first `count` bytes that wait: the file has them. */
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
