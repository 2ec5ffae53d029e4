/** The read position in an event file, with checksums that detect whether the file is still the same one. Plain JSON. */

import { crc32 } from 'node:zlib';
import type { LocalFile } from '../source/local-file.js';

export interface FilePosition {
  /** Offset of the next byte to read. */
  readonly offset: number;
  /** The bytes before `offset` are damaged, so the next record is searched for byte by byte. */
  readonly isResyncing: boolean;
  /** Checksums of the first bytes, and of the last bytes before `offset`; they differ in another file. */
  readonly head: Mark;
  readonly tail: Mark;
}

interface Mark {
  readonly sizeBytes: number;
  readonly crc32: number;
}

const HEAD_BYTES = 512;
const TAIL_BYTES = 256;
const NOTHING: Mark = { sizeBytes: 0, crc32: 0 };

export const START: FilePosition = { offset: 0, isResyncing: false, head: NOTHING, tail: NOTHING };

/** Returns true when a file of `sizeBytes` still matches the marks of a position. */
export async function isIntact(file: LocalFile, sizeBytes: number, position: FilePosition): Promise<boolean> {
  const { offset, head, tail } = position;
  if (sizeBytes < offset) return false;
  return (await isAt(file, 0, head)) && (await isAt(file, offset - tail.sizeBytes, tail));
}

/** Returns the position at `offset` with its marks; null when the file has become shorter. */
export async function markPosition(
  file: LocalFile,
  offset: number,
  isResyncing: boolean,
): Promise<FilePosition | null> {
  const head = await readMark(file, 0, Math.min(offset, HEAD_BYTES));
  const tail = await readMark(file, Math.max(0, offset - TAIL_BYTES), Math.min(offset, TAIL_BYTES));
  return head === null || tail === null ? null : { offset, isResyncing, head, tail };
}

async function isAt(file: LocalFile, start: number, mark: Mark): Promise<boolean> {
  return (await readMark(file, start, mark.sizeBytes))?.crc32 === mark.crc32;
}

async function readMark(file: LocalFile, start: number, sizeBytes: number): Promise<Mark | null> {
  const bytes = await readExactly(file, start, sizeBytes);
  return bytes === null ? null : { sizeBytes, crc32: crc32(bytes) };
}

/** Returns null when the file has become shorter. */
export async function readExactly(file: LocalFile, start: number, sizeBytes: number): Promise<Buffer | null> {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  return (await file.readInto(bytes, start)) < sizeBytes ? null : bytes;
}
