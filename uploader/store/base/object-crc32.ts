import { crc32 } from 'node:zlib';
import { type FailedOutcome, OutcomeError, type RetryOutcome } from '../../base/retry-table.js';
import type { ReadOptions, Store } from './store.js';

/** Computes the CRC-32 of an object, or of a range of it, by reading it: for stores that keep no checksum. */
export async function crc32OfObject(
  store: Store,
  key: string,
  options: ReadOptions,
): Promise<{ status: 'read'; crc32: number } | RetryOutcome | FailedOutcome> {
  try {
    let crc = 0;
    for await (const bytes of store.read(key, options)) crc = crc32(bytes, crc);
    return { status: 'read', crc32: crc };
  } catch (error) {
    if (error instanceof OutcomeError) return error.outcome;
    throw error;
  }
}
