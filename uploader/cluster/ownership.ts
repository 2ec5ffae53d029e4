/** The interface that decides which runs and files this uploader works on. */

import type { FileId } from '../pipeline/inventory/file-table.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';
import { type Shards, toShard } from './shards.js';

export interface Ownership {
  /** Whether this uploader works on the run, and reports when it is complete. */
  ownsRun(run: KnownRun): boolean;
  ownsFile(id: FileId): boolean;
  /** Whether another uploader is known to work on the run, or on the file. False when it is unknown which uploader does. */
  isRunElsewhere(run: KnownRun): boolean;
  isElsewhere(id: FileId): boolean;
}

/** The uploader reports runs, and another program uploads their files. */
export const REPORTS_ONLY: Ownership = {
  ownsRun: () => true,
  ownsFile: () => false,
  isRunElsewhere: () => false,
  isElsewhere: () => true,
};

/** The uploader owns everything. */
export const OWNS_ALL: Ownership = {
  ownsRun: () => true,
  ownsFile: () => true,
  isRunElsewhere: () => false,
  isElsewhere: () => false,
};

/** What `all` owns of the shards of this uploader. */
export function createShardOwnership(
  all: Ownership,
  shards: Shards,
  runOf: (id: FileId) => KnownRun,
): Ownership {
  const isIn = (run: KnownRun, state: 'this' | 'another'): boolean =>
    shards.stateOf(toShard(run.uuid, shards.count)) === state;
  return {
    ownsRun: (run) => isIn(run, 'this'),
    ownsFile: (id) => all.ownsFile(id) && isIn(runOf(id), 'this'),
    isRunElsewhere: (run) => isIn(run, 'another'),
    isElsewhere: (id) => all.isElsewhere(id) || isIn(runOf(id), 'another'),
  };
}
