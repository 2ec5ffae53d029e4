/**
 * Writes a protobuf message without computing sizes first. The length of a nested message is not known before its content, so it takes five bytes always: a varint
 * that is padded with zero bits, which decoders accept.
 */

import { type Pieces, piecesBytes, writePieces } from '../../../src/format/wire/encode-event.js';
import {
  BYTES,
  encodeUtf8,
  FIXED64,
  fieldKey,
  littleEndianBytes,
  MAX_VARINT_BYTES,
  VARINT,
  writeInt64,
  writeVarint,
} from '../../../src/format/wire/proto-bytes.js';

const LENGTH_BYTES = 5;

export class MessageWriter {
  #bytes: Uint8Array;
  #at: number;

  /** Leaves `reservedBytes` at the start for the caller. */
  constructor(reservedBytes = 0) {
    this.#bytes = new Uint8Array(4096);
    this.#at = reservedBytes;
  }

  /** The bytes written so far, with the reserved ones. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Writes a nested message. */
  message(field: number, write: () => void): void {
    this.#reserve(1 + LENGTH_BYTES);
    this.#bytes[this.#at] = fieldKey(field, BYTES);
    const start = this.#at + 1 + LENGTH_BYTES;
    this.#at = start;
    write();
    let rest = this.#at - start;
    for (let i = start - LENGTH_BYTES; i < start; i++) {
      this.#bytes[i] = (rest & 127) | (i === start - 1 ? 0 : 128);
      rest >>>= 7;
    }
  }

  /** Writes with `write`, and returns a copy of what it has written. */
  record(write: () => void): Uint8Array {
    const start = this.#at;
    write();
    return this.#bytes.slice(start, this.#at);
  }

  /** Writes fields that are encoded already. */
  encoded(fields: Uint8Array): void {
    this.#reserve(fields.length);
    this.#bytes.set(fields, this.#at);
    this.#at += fields.length;
  }

  string(field: number, value: string): void {
    this.bytes(field, encodeUtf8(value));
  }

  bytes(field: number, value: Uint8Array): void {
    if (value.length > 0) this.pieces(field, [value]);
  }

  /** Writes a length-delimited field, also if it is empty. */
  pieces(field: number, pieces: Pieces): void {
    const length = piecesBytes(pieces);
    this.#header(field, length);
    this.#at = writePieces(this.#bytes, this.#at, pieces);
  }

  int64(field: number, value: number | bigint): void {
    this.#reserve(1 + MAX_VARINT_BYTES);
    this.#bytes[this.#at] = fieldKey(field, VARINT);
    this.#at = writeInt64(this.#bytes, this.#at + 1, value);
  }

  double(field: number, value: number): void {
    this.#reserve(9);
    this.#bytes[this.#at] = fieldKey(field, FIXED64);
    new DataView(this.#bytes.buffer).setFloat64(this.#at + 1, value, true);
    this.#at += 9;
  }

  /** Writes numbers of fixed width as a packed field. */
  packed(field: number, values: Float32Array | Float64Array): void {
    this.bytes(field, littleEndianBytes(values));
  }

  /** Writes integers as a packed field. */
  packedInt64(field: number, values: ArrayLike<number | bigint>): void {
    this.message(field, () => {
      this.#reserve(values.length * MAX_VARINT_BYTES);
      for (let i = 0; i < values.length; i++) {
        const value = values[i]!;
        if (typeof value === 'number' && value >= 0 && value < 128) this.#bytes[this.#at++] = value;
        else this.#at = writeInt64(this.#bytes, this.#at, value);
      }
    });
  }

  #header(field: number, length: number): void {
    this.#reserve(1 + MAX_VARINT_BYTES + length);
    this.#bytes[this.#at] = fieldKey(field, BYTES);
    this.#at = writeVarint(this.#bytes, this.#at + 1, length);
  }

  #reserve(sizeBytes: number): void {
    const needed = this.#at + sizeBytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }
}
