/**
 * Writes protobuf's wire format directly into a buffer: first computes the sizes, then writes the bytes, without objects.
 *
 * Every `write…` returns the offset after the written bytes. The caller provides enough space.
 * Source: protobuf.dev/programming-guides/encoding.
 */

/** Wire types. */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

const encoder = new TextEncoder();

/** A field key: field number and wire type. One byte for field numbers below 16. */
export function fieldKey(fieldNumber: number, wireType: number): number {
  return (fieldNumber << 3) | wireType;
}

/** The UTF-8 bytes of a string; a lone surrogate becomes U+FFFD, because readers stop at invalid UTF-8. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The size of an unsigned varint; `value` is an integer in [0, 2^53]. */
export function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) count++;
  return count;
}

/** Writes an unsigned varint; `value` is an integer in [0, 2^53]. */
export function writeVarint(bytes: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest > 0x7fffffff) {
    bytes[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  while (rest > 127) {
    bytes[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/** The maximum size of an int64 varint, which every negative number has. */
export const MAX_VARINT_BYTES = 10;

/** Writes an int64 varint in two's complement, so a negative number takes 10 bytes. */
export function writeInt64(bytes: Uint8Array, offset: number, value: number | bigint): number {
  if (typeof value === 'number' && value >= 0) return writeVarint(bytes, offset, value);
  let at = offset;
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes[at++] = Number(rest & 127n) | 128;
    rest >>= 7n;
  }
  bytes[at++] = Number(rest);
  return at;
}

/** The size of an int64 varint. */
export function int64Bytes(value: number | bigint): number {
  if (typeof value === 'number') return value < 0 ? MAX_VARINT_BYTES : varintBytes(value);
  if (value < 0n) return MAX_VARINT_BYTES;
  let count = 1;
  for (let rest = value; rest > 127n; rest >>= 7n) count++;
  return count;
}

/** Writes the key and the length of a length-delimited field; the caller writes its content. */
export function writeDelimitedHeader(
  bytes: Uint8Array,
  offset: number,
  field: number,
  contentBytes: number,
): number {
  bytes[offset] = fieldKey(field, BYTES);
  return writeVarint(bytes, offset + 1, contentBytes);
}

/** The bytes of a typed array in little-endian order, in which protobuf packs fixed-width numbers. */
export function littleEndianBytes(
  values: Float32Array | Float64Array | Int32Array | Uint32Array,
): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (HOST_IS_LITTLE_ENDIAN) return bytes;
  const swapped = bytes.slice();
  for (let i = 0; i < swapped.length; i += values.BYTES_PER_ELEMENT) {
    swapped.subarray(i, i + values.BYTES_PER_ELEMENT).reverse();
  }
  return swapped;
}

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
