/** Removes orphaned multipart uploads and temporary files of killed processes from the store. Never removes an object. */

import type { CommitContext } from '../pipeline/commit/commit-context.js';
import { dropIntent } from '../pipeline/commit/open-intents.js';
import { FLAG } from '../pipeline/inventory/file-table.js';
import { PROBE_PREFIX } from '../store/base/store.js';

/** An upload that no process has resumed for a day is orphaned. */
const STALE_MS = 24 * 3_600_000;

/**
 * Drops the intents of deleted files, then removes orphaned uploads of all runs. A failure does not stop the sync: the next call
 * removes the rest.
 */
export async function removeOrphans(context: CommitContext, signal: AbortSignal | undefined): Promise<void> {
  const { inventory } = context;
  for (const [id, open] of [...inventory.intents])
    if (!inventory.table.has(id, FLAG.onDisk)) await dropIntent(id, open, context, signal);
  const prefixes = inventory.runs.filter(({ directory }) => directory !== null).map(({ uuid }) => `${uuid}/`);
  if (prefixes.length > 0) await collect(context, [...prefixes, PROBE_PREFIX], STALE_MS, signal);
}

/**
 * Removes the uploads of killed processes a second time, because a part in flight may reach the store after its upload was completed
 * or aborted. Source: Amazon S3 API Reference, `AbortMultipartUpload`: "it might be necessary to abort a given multipart upload
 * multiple times".
 */
export async function removeCrashed(context: CommitContext, signal: AbortSignal | undefined): Promise<void> {
  const { inventory, journalWriter } = context;
  // Keep the uploads of files that are still in the queue: they can be resumed.
  const open = new Set([...inventory.intents.values()].map(({ intent }) => intent.entry.key));
  const keys = [...inventory.crashedKeys].filter((key) => !open.has(key));
  if (keys.length === 0 || !(await collect(context, keys, 0, signal))) return;
  for (const key of keys) inventory.crashedKeys.delete(key);
  if (inventory.crashedKeys.size === 0) await journalWriter.append({ kind: 'swept' });
}

/** Returns false when the store failed. */
async function collect(
  { store, retryPolicy }: CommitContext,
  prefixes: readonly string[],
  olderThanMs: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const call = () => store.collect({ prefixes, olderThanMs, signal });
  const outcome = await retryPolicy.withRetry('remove orphaned uploads', call, { signal });
  return outcome.status === 'collected';
}
