/** Uploads the parts of a large object in parallel. */

import type { Part } from './part-planner.js';
import type { CommitOutcome } from './store.js';

const PARTS_AT_ONCE = 4;

/** Null when all parts are stored, else the outcome of the first that failed. After that failure no further part starts. */
export async function storeParts(
  parts: readonly Part[],
  storePart: (part: Part) => Promise<CommitOutcome | null>,
): Promise<CommitOutcome | null> {
  const missing = [...parts];
  let failed: CommitOutcome | null = null;
  const work = async (): Promise<void> => {
    for (let part = missing.shift(); part !== undefined && failed === null; part = missing.shift()) {
      const outcome = await storePart(part);
      failed ??= outcome;
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: PARTS_AT_ONCE }, work));
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
  return failed;
}
