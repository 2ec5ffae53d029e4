/**
 * Selects the points that stay when a run is compacted. Pure.
 *
 * A point that a viewer shows stays. A point that no viewer shows goes if a viewer says that it is superseded, or has stopped at damage before it.
 * All others stay, such as values of plugins that TensorBoard does not know.
 */

import type { CodeColumn, PointTable } from '../visibility/point-table.js';
import { HIDDEN_REASONS, REASON_CODES } from '../visibility/reasons.js';
import type { ShownRun } from '../visibility/run-visibility.js';
import type { Viewer } from '../visibility/viewer.js';
import { DataClass, type SummaryMetadata } from '../wire/messages.js';

const { broken, damage, form, kind, metadata, misread, noData, noPage, order, restart, retraction, sampled } =
  REASON_CODES;

/** The codes of points that appear in a viewer in some way. */
const VISIBLE = toFlags([0, misread, broken, noData, sampled]);
/** The codes of points that something else has replaced or made unreadable. */
const GONE = toFlags([restart, order, retraction, damage]);

/** The codes of points that a viewer holds and does not show: they may have removed others. */
const HOLDS = toFlags([retraction, kind, form, metadata, noPage]);

/** The metadata that the viewers use for a tag: those of its first value. */
export function findMetadata({ viewers }: ShownRun, tag: number): SummaryMetadata | undefined {
  const found = Object.values(viewers).flatMap((viewer) => viewer.tagView(tag)?.metadata ?? []);
  return found.find(({ dataClass }) => dataClass !== DataClass.UNKNOWN) ?? found[0];
}

/** By point: 1 if it stays. `whole`: the indices of tags of which superseded points stay too. */
export function choosePoints(run: ShownRun, whole: ReadonlySet<number>): Uint8Array {
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
  return keeps;
}

/** The points that do not stay: those that something has replaced, and those that every viewer misses because of damage. */
export function countLeftOut(
  { points, viewers }: ShownRun,
  keeps: Uint8Array,
): { superseded: number; damaged: number } {
  const all = Object.values(viewers);
  let superseded = 0;
  let damaged = 0;
  for (let point = 0; point < points.count; point++) {
    if (keeps[point] === 1) continue;
    if (all.every(({ codes }) => codes.at(point) === damage)) damaged++;
    else if (!all.every(({ codes }) => codes.at(point) === retraction)) superseded++;
  }
  return { superseded, damaged };
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
export function keepRemovers(points: PointTable, codes: CodeColumn, keeps: Uint8Array): void {
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

function toFlags(codes: readonly number[]): Uint8Array {
  const flags = new Uint8Array(HIDDEN_REASONS.length + 1);
  for (const code of codes) flags[code] = 1;
  return flags;
}
