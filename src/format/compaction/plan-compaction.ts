/**
 * Plans one clean event file for a run: which records stay, which values of them, and in which order. Pure.
 *
 * Records are sorted by step. Where the readers differ, the order of reading within a tag stays, because it decides what each of them shows:
 *
 * - The fast reader removes the points of a tag whose step is not smaller; the Python reader shows them. So a record is sorted as if it had the
 *   highest step of its tags so far.
 * - The Python reader removes the points of all tags at a session start; the fast reader shows them. So the start stays, and records do not
 *   pass it.
 */

import { REASON_CODES } from '../visibility/reasons.js';
import type { ShownRun } from '../visibility/run-visibility.js';
import type { SummaryMetadata } from '../wire/messages.js';
import type { Retraction } from '../writer/retraction.js';
import type { IndexedStart, RecordIndex } from './record-index.js';
import { choosePoints, countLeftOut, findMetadata, keepRemovers } from './select-points.js';

const { damage } = REASON_CODES;

/** A point of the new file that is no copy. */
export const NO_POINT = -1;

/** A session start that stays, before the record at a position of the order. */
export interface Barrier {
  readonly position: number;
  readonly step: number | bigint;
  readonly wallTime: number;
  /** Whether TensorBoard's Python reader removes points there; if not, only other programs do. */
  readonly isSeen: boolean;
}

/** Removes points in both of TensorBoard's readers, or in one of them. */
export interface Removal extends Retraction {
  readonly reader?: 'fast' | 'python' | undefined;
}

/** The metadata of a tag for one of TensorBoard's readers, or for other programs. */
export interface TagLabel {
  readonly tag: string;
  readonly reader: 'fast' | 'python' | 'others';
  /** The lowest step of the tag. */
  readonly step: number | bigint;
  /** Undefined if the reader does not list the tag. */
  readonly metadata: SummaryMetadata | undefined;
}

export interface CompactionPlan {
  /** The numbers of the records that stay, in their new order. */
  readonly order: Uint32Array;
  readonly barriers: readonly Barrier[];
  /** By point: 1 if it stays. */
  readonly keeps: Uint8Array;
  /** By position, two numbers: the first point of the record that is written there, and the one after the last. Undefined: all that stay. */
  readonly ranges?: Float64Array | undefined;
  /** The position before which an event without a valid wall time makes TensorBoard's fast reader stop. */
  readonly stop?: number | undefined;
  /** The positions of records that no other program than TensorBoard is to show. */
  readonly concealed?: ReadonlySet<number> | undefined;
  /** Metadata that viewers must get from elsewhere than from the first point of a tag, in this order. */
  readonly labels: readonly TagLabel[];
  /** Before the record at a position: the points to remove. */
  readonly removals: ReadonlyMap<number, readonly Removal[]>;
  /** For each point of the new file, the point that it is a copy of; -1 for one that removes others. */
  readonly points: Int32Array;
  /** By tag: its first point that stays, if that is not its first point at all; it needs the metadata of the tag. Else -1. */
  readonly labelled: Int32Array;
  readonly superseded: number;
  /** Points that no viewer shows because of damage before them. */
  readonly damaged: number;
  /**
   * Whether a point stays that a viewer has not read because of damage: a record whose CRC does not match, or points after a place where only other
   * viewers read on. Then the viewers show the same only with a plan that separates them (plan-separation.ts).
   */
  readonly isDivided: boolean;
  /** Whether the plan separates the viewers. */
  readonly isSeparate: boolean;
  /** Whether all records stay in their order. */
  readonly isSame: boolean;
}

/** A value that removes the points of its tag in earlier files from a step on, for the fast reader. */
export interface CompactedTag {
  readonly tag: string;
  readonly fromStep: number | bigint;
  readonly metadata: SummaryMetadata;
}

/**
 * The tags that begin below their first point that stays. If the earlier files are deleted one by one, points could appear that a deleted file has
 * removed.
 */
export function findEarlierTags(run: ShownRun, { points: kept }: CompactionPlan): CompactedTag[] {
  const { points } = run;
  const { length } = points.tags;
  const lowest: (number | bigint | undefined)[] = Array.from({ length });
  for (let point = 0; point < points.count; point++) {
    const tag = points.tagIndexOf(point);
    const step = points.stepOf(point);
    if (lowest[tag] === undefined || step < lowest[tag]) lowest[tag] = step;
  }
  const first: (number | bigint | undefined)[] = Array.from({ length });
  for (const point of kept) if (point !== NO_POINT) first[points.tagIndexOf(point)] ??= points.stepOf(point);
  return points.tags.flatMap((tag, index) => {
    const [fromStep, step] = [lowest[index], first[index]];
    const metadata = findMetadata(run, index);
    const isNeeded = fromStep !== undefined && (step === undefined || fromStep < step);
    return isNeeded && metadata !== undefined && metadata.pluginName !== ''
      ? [{ tag, fromStep, metadata }]
      : [];
  });
}

/** Plans the file. `whole`: the indices of tags of which superseded points stay too. */
export function planCompaction(
  run: ShownRun,
  index: RecordIndex,
  whole: ReadonlySet<number> = new Set(),
): CompactionPlan {
  const keeps = choosePoints(run, whole);
  for (const { codes } of Object.values(run.viewers)) keepRemovers(run.points, codes, keeps);
  const { superseded, damaged } = countLeftOut(run, keeps);
  const barriers = selectStarts(run, index, keeps);
  const { order, phases } = sortRecords(run, index, keeps, barriers);
  const { firstPoints } = index;
  const removals = planRemovals(run, index, keeps, order);
  const viewers = Object.values(run.viewers);
  let isDivided = false;
  const points: number[] = [];
  const addRemovals = (position: number): void => {
    for (const _ of removals.get(position) ?? []) points.push(NO_POINT);
  };
  for (const [position, record] of order.entries()) {
    addRemovals(position);
    if (index.hasWrongCrc.has(record)) isDivided = true;
    for (let point = firstPoints[record]!; point < firstPoints[record + 1]!; point++) {
      if (keeps[point] === 0) continue;
      points.push(point);
      if (viewers.some(({ codes }) => codes.at(point) === damage)) isDivided = true;
    }
  }
  addRemovals(order.length);
  return {
    order,
    labels: [],
    removals,
    barriers: barriers.map(({ step, wallTime, isSeen }, i) => ({
      step,
      wallTime,
      isSeen,
      position: phases[i]!,
    })),
    keeps,
    points: Int32Array.from(points),
    labelled: findLabelled(run, points),
    superseded,
    damaged,
    isDivided,
    isSeparate: false,
    isSame:
      superseded + damaged === 0 && order.length === index.count && order.every((each, i) => each === i),
  };
}

/** The session starts that remove points which stay. */
function selectStarts(
  { points }: ShownRun,
  { starts, firstPoints }: RecordIndex,
  keeps: Uint8Array,
): IndexedStart[] {
  const selected: IndexedStart[] = [];
  let highest: number | bigint | undefined;
  let isArmed = false;
  let point = 0;
  for (const [i, start] of starts.entries()) {
    // For other programs, a first start concerns earlier files only.
    const record = i === 0 ? start.fileRecord : start.record;
    for (; point < firstPoints[record]!; point++) {
      if (keeps[point] === 0) continue;
      const step = points.stepOf(point);
      if (highest === undefined || step > highest) highest = step;
    }
    // The first start of a run removes nothing, except for programs that take one at a later step for a restart (src/format/restarts.ts).
    const isSeen = start.isSeen && isArmed;
    if (start.isSeen) isArmed = true;
    if (!isSeen && i === 0 && start.step <= 0) continue;
    if (highest !== undefined && highest >= start.step) selected.push({ ...start, record, isSeen });
  }
  return selected;
}

/** The removals by files of old versions that hide points which stay. Each moves to the next point of its tag that stays, or to the end. */
function planRemovals(
  { points }: ShownRun,
  { firstPoints, removing, count }: RecordIndex,
  keeps: Uint8Array,
  order: Uint32Array,
): Map<number, Retraction[]> {
  const removals = new Map<number, Retraction[]>();
  if (removing.size === 0) return removals;
  const positions = new Int32Array(count).fill(-1);
  for (const [position, record] of order.entries()) positions[record] = position;
  const highest = new Map<number, number | bigint>();
  /** By tag: the lowest step from which on points are removed before the next point. */
  const pending = new Map<number, number | bigint>();
  const addPending = (tag: number, position: number): void => {
    const fromStep = pending.get(tag);
    if (fromStep === undefined) return;
    pending.delete(tag);
    removals.set(position, [...(removals.get(position) ?? []), { tag: points.tags[tag]!, fromStep }]);
  };
  for (let record = 0; record < count; record++) {
    for (let point = firstPoints[record]!; point < firstPoints[record + 1]!; point++) {
      const tag = points.tagIndexOf(point);
      const step = points.stepOf(point);
      const [top, lowest] = [highest.get(tag), pending.get(tag)];
      const isNeeded = removing.has(record) && top !== undefined && top >= step;
      if (isNeeded && (lowest === undefined || step < lowest)) pending.set(tag, step);
      if (keeps[point] === 0) continue;
      addPending(tag, positions[record]!);
      if (top === undefined || step > top) highest.set(tag, step);
    }
  }
  for (const tag of [...pending.keys()]) addPending(tag, order.length);
  return removals;
}

/** The records that stay, sorted by phase, which is the number of session starts before them, and then by key. */
function sortRecords(
  { points }: ShownRun,
  index: RecordIndex,
  keeps: Uint8Array,
  barriers: readonly IndexedStart[],
): { order: Uint32Array; phases: number[] } {
  const { firstPoints } = index;
  const keys = new Float64Array(index.count);
  const highestByTag = new Float64Array(points.tags.length).fill(Number.NEGATIVE_INFINITY);
  const order = new Uint32Array(index.count);
  const phases: number[] = [];
  let count = 0;
  let phaseStart = 0;
  const endPhase = (): void => {
    const phase = order.subarray(phaseStart, count);
    // The number of a record is its place in the order of reading.
    phase.sort((a, b) => keys[a]! - keys[b]! || a - b);
    phaseStart = count;
  };
  for (let record = 0; record < index.count; record++) {
    while (phases.length < barriers.length && barriers[phases.length]!.record <= record) {
      endPhase();
      phases.push(count);
    }
    const first = firstPoints[record]!;
    const end = firstPoints[record + 1]!;
    let key = Number(first < end ? points.stepOf(first) : index.stepsWithoutPoints.get(record)!);
    let isKept = first === end;
    for (let point = first; point < end; point++) {
      if (keeps[point] === 0) continue;
      isKept = true;
      key = Math.max(key, highestByTag[points.tagIndexOf(point)]!);
    }
    if (!isKept) continue;
    for (let point = first; point < end; point++)
      if (keeps[point] === 1) highestByTag[points.tagIndexOf(point)] = key;
    keys[record] = key;
    order[count++] = record;
  }
  endPhase();
  while (phases.length < barriers.length) phases.push(count);
  return { order: order.slice(0, count), phases };
}

/** By tag: its first point that stays, if that is not its first point at all. */
function findLabelled({ points }: ShownRun, kept: readonly number[]): Int32Array {
  const first = new Int32Array(points.tags.length).fill(-1);
  for (let point = points.count - 1; point >= 0; point--) first[points.tagIndexOf(point)] = point;
  const labelled = new Int32Array(points.tags.length).fill(-1);
  const isDone = new Uint8Array(points.tags.length);
  for (const point of kept) {
    if (point === NO_POINT) continue;
    const tag = points.tagIndexOf(point);
    if (isDone[tag] === 0 && first[tag] !== point) labelled[tag] = point;
    isDone[tag] = 1;
  }
  return labelled;
}
