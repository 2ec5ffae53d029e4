/**
 * The interface of stores, to which the uploader sends the files of runs. Every implementation keeps these rules:
 *
 * - A key always shows a complete object: the one before a commit or the one after it.
 * - A commit is a compare-and-swap on `base` if the store supports conditions. Its commit id lets one check handle a lost response, a
 *   second uploader and a stale uploader.
 * - A store makes one attempt per call and never waits to retry. The caller applies the retry policy (`retry.ts`).
 * - Only `remove` deletes objects, and questions to the store their own test objects. See there who may call it.
 *
 * A store does not promise that a listing shows an object immediately after its commit.
 */

import type { FailedOutcome, RetryOutcome } from '../../base/retry-table.js';
import type { StoreCapabilities } from './capabilities.js';
import type { LearnedAnswers } from './learned-answers.js';
import type { AskOutcome, BucketFacts, ServerFacts, StoreFacts } from './store-facts.js';

/** Random access to the bytes that a commit sends. */
export interface ByteSource {
  /** The bytes `[start, end)`; fewer when the source has become shorter. Rejects when the source cannot be read. */
  read(start: number, end: number): Promise<Buffer>;
  /** As `read`, but into the caller's `buffer`, from position `start` of the source. Resolves to the number of bytes read. */
  readInto?(buffer: Buffer, start: number): Promise<number>;
}

export interface ObjectVersion {
  readonly etag: string;
  readonly sizeBytes: number;
}

export interface StoredObject extends ObjectVersion {
  /** CRC-32 (ISO 3309, as in zip) of the whole object; null when the store does not know it. */
  readonly crc32: number | null;
  /** The id of the commit that created the object; null when the store keeps no metadata. */
  readonly commitId: string | null;
  /** The count of previous versions from that commit; null when the store keeps no metadata. */
  readonly generation: number | null;
}

/** A number of bytes from the start of a file or object, and their CRC-32. */
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
  /** The new content: the first `sizeBytes` bytes of the source, with this CRC-32. */
  readonly target: Extent;
  /** The existing object that the commit replaces; null when none exists. */
  readonly base: ObjectVersion | null;
  /** The id of this commit. A retry with the same id resumes where the earlier call stopped, and never commits twice. */
  readonly commitId: string;
  /** How often the file was truncated and written from the start. Stored as metadata of the object. */
  readonly generation?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called for each body that is sent, including those of failed attempts. */
  readonly onBytesSent?: ((sizeBytes: number) => void) | undefined;
  /** Called when the store has acknowledged a part: a retry with this commit id does not send it again. */
  readonly onPartStored?: ((part: StoredPart) => void) | undefined;
  /** Called with the id of a new upload. After a restart, pass it and the stored parts as `unfinished`. */
  readonly onUploadOpened?: ((uploadId: string) => void) | undefined;
  /**
   * What an earlier process has stored of the same commit (same id, key, base and target). Only parts that the store confirms are used;
   * without any, the commit starts over. The commit checks that the parts make up the target before the object becomes visible.
   */
  readonly unfinished?: UnfinishedUpload | undefined;
}

/** A part of an unfinished commit that the store has acknowledged. */
export interface StoredPart extends Extent {
  /** From 1. */
  readonly number: number;
  readonly etag: string;
}

/** A small file that the store does not have. */
export interface NewFile {
  readonly key: string;
  readonly sizeBytes: number;
  /** Resolves to the first `sizeBytes` bytes, fewer if the file has become shorter, and to its time of modification in seconds. */
  readonly read: (signal?: AbortSignal) => Promise<{ readonly bytes: Buffer; readonly mtime: number }>;
}

export interface StageRequest {
  readonly files: readonly NewFile[];
  readonly signal?: AbortSignal | undefined;
  /** Called for each body that is sent. */
  readonly onBytesSent?: ((sizeBytes: number) => void) | undefined;
  /** Called for each run with the keys that the store lists with their sizes, while their content is still to be proven. */
  readonly onListed?: ((keys: readonly string[]) => void) | undefined;
}

export interface UnfinishedUpload {
  readonly uploadId: string;
  readonly parts: readonly StoredPart[];
}

/** A commit that reuses bytes of the existing object: only `[keep, target)` of the source is read and sent. */
export interface AppendRequest extends CommitRequest {
  /** The whole existing object. A wrong CRC-32 is a conflict. */
  readonly base: ObjectVersion & Extent;
  /** How much of the base is kept, from its start. Default: all of it. */
  readonly keep?: Extent | undefined;
}

export type CommitOutcome =
  | { readonly status: 'stored'; readonly etag: string }
  /** The existing object is neither `base` nor the result of this commit. */
  | { readonly status: 'conflict' }
  /** The bytes of the source do not match `target`. The object is unchanged. */
  | { readonly status: 'changed' }
  | RetryOutcome
  | FailedOutcome;

/** `unsupported`: the store cannot extend this object, and nothing was sent; commit the whole file instead. See `canAppend`. */
export type AppendOutcome = CommitOutcome | { readonly status: 'unsupported' };

export type HeadOutcome =
  | { readonly status: 'found'; readonly object: StoredObject }
  | { readonly status: 'absent' }
  | RetryOutcome
  | FailedOutcome;

export type CheckOutcome = { readonly status: 'ready' } | RetryOutcome | FailedOutcome;

/** The key prefix of the test objects of `polytrack check`. */
export const PROBE_PREFIX = '.plx/probe/';
/** The key prefix of the leases of clusters (`cluster/store-leases.ts`). */
export const LEASES_DIRECTORY = '.plx/shards/';
/** The key prefix of the index of runs (`run-index/`). */
export const INDEX_DIRECTORY = '.plx/index/';

/** Permissions besides listing and writing. Only the test objects of `polytrack check` need `delete`. */
export interface StorePermissions {
  readonly get: boolean;
  readonly abort: boolean;
  readonly delete: boolean;
}

export interface CollectRequest {
  /**
   * A prefix that ends in `/` means all keys below it; any other means that key only. Unfinished uploads elsewhere may belong to other programs
   * and are kept.
   */
  readonly prefixes: readonly string[];
  /** Younger uploads are kept, because another process may be using them. Uploads of this store object are always kept. */
  readonly olderThanMs: number;
  readonly signal?: AbortSignal | undefined;
}

export type CollectOutcome =
  | {
      readonly status: 'collected';
      readonly removed: number;
      /** The number that were too young or could not be removed. */
      readonly left: number;
    }
  | RetryOutcome
  | FailedOutcome;

export interface RemoveRequest {
  readonly key: string;
  /** The version to remove; any other version is kept. */
  readonly version: ObjectVersion;
  readonly signal?: AbortSignal | undefined;
}

export type RemoveOutcome =
  /** The object no longer exists. It does not matter who removed it, so a lost response is not a failure. */
  | { readonly status: 'removed' }
  /** The object has another version and was kept. */
  | { readonly status: 'conflict' }
  | RetryOutcome
  | FailedOutcome;

export type PersistOutcome = { readonly status: 'persisted' } | RetryOutcome | FailedOutcome;

export interface Store {
  /** The id of the store in journals and reports: canonical, without credentials, and equal for the same location. */
  readonly id: string;
  /** What the store supports, or is assumed to support until it has shown otherwise. */
  readonly capabilities: StoreCapabilities;
  /** Objects below this size are sent whole when they grow. Default: 5 MiB. */
  readonly minAppendBytes?: number | undefined;
  /** What the store has shown so far; undefined when its capabilities are documented. */
  readonly learned?: LearnedAnswers;
  /** Describes the store and its credentials without writing anything. */
  facts?(): Promise<StoreFacts>;
  /** Whether the bucket removes incomplete multipart uploads. */
  lifecycle?(signal?: AbortSignal): Promise<BucketFacts['lifecycle']>;
  /** Describes the server. Throws a coded error when the project of the store's URL does not exist. */
  serverFacts?(signal?: AbortSignal): Promise<ServerFacts>;
  /** Asks one by one what the store supports, with test objects below `directory`. Default: `capabilities` are documented. */
  ask?(directory: string, signal?: AbortSignal): Promise<AskOutcome>;
  /** Starts to ask, once and in the background, what ordinary requests do not show. A failure has no effect. */
  askInBackground?(): void;
  /** Finds out what a file system supports, with test files that it removes. */
  inspect?(): Promise<CheckOutcome>;
  /** Checks that the store is reachable and accepts the credentials. Sends no object. */
  check(signal?: AbortSignal): Promise<CheckOutcome>;
  /**
   * Sends many new files in few requests, if the store can. Replaces no object, promises nothing and never rejects: each file must still be committed,
   * which costs no request if exactly the target is stored already.
   */
  stage?(request: StageRequest): Promise<void>;
  /** Writes the target's bytes as the object `key`. */
  commit(request: CommitRequest): Promise<CommitOutcome>;
  /** As `commit`, but sends only the bytes that the object does not have yet. */
  append(request: AppendRequest): Promise<AppendOutcome>;
  /** Removes the parts of an unfinished commit from the store. Never fails: `collect` removes later what could not be removed now. */
  abandon(commitId: string): Promise<void>;
  /** Removes the orphaned uploads of killed processes: open multipart uploads and temporary files. Never removes an object. */
  collect(request: CollectRequest): Promise<CollectOutcome>;
  /**
   * Removes an object if its version is still `version`. Only two callers are allowed: the clean-up of the uploader's own objects (manifests and
   * segments that newer objects replace), and `mirror/`, which has its own safeguards. Nothing else deletes from a store.
   */
  remove(request: RemoveRequest): Promise<RemoveOutcome>;
  head(key: string, signal?: AbortSignal): Promise<HeadOutcome>;
  /**
   * Makes an object survive a power failure. Call it before an object counts as stored that was found: an earlier call that failed, or a killed
   * process, may have written it. Without this method, every object that the store has survives.
   */
  persist?(key: string): Promise<PersistOutcome>;
  /** The path of the file that is the object, in a store that is a directory. */
  pathOf?(key: string): string;
  /**
   * The objects whose key begins with `prefix` and follows the key `after`, in byte order of their keys. Throws `OutcomeError`; to resume, the
   * caller lists again with the last key that it received as `after`.
   *
   * `expected`: directories below `prefix` that probably exist. A store that needs a request for each directory asks for them at once. They do not
   * change what is listed.
   */
  list(
    prefix: string,
    options?: {
      after?: string | undefined;
      expected?: readonly string[] | undefined;
      signal?: AbortSignal | undefined;
    },
  ): AsyncIterable<ListedObject>;
  /**
   * The parts before the first `/` of the keys that begin with `prefix`, which contains none; each once if the listing is not repeated. A page names as many of them
   * as it would objects. Throws `OutcomeError`. Missing in a store that can list objects only.
   */
  readonly listFolders?: ((prefix: string, signal?: AbortSignal) => AsyncIterable<string>) | undefined;
  /** The bytes `[start, end)` of an object, or all bytes up to `maxBytes`. Throws `OutcomeError`, also when more bytes arrive. */
  read(key: string, options: ReadOptions): AsyncIterable<Uint8Array>;
  /**
   * The bytes of an object from `start` on, if its version is not `etag`, in one request. Without this method a caller uses `head` and `read`. The
   * body may fail with `OutcomeError`.
   */
  readNewer?(key: string, options: ReadNewerOptions): Promise<NewerOutcome>;
  close(): Promise<void>;
}

export interface ReadNewerOptions {
  readonly start: number;
  /** Null: any version. */
  readonly etag: string | null;
  readonly signal?: AbortSignal | undefined;
}

export type NewerOutcome =
  | { readonly status: 'read'; readonly etag: string; readonly body: AsyncIterable<Uint8Array> }
  | { readonly status: 'unchanged' }
  | { readonly status: 'absent' }
  /** The object has at most `start` bytes. */
  | { readonly status: 'shorter' }
  | RetryOutcome
  | FailedOutcome;

export type ListOptions = NonNullable<Parameters<Store['list']>[1]>;

/** What to read. Every read has a limit, because the object may be larger than expected. */
export type ReadOptions = { readonly signal?: AbortSignal | undefined } & (
  | { readonly range: { readonly start: number; readonly end: number }; readonly maxBytes?: undefined }
  | { readonly range?: undefined; readonly maxBytes: number }
);

/** A message about the store for the user that is not an error. */
export interface StoreNotice {
  readonly code: `NOTICE_${string}`;
  readonly message: string;
}
