/** The state of one run that the uploader keeps in memory. */

import type { CodedError } from '../../../src/base/errors.js';
import type { FileError } from '../../base/errors.js';
import type { RunOwner } from '../journal/journal-entry.js';
import type { FolderId } from './file-table.js';
import type { ScannedRun } from './scan-sink.js';

export interface KnownRun {
  readonly index: number;
  readonly uuid: string;
  /** With all symlinks resolved; null while only the journal knows the run. */
  directory: Buffer | null;
  kind: ScannedRun['kind'] | null;
  /** Prefix that the paths of its files have inside the run but not on disk. */
  filesAt: string;
  /** Runs that have had its event files under another layout, if they were ever uploaded. */
  formerUuids: readonly string[];
  /** Directory of the generated files, with all symlinks resolved. */
  exportDirectory: Buffer | null;
  readonly folders: FolderId[];
  /** Whether the store has listed the run; no file of the run is sent before. */
  isListed: boolean;
  /** The directory that the journal knows the run from; null before the first upload. */
  owner: RunOwner | null;
  /** The version of the owner object that the store has listed; null when it has none. */
  ownerEtag: string | null;
  /** Why no file of the run may be sent; null when it may. */
  conflict: FileError | null;
  /** When the conflict was last checked. */
  conflictMs: number;
  /** Keys of manifests that the store has listed, or that were written since. */
  readonly manifestKeys: Set<string>;
  /** When a change of any of its files was last seen. */
  changedMs: number;
  /** Number of files that need work. */
  dirtyFiles: number;
  /** Bytes that were deleted on disk before they were stored. */
  lostBytes: number;
  lastError: { readonly path: string; readonly error: CodedError } | null;
}

export function createKnownRun(index: number, uuid: string): KnownRun {
  return {
    index,
    uuid,
    directory: null,
    kind: null,
    filesAt: '',
    formerUuids: [],
    exportDirectory: null,
    folders: [],
    isListed: false,
    owner: null,
    ownerEtag: null,
    conflict: null,
    conflictMs: 0,
    manifestKeys: new Set(),
    changedMs: 0,
    dirtyFiles: 0,
    lostBytes: 0,
    lastError: null,
  };
}
