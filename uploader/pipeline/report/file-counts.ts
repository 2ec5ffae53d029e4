/**
 * Counts the files of a report. Each file on disk that is not excluded is in exactly one state, and the total is the sum of the states, so
 * that the numbers of a report add up.
 */

/**
 * `stored`, `verified`: this process has the store's acknowledgement, or has compared the file with its object. `unchanged`: the journal has
 * an acknowledgement of this version, and the store has listed its object to this process. `elsewhere`: assigned to another uploader of
 * the cluster. `unsent`: nothing proves that the store has this version.
 */
export const FILE_STATES = ['stored', 'verified', 'unchanged', 'elsewhere', 'unsent'] as const;

export type FileState = (typeof FILE_STATES)[number];

export interface FileCounts extends Readonly<Record<FileState, number>> {
  /** The sum of all others. */
  readonly total: number;
}

export function countFiles(states: Iterable<FileState>): FileCounts {
  const counts = { stored: 0, verified: 0, unchanged: 0, elsewhere: 0, unsent: 0 };
  for (const state of states) counts[state] += 1;
  const total = FILE_STATES.reduce((sum, state) => sum + counts[state], 0);
  return { total, ...counts };
}
