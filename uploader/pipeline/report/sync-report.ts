/** What was done, as a value. */

import type { CodedError } from '../../../src/base/errors.js';
import type { StoreNotice } from '../../store/base/store.js';
import type { UploadReason } from '../plan/planner.js';
import type { SkippedPath } from '../scan/directory-node.js';

export interface SyncReport {
  /** Resolved path of the root, or of the run directory. */
  readonly root: string;
  readonly store: string;
  readonly runs: readonly string[];
  readonly isDryRun: boolean;
  /** The signal was aborted before the end. */
  readonly isAborted: boolean;
  /** Everything that is to be stored is stored, as far as could be seen. */
  readonly isComplete: boolean;
  readonly durationMs: number;
  readonly files: FileCounts;
  readonly bytes: {
    readonly total: number;
    /** Handed to the store, those of attempts that failed included. */
    readonly sent: number;
    /** Of files whose checksum was found equal, so that nothing had to be sent. */
    readonly verified: number;
    /** Deleted on disk before they were stored. */
    readonly lost: number;
  };
  /** What was sent in a single pass; in a dry run, what would be. Empty after watching. */
  readonly uploads: readonly Upload[];
  /** What is not stored and should be; in a dry run, only what could not be. */
  readonly unsent: readonly UnsentFile[];
  /** What is left out on purpose. */
  readonly skipped: readonly SkippedPath[];
  /** Keys of objects whose file is no longer there. They are kept. */
  readonly onlyInStore: readonly string[];
  readonly notices: readonly StoreNotice[];
}

export interface FileCounts {
  readonly total: number;
  readonly stored: number;
  /** Compared by checksum and found equal; in a dry run, to be compared. */
  readonly verified: number;
  readonly unchanged: number;
  readonly unsent: number;
}

export interface Upload {
  readonly key: string;
  readonly sizeBytes: number;
  readonly reason: UploadReason;
}

export interface UnsentFile {
  /** A key, or for what has none the path inside the root. */
  readonly path: string;
  /** Null for what is no file. */
  readonly sizeBytes: number | null;
  readonly error: CodedError;
}
