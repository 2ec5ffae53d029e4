/** What the store has under a key, asked when the journal does not say. */

import type { FailedOutcome } from '../../base/retry.js';
import { crc32OfObject } from '../../store/base/object-crc32.js';
import type { HeadOutcome, ObjectVersion } from '../../store/base/store.js';
import type { CommitContext } from './commit-context.js';

/** As `Store.head`, with patience. */
export function headObject(
  key: string,
  { store, retryPolicy }: CommitContext,
  signal: AbortSignal | undefined,
): Promise<Exclude<HeadOutcome, { status: 'retry' }> | FailedOutcome> {
  return retryPolicy.withRetry(`look at ${key}`, () => store.head(key, signal), { signal });
}

export type StoredChecksum =
  | { readonly status: 'found'; readonly object: ObjectVersion; readonly crc32: number }
  | { readonly status: 'absent' }
  | FailedOutcome;

/** The object and its checksum: from the store where it keeps one, else by reading the object back. */
export async function findChecksum(
  key: string,
  context: CommitContext,
  signal: AbortSignal | undefined,
): Promise<StoredChecksum> {
  const found = await headObject(key, context, signal);
  if (found.status !== 'found') return found;
  const { object } = found;
  if (object.crc32 !== null) return { status: 'found', object, crc32: object.crc32 };
  const { store, retryPolicy } = context;
  const call = () => crc32OfObject(store, key, signal);
  const readBack = await retryPolicy.withRetry(`read ${key}`, call, { signal });
  return readBack.status === 'failed' ? readBack : { status: 'found', object, crc32: readBack.crc32 };
}
