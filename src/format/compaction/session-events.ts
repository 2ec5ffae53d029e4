/** The events of a compacted file that are in no earlier file: its version, and session starts. */

import { DataClass, type Event, SessionStatus, type SummaryValue } from '../wire/messages.js';
import { HIDING } from '../wire/retraction-value.js';
import { createRetractions } from '../writer/retraction.js';
import type { Barrier, CompactedTag, Removal, TagLabel } from './plan-compaction.js';
import type { RecordIndex } from './record-index.js';

const NO_PLUGIN = { pluginName: '', dataClass: DataClass.UNKNOWN, description: 'not shown' } as const;

/**
 * The first events of a compacted file. With `replaced`, they make the earlier files invisible, whichever of the first of them are still there:
 *
 * - Of two session starts, at least the second is a restart for TensorBoard's Python reader, which removes all points.
 * - The fast reader removes the points of a tag when the file begins it again at its lowest step. For the tags in `replaced`, which begin later now, a
 *   value does that which no reader shows (src/format/wire/retraction-value.ts). It has the tag's metadata, because it is the first in the file.
 */
export function createHeader(
  index: RecordIndex,
  labels: readonly TagLabel[],
  replaced: readonly CompactedTag[] | undefined,
  concealing: SummaryValue,
): Event[] {
  const wallTime = index.firstWallTime ?? 0;
  // The fast reader sorts runs by the lowest wall time of all events, the Python reader by that of the first one.
  const lowest = Math.min(index.lowestWallTime, wallTime);
  const step = index.lowestStep ?? 0;
  const start: Event = { wallTime: lowest, step, what: { kind: 'sessionLog', status: SessionStatus.START } };
  const starts = replaced === undefined ? Math.min(1, index.starts.length) : 2;
  const removals = (replaced ?? []).map(({ tag, fromStep, metadata }) =>
    createSummary([{ tag, metadata, value: HIDING }], fromStep, wallTime),
  );
  return [
    createVersion(2, wallTime),
    ...Array.from({ length: starts }, () => start),
    ...labels.map((label) => createLabel(label, wallTime, concealing)),
    ...removals,
  ];
}

/**
 * An event that gives a tag its metadata in one viewer, and no value. A tag without a plugin is not listed. The fast reader keeps the first value of a
 * tag, but skips events whose wall time is not finite; the Python reader keeps the first metadata.
 */
function createLabel(
  { tag, reader, step, metadata }: TagLabel,
  wallTime: number,
  concealing: SummaryValue,
): Event {
  const own = metadata === undefined ? {} : { metadata };
  switch (reader) {
    case 'fast':
      return createSummary([{ tag, ...own, value: HIDING }], step, wallTime);
    case 'python':
      return createSummary(
        [{ tag, metadata: NO_PLUGIN, ...own, value: HIDING }],
        step,
        Number.POSITIVE_INFINITY,
      );
    case 'others':
      return createSummary([{ tag, ...own }, concealing], step, Number.POSITIVE_INFINITY);
  }
}

function createSummary(values: readonly SummaryValue[], step: number | bigint, wallTime: number): Event {
  return { wallTime, step, what: { kind: 'summary', values } };
}

/** The events of a session start that stays. TensorBoard's Python reader does not see one between versions 1 and 2. */
export function createBarrier({ step, wallTime, isSeen }: Barrier): Event[] {
  const start: Event = { wallTime, step, what: { kind: 'sessionLog', status: SessionStatus.START } };
  return isSeen ? [start] : [createVersion(1, wallTime), start, createVersion(2, wallTime)];
}

/** Events that remove points in TensorBoard's readers, or in one of them, and in no other program. */
export function createRemovals(removals: readonly Removal[], index: RecordIndex): Event[] {
  const wallTime = index.firstWallTime ?? 0;
  const both = removals.filter(({ reader }) => reader === undefined);
  const python = removals.filter(({ reader }) => reader === 'python');
  const fast = removals.filter(({ reader }) => reader === 'fast');
  const inOldVersion = [
    ...createRetractions(both, wallTime, HIDING),
    // The fast reader skips events whose wall time is not finite.
    ...createRetractions(python, Number.POSITIVE_INFINITY, HIDING),
  ];
  return [
    ...(inOldVersion.length === 0
      ? []
      : [createVersion(1, wallTime), ...inOldVersion, createVersion(2, wallTime)]),
    // The Python reader removes nothing in a file of the current version.
    ...fast.map(({ tag, fromStep }) => createSummary([{ tag, value: HIDING }], fromStep, wallTime)),
  ];
}

function createVersion(version: 1 | 2, wallTime: number): Event {
  return { wallTime, step: 0, what: { kind: 'fileVersion', fileVersion: `brain.Event:${version}` } };
}

/** An event at which only TensorBoard's fast reader stops: its wall time is not a number. */
export function createStop(): Event {
  return { wallTime: Number.NaN, step: 0, what: { kind: 'sessionLog', status: SessionStatus.CHECKPOINT } };
}
