/** The order in which the files of a sync are queued; the queue keeps the event files of a directory in the order of their names. Pure. */

import type { FileClass, Phase } from '../inventory/file-class.js';

export interface Ordered {
  readonly phase: Phase;
  readonly fileClass: FileClass;
  readonly sizeBytes: number;
  readonly key: string;
}

/** Sorts event files before others, small before large, and files that name other files of a run after those. */
export function compareWork(a: Ordered, b: Ordered): number {
  return (
    a.phase - b.phase ||
    toRank(a.fileClass) - toRank(b.fileClass) ||
    a.sizeBytes - b.sizeBytes ||
    (a.key < b.key ? -1 : 1)
  );
}

/** Returns 0 for the event files of TensorBoard and Polyaxon, which users watch during a run. */
function toRank(fileClass: FileClass): 0 | 1 {
  return fileClass === 'event' || fileClass === 'append' ? 0 : 1;
}
