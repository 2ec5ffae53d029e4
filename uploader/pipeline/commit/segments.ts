/**
 * Stores the tail of a growing file as separate objects, for stores that cannot extend an object, or only too slowly.
 *
 * The file is its object followed by these segments. The object itself is uploaded again from time to time, and when the run ends. Their keys:
 * `base/segment-key.ts`.
 */

import type { Lane } from '../../base/limits/lanes.js';
import type { FailedOutcome } from '../../base/retry-table.js';
import { parseSegmentKey, type SegmentPlace, toSegmentKey, toSegmentPrefix } from '../../base/segment-key.js';
import type { ListedObject } from '../../store/base/store.js';
import type { FileId } from '../inventory/file-table.js';
import type { CommitContext } from './commit-context.js';
import { type ObjectOutcome, throttled } from './commit-object.js';
import { listObjects } from './stored-object.js';
import { crc32OfRange, type LocalState, type Target } from './target.js';

/** A segment that the store has. */
export interface StoredSegment extends SegmentPlace {
  readonly object: ListedObject;
}

/** The segments that follow the first `sizeBytes` bytes without a gap. `generation` is that of the object; null when unknown. */
export function joinSegments(
  segments: readonly StoredSegment[],
  sizeBytes: number,
  generation: number | null,
): { readonly object: ListedObject; readonly skip: number; readonly end: number }[] {
  const newest = toNewestGeneration(segments);
  const wanted = segments
    .filter((each) => each.generation === (generation ?? newest))
    .sort((a, b) => a.start - b.start || b.end - a.end);
  const joined: { object: ListedObject; skip: number; end: number }[] = [];
  let end = sizeBytes;
  for (const { object, start, end: segmentEnd } of wanted) {
    if (start > end || segmentEnd <= end) continue;
    joined.push({ object, skip: end - start, end: segmentEnd });
    end = segmentEnd;
  }
  return joined;
}

/** The number of the last restart of which there are segments; 0 without segments. */
export function toNewestGeneration(segments: readonly SegmentPlace[]): number {
  return segments.reduce((newest, { generation }) => Math.max(newest, generation), 0);
}

/** Lists the segments of a file, of all its restarts. */
export async function findSegments(
  runUuid: string,
  relPath: string,
  context: Pick<CommitContext, 'store' | 'retryPolicy'>,
  signal: AbortSignal | undefined,
): Promise<readonly StoredSegment[] | FailedOutcome> {
  const listed = await listObjects(toSegmentPrefix(runUuid, relPath), context, signal);
  if ('status' in listed) return listed;
  return listed.flatMap((object) => {
    const place = parseSegmentKey(runUuid, object.key);
    return place?.path === relPath ? [{ ...place, object }] : [];
  });
}

/**
 * Removes all segments of a file: of one that was removed, or whose object will be replaced on a store without metadata, where readers could not
 * know that they are not part of the new object. Returns null when there are none left.
 */
export async function removeSegments(
  id: FileId,
  context: Pick<CommitContext, 'inventory' | 'store' | 'retryPolicy'>,
  signal: AbortSignal | undefined,
): Promise<FailedOutcome | { readonly status: 'conflict' } | null> {
  const { inventory, store, retryPolicy } = context;
  const segments = await findSegments(inventory.runOf(id).uuid, inventory.relPathOf(id), context, signal);
  if ('status' in segments) return segments;
  for (const { object } of segments) {
    const { key, ...version } = object;
    const call = () => store.remove({ key, version, signal });
    const removed = await retryPolicy.withRetry(`remove ${key}`, call, { signal });
    if (removed.status !== 'removed') return removed;
  }
  inventory.onSegmentsRemoved(id);
  return null;
}

/** Stores the bytes `[start, target)` as a segment and records it in the journal. */
export async function commitSegment(
  { id, file }: LocalState,
  plan: { readonly start: number; readonly target: Target; readonly generation: number; readonly lane: Lane },
  context: CommitContext,
  signal: AbortSignal | undefined,
): Promise<ObjectOutcome> {
  const { inventory, journalWriter, store, retryPolicy, io, onEvent } = context;
  const { start, generation } = plan;
  const end = plan.target.sizeBytes;
  const crc32 = await crc32OfRange(file, { start, end }, context, signal);
  if (crc32 === null) return { status: 'changed' };
  const place = { path: inventory.relPathOf(id), generation, start, end };
  const key = toSegmentKey(inventory.runOf(id).uuid, place);
  const source = throttled(file, plan.lane, context, signal);
  const request = {
    key,
    source: { read: (from: number, to: number) => source.read(start + from, start + to) },
    target: { sizeBytes: end - start, crc32 },
    base: null,
    commitId: io.randomness.id(),
    signal,
    onBytesSent: (sizeBytes: number) => onEvent({ kind: 'sent', key, sizeBytes }),
  };
  const outcome = await retryPolicy.withRetry(`store ${key}`, () => store.commit(request), { signal });
  if (outcome.status !== 'stored') return outcome;
  const segment = { key: inventory.keyOf(id), generation, start, end, crc32: plan.target.crc32 };
  inventory.onSegment(segment);
  await journalWriter.append({ kind: 'segment', segment });
  return outcome;
}
