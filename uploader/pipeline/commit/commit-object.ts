/** Commits one object: records the intent, calls the store, records the commit. The next process can resume an interrupted upload. */

import { inBackground } from '../../../src/base/background.js';
import type { Lane } from '../../base/limits/lanes.js';
import type { FailedOutcome } from '../../base/retry-table.js';
import type {
  AppendOutcome,
  ByteSource,
  CommitRequest,
  ObjectVersion,
  StoredPart,
} from '../../store/base/store.js';
import type { FileId } from '../inventory/file-table.js';
import type { JournalEntry, OpenIntent, Strategy } from '../journal/journal-entry.js';
import type { CommitContext } from './commit-context.js';

interface ObjectCommit {
  readonly id: FileId;
  readonly source: ByteSource;
  readonly strategy: Strategy;
  readonly base: ObjectVersion | null;
  /** CRC-32 of the base; `append` keeps the bytes of the base. */
  readonly baseCrc32: number;
  readonly targetBytes: number;
  /** The journal entry to record; its CRC-32 is that of the target. */
  readonly entry: Omit<JournalEntry, 'object'>;
  readonly lane: Lane;
  /** The intent of an earlier process to resume; null for a new commit. */
  readonly resumed: OpenIntent | null;
}

export type ObjectOutcome = Exclude<AppendOutcome, { status: 'retry' }> | FailedOutcome;

/** Commits the object, retrying as needed, and records the commit. Rejects only when the signal is aborted, or on a bug in this program. */
export async function commitObject(
  commit: ObjectCommit,
  context: CommitContext,
  signal: AbortSignal | undefined,
): Promise<ObjectOutcome> {
  const { inventory, journalWriter, store } = context;
  const open = await openIntent(commit, context);
  const { tx } = open.intent;
  let outcome: ObjectOutcome | null = null;
  try {
    outcome = await callStore(commit, open, context, signal);
    if (outcome.status === 'stored') {
      const object = { etag: outcome.etag, sizeBytes: commit.targetBytes };
      await recordStored(commit.id, { ...commit.entry, object }, context, tx);
    }
    return outcome;
  } finally {
    const isUnfinished = outcome === null && (inventory.intents.get(commit.id)?.parts.length ?? 0) > 0;
    // Keep an interrupted upload and its parts in the store: the next process finds them in the journal and resumes.
    if (outcome?.status !== 'stored' && !isUnfinished) {
      await store.abandon(tx);
      inventory.intents.delete(commit.id);
      await journalWriter.append({ kind: 'drop', tx });
    }
  }
}

/** Records a commit in the inventory and the journal. Call it only after the store has acknowledged the commit. */
export async function recordStored(
  id: FileId,
  entry: JournalEntry,
  context: CommitContext,
  tx?: string,
): Promise<void> {
  const { inventory, journalWriter, observer } = context;
  inventory.setEntry(id, entry);
  await journalWriter.append({ kind: 'done', entry, ...(tx === undefined ? {} : { tx }) });
  const { sizeBytes } = entry.object;
  const stored = { relPath: inventory.relPathOf(id), sizeBytes, crc32: entry.crc32 };
  observer.onStored({ runUuid: inventory.runOf(id).uuid, ...stored });
}

/** Returns `source` with its reads slowed down to the bandwidth limit. */
export function throttled(
  source: ByteSource,
  lane: Lane,
  { bandwidth }: CommitContext,
  signal: AbortSignal | undefined,
): ByteSource {
  return {
    async read(start, end) {
      await bandwidth.take(end - start, lane, signal);
      return source.read(start, end);
    },
    ...(source.readInto === undefined
      ? {}
      : {
          async readInto(buffer: Buffer, start: number) {
            await bandwidth.take(buffer.length, lane, signal);
            return (await source.readInto?.(buffer, start)) ?? 0;
          },
        }),
  };
}

async function openIntent(
  commit: ObjectCommit,
  { io, inventory, journalWriter }: CommitContext,
): Promise<OpenIntent> {
  if (commit.resumed !== null) return commit.resumed;
  const { strategy, base, entry, targetBytes, id } = commit;
  const intent = { tx: io.randomness.id(), strategy, base, entry, targetBytes };
  const open: OpenIntent = { intent, uploadId: null, parts: [] };
  inventory.intents.set(id, open);
  const recorded = journalWriter.append({ kind: 'intent', intent });
  // A single request need not wait for its journal line: if the line is lost, the next process compares checksums instead.
  if (strategy !== 'put') await recorded;
  return open;
}

function callStore(
  commit: ObjectCommit,
  open: OpenIntent,
  context: CommitContext,
  signal: AbortSignal | undefined,
): Promise<ObjectOutcome> {
  const { store, retryPolicy, inventory, journalWriter, onEvent } = context;
  const { id, entry, base, strategy, targetBytes } = commit;
  const { tx } = open.intent;
  let storedParts = 0;
  let countedParts = 0;
  const request: CommitRequest = {
    key: entry.key,
    source: throttled(commit.source, commit.lane, context, signal),
    target: { sizeBytes: targetBytes, crc32: entry.crc32 },
    base,
    commitId: tx,
    generation: entry.generation,
    signal,
    onBytesSent: (sizeBytes) => onEvent({ kind: 'sent', key: entry.key, sizeBytes }),
    onUploadOpened: (uploadId) => {
      inventory.intents.set(id, { intent: open.intent, uploadId, parts: [] });
      inBackground(journalWriter.append({ kind: 'mpu', tx, uploadId }));
    },
    onPartStored: (part: StoredPart) => {
      storedParts += 1;
      inventory.intents.get(id)?.parts.push(part);
      inBackground(journalWriter.append({ kind: 'part', tx, part }));
    },
    ...(open.uploadId === null ? {} : { unfinished: { uploadId: open.uploadId, parts: [...open.parts] } }),
  };
  const madeProgress = (): boolean => {
    const isMore = storedParts > countedParts;
    countedParts = storedParts;
    return isMore;
  };
  const isAppend = strategy === 'append' && base !== null;
  const call = (): Promise<AppendOutcome> =>
    isAppend
      ? store.append({ ...request, base: { ...base, crc32: commit.baseCrc32 } })
      : store.commit(request);
  return retryPolicy.withRetry(`store ${entry.key}`, call, { signal, madeProgress });
}
