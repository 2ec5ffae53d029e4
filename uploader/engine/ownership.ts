/** Which runs are this uploader's to work on. */

import type { RunRecord } from '../track/run-record.js';

export interface Ownership {
  ownsRun(run: RunRecord): boolean;
}

/** Of an uploader that shares with nobody. */
export const OWNS_ALL: Ownership = { ownsRun: () => true };
