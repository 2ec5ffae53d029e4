/** What the uploader knows of one run. */

import type { CodedError } from '../../../src/base/errors.js';
import type { FolderId } from './file-table.js';
import type { FoundRun } from './scan-sink.js';

export interface KnownRun {
  readonly index: number;
  readonly uuid: string;
  /** Every link resolved; null as long as only the journal knows of the run. */
  directory: Buffer | null;
  kind: FoundRun['kind'] | null;
  /** What the paths of its files begin with inside the run, and do not on disk. */
  filesAt: string;
  /** Where the files lie that the uploader makes of its event files; every link resolved. */
  exportDirectory: Buffer | null;
  readonly folders: FolderId[];
  /** Whether the store has been asked what it has of the run: nothing is sent before. */
  isListed: boolean;
  /** Of receipts that the store has listed, or that were written since. */
  readonly manifestKeys: Set<string>;
  /** When a file of it was seen to change last. */
  changedMs: number;
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
    exportDirectory: null,
    folders: [],
    isListed: false,
    manifestKeys: new Set(),
    changedMs: 0,
    lostBytes: 0,
    lastError: null,
  };
}
