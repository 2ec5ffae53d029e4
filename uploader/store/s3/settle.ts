/** An upload that the store does not know any more, though nobody has aborted it: a completion that nobody waits for may be at work on it. */

import type { CommitRequest, HeadOutcome } from '../base/store.js';
import type { S3Connection } from './connection.js';

/** For the smallest object, and for the bytes that a store puts together meanwhile. */
const MIN_WAIT_MS = 5_000;
const MAX_WAIT_MS = 120_000;
const BYTES_PER_MS = 32 * 1048.576;
const LOOK_EVERY_MS = 250;

/**
 * The object, once it is another than `request.base`, or after a while as it is then. A completion whose caller is gone goes on: versitygw 1.8.0 forgets the upload at once, and has
 * the object a moment later. To send all of it anew meanwhile would be in vain.
 */
export async function awaitCompletion(
  request: CommitRequest,
  head: (key: string, signal?: AbortSignal) => Promise<HeadOutcome>,
  connection: Pick<S3Connection, 'sleep'>,
): Promise<HeadOutcome> {
  const { key, base, target, signal } = request;
  const waitMs = Math.min(MAX_WAIT_MS, MIN_WAIT_MS + target.sizeBytes / BYTES_PER_MS);
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    const found = await head(key, signal);
    const isUnchanged =
      found.status === 'absent'
        ? base === null
        : found.status === 'found' && found.object.etag === base?.etag;
    if (!isUnchanged || waitedMs >= waitMs) return found;
    await connection.sleep(LOOK_EVERY_MS, signal);
  }
}
