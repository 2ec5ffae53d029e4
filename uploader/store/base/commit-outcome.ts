/** How a commit came out when the store's answer alone does not say it. */

import type { RetryOutcome } from '../../base/retry.js';
import type { CommitOutcome, CommitRequest, HeadOutcome } from './store.js';

/** After a refusal: whose object is it? Our own, from a call whose answer was lost, or one with the very same bytes, is a success. */
export function resolveConflict(found: HeadOutcome, request: CommitRequest): CommitOutcome {
  if (found.status === 'absent') {
    if (request.base !== null) return { status: 'conflict' };
    // Refused because there is an object, which cannot be seen: a request whose answer was lost is still at work.
    return { status: 'retry', cause: new Error(`${request.key}: it is there and not there`), maxAttempts: 5 };
  }
  if (found.status !== 'found') return found;
  const { object } = found;
  const { target, commitId } = request;
  const isTarget = object.sizeBytes === target.sizeBytes && object.crc32 === target.crc32;
  if (object.commitId !== commitId && !isTarget) return { status: 'conflict' };
  return { status: 'stored', etag: object.etag };
}

/** A success without what every success has: something between us and the store answered in its place. */
export function unexpected(operation: string, missing: string): RetryOutcome {
  return { status: 'retry', cause: new Error(`${operation}: the answer has no ${missing}`) };
}
