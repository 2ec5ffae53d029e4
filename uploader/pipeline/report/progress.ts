/** Progress events of the uploader, for a progress bar, a log or a dashboard. Correctness never depends on them. */

import type { CodedError } from '../../../src/base/errors.js';
import type { Strategy } from '../journal/journal-entry.js';
import type { UploadReason, VerifyReason } from '../plan/planner.js';

export type SyncEvent =
  /** The whole tree has been scanned. */
  | { readonly kind: 'scanned'; readonly runs: number; readonly files: number; readonly sizeBytes: number }
  | {
      readonly kind: 'planned';
      readonly uploads: number;
      /** Upper limit of the bytes to send, without files that turn out to differ when they are verified. */
      readonly uploadBytes: number;
      readonly verifications: number;
      readonly unchanged: number;
    }
  /** A run was found. */
  | {
      readonly kind: 'run';
      readonly runUuid: string;
      readonly directory: string;
      readonly isImported: boolean;
    }
  /** Work on a file has started. */
  | {
      readonly kind: 'started';
      readonly key: string;
      readonly sizeBytes: number;
      readonly reason: UploadReason | VerifyReason;
    }
  /** Bytes were passed to the store, including those of failed attempts. */
  | { readonly kind: 'sent'; readonly key: string; readonly sizeBytes: number }
  /** The store has acknowledged a file, or the part of it that existed. */
  | {
      readonly kind: 'stored';
      readonly key: string;
      /** Size of the object. */
      readonly sizeBytes: number;
      readonly reason: UploadReason;
      readonly strategy: Strategy;
    }
  | { readonly kind: 'verified'; readonly key: string; readonly sizeBytes: number }
  /** The file changed while it was read; it is retried later. */
  | { readonly kind: 'requeued'; readonly key: string; readonly attempt: number }
  /** The file was not stored: a single sync gives up, watching retries later. */
  | { readonly kind: 'unsent'; readonly key: string; readonly error: CodedError }
  | {
      readonly kind: 'retry';
      readonly operation: string;
      readonly attempt: number;
      readonly delayMs: number;
      readonly cause: unknown;
    }
  /** Bytes were deleted on disk before they were stored. */
  | { readonly kind: 'lost'; readonly key: string; readonly sizeBytes: number }
  /** `mirror`: the object of a deleted file was removed. `copy`: the key of its copy; null where the bucket keeps versions. */
  | { readonly kind: 'removed'; readonly key: string; readonly copy: string | null }
  /** The root is unavailable; missing files are not treated as deleted. */
  | { readonly kind: 'paused'; readonly reason: string }
  | { readonly kind: 'resumed' }
  /** The store has not responded for a while; `store-back`: it responds again. */
  | { readonly kind: 'store-unavailable'; readonly forMs: number }
  | { readonly kind: 'store-available'; readonly afterMs: number }
  /** A run has ended and is completely stored. */
  | { readonly kind: 'run-complete'; readonly runUuid: string }
  /** The uploader is shutting down and finishes as much as it can. */
  | { readonly kind: 'draining'; readonly pendingFiles: number; readonly pendingBytes: number }
  /** An API has accepted a change of a run. */
  | {
      readonly kind: 'api';
      readonly runUuid: string;
      readonly change: 'created' | 'status';
      readonly detail: string;
    }
  /** An API rejects a run or a part of it; the request is retried where that may help. Files are stored regardless. */
  | { readonly kind: 'api-rejected'; readonly runUuid: string; readonly error: CodedError }
  | { readonly kind: 'notice'; readonly code: string; readonly message: string };

export type OnSyncEvent = (event: SyncEvent) => void;
