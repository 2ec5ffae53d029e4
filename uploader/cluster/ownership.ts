/** What is this uploader's to work on. */

import type { FileId } from '../pipeline/inventory/file-table.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';

export interface Ownership {
  /** Whether it is this uploader that says when the run is complete. */
  ownsRun(run: KnownRun): boolean;
  /** Whether any file of the run may be this uploader's. */
  worksOn(run: KnownRun): boolean;
  ownsFile(id: FileId): boolean;
}

/** Of an uploader that shares with nobody. */
export const OWNS_ALL: Ownership = { ownsRun: () => true, worksOn: () => true, ownsFile: () => true };
