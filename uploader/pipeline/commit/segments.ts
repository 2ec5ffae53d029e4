/**
 * Stores the tail of a growing file as separate objects, for stores that cannot extend an object, or only too slowly.
 *
 * Their keys are `<run>/.plx/seg/<path>/<number of restarts>/<offset, 20 digits>-<length>`. The file is its object followed by these
 * segments in the order of their names. The object itself is uploaded again from time to time, and when the run ends.
 */

import type { Lane } from '../../base/limits/lanes.js';
import { RESERVED_DIRECTORY } from '../../base/rel-path.js';
import type { SegmentEntry } from '../journal/journal-entry.js';
import type { CommitContext } from './commit-context.js';
import { type ObjectOutcome, throttled } from './commit-object.js';
import { crc32OfRange, type LocalState, type Target } from './target.js';

const OFFSET_DIGITS = 20;

export function toSegmentKey(
  runUuid: string,
  relPath: string,
  { generation, start, end }: Pick<SegmentEntry, 'generation' | 'start' | 'end'>,
): string {
  const name = `${String(start).padStart(OFFSET_DIGITS, '0')}-${end - start}`;
  return `${runUuid}/${RESERVED_DIRECTORY}/seg/${relPath}/${generation}/${name}`;
}

export interface SegmentPlace {
  readonly path: string;
  readonly generation: number;
  readonly start: number;
  readonly end: number;
}

/** Parses a key that `toSegmentKey` returned; null for any other key. */
export function parseSegmentKey(runUuid: string, key: string): SegmentPlace | null {
  const match = /^(.+)\/(\d+)\/(\d{20})-(\d+)$/.exec(
    key.slice(`${runUuid}/${RESERVED_DIRECTORY}/seg/`.length),
  );
  if (match === null) return null;
  const [, path = '', generation, start, length] = match;
  return {
    path,
    generation: Number(generation),
    start: Number(start),
    end: Number(start) + Number(length),
  };
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
  const key = toSegmentKey(inventory.runOf(id).uuid, inventory.relPathOf(id), { generation, start, end });
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
  inventory.segments.set(id, segment);
  await journalWriter.append({ kind: 'segment', segment });
  return outcome;
}
