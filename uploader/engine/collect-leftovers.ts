/** Removes what killed processes left unfinished in the store: open multipart uploads, temporary files. Never an object. */

import type { CommitContext } from '../pipeline/commit/commit-context.js';
import { dropIntent } from '../pipeline/commit/open-intents.js';
import { FLAG } from '../pipeline/inventory/file-table.js';
import { PROBE_PREFIX } from './learn-capabilities.js';

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
  const { inventory } = context;
  for (const [id, open] of [...inventory.intents])
    if (!inventory.table.has(id, FLAG.onDisk)) await dropIntent(id, open, context, signal);
  const prefixes = inventory.runs.filter(({ directory }) => directory !== null).map(({ uuid }) => `${uuid}/`);
  if (prefixes.length > 0) await collect(context, [...prefixes, PROBE_PREFIX], STALE_MS, signal);
}

/**
 * Collects once more what killed processes had begun: a part that was on its way then may have reached the store after its upload was
 * finished, or forgotten. Source: Amazon S3 API Reference, `AbortMultipartUpload`: "it might be necessary to abort a given multipart
 * upload multiple times".
 */
export async function collectCrashed(context: CommitContext, signal: AbortSignal | undefined): Promise<void> {
  const { inventory, journalWriter } = context;
  // What a file's turn has not come for yet is still to be gone on with.
  const open = new Set([...inventory.intents.values()].map(({ intent }) => intent.entry.key));
  const keys = [...inventory.crashedKeys].filter((key) => !open.has(key));
  if (keys.length === 0 || !(await collect(context, keys, 0, signal))) return;
  for (const key of keys) inventory.crashedKeys.delete(key);
  if (inventory.crashedKeys.size === 0) await journalWriter.append({ kind: 'swept' });
}

/** False when the store could not do it. */
async function collect(
  { store, retryPolicy }: CommitContext,
  prefixes: readonly string[],
  olderThanMs: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const call = () => store.collect({ prefixes, olderThanMs, signal });
  const outcome = await retryPolicy.withRetry('collect what was left unfinished', call, { signal });
  return outcome.status === 'collected';
}
