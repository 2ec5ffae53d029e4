/**
 * Extends a file in place. The object keeps its inode, so that a program that has it open sees the new bytes.
 *
 * The alternative, renaming a copy over the object, never shows a partial tail. But TensorBoard's fast reader keeps files open and would read
 * the old inode forever, and each append would copy the whole object. The drawback of appending in place: while the tail is written, and
 * after a crash until the next commit, a reader may see only a part of the tail. What it sees is always a prefix of the file.
 */

import { crc32 } from 'node:zlib';
import type { FileStat, UpdatableFile } from '../../base/io/file-system.js';
import { combineCrc32 } from '../base/crc32-combine.js';
import type { AppendRequest } from '../base/store.js';

const MIB = 1024 * 1024;
/** Tails up to this size stay in memory between check and write; larger ones are read twice. */
const HELD_BYTES = 16 * MIB;
const CHUNK_BYTES = MIB;

/** A tail that, after the base, makes up the target. */
export interface CheckedTail {
  readonly bytes: Buffer | null;
  /** The CRC-32 of each chunk, in order. */
  readonly crcs: readonly number[];
}

/** Reads the tail; null when base and tail do not make up the target. */
export async function checkTail(request: AppendRequest): Promise<CheckedTail | null> {
  const { source, base, target, signal } = request;
  const isHeld = target.sizeBytes - base.sizeBytes <= HELD_BYTES;
  const chunks: Buffer[] = [];
  const crcs: number[] = [];
  let whole = base.crc32;
  for (const { start, end } of toChunks(request)) {
    signal?.throwIfAborted();
    const bytes = await source.read(start, end);
    if (bytes.length !== end - start) return null;
    const crc = crc32(bytes);
    crcs.push(crc);
    whole = combineCrc32(whole, crc, bytes.length);
    // Copy the bytes, because the source may reuse its buffer.
    if (isHeld) chunks.push(Buffer.from(bytes));
  }
  if (whole !== target.crc32) return null;
  return { bytes: isHeld ? Buffer.concat(chunks) : null, crcs };
}

export type WriteOutcome =
  | { readonly status: 'written'; readonly stat: FileStat }
  | { readonly status: 'changed' }
  /** The bytes read back from disk differ from those written. */
  | { readonly status: 'damaged' };

/** Writes the tail after the base, syncs it and reads it back. After any failure, the file is truncated to the base. */
export async function writeTail(
  file: UpdatableFile,
  request: AppendRequest,
  tail: CheckedTail,
): Promise<WriteOutcome> {
  try {
    const outcome = await write(file, request, tail);
    if (outcome.status !== 'written') await cut(file, request);
    return outcome;
  } catch (error) {
    await cut(file, request).catch(() => undefined); // report the first failure
    throw error;
  }
}

async function write(file: UpdatableFile, request: AppendRequest, tail: CheckedTail): Promise<WriteOutcome> {
  const { source, base, target, signal, onBytesSent } = request;
  for (const [index, { start, end }] of toChunks(request).entries()) {
    signal?.throwIfAborted();
    const bytes =
      tail.bytes?.subarray(start - base.sizeBytes, end - base.sizeBytes) ?? (await source.read(start, end));
    if (tail.bytes === null && (bytes.length !== end - start || crc32(bytes) !== tail.crcs[index]))
      return { status: 'changed' };
    onBytesSent?.(bytes.length);
    await file.write(bytes, start);
  }
  await file.sync();
  for (const [index, { start, end }] of toChunks(request).entries())
    if ((await crc32OfFile(file, start, end)) !== tail.crcs[index]) return { status: 'damaged' };
  const stat = await file.stat();
  return stat.sizeBytes === target.sizeBytes ? { status: 'written', stat } : { status: 'damaged' };
}

async function cut(file: UpdatableFile, { base }: AppendRequest): Promise<void> {
  await file.truncate(base.sizeBytes);
  await file.sync();
}

async function crc32OfFile(file: UpdatableFile, start: number, end: number): Promise<number | null> {
  const buffer = Buffer.allocUnsafe(end - start);
  for (let filled = 0; filled < buffer.length; ) {
    const count = await file.read(buffer.subarray(filled), start + filled);
    if (count === 0) return null;
    filled += count;
  }
  return crc32(buffer);
}

function toChunks({ base, target }: AppendRequest): { readonly start: number; readonly end: number }[] {
  const count = Math.ceil((target.sizeBytes - base.sizeBytes) / CHUNK_BYTES);
  return Array.from({ length: count }, (_, index) => ({
    start: base.sizeBytes + index * CHUNK_BYTES,
    end: Math.min(base.sizeBytes + (index + 1) * CHUNK_BYTES, target.sizeBytes),
  }));
}
