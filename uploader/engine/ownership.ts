/** What is this uploader's to work on. */

import type { FileId } from '../track/file-table.js';
import type { RunRecord } from '../track/run-record.js';

export interface Ownership {
  /** Whether it is this uploader that says when the run is complete. */
  ownsRun(run: RunRecord): boolean;
  /** Whether any file of the run may be this uploader's. */
  worksOn(run: RunRecord): boolean;
  ownsFile(id: FileId): boolean;
}

/** Of an uploader that shares with nobody. */
export const OWNS_ALL: Ownership = { ownsRun: () => true, worksOn: () => true, ownsFile: () => true };
