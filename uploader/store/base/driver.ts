/**
 * The interface between the commit engine and a cloud store. A driver makes one attempt per call: it neither retries nor decides. Expected
 * outcomes are values; a call rejects only for an aborted signal, or for an error that the store has not caused.
 *
 * `commit-engine.ts` implements `Store` over a driver. Keys are those of `Store`; the driver adds the prefix of the store.
 */

import type { Readable } from 'node:stream';
import type { StoreError } from '../../base/errors.js';
import type { FailedOutcome, RetryOutcome } from '../../base/retry-table.js';
import type { Part } from './part-planner.js';
import type {
  AppendRequest,
  CommitRequest,
  Extent,
  ListedObject,
  ListOptions,
  ObjectVersion,
  ReadOptions,
  RemoveOutcome,
  RemoveRequest,
  Store,
} from './store.js';

export interface StoreLimits {
  /** Objects up to this size are written in one request. */
  readonly singlePutMaxBytes: number;
  /** Bodies up to this size are held in memory. Larger ones are streamed, for which the driver must be able to send a `Readable`. */
  readonly bufferMaxBytes: number;
  /** The limit for all bodies in memory. */
  readonly budgetBytes: number;
  /** The size of all parts but the last, for an object of this size. */
  readonly partBytes: (sizeBytes: number) => number;
  /** 1: the store accepts parts only in their order, may keep the first bytes of a part only, and completes the upload with the last part. */
  readonly partsAtOnce: number;
  /** Objects below this size are sent whole when they grow. Default: as `Store`. */
  readonly minAppendBytes?: number;
  /** `openUpload` and `join` need the CRC-32C of the bytes, so that the source is read once more. */
  readonly needsCrc32c?: true;
  /** After the request for a completion, the upload may no longer exist although the object is not visible yet. */
  readonly completesLate?: true;
}

/** An object to write, on condition that the existing object is `base`. */
export interface ObjectWrite
  extends Pick<
    CommitRequest,
    'key' | 'target' | 'base' | 'commitId' | 'generation' | 'signal' | 'onBytesSent'
  > {
  /** With `needsCrc32c`: the CRC-32C of the target. */
  readonly crc32c?: number | undefined;
}

/** An upload in parts, as one call sees it. */
export interface Upload {
  readonly id: string;
  readonly write: ObjectWrite;
  /** What `findBase` returned, for an append. */
  readonly kept?: unknown;
}

/** The bytes of an object or of a part. */
export interface PartBody {
  readonly crc32: number;
  readonly sizeBytes: number;
  /** Whether `open` returns a buffer: up to `bufferMaxBytes`. */
  readonly isBuffer: boolean;
  /** The bytes for one request. Call it again for each further request. */
  readonly open: () => Buffer | Readable;
}

/** A part in an upload. */
export interface UploadedPart extends ObjectVersion {
  /** From 1. */
  readonly number: number;
  /** Null when the store does not tell the CRC-32 of a part. */
  readonly crc32: number | null;
}

/** The object is not the expected one. */
type Conflict = { readonly status: 'conflict' };
/** The upload no longer exists: completed, removed, or too old. */
type Gone = { readonly status: 'gone'; readonly cause: unknown };
/** The store rejects this way of writing. `again`: what the driver has learned makes the same commit possible. */
export type Unsupported = { readonly status: 'unsupported'; readonly again: boolean };
type Stored = { readonly status: 'stored'; readonly etag: string };
type Failure = RetryOutcome | FailedOutcome;

/** `mayBeRejected`: the connection closed early, perhaps because the store rejected the condition. */
export type PutOutcome =
  | Stored
  | Conflict
  | (RetryOutcome & { readonly mayBeRejected?: true })
  | FailedOutcome;
export type OpenOutcome =
  | { readonly status: 'opened'; readonly id: string }
  | Conflict
  | Unsupported
  | Failure;
export type PartsOutcome =
  | { readonly status: 'listed'; readonly parts: readonly UploadedPart[] }
  /** The upload is complete. */
  | { readonly status: 'completed'; readonly etag: string }
  | Gone
  | Conflict
  | Failure;
export type PartOutcome =
  /** `sizeBytes`: fewer than sent when the store kept only the first bytes. */
  | { readonly status: 'kept'; readonly part: UploadedPart }
  /** The last part has completed the upload. */
  | { readonly status: 'completed'; readonly etag: string }
  | Gone
  | Conflict
  | Unsupported
  | Failure;
export type CompleteOutcome =
  | Stored
  | Conflict
  | Unsupported
  /** This upload can never become the object. `onFinal` is called if that is not due to another object. */
  | {
      readonly status: 'rejected';
      readonly isGone: boolean;
      readonly outcome: Failure | Unsupported;
      readonly onFinal?: () => void;
    }
  /** The completion may still succeed. */
  | Failure;
export type BaseOutcome =
  | { readonly status: 'found'; readonly kept?: unknown; readonly parts: readonly Part[] }
  /** The store cannot extend this object. */
  | { readonly status: 'unsupported' }
  | Conflict
  | Failure;

/** What a process has left in the store: an upload, or an object for `join`. */
export interface Orphan {
  /** The key of the object that it was meant for. */
  readonly key: string;
  /** The id of the upload, or the commit id of the object for `join`. */
  readonly id: string;
  /** By the clock of the store. */
  readonly ageMs: number;
  readonly etag?: string | undefined;
}

/** A tail that `join` appends. */
export interface StoredTail extends ObjectVersion {
  readonly key: string;
  readonly crc32c: number;
}

export interface StoreDriver extends Pick<Store, 'id' | 'capabilities' | 'check' | 'head' | 'close'> {
  readonly limits: StoreLimits;
  list(prefix: string, options?: ListOptions): AsyncGenerator<ListedObject>;
  listFolders?(prefix: string, signal?: AbortSignal): AsyncGenerator<string>;
  read(key: string, options: ReadOptions): AsyncGenerator<Uint8Array>;
  /** Why the store cannot have an object of this name, or null. */
  toKeyError?(key: string): StoreError | null;
  /** Writes an object in one request. The store checks the bytes. */
  put(write: ObjectWrite, body: PartBody): Promise<PutOutcome>;
  openUpload(write: ObjectWrite): Promise<OpenOutcome>;
  /** What the store has of an upload of this or of an earlier process. With `partsAtOnce` 1: one part with all bytes. */
  listParts(upload: Upload): Promise<PartsOutcome>;
  putPart(upload: Upload, part: Part, body: PartBody): Promise<PartOutcome>;
  /** Copies a range of the base. Only for parts that `findBase` has planned with `isCopied`. */
  keepPart?(upload: Upload, part: Part, base: ObjectVersion): Promise<PartOutcome>;
  /** Makes the upload the object. */
  complete(upload: Upload, parts: readonly UploadedPart[]): Promise<CompleteOutcome>;
  /** Removes an upload, as far as possible. Never fails. */
  discard(upload: Pick<Upload, 'id'> & { readonly key: string }): Promise<void>;
  /** Plans an append: what is kept of the base, and the parts to copy and to send. */
  findBase(append: AppendRequest & { readonly keep: Extent }): Promise<BaseOutcome>;
  /** For stores that append by joining two objects: the key of the tail's object; null when it would be too long. */
  toTailKey?(write: Pick<ObjectWrite, 'key' | 'commitId'>): string | null;
  /** Replaces the base by base and tail. */
  join?(write: ObjectWrite, kept: unknown, tail: StoredTail): Promise<PutOutcome>;
  /** Throws `OutcomeError`. */
  listOrphans(prefix: string, signal?: AbortSignal): AsyncIterable<Orphan>;
  /** False when that failed. Rejects only when the signal is aborted. */
  removeOrphan(orphan: Omit<Orphan, 'ageMs'>, signal?: AbortSignal): Promise<boolean>;
  /** `conflict` also when it is unknown whether the object exists. */
  remove(request: RemoveRequest): Promise<RemoveOutcome>;
}
