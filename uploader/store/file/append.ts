/**
 * Extends a file in its place: the object of a file store keeps its inode, so that a program which has it open goes on reading.
 *
 * A copy that is renamed over the object would never be half written, but TensorBoard's fast reader keeps files open and would read the old
 * one for ever; and it costs the whole object each time. What this costs: while the tail is written, and after a crash until the next
 * commit, a reader may find a beginning of the new bytes. It never finds anything but a beginning of the file.
 */

import { crc32 } from 'node:zlib';
import type { FileStat, UpdatableFile } from '../../base/io/file-system.js';
import { combineCrc32 } from '../base/crc32-combine.js';
import type { AppendRequest } from '../base/store.js';

const MIB = 1024 * 1024;
/** Tails up to this size are held in memory between the check and the writing; larger ones are read twice. */
const HELD_BYTES = 16 * MIB;
const CHUNK_BYTES = MIB;

/** What was read of a tail and found to make the target. */
export interface CheckedTail {
  readonly bytes: Buffer | null;
  /** Of each chunk, in order. */
  readonly crcs: readonly number[];
}

/** Reads the tail; null when base and tail do not make the target. */
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
    // A copy: the source may use its buffer again.
    if (isHeld) chunks.push(Buffer.from(bytes));
  }
  if (whole !== target.crc32) return null;
  return { bytes: isHeld ? Buffer.concat(chunks) : null, crcs };
}

export type WriteOutcome =
  | { readonly status: 'written'; readonly stat: FileStat }
  | { readonly status: 'changed' }
  /** The disk gave back other bytes than it was given. */
  | { readonly status: 'damaged' };

/** Writes the tail behind the base, syncs it and reads it back. Whatever fails, the file is cut to the base again. */
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
    await cut(file, request).catch(() => undefined); // the first failure is the one to report
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
