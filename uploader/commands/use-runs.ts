/** Finds the runs that a user names for `show`, `compare` and `aggregate`. */

import { type FoundRun, findRun } from '../operations/runs/find-run.js';
import type { Flags } from '../settings/table.js';
import type { CommandContext } from './context.js';
import { openStoreRuns } from './open-store-runs.js';
import { reportError } from './print-error.js';

/** Calls `use` with the runs in the order of `references`, and closes their sources afterwards. Prints an error and sets its exit code. */
export async function useRuns(
  references: readonly string[],
  flags: Flags,
  context: CommandContext,
  use: (found: readonly FoundRun[]) => Promise<void>,
): Promise<void> {
  const openStore = (url: string) => openStoreRuns(url, flags, context);
  const found: FoundRun[] = [];
  try {
    for (const reference of references) found.push(await findRun(reference, { ...context, openStore }));
    await use(found);
  } catch (error) {
    reportError(context, error, flags.verbose === true);
  } finally {
    for (const { source } of found) await source.close();
  }
}
