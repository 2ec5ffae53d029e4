/** Finds the checksums of an object: from the store, or by reading the object. */

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { type FailedOutcome, OutcomeError } from '../../base/retry-table.js';
import type { StoreAccess } from '../../pipeline/manifest/stored-run.js';
import type { ReadOptions } from '../../store/base/store.js';
import type { ObjectFacts } from './compare.js';

type ObjectFactsOutcome =
  | { readonly status: 'found'; readonly facts: ObjectFacts; readonly isRead: boolean }
  | { readonly status: 'absent' }
  | FailedOutcome;

/** Asks the store, and reads the object when the store has no checksum, or with `isDeep`. */
export async function findObjectFacts(
  access: StoreAccess,
  key: string,
  options: { readonly isDeep: boolean; readonly signal?: AbortSignal | undefined },
): Promise<ObjectFactsOutcome> {
  const { store, retryPolicy } = access;
  const { isDeep, signal } = options;
  const found = await retryPolicy.withRetry(`check ${key}`, () => store.head(key, signal), { signal });
  if (found.status !== 'found') return found;
  const { etag, sizeBytes, crc32: known } = found.object;
  if (known !== null && !isDeep)
    return { status: 'found', facts: { etag, sizeBytes, crc32: known, sha256: null }, isRead: false };
  const readAll = () => readThrough(access, key, { maxBytes: sizeBytes, signal });
  const read = await retryPolicy.withRetry(`read ${key}`, readAll, { signal });
  if (read.status === 'failed') return read;
  const { status: _, ...sums } = read;
  return { status: 'found', facts: { etag, ...sums }, isRead: true };
}

async function readThrough({ store }: StoreAccess, key: string, options: ReadOptions) {
  const sha256 = createHash('sha256');
  let crc = 0;
  let sizeBytes = 0;
  try {
    for await (const bytes of store.read(key, options)) {
      crc = crc32(bytes, crc);
      sha256.update(bytes);
      sizeBytes += bytes.length;
    }
    return { status: 'read' as const, sizeBytes, crc32: crc, sha256: sha256.digest('hex') };
  } catch (error) {
    if (error instanceof OutcomeError) return error.outcome;
    throw error;
  }
}
