/**
 * Keeps the previous version of a log or event file that was truncated and restarted (`copytruncate`, F9). Otherwise the upload of the
 * new content would overwrite the old content in the store.
 *
 * Each previous version is a separate object, `<run>/.plx/gen/<path>/<number>`. A store with versioning needs none of them.
 */

import { RESERVED_DIRECTORY } from '../../base/rel-path.js';
import type { FailedOutcome } from '../../base/retry-table.js';
import type { FileId } from '../inventory/file-table.js';
import type { JournalEntry } from '../journal/journal-entry.js';
import type { CommitContext } from './commit-context.js';
import { throttled } from './commit-object.js';
import { ObjectSource } from './object-source.js';

/** A file that restarts more often is being rewritten, not appended to, whatever its name suggests. */
export const MAX_PREVIOUS_VERSIONS = 100;

export function toPreviousVersionKey(runUuid: string, relPath: string, generation: number): string {
  return `${runUuid}/${RESERVED_DIRECTORY}/gen/${relPath}/${generation}`;
}

/** Copies the stored object of a file to its key as a previous version. Returns null on success, or if no copy is needed. */
export async function keepPreviousVersion(
  id: FileId,
  entry: JournalEntry,
  context: CommitContext,
  signal: AbortSignal | undefined,
): Promise<FailedOutcome | null> {
  const { inventory, store, retryPolicy, io, onEvent } = context;
  const { generation = 0, object, crc32 } = entry;
  if (store.capabilities.versioning === 'on' || object.sizeBytes === 0) return null;
  if (generation >= MAX_PREVIOUS_VERSIONS) {
    const message = `${entry.key} was restarted ${generation} times; further previous versions are not kept`;
    if (generation === MAX_PREVIOUS_VERSIONS)
      onEvent({ kind: 'notice', code: 'NOTICE_PREVIOUS_VERSIONS', message });
    return null;
  }
  const key = toPreviousVersionKey(inventory.runOf(id).uuid, inventory.relPathOf(id), generation);
  const request = {
    key,
    source: throttled(new ObjectSource(store, entry.key, signal), 'logs', context, signal),
    target: { sizeBytes: object.sizeBytes, crc32 },
    base: null,
    commitId: io.randomness.id(),
    signal,
    onBytesSent: (sizeBytes: number) => onEvent({ kind: 'sent', key, sizeBytes }),
  };
  const outcome = await retryPolicy.withRetry(`keep ${key}`, () => store.commit(request), { signal });
  // `changed`: the object is no longer the acknowledged one. `conflict`: this number already holds a previous version.
  return outcome.status === 'failed' ? outcome : null;
}
