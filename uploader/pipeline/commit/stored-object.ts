/** Asks the store about objects, for when the journal does not know them. */

import { type FailedOutcome, OutcomeError } from '../../base/retry-table.js';
import { crc32OfObject } from '../../store/base/object-crc32.js';
import type { HeadOutcome, ListedObject, StoredObject } from '../../store/base/store.js';
import type { CommitContext } from './commit-context.js';

/** Calls `Store.head` and retries it. */
export function headObject(
  key: string,
  { store, retryPolicy }: CommitContext,
  signal: AbortSignal | undefined,
): Promise<Exclude<HeadOutcome, { status: 'retry' }> | FailedOutcome> {
  return retryPolicy.withRetry(`check ${key}`, () => store.head(key, signal), { signal });
}

type StoredChecksum =
  | { readonly status: 'found'; readonly object: StoredObject; readonly crc32: number }
  | { readonly status: 'absent' }
  | FailedOutcome;

/** Returns the object and its checksum, from the store if it has one, else by reading the object back. */
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
  const call = () => crc32OfObject(store, key, { maxBytes: object.sizeBytes, signal });
  const readBack = await retryPolicy.withRetry(`read ${key}`, call, { signal });
  return readBack.status === 'failed' ? readBack : { status: 'found', object, crc32: readBack.crc32 };
}

/** Lists the objects whose key begins with `prefix`. */
export async function listObjects(
  prefix: string,
  { store, retryPolicy }: Pick<CommitContext, 'store' | 'retryPolicy'>,
  signal: AbortSignal | undefined,
): Promise<readonly ListedObject[] | FailedOutcome> {
  const open = (last: ListedObject | undefined) => store.list(prefix, { after: last?.key, signal });
  const objects: ListedObject[] = [];
  try {
    for await (const object of retryPolicy.streamWithRetry<ListedObject>(`list ${prefix}`, open, signal))
      objects.push(object);
    return objects;
  } catch (error) {
    if (error instanceof OutcomeError && error.outcome.status === 'failed') return error.outcome;
    throw error;
  }
}
