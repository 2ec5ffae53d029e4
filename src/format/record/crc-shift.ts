/**
 * Computes the CRC of records that are mostly constant bytes: the records of one tag differ in a few bytes only.
 *
 * A CRC register is linear over the bytes that go through it. A block of constant bytes therefore changes the register
 * by a table, which depends on the length of the block only, and a constant, which depends on its content. Four lookups
 * replace the work for any number of bytes.
 */

import { updateCrc } from './crc32c.js';

/** The effect of a number of zero bytes on each of the register's four bytes: four tables of 256 entries. */
export type CrcShift = Int32Array;

/** By number of bytes. Each takes a few kilobytes; each name length needs one. */
const shifts: (CrcShift | undefined)[] = [];

/** The tables for `byteCount` zero bytes, from 1 to a few thousand. */
export function shiftOf(byteCount: number): CrcShift {
  const shift = shifts[byteCount];
  return shift === undefined ? addShift(byteCount) : shift;
}

function addShift(byteCount: number): CrcShift {
  while (shifts.length <= byteCount) shifts.push(undefined);
  const shift = createShift(byteCount);
  shifts[byteCount] = shift;
  return shift;
}

/** The register after the zero bytes that the tables stand for. For constant bytes, XOR the result with their constant. */
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
