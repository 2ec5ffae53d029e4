/** The result of a sync. */

import type { CodedError } from '../../../src/base/errors.js';
import type { StoreNotice } from '../../store/base/store.js';
import type { UploadReason } from '../plan/planner.js';
import type { SkippedPath } from '../scan/directory-node.js';
import type { LogPlace } from '../scan/log-place.js';
import type { FileCounts } from './file-counts.js';

export interface SyncReport {
  /** Resolved path of the root, or of the run directory. */
  readonly root: string;
  readonly store: string;
  readonly runs: readonly string[];
  readonly isDryRun: boolean;
  /** The signal was aborted before the end. */
  readonly isAborted: boolean;
  /** Every file on disk is proved to be stored, and nothing else is in `unsent`. */
  readonly isComplete: boolean;
  /** The same for the files that are assigned to this uploader. Differs from `isComplete` only in a group (`--share`). */
  readonly isShareComplete: boolean;
  readonly durationMs: number;
  /** In a dry run, `verified` counts the files that would be compared, and `unsent` those that would be sent. */
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
  /** The unsent files with the reason, and what else could not be stored; in a dry run, only what could not be stored. */
  readonly unsent: readonly UnsentFile[];
  /** What each log directory of a third-party writer is: a run, or a part of one. */
  readonly logDirectories: readonly LogDirectory[];
  /** Excluded paths. */
  readonly skipped: readonly SkippedPath[];
  /** Keys of objects whose file no longer exists. The objects are kept. */
  readonly onlyInStore: readonly string[];
  /** The latest 1,000. Each was also an event when it occurred. */
  readonly notices: readonly StoreNotice[];
}

export interface LogDirectory extends LogPlace {
  /** The name of its run; null if it belongs to no run. */
  readonly run: string | null;
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
