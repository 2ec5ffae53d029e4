/**
 * Plans one clean event file for a run: which records stay, which values of them, and in which order. Pure.
 *
 * A point that a viewer shows stays. A point that no viewer shows goes if a viewer says that it is superseded, or has stopped at damage before it.
 * All others stay, such as values of plugins that TensorBoard does not know.
 *
 * Records are sorted by step. Where the readers differ, the order of reading within a tag stays, because it decides what each of them shows:
 *
 * - The fast reader removes the points of a tag whose step is not smaller; the Python reader shows them. So a record is sorted as if it had the
 *   highest step of its tags so far.
 * - The Python reader removes the points of all tags at a session start; the fast reader shows them. So the start stays, and records do not
 *   pass it.
 */

import type { CodeColumn, PointTable } from '../visibility/point-table.js';
import { HIDDEN_REASONS, REASON_CODES } from '../visibility/reasons.js';
import type { ShownRun } from '../visibility/run-visibility.js';
import type { Viewer } from '../visibility/viewer.js';
import { DataClass, type SummaryMetadata } from '../wire/messages.js';
import type { Retraction } from '../writer/retraction.js';
import type { IndexedStart, RecordIndex } from './record-index.js';

const { broken, damage, form, kind, metadata, misread, noData, noPage, order, restart, retraction, sampled } =
  REASON_CODES;

/** The codes of points that appear in a viewer in some way. */
const VISIBLE = toFlags([0, misread, broken, noData, sampled]);
/** The codes of points that something else has replaced or made unreadable. */
const GONE = toFlags([restart, order, retraction, damage]);

/** The codes of points that a viewer holds and does not show: they may have removed others. */
const HOLDS = toFlags([retraction, kind, form, metadata, noPage]);

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

export interface CompactionPlan {
  /** The numbers of the records that stay, in their new order. */
  readonly order: Uint32Array;
  readonly barriers: readonly Barrier[];
  /** By point: 1 if it stays. */
  readonly keeps: Uint8Array;
  /** Before the record at a position: the points to remove, as a file of an old version does. */
  readonly removals: ReadonlyMap<number, readonly Retraction[]>;
  /** For each point of the new file, the point that it is a copy of; -1 for one that removes others. */
  readonly points: Int32Array;
  /** By tag: its first point that stays, if that is not its first point at all; it needs the metadata of the tag. Else -1. */
  readonly labelled: Int32Array;
  readonly superseded: number;
  /** Points that no viewer shows because of damage before them. */
  readonly damaged: number;
  /**
   * Why no single file shows the same, if that is known: `record`: a viewer shows a record whose CRC does not match. `reading`: a viewer has stopped
   * at damage before points that another viewer shows.
   */
  readonly obstacle: 'record' | 'reading' | undefined;
  /** Whether all records stay in their order. */
  readonly isSame: boolean;
}

/** A value that removes the points of its tag in earlier files from a step on, for the fast reader. */
export interface EarlierTag {
  readonly tag: string;
  readonly fromStep: number | bigint;
  readonly metadata: SummaryMetadata;
}

/**
 * The tags that begin below their first point that stays. If the earlier files are deleted one by one, points could appear that a deleted file has
 * removed.
 */
export function findEarlierTags(run: ShownRun, { points: kept }: CompactionPlan): EarlierTag[] {
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

/** The metadata that the viewers use for a tag: those of its first value. */
export function findMetadata({ viewers }: ShownRun, tag: number): SummaryMetadata | undefined {
  const found = Object.values(viewers).flatMap((viewer) => viewer.tagView(tag)?.metadata ?? []);
  return found.find(({ dataClass }) => dataClass !== DataClass.UNKNOWN) ?? found[0];
}

/** Plans the file. `whole`: the indices of tags of which superseded points stay too. */
export function planCompaction(
  run: ShownRun,
  index: RecordIndex,
  whole: ReadonlySet<number> = new Set(),
): CompactionPlan {
  const { keeps, superseded, damaged } = selectPoints(run, whole);
  const barriers = selectStarts(run, index, keeps);
  const { order, phases } = sortRecords(run, index, keeps, barriers);
  const { firstPoints } = index;
  const removals = planRemovals(run, index, keeps, order);
  const viewers = Object.values(run.viewers);
  let isUnreadable = false;
  let isSplit = false;
  const points: number[] = [];
  const addRemovals = (position: number): void => {
    for (const _ of removals.get(position) ?? []) points.push(NO_POINT);
  };
  for (const [position, record] of order.entries()) {
    addRemovals(position);
    if (index.sizes[record] === 0) isUnreadable = true;
    for (let point = firstPoints[record]!; point < firstPoints[record + 1]!; point++) {
      if (keeps[point] === 0) continue;
      points.push(point);
      if (viewers.some(({ codes }) => codes.at(point) === damage)) isSplit = true;
    }
  }
  addRemovals(order.length);
  return {
    order,
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
    obstacle: isUnreadable ? 'record' : isSplit ? 'reading' : undefined,
    isSame:
      superseded + damaged === 0 && order.length === index.count && order.every((each, i) => each === i),
  };
}

function selectPoints(run: ShownRun, whole: ReadonlySet<number>) {
  const { points, viewers } = run;
  const all = Object.values(viewers);
  const { count } = points;
  const keeps = new Uint8Array(count);
  const keptByTag = new Uint32Array(points.tags.length);
  const removed = all.map((viewer) => findRemoved(points, viewer));
  const isLost = (point: number): boolean => all.every(({ codes }) => codes.at(point) === damage);
  for (let point = 0; point < count; point++) {
    const tag = points.tagIndexOf(point);
    const isVisible = all.some(({ codes }) => VISIBLE[codes.at(point)] === 1);
    const isGone = all.some(({ codes }, i) => GONE[codes.at(point)] === 1 || removed[i]![point] === 1);
    if (!isVisible && isGone && (!whole.has(tag) || isLost(point))) continue;
    keeps[point] = 1;
    keptByTag[tag]!++;
  }
  // A tag whose points are all gone is still listed, without data.
  const isListedOnly = points.tags.map(
    (_, tag) => keptByTag[tag] === 0 && (findMetadata(run, tag)?.pluginName ?? '') !== '',
  );
  for (let point = 0; point < count; point++)
    if (isListedOnly[points.tagIndexOf(point)] && !isLost(point)) keeps[point] = 1;
  for (const { codes } of all) keepRemovers(points, codes, keeps);
  let superseded = 0;
  let damaged = 0;
  for (let point = 0; point < count; point++) {
    if (keeps[point] === 1) continue;
    if (isLost(point)) damaged++;
    else if (!all.every(({ codes }) => codes.at(point) === retraction)) superseded++;
  }
  return { keeps, superseded, damaged };
}

/** The points that a viewer cannot show in any case, and that something has removed: their codes do not tell. */
function findRemoved(points: PointTable, viewer: Viewer): Uint8Array {
  const { codes } = viewer;
  const removed = new Uint8Array(points.count);
  for (let point = 0; point < points.count; point++) {
    const code = codes.at(point);
    if (code !== form && code !== kind) continue;
    // A viewer holds no points of a tag without a data class.
    const view = viewer.tagView(points.tagIndexOf(point));
    if (view?.held !== undefined && view.metadata?.dataClass !== DataClass.UNKNOWN) removed[point] = 1;
  }
  for (let tag = 0; tag < points.tags.length; tag++) {
    const held = viewer.tagView(tag)?.held;
    for (let i = 0; i < (held?.length ?? 0); i++) removed[held!.at(i)] = 0;
  }
  return removed;
}

/**
 * Keeps values that a viewer holds and does not show, if they are the only ones that remove points which stay for another viewer: retractions, and
 * values that the fast reader cannot read.
 */
function keepRemovers(points: PointTable, codes: CodeColumn, keeps: Uint8Array): void {
  const { length } = points.tags;
  /** By tag: the lowest step of the later points that stay. */
  const lowest: (number | bigint | undefined)[] = Array.from({ length });
  const isOpen = new Uint8Array(points.count);
  for (let point = points.count - 1; point >= 0; point--) {
    if (keeps[point] === 0) continue;
    const tag = points.tagIndexOf(point);
    const step = points.stepOf(point);
    const next = lowest[tag];
    const isRemoved = next !== undefined && next <= step;
    const code = codes.at(point);
    if (!isRemoved && (code === restart || code === order)) isOpen[point] = 1;
    if (code !== damage && !isRemoved) lowest[tag] = step;
  }
  /** By tag: the highest step of the earlier points that nothing removes. */
  const highest: (number | bigint | undefined)[] = Array.from({ length });
  for (let point = 0; point < points.count; point++) {
    const tag = points.tagIndexOf(point);
    const step = points.stepOf(point);
    const open = highest[tag];
    if (keeps[point] === 0 && open !== undefined && open >= step && HOLDS[codes.at(point)] === 1)
      keeps[point] = 1;
    if (isOpen[point] === 1 && (open === undefined || step > open)) highest[tag] = step;
  }
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

function toFlags(codes: readonly number[]): Uint8Array {
  const flags = new Uint8Array(HIDDEN_REASONS.length + 1);
  for (const code of codes) flags[code] = 1;
  return flags;
}
