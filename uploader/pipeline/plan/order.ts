/** The order in which the files of a pass begin. Pure. */

import type { FileClass, Phase } from '../inventory/file-class.js';

export interface Ordered {
  readonly phase: Phase;
  readonly fileClass: FileClass;
  readonly sizeBytes: number;
  readonly key: string;
}

/** Event files before others, small before large, what names the files of a run after them. */
export function compareWork(a: Ordered, b: Ordered): number {
  return (
    a.phase - b.phase ||
    toRank(a.fileClass) - toRank(b.fileClass) ||
    a.sizeBytes - b.sizeBytes ||
    (a.key < b.key ? -1 : 1)
  );
}

/** 0 for what a person watches while a run goes on: TensorBoard's event files and Polyaxon's. */
function toRank(fileClass: FileClass): 0 | 1 {
  return fileClass === 'event' || fileClass === 'append' ? 0 : 1;
}
