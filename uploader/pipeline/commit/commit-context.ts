/** The dependencies of a commit, and the outcome of sending one file. */

import type { CodedError } from '../../../src/base/errors.js';
import type { FileError } from '../../base/errors.js';
import type { FileVersion } from '../../base/io/file-version.js';
import type { Io } from '../../base/io/io.js';
import type { RateLimit } from '../../base/limits/rate-limit.js';
import type { RetryPolicy } from '../../base/limits/retry-policy.js';
import type { Store } from '../../store/base/store.js';
import type { FileId } from '../inventory/file-table.js';
import type { Inventory } from '../inventory/inventory.js';
import type { KnownRun } from '../inventory/known-run.js';
import type { Strategy } from '../journal/journal-entry.js';
import type { JournalWriter } from '../journal/journal-writer.js';
import type { UploadReason } from '../plan/planner.js';
import type { OnSyncEvent } from '../report/progress.js';
import type { RunObserver } from '../report/run-observer.js';
import type { BufferPool } from '../source/buffer-pool.js';
import type { OpenPolicy } from '../source/local-file.js';

export interface CommitContext {
  readonly io: Io;
  readonly store: Store;
  readonly inventory: Inventory;
  readonly journalWriter: JournalWriter;
  readonly observer: RunObserver;
  readonly retryPolicy: RetryPolicy;
  readonly pool: BufferPool;
  readonly bandwidth: RateLimit;
  /** Returns why a file must not be sent, regardless of its content; null when it may be sent. */
  readonly findProblem: (id: FileId) => FileError | null;
  /** Returns why the object of a file must not be replaced by other content, or null: local files of its run were deleted (F108). */
  readonly findDeleted: (id: FileId) => Promise<CodedError | null>;
  readonly openPolicy: () => OpenPolicy;
  /** The uploader keeps running after this sync, so data that is not sent now is sent later. */
  readonly isWatching: boolean;
  /** An older copy may replace newer bytes, which are kept, because the user takes the run over. */
  readonly takesOver: boolean;
  /** Returns true while files of the run are presumably still being written. */
  readonly isLive: (run: KnownRun) => boolean;
  /** Returns how long the file has not grown. */
  readonly quietMs: (id: FileId, version: FileVersion) => number;
  /** For each damaged event file, the offset of the damage and when it was first seen. */
  readonly damage: Map<FileId, { readonly offset: number; readonly sinceMs: number }>;
  readonly onEvent: OnSyncEvent;
}

export type SendOutcome =
  | {
      readonly status: 'stored';
      readonly sizeBytes: number;
      readonly reason: UploadReason;
      readonly strategy: Strategy;
      /** Reports a tail that was not sent because its record is incomplete; null when all bytes were sent. */
      readonly held: CodedError | null;
    }
  | { readonly status: 'verified'; readonly sizeBytes: number }
  | { readonly status: 'unchanged' }
  /** All whole records are stored. An incomplete record follows; it may be sent unchanged after `forMs`. */
  | { readonly status: 'waiting'; readonly forMs: number; readonly error: CodedError }
  /** The file changed while it was read. */
  | { readonly status: 'changed' }
  | { readonly status: 'failed'; readonly error: CodedError };
