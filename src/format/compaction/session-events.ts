/** The events of a compacted file that are in no earlier file: its version, and session starts. */

import { type Event, SessionStatus } from '../wire/messages.js';
import { createRetractions, type Retraction } from '../writer/retraction.js';
import type { Barrier, EarlierTag } from './plan-compaction.js';
import type { RecordIndex } from './record-index.js';

/**
 * The first events of a compacted file. With `replaced`, they make the earlier files invisible, whichever of the first of them are still there:
 *
 * - Of two session starts, at least the second is a restart for TensorBoard's Python reader, which removes all points.
 * - The fast reader removes the points of a tag when the file begins it again at its lowest step. For the tags in `replaced`, which begin later now, a
 *   value does that which no reader shows (src/format/writer/retraction.ts). It has the tag's metadata, because it is the first in the file.
 */
export function createHeader(index: RecordIndex, replaced: readonly EarlierTag[] | undefined): Event[] {
  const wallTime = index.firstWallTime ?? 0;
  // The fast reader sorts runs by the lowest wall time of all events, the Python reader by that of the first one.
  const lowest = Math.min(index.lowestWallTime, wallTime);
  const step = index.lowestStep ?? 0;
  const start: Event = { wallTime: lowest, step, what: { kind: 'sessionLog', status: SessionStatus.START } };
  const starts = replaced === undefined ? Math.min(1, index.starts.length) : 2;
  const removals = (replaced ?? []).map(({ tag, fromStep, metadata }): Event => {
    const nothing = { kind: 'obsoleteHistogram', obsoleteHistogram: new Uint8Array() } as const;
    return {
      wallTime,
      step: fromStep,
      what: { kind: 'summary', values: [{ tag, metadata, value: nothing }] },
    };
  });
  return [createVersion(2, wallTime), ...Array.from({ length: starts }, () => start), ...removals];
}

/** The events of a session start that stays. TensorBoard's Python reader does not see one between versions 1 and 2. */
export function createBarrier({ step, wallTime, isSeen }: Barrier): Event[] {
  const start: Event = { wallTime, step, what: { kind: 'sessionLog', status: SessionStatus.START } };
  return isSeen ? [start] : [createVersion(1, wallTime), start, createVersion(2, wallTime)];
}

/** Events that remove points in both of TensorBoard's readers, and in no other program. */
export function createRemovals(retractions: readonly Retraction[], index: RecordIndex): Event[] {
  const wallTime = index.firstWallTime ?? 0;
  return [
    createVersion(1, wallTime),
    ...createRetractions(retractions, wallTime),
    createVersion(2, wallTime),
  ];
}

function createVersion(version: 1 | 2, wallTime: number): Event {
  return { wallTime, step: 0, what: { kind: 'fileVersion', fileVersion: `brain.Event:${version}` } };
}
