/** What happens while the uploader works, as it happens: for a progress bar, a log, a dashboard. Never needed for correctness. */

import type { CodedError } from '../../../src/base/errors.js';
import type { Strategy } from '../journal/journal-entry.js';
import type { UploadReason, VerifyReason } from '../plan/planner.js';

export type SyncEvent =
  /** The whole tree has been looked at. */
  | { readonly kind: 'scanned'; readonly runs: number; readonly files: number; readonly sizeBytes: number }
  | {
      readonly kind: 'planned';
      readonly uploads: number;
      /** At most this many will be sent; verified files that turn out to differ come on top. */
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
  /** A file is begun. */
  | {
      readonly kind: 'started';
      readonly key: string;
      readonly sizeBytes: number;
      readonly reason: UploadReason | VerifyReason;
    }
  /** Bytes were handed to the store, those of attempts that fail included. */
  | { readonly kind: 'sent'; readonly key: string; readonly sizeBytes: number }
  /** The store has acknowledged a file, or what there was of it. */
  | {
      readonly kind: 'stored';
      readonly key: string;
      /** Of the object. */
      readonly sizeBytes: number;
      readonly reason: UploadReason;
      readonly strategy: Strategy;
    }
  | { readonly kind: 'verified'; readonly key: string; readonly sizeBytes: number }
  /** The file changed while it was read; it is tried again later. */
  | { readonly kind: 'requeued'; readonly key: string; readonly attempt: number }
  /** Not stored: for good in a single pass, until the next try while watching. */
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
  /** `mirror`: the object of a file that was deleted was removed; `copy` is what is left of it, null where the bucket keeps versions. */
  | { readonly kind: 'removed'; readonly key: string; readonly copy: string | null }
  /** The root is away: nothing is concluded from what is not there. */
  | { readonly kind: 'paused'; readonly reason: string }
  | { readonly kind: 'resumed' }
  /** The store has not answered for a while, and answers again. */
  | { readonly kind: 'store-away'; readonly forMs: number }
  | { readonly kind: 'store-back'; readonly afterMs: number }
  /** A run has ended, and everything of it is stored. */
  | { readonly kind: 'run-complete'; readonly runUuid: string }
  /** The uploader was told to stop, and finishes what it can. */
  | { readonly kind: 'draining'; readonly pendingFiles: number; readonly pendingBytes: number }
  /** An API was told of a run. */
  | {
      readonly kind: 'api';
      readonly runUuid: string;
      readonly change: 'created' | 'status';
      readonly detail: string;
    }
  /** An API refuses a run, or something of it; it is asked again where that may help. Files are stored all the same. */
  | { readonly kind: 'api-refused'; readonly runUuid: string; readonly error: CodedError }
  | { readonly kind: 'notice'; readonly code: string; readonly message: string };

export type OnSyncEvent = (event: SyncEvent) => void;
