/** The interface that decides which runs and files this uploader works on. */

import type { FileId } from '../pipeline/inventory/file-table.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';

export interface Ownership {
  /** Whether this uploader reports when the run is complete. */
  ownsRun(run: KnownRun): boolean;
  /** Whether any file of the run may be assigned to this uploader. */
  worksOn(run: KnownRun): boolean;
  ownsFile(id: FileId): boolean;
  /** Whether another uploader is known to work on the run, or on the file. False when it is unknown which uploader does. */
  isRunElsewhere(run: KnownRun): boolean;
  isElsewhere(id: FileId): boolean;
}

/** The uploader reports runs, and another program uploads their files. */
export const REPORTS_ONLY: Ownership = {
  ownsRun: () => true,
  worksOn: () => true,
  ownsFile: () => false,
  isRunElsewhere: () => false,
  isElsewhere: () => true,
};

/** Ownership without a cluster: the uploader owns everything. */
export const OWNS_ALL: Ownership = {
  ownsRun: () => true,
  worksOn: () => true,
  ownsFile: () => true,
  isRunElsewhere: () => false,
  isElsewhere: () => false,
};
