/** The records of a run, cut into pieces that are sorted and hidden one by one. Pure. */

import type { PointTable } from '../visibility/point-table.js';
import type { ShownRun } from '../visibility/run-visibility.js';
import { HIDES, IGNORES, type PointRoles, SHOWS } from './point-roles.js';
import type { RecordIndex } from './record-index.js';

export type ViewerName = keyof PointRoles;

/** Points of one record that are written together, and who sees them. */
export interface Piece {
  readonly record: number;
  readonly step: number | bigint;
  readonly first: number;
  /** The point after the last; `first` for a record without points. */
  readonly end: number;
  /** The only viewers that show the piece; undefined: those that showed its points. */
  readonly for?: readonly ViewerName[] | undefined;
  /** Whether it comes where the fast reader does not read any more. */
  readonly isTail: boolean;
}

/** How the viewers share the points of a tag. `together`: one copy. `fastApart`: one for the fast reader, one for the others. `apart`: one for each. */
export type Sharing = 'together' | 'fastApart' | 'apart';

interface CutOptions {
  readonly keeps: Uint8Array;
  readonly roles: PointRoles;
  /** By tag; `together` if it is missing. */
  readonly sharing: ReadonlyMap<number, Sharing>;
  /** A plugin whose values other programs show instead of all others in the same record, which are previews of them. */
  readonly previewedPlugin: string;
}

/** The role of a point that is written in a piece. */
export function roleIn(piece: Piece, point: number, viewer: ViewerName, roles: PointRoles): number {
  const role = roles[viewer][point]!;
  if (role === IGNORES || piece.for === undefined || piece.for.includes(viewer)) return role;
  return HIDES;
}

/** A piece for each point, and each copy of it. A record with a value of the previewed plugin stays whole. */
export function cutRecords(run: ShownRun, index: RecordIndex, options: CutOptions): Piece[] {
  const { points, viewers } = run;
  const { keeps, roles, sharing, previewedPlugin } = options;
  const { fast, python, ...others } = viewers;
  const isPreviewed = points.tags.map((_, tag) =>
    Object.values(others).some((viewer) => viewer.tagView(tag)?.plugin === previewedPlugin),
  );
  const isTail = findTail(points, options);
  const pieces: Piece[] = [];
  for (let record = 0; record < index.count; record++) {
    const [first, end] = [index.firstPoints[record]!, index.firstPoints[record + 1]!];
    if (first === end) {
      pieces.push({ record, step: index.stepsWithoutPoints.get(record)!, first, end, isTail: false });
      continue;
    }
    const step = points.stepOf(first);
    let isWhole = false;
    for (let point = first; point < end; point++) if (isPreviewed[points.tagIndexOf(point)]) isWhole = true;
    if (isWhole) {
      const kept = keeps.subarray(first, end).includes(1);
      if (kept) pieces.push({ record, step, first, end, isTail: isTail.subarray(first, end).includes(1) });
      continue;
    }
    for (let point = first; point < end; point++) {
      if (keeps[point] === 0) continue;
      const piece = { record, step, first: point, end: point + 1 };
      const how = sharing.get(points.tagIndexOf(point)) ?? 'together';
      if (how === 'together') {
        pieces.push({ ...piece, isTail: isTail[point] === 1 });
        continue;
      }
      const shows = (viewer: ViewerName): boolean => roles[viewer][point] === SHOWS;
      if (shows('fast')) pieces.push({ ...piece, for: ['fast'], isTail: false });
      const copies: ViewerName[][] = how === 'apart' ? [['others'], ['python']] : [['python', 'others']];
      const needed = copies.filter((copy) => copy.some(shows));
      for (const copy of needed) pieces.push({ ...piece, for: copy, isTail: true });
      // No viewer shows it, and it stays nevertheless.
      if (needed.length === 0 && !shows('fast')) pieces.push({ ...piece, isTail: true });
    }
  }
  return pieces;
}

/** If the fast reader stops, at a wall time that is not a number: the points that come there or after it. */
function findTail(points: PointTable, { keeps, roles, sharing }: CutOptions): Uint8Array {
  const tail = new Uint8Array(points.count);
  const { length } = points.tags;
  const lastShown = new Int32Array(length).fill(-1);
  const firstNaN = new Int32Array(length).fill(-1);
  let isStopped = sharing.size > 0;
  for (let point = 0; point < points.count; point++) {
    const tag = points.tagIndexOf(point);
    if (keeps[point] === 0) continue;
    if (roles.fast[point] === SHOWS) lastShown[tag] = point;
    if (!Number.isNaN(points.wallTimeOf(point))) continue;
    isStopped = true;
    if (firstNaN[tag] === -1) firstNaN[tag] = point;
  }
  if (!isStopped) return tail;
  for (let point = 0; point < points.count; point++) {
    const tag = points.tagIndexOf(point);
    const isLater = point > lastShown[tag]! && point >= firstNaN[tag]!;
    if (isLater || Number.isNaN(points.wallTimeOf(point))) tail[point] = 1;
  }
  return tail;
}
