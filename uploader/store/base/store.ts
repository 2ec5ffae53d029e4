/**
 * A store: where the bytes of runs go. Everything that S3, a directory, and whatever comes next must keep.
 *
 * - What is visible under a key is whole: either the object before a commit or the one after it.
 * - A commit is a compare-and-swap on `base` where the store can do that, and carries a commit id, so that a lost answer, a
 *   second uploader and a stale one are the same case.
 * - A store makes one attempt per call and never waits to try again: patience belongs to the caller (`retry.ts`).
 * - Nothing here deletes an object, but `probe` those that it has made itself, and `remove` the one that it is told to: see there who may.
 *
 * A store does not promise to list an object at once after its commit.
 */

import type { FailedOutcome, RetryOutcome } from '../../base/retry.js';
import type { StoreCapabilities } from './capabilities.js';

/** Random access to the bytes that a commit sends. */
export interface ByteSource {
  /** The bytes `[start, end)`; fewer when the source has become shorter. Rejects when it cannot be read. */
  read(start: number, end: number): Promise<Buffer>;
  /** As `read`, into memory of the caller: fills `buffer` from `start` on, as far as the source goes. Resolves to the number of bytes. */
  readInto?(buffer: Buffer, start: number): Promise<number>;
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
  /** Likewise. */
  readonly generation: number | null;
}

/** Bytes from the beginning, and their CRC-32. */
export interface Extent {
  readonly sizeBytes: number;
  readonly crc32: number;
}

export interface ListedObject extends ObjectVersion {
  readonly key: string;
}

export interface CommitRequest {
  readonly key: string;
  readonly source: ByteSource;
  /** What the object is to be: the first `sizeBytes` bytes of the source, with this CRC-32. */
  readonly target: Extent;
  /** What the object is now; null when there is none. */
  readonly base: ObjectVersion | null;
  /** Names this commit. A repeat under the same id goes on where the call before it stopped, and never commits twice. */
  readonly commitId: string;
  /** Kept with the object: how often its file has begun anew. */
  readonly generation?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called for each body handed to the store, those of attempts that fail included. */
  readonly onBytesSent?: ((sizeBytes: number) => void) | undefined;
  /** Called when a piece is safe in the store: a repeat under this commit id will not send it again. */
  readonly onPartStored?: ((part: StoredPart) => void) | undefined;
  /** Called when the store has given a name to what is unfinished. With the parts, it is what `unfinished` wants after a restart. */
  readonly onUploadOpened?: ((uploadId: string) => void) | undefined;
  /**
   * What an earlier process has stored of this very commit (same id, key, base and target). Parts count only where the
   * store confirms them; where it cannot, the commit begins anew. That they make the target is checked before it is visible.
   */
  readonly unfinished?: UnfinishedUpload | undefined;
}

/** A piece of an unfinished commit that is safe in the store. */
export interface StoredPart extends Extent {
  /** From 1. */
  readonly number: number;
  readonly etag: string;
}

export interface UnfinishedUpload {
  readonly uploadId: string;
  readonly parts: readonly StoredPart[];
}

/** As a commit, but the store takes what it has already: only `[keep, target)` of the source is read and sent. */
export interface AppendRequest extends CommitRequest {
  /** What the object is now, all of it. A wrong CRC-32 is a conflict. */
  readonly base: ObjectVersion & Extent;
  /** How much of the base stays, from its beginning. Default: all of it. */
  readonly keep?: Extent | undefined;
}

export type CommitOutcome =
  | { readonly status: 'stored'; readonly etag: string }
  /** The object is not `base`, and not the work of this commit either. */
  | { readonly status: 'conflict' }
  /** The source gave other bytes than `target` says. Nothing became visible. */
  | { readonly status: 'changed' }
  | RetryOutcome
  | FailedOutcome;

/** `unsupported`: this store cannot do it (`canAppend` says so beforehand): commit the whole. Nothing was sent. */
export type AppendOutcome = CommitOutcome | { readonly status: 'unsupported' };

export type HeadOutcome =
  | { readonly status: 'found'; readonly object: StoredObject }
  | { readonly status: 'absent' }
  | RetryOutcome
  | FailedOutcome;

export type CheckOutcome = { readonly status: 'ready' } | RetryOutcome | FailedOutcome;

/** What we may do, besides listing and writing, without which a probe fails. Deleting is needed by the probe alone. */
export interface StorePermissions {
  readonly get: boolean;
  readonly abort: boolean;
  readonly delete: boolean;
}

export type ProbeOutcome =
  | {
      readonly status: 'probed';
      readonly capabilities: StoreCapabilities;
      readonly permissions: StorePermissions;
      /** Keys that the probe made and may not delete. */
      readonly leftovers: readonly string[];
    }
  | RetryOutcome
  /** `lacks`: the permission without which there is no probe. */
  | (FailedOutcome & { readonly lacks?: 'get' | 'put' | undefined });

export interface CollectRequest {
  /**
   * One that ends in `/` stands for all keys below it, another for that key alone. What is unfinished elsewhere may belong to anybody, and
   * is left alone.
   */
  readonly prefixes: readonly string[];
  /** What is younger is left alone: another process may be at it. What this store object is at is always left alone. */
  readonly olderThanMs: number;
  readonly signal?: AbortSignal | undefined;
}

export type CollectOutcome =
  | {
      readonly status: 'collected';
      readonly removed: number;
      /** Too young, or could not be removed. */
      readonly left: number;
    }
  | RetryOutcome
  | FailedOutcome;

export interface RemoveRequest {
  readonly key: string;
  /** What the object has to be; another one stays. */
  readonly version: ObjectVersion;
  readonly signal?: AbortSignal | undefined;
}

export type RemoveOutcome =
  /** It is gone, whoever removed it: a lost answer is no failure. */
  | { readonly status: 'removed' }
  /** The object is another one, and stays. */
  | { readonly status: 'conflict' }
  | RetryOutcome
  | FailedOutcome;

export interface Store {
  /** Names the store in journals and reports: canonical, without credentials, the same for the same place. */
  readonly id: string;
  /** What the store does: the least that may be expected until `probe` or `adopt` was called. */
  readonly capabilities: StoreCapabilities;
  /** Asks the store what it does, with objects below `.plx/probe/` that it removes again, and adopts what it finds. */
  probe(signal?: AbortSignal): Promise<ProbeOutcome>;
  /** Believes what an earlier probe of this store has found. */
  adopt(capabilities: StoreCapabilities): void;
  /** Whether the store is there and lets us in. Sends no object. */
  check(signal?: AbortSignal): Promise<CheckOutcome>;
  /** Makes `key` the target's bytes. */
  commit(request: CommitRequest): Promise<CommitOutcome>;
  /** Makes `key` the target's bytes by sending only those that it does not have. Outcomes as those of `commit`. */
  append(request: AppendRequest): Promise<AppendOutcome>;
  /** Lets go of what an unfinished commit left in the store. Never fails: what cannot be removed is left to a later collection. */
  abandon(commitId: string): Promise<void>;
  /** Removes what commits of killed processes left unfinished: open multipart uploads, temporary files. Never an object. */
  collect(request: CollectRequest): Promise<CollectOutcome>;
  /**
   * Removes an object if it still is `version`. Only two may call this: the clean-up of what the uploader keeps for itself (receipts and
   * segments that newer objects stand for), and `mirror/`, which has guards of its own. Nothing else deletes from a store.
   */
  remove(request: RemoveRequest): Promise<RemoveOutcome>;
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
