/**
 * CRC-32C (Castagnoli) over a range of a buffer, and TensorFlow's masked form of it.
 *
 * The slicing-by-16 tables are a single module-level instance. With two instances from a factory, V8 does not
 * specialise the function to its tables, and short inputs take 1.5 times as long. The functions take a range because a
 * record lies in the middle of the queue, and a `subarray` per record would be garbage.
 */

const POLYNOMIAL_REFLECTED = 0x82f63b78;
const MASK_DELTA = 0xa282ead8;
const SLICES = 16;
/** The length from which creating a `DataView` pays off. */
const MIN_LONG_BYTES = 512;

/** `T[k * 256 + b]`: the CRC of byte `b` followed by `k` zero bytes. */
const T = createTables();

/**
 * The CRC-32C of `bytes[start, end)`, as an unsigned 32-bit integer.
 *
 * `previous` continues a CRC over bytes that came before.
 */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length, previous = 0): number {
  let crc = ~previous;
  let i = start;
  if (end - start >= MIN_LONG_BYTES) {
    const longEnd = end - ((end - start) % SLICES);
    crc = passWords(crc, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), i, longEnd);
    i = longEnd;
  }
  const lastSlice = end - SLICES;
  while (i <= lastSlice) {
    crc =
      T[3840 + (bytes[i++]! ^ (crc & 255))]! ^
      T[3584 + (bytes[i++]! ^ ((crc >>> 8) & 255))]! ^
      T[3328 + (bytes[i++]! ^ ((crc >>> 16) & 255))]! ^
      T[3072 + (bytes[i++]! ^ (crc >>> 24))]! ^
      T[2816 + bytes[i++]!]! ^
      T[2560 + bytes[i++]!]! ^
      T[2304 + bytes[i++]!]! ^
      T[2048 + bytes[i++]!]! ^
      T[1792 + bytes[i++]!]! ^
      T[1536 + bytes[i++]!]! ^
      T[1280 + bytes[i++]!]! ^
      T[1024 + bytes[i++]!]! ^
      T[768 + bytes[i++]!]! ^
      T[512 + bytes[i++]!]! ^
      T[256 + bytes[i++]!]! ^
      T[bytes[i++]!]!;
  }
  while (i <= end - 4) {
    crc =
      T[768 + (bytes[i++]! ^ (crc & 255))]! ^
      T[512 + (bytes[i++]! ^ ((crc >>> 8) & 255))]! ^
      T[256 + (bytes[i++]! ^ ((crc >>> 16) & 255))]! ^
      T[bytes[i++]! ^ (crc >>> 24)]!;
  }
  while (i < end) crc = (crc >>> 8) ^ T[(crc ^ bytes[i++]!) & 255]!;
  return ~crc >>> 0;
}

/** Like the loop above, but reads words. As fast as WebAssembly; the `DataView` pays off for long inputs. */
function passWords(register: number, view: DataView, start: number, end: number): number {
  let crc = register;
  for (let i = start; i < end; i += SLICES) {
    const a = view.getInt32(i, true) ^ crc;
    const b = view.getInt32(i + 4, true);
    const c = view.getInt32(i + 8, true);
    const d = view.getInt32(i + 12, true);
    crc =
      T[3840 + (a & 255)]! ^
      T[3584 + ((a >>> 8) & 255)]! ^
      T[3328 + ((a >>> 16) & 255)]! ^
      T[3072 + (a >>> 24)]! ^
      T[2816 + (b & 255)]! ^
      T[2560 + ((b >>> 8) & 255)]! ^
      T[2304 + ((b >>> 16) & 255)]! ^
      T[2048 + (b >>> 24)]! ^
      T[1792 + (c & 255)]! ^
      T[1536 + ((c >>> 8) & 255)]! ^
      T[1280 + ((c >>> 16) & 255)]! ^
      T[1024 + (c >>> 24)]! ^
      T[768 + (d & 255)]! ^
      T[512 + ((d >>> 8) & 255)]! ^
      T[256 + ((d >>> 16) & 255)]! ^
      T[d >>> 24]!;
  }
  return crc;
}

/**
 * The form in which event files store a CRC: masked, so that the CRC of bytes that contain CRCs stays useful.
 *
 * Source: tensorflow/core/lib/hash/crc32c.h: rotate right by 15, add 0xA282EAD8, modulo 2^32.
 */
export function maskCrc(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

/** The masked CRC-32C of `bytes[start, end)`. */
export function maskedCrc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return maskCrc(crc32c(bytes, start, end));
}

/** The register after `bytes[start, end)`: `crc32c` without its inversions. */
export function updateCrc(register: number, bytes: Uint8Array, start: number, end: number): number {
  return ~crc32c(bytes, start, end, ~register);
}

/** The register, starting from 0, after a little-endian 32-bit integer and up to 12 zero bytes. */
export function updateCrcInt32(value: number, zeroBytes: number): number {
  const row = zeroBytes * 256;
  return (
    T[row + 768 + (value & 255)]! ^
    T[row + 512 + ((value >>> 8) & 255)]! ^
    T[row + 256 + ((value >>> 16) & 255)]! ^
    T[row + (value >>> 24)]!
  );
}

function createTables(): Int32Array {
  const tables = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL_REFLECTED : crc >>> 1;
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const shorter = tables[i - 256]!;
    tables[i] = (shorter >>> 8) ^ tables[shorter & 255]!;
  }
  return tables;
}
