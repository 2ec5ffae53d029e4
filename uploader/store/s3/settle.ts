/** Waits for an upload that the store no longer lists: a completion whose caller no longer exists may still be in progress. */

import type { CommitRequest, HeadOutcome } from '../base/store.js';
import type { S3Connection } from './connection.js';

/** The wait for the smallest object. Larger objects get more time, because the store has to assemble them. */
const MIN_WAIT_MS = 5_000;
const MAX_WAIT_MS = 120_000;
const BYTES_PER_MS = 32 * 1048.576;
const POLL_INTERVAL_MS = 250;

/**
 * Polls until the object differs from `request.base`, or the wait is over, and returns the last HEAD outcome. Versitygw 1.8.0 removes the upload when
 * a completion starts, and creates the object shortly after, even if the caller was killed. Waiting avoids a needless second upload.
 */
export async function awaitCompletion(
  request: CommitRequest,
  head: (key: string, signal?: AbortSignal) => Promise<HeadOutcome>,
  connection: Pick<S3Connection, 'sleep'>,
): Promise<HeadOutcome> {
  const { key, base, target, signal } = request;
  const waitMs = Math.min(MAX_WAIT_MS, MIN_WAIT_MS + target.sizeBytes / BYTES_PER_MS);
  for (let waitedMs = 0; ; waitedMs += POLL_INTERVAL_MS) {
    const found = await head(key, signal);
    const isUnchanged =
      found.status === 'absent'
        ? base === null
        : found.status === 'found' && found.object.etag === base?.etag;
    if (!isUnchanged || waitedMs >= waitMs) return found;
    await connection.sleep(POLL_INTERVAL_MS, signal);
  }
}
