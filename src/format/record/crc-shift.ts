/**
 * The CRC of bytes of which most are known beforehand: records of one tag differ in a few bytes only.
 *
 * A CRC register is linear over the bytes that go through it. So what known bytes do to it is: a table for their number, the
 * same for all bytes of that length, and one constant of their own. Four look-ups stand for any number of bytes.
 */

import { updateCrc } from './crc32c.js';

/** What a number of bytes does to each of the register's four bytes: four tables of 256 entries. */
export type CrcShift = Int32Array;

/** By number of bytes; a few kilobytes each, as many as there are lengths of names. */
const shifts = new Map<number, CrcShift>();

/** The tables for this many zero bytes, between 1 and a few thousand. */
export function shiftOf(byteCount: number): CrcShift {
  let shift = shifts.get(byteCount);
  if (shift === undefined) {
    shift = createShift(byteCount);
    shifts.set(byteCount, shift);
  }
  return shift;
}

/** The register after as many zero bytes as the tables are for; after known bytes: that, and their constant, in exclusive or. */
export function applyShift(shift: CrcShift, register: number): number {
  return (
    shift[register & 255]! ^
    shift[256 + ((register >>> 8) & 255)]! ^
    shift[512 + ((register >>> 16) & 255)]! ^
    shift[768 + (register >>> 24)]!
  );
}

function createShift(byteCount: number): CrcShift {
  const zeros = new Uint8Array(byteCount);
  const shift = new Int32Array(4 * 256);
  for (let lane = 0; lane < 4; lane++) {
    for (let bit = 0; bit < 8; bit++) {
      shift[lane * 256 + (1 << bit)] = updateCrc(1 << (lane * 8 + bit), zeros, 0, byteCount);
    }
    for (let byte = 1; byte < 256; byte++) {
      const lowest = byte & -byte;
      shift[lane * 256 + byte] = shift[lane * 256 + lowest]! ^ shift[lane * 256 + (byte ^ lowest)]!;
    }
  }
  return shift;
}
