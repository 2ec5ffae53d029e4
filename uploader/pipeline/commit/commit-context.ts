/** What the committer works with, and what comes of a file. */

import type { CodedError } from '../../../src/base/errors.js';
import type { FileError } from '../../base/errors.js';
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
  /** Makes the store know what it does, when that is about to matter: asking costs it a dozen requests. */
  readonly learnCapabilities: (signal: AbortSignal | undefined) => Promise<void>;
  /** Why a file must not be sent, whatever is in it; null when it may. */
  readonly findProblem: (id: FileId) => FileError | null;
  readonly openPolicy: () => OpenPolicy;
  /** The uploader goes on after this: what is not sent now is sent later. */
  readonly isWatching: boolean;
  /** Whether files of the run are still being written, as far as is known. */
  readonly isLive: (run: KnownRun) => boolean;
  /** How long nothing has been added to the file. */
  readonly quietMs: (id: FileId, mtimeNs: bigint) => number;
  /** Where the bytes of an event file were found to be damaged, and since when. */
  readonly damage: Map<FileId, { readonly offset: number; readonly sinceMs: number }>;
  readonly onEvent: OnSyncEvent;
}

export type SendOutcome =
  | {
      readonly status: 'stored';
      readonly sizeBytes: number;
      readonly reason: UploadReason;
      readonly strategy: Strategy;
      /** What of the file is held back, as the beginning of a record that is not whole; null when nothing is. */
      readonly held: CodedError | null;
    }
  | { readonly status: 'verified'; readonly sizeBytes: number }
  | { readonly status: 'unchanged' }
  /** All whole records are stored; what follows is the beginning of one, and may be sent as it is after some time. */
  | { readonly status: 'waiting'; readonly forMs: number; readonly error: CodedError }
  /** The file did not hold still. */
  | { readonly status: 'changed' }
  | { readonly status: 'failed'; readonly error: CodedError };
