/** The content of a file in the store: its object, and the segments that follow it. */

import { crc32 } from 'node:zlib';
import type { FailedOutcome, RetryOutcome } from '../../base/retry-table.js';
import type { ObjectVersion } from '../../store/base/store.js';
import type { CommitContext } from './commit-context.js';
import { type ObjectPiece, ObjectSource } from './object-source.js';
import { joinSegments, type StoredSegment } from './segments.js';

const CHUNK_BYTES = 8 * 1024 * 1024;

export interface StoredContent {
  readonly key: string;
  readonly sizeBytes: number;
  readonly pieces: readonly ObjectPiece[];
}

/** `generation`: the number of restarts of the file before the object; null when unknown. */
export function toContent(
  key: string,
  object: ObjectVersion,
  segments: readonly StoredSegment[],
  generation: number | null,
): StoredContent {
  const pieces: ObjectPiece[] = [{ key, start: 0, end: object.sizeBytes }];
  let { sizeBytes } = object;
  for (const { object: segment, skip, end } of joinSegments(segments, sizeBytes, generation)) {
    pieces.push({ key: segment.key, start: skip, end: skip + end - sizeBytes });
    sizeBytes = end;
  }
  return { key, sizeBytes, pieces };
}

/** The CRC-32 of the first bytes. `conflict`: the store no longer has them. */
export async function crc32OfContent(
  { key, pieces }: StoredContent,
  sizeBytes: number,
  { store, retryPolicy }: Pick<CommitContext, 'store' | 'retryPolicy'>,
  signal: AbortSignal | undefined,
): Promise<
  { readonly status: 'read'; readonly crc32: number } | { readonly status: 'conflict' } | FailedOutcome
> {
  const source = new ObjectSource(store, pieces, signal);
  const call = async (): Promise<
    | { readonly status: 'read'; readonly crc32: number }
    | { readonly status: 'conflict' }
    | RetryOutcome
    | FailedOutcome
  > => {
    let crc = 0;
    for (let start = 0; start < sizeBytes; start += CHUNK_BYTES) {
      const end = Math.min(start + CHUNK_BYTES, sizeBytes);
      const bytes = await source.read(start, end);
      if (bytes.length < end - start) return source.interruption ?? { status: 'conflict' };
      crc = crc32(bytes, crc);
    }
    return { status: 'read', crc32: crc };
  };
  return retryPolicy.withRetry(`read ${key}`, call, { signal });
}
