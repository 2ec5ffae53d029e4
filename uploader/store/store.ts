/**
 * A store: where the bytes of runs go. Everything that S3, a directory, and whatever comes next must keep.
 *
 * - What is visible under a key is whole: either the object before a commit or the one after it.
 * - A commit is a compare-and-swap on `base` where the store can do that, and carries a commit id, so that a lost answer, a
 *   second uploader and a stale one are the same case.
 * - A store makes one attempt per call and never waits to try again: patience belongs to the caller (`retry.ts`).
 * - Nothing here deletes an object.
 *
 * A store does not promise to list an object at once after its commit.
 */

import type { FailedOutcome, RetryOutcome } from '../retry.js';

/** Random access to the bytes that a commit sends. */
export interface ByteSource {
  /** The bytes `[start, end)`; fewer when the source has become shorter. Rejects when it cannot be read. */
  read(start: number, end: number): Promise<Buffer>;
}

export interface ObjectVersion {
  readonly etag: string;
  readonly sizeBytes: number;
}

export interface StoredObject extends ObjectVersion {
  /** CRC-32 (ISO 3309, as in zip) of the whole object where the store itself knows it. */
  readonly crc32: number | null;
  /** From the commit that made the object, where the store keeps such things. */
  readonly commitId: string | null;
}

export interface ListedObject extends ObjectVersion {
  readonly key: string;
}

export interface CommitRequest {
  readonly key: string;
  readonly source: ByteSource;
  /** What the object is to be: the first `sizeBytes` bytes of the source, with this CRC-32. */
  readonly target: { readonly sizeBytes: number; readonly crc32: number };
  /** What the object is now; null when there is none. */
  readonly base: ObjectVersion | null;
  /** Names this commit. A repeat under the same id goes on where the call before it stopped, and never commits twice. */
  readonly commitId: string;
  readonly signal?: AbortSignal | undefined;
  /** Called for each body handed to the store, those of attempts that fail included. */
  readonly onBytesSent?: ((sizeBytes: number) => void) | undefined;
  /** Called when a piece is safe in the store: a repeat under this commit id will not send it again. */
  readonly onPartStored?: (() => void) | undefined;
}

export type CommitOutcome =
  | { readonly status: 'stored'; readonly etag: string }
  /** The object is not `base`, and not the work of this commit either. */
  | { readonly status: 'conflict' }
  /** The source gave other bytes than `target` says. Nothing became visible. */
  | { readonly status: 'changed' }
  | RetryOutcome
  | FailedOutcome;

export type HeadOutcome =
  | { readonly status: 'found'; readonly object: StoredObject }
  | { readonly status: 'absent' }
  | RetryOutcome
  | FailedOutcome;

export type CheckOutcome = { readonly status: 'ready' } | RetryOutcome | FailedOutcome;

export interface Store {
  /** Names the store in journals and reports: canonical, without credentials, the same for the same place. */
  readonly id: string;
  /** Whether the store is there and lets us in. Sends no object. */
  check(signal?: AbortSignal): Promise<CheckOutcome>;
  /** Makes `key` the target's bytes. */
  commit(request: CommitRequest): Promise<CommitOutcome>;
  /** Lets go of what an unfinished commit left in the store. Never fails: what cannot be removed is left to a later collection. */
  abandon(commitId: string): Promise<void>;
  head(key: string, signal?: AbortSignal): Promise<HeadOutcome>;
  /**
   * The objects whose key begins with `prefix`, in the byte order of their keys, after the key `after`. Throws
   * `OutcomeError`; a caller that wants to go on lists again after the last key that it saw.
   */
  list(
    prefix: string,
    options?: { after?: string | undefined; signal?: AbortSignal | undefined },
  ): AsyncIterable<ListedObject>;
  /** Bytes `[start, end)` of an object, all without a range. Throws `OutcomeError`. */
  read(
    key: string,
    options?: { range?: { start: number; end: number } | undefined; signal?: AbortSignal | undefined },
  ): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** Something about the store that the user should know, although nothing failed. */
export interface StoreNotice {
  readonly code: `NOTICE_${string}`;
  readonly message: string;
}
