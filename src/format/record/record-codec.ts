/**
 * Framing of event files: bytes in, records out. Does not look inside a record's data.
 *
 *     uint64 length | uint32 masked CRC of length | byte data[length] | uint32 masked CRC of data
 *
 * All integers little-endian. Source: tensorflow/core/lib/io/record_writer.h, tensorboard/summary/writer/record_writer.py.
 */

import { CorruptRecordError } from '../../base/errors.js';
import { maskedCrc32c } from './crc32c.js';

export const HEADER_BYTES = 12;
export const FOOTER_BYTES = 4;
/** The bytes that framing adds to a record's data. */
export const FRAMING_BYTES = HEADER_BYTES + FOOTER_BYTES;

/**
 * The longest data that is accepted. Protobuf messages are shorter than 2 GiB. A larger length with a matching CRC is a
 * bug of the writer, and a reader would wait forever for those bytes.
 */
export const MAX_DATA_BYTES = 2 ** 31 - 1;

const CACHED_LENGTHS = 1024;
/** The masked CRC of each short length field. 0 means not computed yet: no length below the limit has that CRC. */
const lengthCrcs = new Uint32Array(CACHED_LENGTHS);
const lengthBytes = new Uint8Array(8);
const lengthView = new DataView(lengthBytes.buffer);

/** Encodes one record, which is 16 bytes longer than `data`. */
export function encodeRecord(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length + FRAMING_BYTES);
  out.set(data, HEADER_BYTES);
  sealRecord(out, new DataView(out.buffer), 0, data.length);
  return out;
}

/**
 * Writes the header and footer around data that is already at `bytes[start + 12, start + 12 + dataBytes)`. `view`
 * covers the same memory as `bytes`, from the same first byte. Returns the offset after the record.
 */
export function sealRecord(bytes: Uint8Array, view: DataView, start: number, dataBytes: number): number {
  const dataStart = start + HEADER_BYTES;
  const crc = maskedCrc32c(bytes, dataStart, dataStart + dataBytes);
  return sealRecordWithCrc(view, start, dataBytes, crc);
}

/** Like `sealRecord`, for data with a known masked CRC. */
export function sealRecordWithCrc(
  view: DataView,
  start: number,
  dataBytes: number,
  maskedCrc: number,
): number {
  const dataEnd = start + HEADER_BYTES + dataBytes;
  // Compute this before the writes: V8 compiles a write whose argument may branch as a call, which takes as long as all the others.
  const lengthCrc = maskedLengthCrc(dataBytes);
  view.setUint32(start, dataBytes, true);
  view.setUint32(start + 4, dataBytes / 2 ** 32, true);
  view.setUint32(start + 8, lengthCrc, true);
  view.setUint32(dataEnd, maskedCrc, true);
  return dataEnd + FOOTER_BYTES;
}

/** The masked CRC of a header for `dataBytes` bytes of data. */
export function maskedLengthCrc(dataBytes: number): number {
  return lengthCrcs[dataBytes] || computeLengthCrc(dataBytes);
}

function computeLengthCrc(dataBytes: number): number {
  lengthView.setUint32(0, dataBytes >>> 0, true);
  lengthView.setUint32(4, Math.floor(dataBytes / 2 ** 32), true);
  const crc = maskedCrc32c(lengthBytes);
  if (dataBytes < CACHED_LENGTHS) lengthCrcs[dataBytes] = crc;
  return crc;
}

/** The result of one decoding step: a record, or the number of bytes that are missing before it is complete. */
export type DecodedRecord =
  | {
      readonly kind: 'record';
      /** The record's data, as a view into the input. */
      readonly data: Uint8Array;
      /** Offset after the record. */
      readonly end: number;
    }
  | { readonly kind: 'incomplete'; readonly missingBytes: number };

/**
 * Decodes the record that begins at `bytes[start]`.
 *
 * Returns `incomplete` for a partial record, because a growing file ends that way. Throws `CorruptRecordError` with
 * `fileOffset`, the position of the record in its file, when a CRC does not match.
 */
export function decodeRecord(bytes: Uint8Array, start = 0, fileOffset = start): DecodedRecord {
  const available = bytes.length - start;
  if (available < HEADER_BYTES) return { kind: 'incomplete', missingBytes: HEADER_BYTES - available };
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, available);
  if (view.getUint32(8, true) !== maskedCrc32c(bytes, start, start + 8)) {
    throw new CorruptRecordError(fileOffset, 'length');
  }
  const dataBytes = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (dataBytes > MAX_DATA_BYTES) throw new CorruptRecordError(fileOffset, 'length');
  const total = dataBytes + FRAMING_BYTES;
  if (available < total) return { kind: 'incomplete', missingBytes: total - available };
  const dataStart = start + HEADER_BYTES;
  const dataEnd = dataStart + dataBytes;
  if (view.getUint32(HEADER_BYTES + dataBytes, true) !== maskedCrc32c(bytes, dataStart, dataEnd)) {
    throw new CorruptRecordError(fileOffset, 'data');
  }
  return { kind: 'record', data: bytes.subarray(dataStart, dataEnd), end: dataEnd + FOOTER_BYTES };
}

/** The first offset at or after `start` where a record may begin: its length matches its CRC, or fewer bytes than a header remain. */
export function findRecordHeader(bytes: Uint8Array, start: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = start;
  for (; at + HEADER_BYTES <= bytes.length; at++) {
    if (view.getUint32(at + 4, true) !== 0) continue;
    const dataBytes = view.getUint32(at, true);
    const crc = view.getUint32(at + 8, true);
    // A header is never all zeros, because the masked CRC of the length 0 is not 0. A power failure can leave gigabytes of zeros.
    if (dataBytes === 0 && crc === 0) at = findNonZero(view, at + HEADER_BYTES) - HEADER_BYTES;
    else if (dataBytes <= MAX_DATA_BYTES && crc === maskedLengthCrc(dataBytes)) break;
  }
  return at;
}

/** The offset of the first byte at or after `start` that is not 0; the end of the view if there is none. */
function findNonZero(view: DataView, start: number): number {
  let at = start;
  while (at + 4 <= view.byteLength && view.getUint32(at, true) === 0) at += 4;
  while (at < view.byteLength && view.getUint8(at) === 0) at++;
  return at;
}
