/** Removes what killed processes left unfinished in the store: open multipart uploads, temporary files. Never an object. */

import type { CommitContext } from '../commit/commit-context.js';
import { dropIntent } from '../commit/open-intents.js';
import { FLAG } from '../track/file-table.js';

/** What nobody has gone on with for a day. */
const STALE_MS = 24 * 3_600_000;

/**
 * Forgets the intents of files that are gone, and collects what is old of all runs. A failure is no reason to send nothing: what is
 * left is collected another time.
 */
export async function collectLeftovers(
  context: CommitContext,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { tracker, store, patience } = context;
  for (const [id, open] of [...tracker.intents])
    if (!tracker.table.has(id, FLAG.onDisk)) await dropIntent(id, open, context, signal);
  const prefixes = tracker.runs.filter(({ directory }) => directory !== null).map(({ uuid }) => `${uuid}/`);
  if (prefixes.length === 0) return;
  const collect = () => store.collect({ prefixes, olderThanMs: STALE_MS, signal });
  await patience.withRetry('collect what was left unfinished', collect, { signal });
}
