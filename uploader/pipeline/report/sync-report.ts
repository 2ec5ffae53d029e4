/** The result of a sync. */

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
  /** All files found that should be stored are stored. */
  readonly isComplete: boolean;
  readonly durationMs: number;
  readonly files: FileCounts;
  readonly bytes: {
    readonly total: number;
    /** Bytes passed to the store, including those of failed attempts. */
    readonly sent: number;
    /** Bytes of files whose checksum matched, so that nothing was sent. */
    readonly verified: number;
    /** Bytes deleted on disk before they were stored. */
    readonly lost: number;
  };
  /** Files sent by a single sync; in a dry run, files that would be sent. Empty after watching. */
  readonly uploads: readonly Upload[];
  /** Files that should be stored but are not; in a dry run, only those that could not be stored. */
  readonly unsent: readonly UnsentFile[];
  /** Excluded paths. */
  readonly skipped: readonly SkippedPath[];
  /** Keys of objects whose file no longer exists. The objects are kept. */
  readonly onlyInStore: readonly string[];
  readonly notices: readonly StoreNotice[];
}

export interface FileCounts {
  readonly total: number;
  readonly stored: number;
  /** Files whose checksum matched; in a dry run, files that would be compared. */
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
  /** An object key, or the path inside the root if the file has no key. */
  readonly path: string;
  /** Null if the path is not a file. */
  readonly sizeBytes: number | null;
  readonly error: CodedError;
}
