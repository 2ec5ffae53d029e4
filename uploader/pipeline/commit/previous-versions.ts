/**
 * Keeps what the store holds before a commit replaces it with bytes that do not extend it: `<run>/.plx/gen/<path>/<number>`.
 *
 * The number comes from the store, because the journal may be lost or outdated. A previous version is created, never replaced: a number
 * that other content has taken leads to the next one.
 */

import { StoreConflictError } from '../../base/errors.js';
import { RESERVED_DIRECTORY } from '../../base/rel-path.js';
import type { FailedOutcome } from '../../base/retry-table.js';
import type { CommitOutcome, Extent, ListedObject, ObjectVersion } from '../../store/base/store.js';
import type { FileId } from '../inventory/file-table.js';
import type { CommitContext } from './commit-context.js';
import { throttled } from './commit-object.js';
import { type ObjectPiece, ObjectSource } from './object-source.js';
import { findSegments, type StoredSegment, toNewestGeneration } from './segments.js';
import { crc32OfContent, toContent } from './stored-content.js';
import { findChecksum, listObjects } from './stored-object.js';

/** A file that restarts more often is being rewritten, not appended to, whatever its name suggests. */
const MAX_PREVIOUS_VERSIONS = 100;

/** The object that a commit is about to replace. */
interface ReplacedObject {
  readonly object: ObjectVersion;
  readonly crc32: number;
  /** How often its file was restarted before; null when unknown. */
  readonly generation: number | null;
  /** The journal has acknowledged this object. */
  readonly isOurs: boolean;
}

type KeptVersion =
  /** `key`: where the content is now; null when there was nothing to keep. */
  | { readonly status: 'kept'; readonly key: string | null; readonly generation: number }
  /** The object is no longer the one to replace. */
  | { readonly status: 'conflict' }
  | FailedOutcome;

/** Copies the content of an object to the next free number. `generation` is the count of restarts for the new content. */
export async function keepPreviousVersion(
  id: FileId,
  replaced: ReplacedObject,
  context: CommitContext,
  signal: AbortSignal | undefined,
): Promise<KeptVersion> {
  const { inventory, onEvent } = context;
  const { uuid } = inventory.runOf(id);
  const relPath = inventory.relPathOf(id);
  const key = inventory.keyOf(id);
  const prefix = toPreviousVersionPrefix(uuid, relPath);
  const listed = await listObjects(prefix, context, signal);
  if ('status' in listed) return listed;
  const versions = listed.filter(({ key: each }) => /^\d{1,9}$/.test(each.slice(prefix.length)));
  const segments = await findSegments(uuid, relPath, context, signal);
  if ('status' in segments) return segments;
  const numbers = versions.map((each) => Number(each.key.slice(prefix.length)));
  const next = numbers.reduce((highest, number) => Math.max(highest, number), -1) + 1;
  // Segments of the new content must not continue those of an earlier restart.
  const generation = Math.max(next + 1, toNewestGeneration(segments) + 1);
  if (replaced.object.sizeBytes === 0) return { status: 'kept', key: null, generation };
  if (replaced.isOurs && versions.length >= MAX_PREVIOUS_VERSIONS) {
    const message = `${key} was restarted more than ${MAX_PREVIOUS_VERSIONS} times; its last content is not kept`;
    onEvent({ kind: 'notice', code: 'NOTICE_PREVIOUS_VERSIONS', message });
    return { status: 'kept', key: null, generation };
  }
  const content = await findContent(key, replaced, segments, context, signal);
  if ('status' in content) return content;
  const same = await findSame(versions, content, context, signal);
  if (typeof same !== 'string' && same !== null) return same;
  if (same !== null) return { status: 'kept', key: same, generation };
  const copied = await copyTo(prefix, next, content, context, signal);
  return copied.status === 'kept'
    ? { ...copied, generation: Math.max(copied.generation, generation) }
    : copied;
}

interface Content extends Extent {
  readonly pieces: readonly ObjectPiece[];
}

/** The object and the segments that follow it, with their checksum. */
async function findContent(
  key: string,
  { object, crc32, generation }: ReplacedObject,
  segments: readonly StoredSegment[],
  context: CommitContext,
  signal: AbortSignal | undefined,
): Promise<Content | FailedOutcome | { status: 'conflict' }> {
  const content = toContent(key, object, segments, generation);
  if (content.pieces.length === 1) return { ...content, crc32 };
  const read = await crc32OfContent(content, content.sizeBytes, context, signal);
  return read.status === 'read' ? { ...content, crc32: read.crc32 } : read;
}

/** Finds a previous version with the same content, such as one that a process kept before it was killed. */
async function findSame(
  versions: readonly ListedObject[],
  { sizeBytes, crc32: wanted }: Content,
  context: CommitContext,
  signal: AbortSignal | undefined,
): Promise<string | FailedOutcome | null> {
  for (const version of versions) {
    if (version.sizeBytes !== sizeBytes) continue;
    const found = await findChecksum(version.key, context, signal);
    if (found.status === 'failed') return found;
    if (found.status === 'found' && found.crc32 === wanted) return version.key;
  }
  return null;
}

async function copyTo(
  prefix: string,
  first: number,
  { pieces, sizeBytes, crc32: wanted }: Content,
  context: CommitContext,
  signal: AbortSignal | undefined,
): Promise<KeptVersion> {
  const { store, retryPolicy, io, onEvent } = context;
  const source = new ObjectSource(store, pieces, signal);
  for (let number = first; number < first + MAX_PREVIOUS_VERSIONS; number += 1) {
    const key = `${prefix}${number}`;
    const request = {
      key,
      source: throttled(source, 'logs', context, signal),
      target: { sizeBytes, crc32: wanted },
      base: null,
      commitId: io.randomness.id(),
      signal,
      onBytesSent: (bytes: number) => onEvent({ kind: 'sent', key, sizeBytes: bytes }),
    };
    const call = async (): Promise<CommitOutcome> => {
      const outcome = await store.commit(request);
      return outcome.status === 'changed' && source.interruption !== null ? source.interruption : outcome;
    };
    const outcome = await retryPolicy.withRetry(`keep ${key}`, call, { signal });
    if (outcome.status === 'failed') return outcome;
    if (outcome.status === 'stored') return { status: 'kept', key, generation: number + 1 };
    // The object no longer has the acknowledged content.
    if (outcome.status === 'changed') return { status: 'conflict' };
  }
  return { status: 'failed', error: new StoreConflictError(prefix) };
}

function toPreviousVersionPrefix(runUuid: string, relPath: string): string {
  return `${runUuid}/${RESERVED_DIRECTORY}/gen/${relPath}/`;
}
