/**
 * The CRC-32 of a whole from the CRC-32s of its pieces, so that pieces can be read and sent in any order. Pure.
 *
 * A CRC is a remainder of polynomials over GF(2): appending n zero bytes multiplies it by x^(8n), and what is appended in their
 * place is added. Bits are reflected, the highest power in bit 0; the generators are those of ISO 3309 and of Castagnoli.
 */

const ISO = 0xedb88320;
const CASTAGNOLI = 0x82f63b78;
/** x^0, reflected. */
const ONE = 0x80000000;
/** x^8, reflected: what one appended byte multiplies by. */
const ONE_BYTE = 0x00800000;

/** CRC-32 of `a` followed by `b`, of which `sizeBytesOfB` bytes went into `crcOfB`. */
export function combineCrc32(crcOfA: number, crcOfB: number, sizeBytesOfB: number): number {
  return combine(ISO, crcOfA, crcOfB, sizeBytesOfB);
}

/** The same of CRC-32Cs. */
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
