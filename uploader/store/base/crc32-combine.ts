/**
 * Combines the CRC-32s of pieces into the CRC-32 of the whole, so that pieces can be read and sent in any order. Pure.
 *
 * A CRC is the remainder of a polynomial division over GF(2). Appending n zero bytes multiplies it by x^(8n); other bytes instead of zeros add
 * their own CRC. Bits are reflected: bit 0 is the highest power. The generators are those of ISO 3309 and Castagnoli.
 */

const ISO = 0xedb88320;
const CASTAGNOLI = 0x82f63b78;
/** x^0, reflected. */
const ONE = 0x80000000;
/** x^8, reflected: the factor of one appended byte. */
const ONE_BYTE = 0x00800000;

/** CRC-32 of `a` followed by `b`, where `b` has `sizeBytesOfB` bytes. */
export function combineCrc32(crcOfA: number, crcOfB: number, sizeBytesOfB: number): number {
  return combine(ISO, crcOfA, crcOfB, sizeBytesOfB);
}

/** CRC-32C of `a` followed by `b`, where `b` has `sizeBytesOfB` bytes. */
export function combineCrc32c(crcOfA: number, crcOfB: number, sizeBytesOfB: number): number {
  return combine(CASTAGNOLI, crcOfA, crcOfB, sizeBytesOfB);
}

function combine(generator: number, crcOfA: number, crcOfB: number, sizeBytesOfB: number): number {
  return (multiply(generator, crcOfA, powerOfOneByte(generator, sizeBytesOfB)) ^ crcOfB) >>> 0;
}

/** x^(8·n) modulo the generator, by squaring. `n` may exceed 2^32: no bit operations on it. */
function powerOfOneByte(generator: number, n: number): number {
  let result = ONE;
  let square = ONE_BYTE;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = multiply(generator, result, square);
    square = multiply(generator, square, square);
  }
  return result;
}

/** The product of two reflected polynomials modulo the generator. */
function multiply(generator: number, a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let mask = ONE; mask !== 0; mask >>>= 1) {
    if ((a & mask) !== 0) product ^= shifted;
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ generator;
  }
  return product >>> 0;
}
