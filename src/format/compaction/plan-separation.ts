/**
 * Plans one clean event file for a run of which the viewers have read different points, because of damage or a wall time that is not a number. Pure.
 *
 * Each point that a viewer shows is written, and hidden from the viewers that did not show it. Session starts of the original go; instead, for each
 * viewer there is something that only this viewer obeys:
 *
 * - The fast reader: a retraction. The Python reader obeys one only in a file of an old version. It also stops at a wall time that is not a number.
 * - The Python reader: a retraction in an old version with an infinite wall time. The fast reader skips events of such a time.
 * - Another viewer: a value of its plugin in the same event. For it, the others are then previews.
 *
 * A retraction removes all earlier points from a step on, so the order has to fit (sort-pieces.ts). Where no order fits, the points of the tag are
 * written once for each reader: first for the fast reader, which then stops. A tag that a reader does not list gets metadata without a plugin for it.
 */

import type { ShownRun } from '../visibility/run-visibility.js';
import { DataClass } from '../wire/messages.js';
import { cutRecords, type Piece, roleIn, type Sharing } from './pieces.js';
import { type CompactionPlan, NO_POINT, type Removal, type TagLabel } from './plan-compaction.js';
import { findRoles, HIDES, IGNORES, type PointRoles, SHOWS } from './point-roles.js';
import type { RecordIndex } from './record-index.js';
import { choosePoints, countLeftOut } from './select-points.js';
import { sortPieces } from './sort-pieces.js';

/**
 * Returns undefined if no order of the points fits. `previewedPlugin`: a plugin whose values other programs show instead of all others in the same
 * record.
 */
export function planSeparation(
  run: ShownRun,
  index: RecordIndex,
  previewedPlugin: string,
): CompactionPlan | undefined {
  const { points } = run;
  const keeps = choosePoints(run, new Set());
  const roles = findRoles(run);
  const labels = planLabels(run, keeps);
  for (const { tag, reader, metadata } of labels)
    if (metadata === undefined) ignoreTag(run, roles[reader], tag);
  const sharing = new Map<number, Sharing>();
  for (;;) {
    const pieces = cutRecords(run, index, { keeps, roles, sharing, previewedPlugin });
    const result = sortPieces({ points, roles, pieces, keeps });
    if ('sorted' in result) return toPlan(run, index, { sorted: result.sorted, roles, keeps }, labels);
    let isNew = false;
    for (const tag of result.conflicts) {
      const known = sharing.get(tag);
      if (known === 'apart') continue;
      sharing.set(tag, known === undefined ? 'fastApart' : 'apart');
      isNew = true;
    }
    if (isNew) continue;
    if (sharing.size === points.tags.length) return undefined;
    for (const tag of points.tags.keys()) sharing.set(tag, 'apart');
  }
}

interface Sorted {
  readonly sorted: readonly Piece[];
  readonly roles: PointRoles;
  readonly keeps: Uint8Array;
}

function toPlan(
  run: ShownRun,
  index: RecordIndex,
  input: Sorted,
  labels: readonly TagLabel[],
): CompactionPlan {
  const { sorted, keeps, roles } = input;
  const removals = hidePoints(run, input);
  const concealed = new Set<number>();
  const copies: number[] = [];
  for (let position = 0; position <= sorted.length; position++) {
    for (const _ of removals.get(position) ?? []) copies.push(NO_POINT);
    const piece = sorted[position];
    if (piece === undefined) break;
    for (let point = piece.first; point < piece.end; point++) if (keeps[point] === 1) copies.push(point);
    if (index.withoutSummary.has(piece.record) || isForOthers(run, piece, roles)) continue;
    concealed.add(position);
    copies.push(NO_POINT);
  }
  const stop = sorted.findIndex(({ isTail }) => isTail);
  return {
    order: Uint32Array.from(sorted, ({ record }) => record),
    ranges: Float64Array.from(sorted.flatMap(({ first, end }) => [first, end])),
    labels,
    removals,
    barriers: [],
    concealed,
    stop: stop === -1 ? undefined : stop,
    keeps,
    points: Int32Array.from(copies),
    labelled: new Int32Array(run.points.tags.length).fill(-1),
    ...countLeftOut(run, keeps),
    isDivided: false,
    isSeparate: true,
    isSame: false,
  };
}

/** Whether another program shows a point of the piece, or reads hyperparameters from it. */
function isForOthers({ points, viewers }: ShownRun, piece: Piece, roles: PointRoles): boolean {
  if (piece.first === piece.end) return true;
  for (let point = piece.first; point < piece.end; point++) {
    if (roleIn(piece, point, 'others', roles) === SHOWS) return true;
    const tag = points.tagIndexOf(point);
    if (Object.values(viewers).some((viewer) => viewer.tagView(tag)?.plugin === 'hparams')) return true;
  }
  return false;
}

/** The metadata of each tag for each viewer: the first point of the new order can be another one, and can be one that only others have read. */
function planLabels({ points, viewers }: ShownRun, keeps: Uint8Array): TagLabel[] {
  const lowest = new Map<number, number | bigint>();
  const isKept = new Uint8Array(points.tags.length);
  for (let point = 0; point < points.count; point++) {
    const tag = points.tagIndexOf(point);
    const [step, known] = [points.stepOf(point), lowest.get(tag)];
    if (known === undefined || step < known) lowest.set(tag, step);
    if (keeps[point] === 1) isKept[tag] = 1;
  }
  const { fast, python, ...others } = viewers;
  const labels: { readonly [Reader in TagLabel['reader']]: TagLabel[] } = {
    python: [],
    fast: [],
    others: [],
  };
  for (const [index, tag] of points.tags.entries()) {
    if (isKept[index] === 0) continue;
    const step = lowest.get(index)!;
    for (const [reader, viewer] of [
      ['python', python!],
      ['fast', fast!],
    ] as const) {
      const view = viewer.tagView(index);
      const metadata = view?.plugin === undefined ? undefined : view.metadata;
      labels[reader].push({ tag, reader, step, metadata });
    }
    for (const viewer of Object.values(others)) {
      const pluginName = viewer.tagView(index)?.plugin;
      if (pluginName === undefined || pluginName === 'hparams') continue;
      labels.others.push({
        tag,
        reader: 'others',
        step,
        metadata: { pluginName, dataClass: DataClass.UNKNOWN },
      });
    }
  }
  // The Python reader accepts only the first metadata; the fast reader skips those that are not for it.
  return [...labels.python, ...labels.fast, ...labels.others];
}

function ignoreTag({ points }: ShownRun, roles: Uint8Array, tag: string): void {
  const index = points.tags.indexOf(tag);
  for (let point = 0; point < points.count; point++)
    if (points.tagIndexOf(point) === index) roles[point] = IGNORES;
}

/** The retractions that hide points: each as late as possible, so that it hides many. */
function hidePoints({ points }: ShownRun, { sorted, roles, keeps }: Sorted): Map<number, Removal[]> {
  const removals = new Map<number, Removal[]>();
  /** By tag: the lowest step of the points that are still to be hidden. */
  const pending = { fast: new Map<number, number | bigint>(), python: new Map<number, number | bigint>() };
  const remove = (reader: 'fast' | 'python', tag: number, position: number): void => {
    const removal = { tag: points.tags[tag]!, fromStep: pending[reader].get(tag)!, reader };
    pending[reader].delete(tag);
    removals.set(position, [...(removals.get(position) ?? []), removal]);
  };
  const removeAll = (reader: 'fast' | 'python', position: number): void => {
    for (const tag of [...pending[reader].keys()]) remove(reader, tag, position);
  };
  for (const [position, piece] of sorted.entries()) {
    const { first, end, step, isTail } = piece;
    if (isTail) removeAll('fast', position);
    for (let point = first; point < end; point++) {
      if (keeps[point] === 0) continue;
      const tag = points.tagIndexOf(point);
      const [fast, python] = [pending.fast.get(tag), pending.python.get(tag)];
      if (roleIn(piece, point, 'fast', roles) === SHOWS && fast !== undefined && fast < step)
        remove('fast', tag, position);
      if (roleIn(piece, point, 'python', roles) === SHOWS && python !== undefined && python <= step)
        remove('python', tag, position);
    }
    for (let point = first; point < end; point++) {
      if (keeps[point] === 0) continue;
      const tag = points.tagIndexOf(point);
      const [fast, python] = [pending.fast.get(tag), pending.python.get(tag)];
      if (!isTail && Number.isFinite(points.wallTimeOf(point))) {
        // The point itself hides those whose step is not smaller.
        const isOpen = fast !== undefined && fast < step;
        if (!isOpen) pending.fast.delete(tag);
        if (!isOpen && roleIn(piece, point, 'fast', roles) === HIDES) pending.fast.set(tag, step);
      }
      const isLower = python === undefined || step < python;
      if (isLower && roleIn(piece, point, 'python', roles) === HIDES) pending.python.set(tag, step);
    }
  }
  removeAll('fast', sorted.length);
  removeAll('python', sorted.length);
  return removals;
}
