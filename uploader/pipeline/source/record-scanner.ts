/**
 * Finds the end of the last whole record of an event file, piece by piece. Buffers only a few bytes, as a record may have gigabytes.
 *
 * Every CRC is checked. After an invalid header, the next valid header is searched for byte by byte. After invalid data, scanning continues
 * with the next record.
 */

import { crc32c, maskCrc, maskedCrc32c } from '../../../src/format/record/crc32c.js';
import {
  FOOTER_BYTES,
  findRecordHeader,
  HEADER_BYTES,
  MAX_DATA_BYTES,
} from '../../../src/format/record/record-codec.js';

type Expected =
  | { readonly kind: 'header' }
  | { readonly kind: 'data'; readonly sizeBytes: number; crc: number; left: number }
  | { readonly kind: 'footer'; readonly crc: number };

export class RecordScanner {
  /** The end of the last whole record. */
  wholeEnd: number;
  /** Offset of the first byte that does not belong to a valid record; null when no such byte exists. */
  damageStart: number | null = null;
  readonly #acceptsDamage: boolean;
  #position: number;
  #expected: Expected = { kind: 'header' };
  /** Bytes of an incomplete header or footer. */
  readonly #held = Buffer.alloc(HEADER_BYTES);
  readonly #view = new DataView(this.#held.buffer, this.#held.byteOffset, HEADER_BYTES);
  #heldBytes = 0;

  /** Begins at `start`, the first byte of a record. With `acceptsDamage`, whole records after damaged bytes count too. */
  constructor(start: number, options: { acceptsDamage: boolean }) {
    this.wholeEnd = start;
    this.#position = start;
    this.#acceptsDamage = options.acceptsDamage;
  }

  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.damageStart !== null && !this.#acceptsDamage) return;
      const count =
        this.#expected.kind === 'data' ? this.#pushData(bytes, at, this.#expected) : this.#hold(bytes, at);
      at += count;
      this.#position += count;
      this.#advance();
    }
  }

  #pushData(bytes: Buffer, at: number, expected: Expected & { kind: 'data' }): number {
    const count = Math.min(expected.left, bytes.length - at);
    expected.crc = crc32c(bytes, at, at + count, expected.crc);
    expected.left -= count;
    return count;
  }

  #hold(bytes: Buffer, at: number): number {
    const isHeader = this.#expected.kind === 'header';
    const start = at - this.#heldBytes;
    if (isHeader && this.damageStart !== null && start >= 0) {
      // Everything held is also in this piece, so the search can skip what cannot be a header.
      const found = findRecordHeader(bytes, start);
      if (found > start) {
        this.#heldBytes = 0;
        return found - at;
      }
    }
    const wanted = isHeader ? HEADER_BYTES : FOOTER_BYTES;
    const count = Math.min(wanted - this.#heldBytes, bytes.length - at);
    bytes.copy(this.#held, this.#heldBytes, at, at + count);
    this.#heldBytes += count;
    return count;
  }

  #advance(): void {
    const expected = this.#expected;
    if (expected.kind === 'data' && expected.left === 0)
      this.#expected = { kind: 'footer', crc: maskCrc(expected.crc) };
    else if (expected.kind === 'footer' && this.#heldBytes === FOOTER_BYTES) this.#endRecord(expected.crc);
    else if (expected.kind === 'header' && this.#heldBytes === HEADER_BYTES) this.#beginRecord();
  }

  #beginRecord(): void {
    const sizeBytes = this.#view.getUint32(0, true) + this.#view.getUint32(4, true) * 2 ** 32;
    const isGood =
      this.#view.getUint32(8, true) === maskedCrc32c(this.#held, 0, 8) && sizeBytes <= MAX_DATA_BYTES;
    if (isGood) {
      this.#heldBytes = 0;
      this.#expected = { kind: 'data', sizeBytes, crc: 0, left: sizeBytes };
      if (sizeBytes === 0) this.#advance();
    } else {
      this.damageStart ??= this.#position - HEADER_BYTES;
      this.#held.copyWithin(0, 1);
      this.#heldBytes -= 1;
    }
  }

  #endRecord(crc: number): void {
    const isGood = this.#view.getUint32(0, true) === crc;
    this.#heldBytes = 0;
    this.#expected = { kind: 'header' };
    if (isGood) this.wholeEnd = this.#position;
    else this.damageStart ??= this.wholeEnd;
  }
}
