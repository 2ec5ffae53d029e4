/**
 * Keeps what a log or an event file held before it began anew: without this, a log that is cut short (`copytruncate`) would take the
 * stored part of it along.
 *
 * Earlier generations are objects of their own, `<run>/.plx/gen/<path>/<number>`. A store that keeps every version by itself needs none.
 */

import { RESERVED_DIRECTORY } from '../../base/rel-path.js';
import type { FailedOutcome } from '../../base/retry.js';
import type { FileId } from '../inventory/file-table.js';
import type { JournalEntry } from '../journal/journal-entry.js';
import type { CommitContext } from './commit-context.js';
import { throttled } from './commit-object.js';
import { ObjectSource } from './object-source.js';

/** A file that begins anew more often is rewritten rather than appended to, whatever its name says. */
export const MAX_GENERATIONS = 100;

export function toGenerationKey(runUuid: string, relPath: string, generation: number): string {
  return `${runUuid}/${RESERVED_DIRECTORY}/gen/${relPath}/${generation}`;
}

/** Copies the stored object of a file to its place among the generations; null when it is safe, or when there is nothing to keep. */
export async function keepGeneration(
  id: FileId,
  entry: JournalEntry,
  context: CommitContext,
  signal: AbortSignal | undefined,
): Promise<FailedOutcome | null> {
  const { inventory, store, retryPolicy, io, onEvent } = context;
  const { generation = 0, object, crc32 } = entry;
  if (store.capabilities.versioning === 'on' || object.sizeBytes === 0) return null;
  if (generation >= MAX_GENERATIONS) {
    const message = `${entry.key} began anew ${generation} times: its earlier content is no longer kept`;
    if (generation === MAX_GENERATIONS) onEvent({ kind: 'notice', code: 'NOTICE_GENERATIONS', message });
    return null;
  }
  const key = toGenerationKey(inventory.runOf(id).uuid, inventory.relPathOf(id), generation);
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
  // `changed`: the object is no longer the one that was acknowledged. `conflict`: another one was kept under this number.
  return outcome.status === 'failed' ? outcome : null;
}
