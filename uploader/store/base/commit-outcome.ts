/** Decides the outcome of a commit when the store's response alone does not. */

import type { RetryOutcome } from '../../base/retry-table.js';
import type { CommitOutcome, CommitRequest, HeadOutcome } from './store.js';

/** The outcome after a failed condition: `stored` if the object is from this commit (a lost response) or has the same bytes. */
export function resolveConflict(found: HeadOutcome, request: CommitRequest): CommitOutcome {
  if (found.status === 'absent') {
    if (request.base !== null) return { status: 'conflict' };
    // The condition failed because an object exists, but HEAD does not find it: an earlier request of this commit is still in progress.
    return {
      status: 'retry',
      cause: new Error(`${request.key}: is not visible to HEAD yet`),
      maxAttempts: 5,
    };
  }
  if (found.status !== 'found') return found;
  const { object } = found;
  const { target, commitId } = request;
  const isTarget = object.sizeBytes === target.sizeBytes && object.crc32 === target.crc32;
  if (object.commitId !== commitId && !isTarget) return { status: 'conflict' };
  return { status: 'stored', etag: object.etag };
}

/** Whether the object is still the one that the commit replaces. */
export function isBase(found: HeadOutcome, { base }: Pick<CommitRequest, 'base'>): boolean {
  if (found.status === 'absent') return base === null;
  return found.status === 'found' && found.object.etag === base?.etag;
}

/** The outcome of a successful write, from its `ETag` header. */
export function toStoredOutcome(
  operation: string,
  etag: string | undefined,
): { readonly status: 'stored'; readonly etag: string } | RetryOutcome {
  return etag === undefined ? unexpected(operation, 'ETag') : { status: 'stored', etag: stripQuotes(etag) };
}

export function stripQuotes(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}

/** The outcome of a success response that lacks a mandatory field: a proxy, not the store, has sent it. */
export function unexpected(operation: string, missing: string): RetryOutcome {
  return { status: 'retry', cause: new Error(`${operation}: the response has no ${missing}`) };
}
