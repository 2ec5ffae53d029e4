/** Settles commits that an earlier process began but did not record, by asking the store whether they happened. */

import { StoreError } from '../../base/errors.js';
import type { FailedOutcome } from '../../base/retry-table.js';
import type { FileId } from '../inventory/file-table.js';
import type { OpenIntent } from '../journal/journal-entry.js';
import type { CommitContext } from './commit-context.js';
import { recordStored } from './commit-object.js';
import { headObject } from './stored-object.js';
import { crc32OfRange, type LocalState } from './target.js';

type SettledIntent =
  /** The commit is now recorded or dropped; the caller plans the file again. */
  | { readonly status: 'settled' }
  /** Its parts are in the store and the file still begins with the same bytes, so the upload can be resumed. */
  | { readonly status: 'resumable'; readonly open: OpenIntent }
  | FailedOutcome;

/** Settles a file's open intent, or returns it when it can be resumed. */
export async function settleIntent(
  local: LocalState,
  open: OpenIntent,
  context: CommitContext,
  signal: AbortSignal | undefined,
): Promise<SettledIntent> {
  const { intent } = open;
  const found = await headObject(intent.entry.key, context, signal);
  if (found.status === 'failed') return found;
  const object = found.status === 'found' ? found.object : null;
  if (object !== null && object.commitId === intent.tx) {
    // F1, F4: the commit succeeded; only the response or the journal line was lost.
    const { etag, sizeBytes } = object;
    await recordStored(local.id, { ...intent.entry, object: { etag, sizeBytes } }, context, intent.tx);
    return { status: 'settled' };
  }
  const isBase = (object?.etag ?? null) === (intent.base?.etag ?? null);
  if (isBase && (await isStillTrue(local, open, context, signal))) return { status: 'resumable', open };
  return (await dropIntent(local.id, open, context, signal)) ?? { status: 'settled' };
}

/** Drops an intent and removes its unfinished upload from the store. Returns a failure, or null. */
export async function dropIntent(
  id: FileId,
  { intent }: OpenIntent,
  { store, retryPolicy, inventory, journalWriter }: CommitContext,
  signal: AbortSignal | undefined,
): Promise<FailedOutcome | null> {
  const { key } = intent.entry;
  const request = { prefixes: [key], olderThanMs: 0, signal };
  const collected = await retryPolicy.withRetry(`clean up ${key}`, () => store.collect(request), { signal });
  if (
    collected.status === 'failed' &&
    collected.error instanceof StoreError &&
    collected.error.concernsAllFiles
  )
    return collected;
  inventory.intents.delete(id);
  await journalWriter.append({ kind: 'drop', tx: intent.tx });
  return null;
}

/** Returns true when parts may be stored and the file still begins with the bytes of the intent. */
async function isStillTrue(
  { file, version }: LocalState,
  { intent, uploadId }: OpenIntent,
  context: CommitContext,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (uploadId === null || version.sizeBytes < intent.targetBytes) return false;
  const range = { start: 0, end: intent.targetBytes };
  return (await crc32OfRange(file, range, context, signal)) === intent.entry.crc32;
}
