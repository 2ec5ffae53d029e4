/**
 * Sorts the pieces of a run by step, as far as each viewer can show its own ones. Pure.
 *
 * What the viewers show decides which piece has to come before which:
 *
 * - A viewer shows the points of a tag in the order of reading, so that order stays.
 * - The fast reader loses the points of a tag at each later one whose step is not greater, so a point that it shows comes after those.
 * - The Python reader hides a point together with all earlier ones of its tag from its step on, so those that it shows come later.
 * - The fast reader stops before the tail, so all that it shows comes before.
 */

import type { PointTable } from '../visibility/point-table.js';
import { NumberHeap } from './number-heap.js';
import { type Piece, roleIn, type ViewerName } from './pieces.js';
import { HIDES, type PointRoles, REPEATS, SHOWS } from './point-roles.js';
import { StepQueue } from './step-queue.js';

interface SortInput {
  readonly points: PointTable;
  readonly roles: PointRoles;
  /** In the order of reading. */
  readonly pieces: readonly Piece[];
  readonly keeps: Uint8Array;
}

/** Returns the pieces in their new order. If there is none: the tags of pieces that wait for each other. */
export function sortPieces(
  input: SortInput,
): { readonly sorted: Piece[] } | { readonly conflicts: ReadonlySet<number> } {
  return new Sorter(input).sort();
}

const VIEWERS: readonly ViewerName[] = ['fast', 'python', 'others'];

class Sorter {
  readonly #input: SortInput;
  readonly #ready: NumberHeap;
  /** By piece: how many others of the same series are still to come before it. */
  readonly #missing: Uint32Array;
  readonly #followers: number[][];
  readonly #isPlaced: Uint8Array;
  /** By tag: the pieces that the fast reader reads, and those that the Python reader hides. */
  readonly #read: ReadonlyMap<number, StepQueue>;
  readonly #hidden: ReadonlyMap<number, StepQueue>;
  /** By tag: the pieces that wait for others of the tag. */
  readonly #waiting = new Map<number, number[]>();
  #waitingForTail: number[] = [];
  #shownByFast = 0;

  constructor(input: SortInput) {
    this.#input = input;
    const { points, pieces, roles } = input;
    this.#ready = new NumberHeap((a, b) => {
      const [x, y] = [pieces[a]!.step, pieces[b]!.step];
      return x === y ? a < b : x < y;
    });
    this.#missing = new Uint32Array(pieces.length);
    this.#followers = pieces.map(() => []);
    this.#isPlaced = new Uint8Array(pieces.length);
    const read = new Map<number, number[]>();
    const hidden = new Map<number, number[]>();
    for (const [number, piece] of pieces.entries()) {
      for (const point of this.#pointsOf(piece)) {
        const tag = points.tagIndexOf(point);
        if (!piece.isTail && Number.isFinite(points.wallTimeOf(point))) append(read, tag, number);
        if (roleIn(piece, point, 'fast', roles) === SHOWS) this.#shownByFast++;
        if (roleIn(piece, point, 'python', roles) === HIDES) append(hidden, tag, number);
      }
    }
    const toQueues = (lists: ReadonlyMap<number, number[]>): Map<number, StepQueue> =>
      new Map([...lists].map(([tag, members]) => [tag, new StepQueue(pieces, members, this.#isPlaced)]));
    this.#read = toQueues(read);
    this.#hidden = toQueues(hidden);
    for (const viewer of VIEWERS) this.#chain(viewer);
  }

  sort(): ReturnType<typeof sortPieces> {
    const { pieces } = this.#input;
    const sorted: Piece[] = [];
    for (const [number, count] of this.#missing.entries()) if (count === 0) this.#ready.push(number);
    for (let next = this.#ready.pop(); next !== undefined; next = this.#ready.pop()) {
      if (this.#waits(next)) continue;
      sorted.push(pieces[next]!);
      this.#place(next);
    }
    return sorted.length === pieces.length ? { sorted } : { conflicts: this.#findConflicts() };
  }

  #pointsOf({ first, end }: Piece): number[] {
    const { keeps } = this.#input;
    const points: number[] = [];
    for (let point = first; point < end; point++) if (keeps[point] === 1) points.push(point);
    return points;
  }

  /** Keeps the order of reading within each tag, of the points that a viewer shows. */
  #chain(viewer: ViewerName): void {
    const { points, pieces, roles } = this.#input;
    const last = new Map<number, number>();
    for (const [number, piece] of pieces.entries()) {
      for (const point of this.#pointsOf(piece)) {
        const role = roleIn(piece, point, viewer, roles);
        if (role !== SHOWS && role !== REPEATS) continue;
        const tag = points.tagIndexOf(point);
        const before = last.get(tag);
        last.set(tag, number);
        if (before === undefined || before === number) continue;
        this.#followers[before]!.push(number);
        this.#missing[number]!++;
      }
    }
  }

  /** Whether a piece cannot come yet. It is tried again when it may. */
  #waits(number: number): boolean {
    const { points, pieces, roles } = this.#input;
    const piece = pieces[number]!;
    if (piece.isTail && this.#shownByFast > 0) {
      this.#waitingForTail.push(number);
      return true;
    }
    for (const point of this.#pointsOf(piece)) {
      const tag = points.tagIndexOf(point);
      const isBlocked =
        (roleIn(piece, point, 'fast', roles) === SHOWS && this.#read.get(tag)?.hasBefore(number)) ||
        (roleIn(piece, point, 'python', roles) === SHOWS && this.#hidden.get(tag)?.hasBefore(number));
      if (isBlocked !== true) continue;
      append(this.#waiting, tag, number);
      return true;
    }
    return false;
  }

  #place(number: number): void {
    const { points, pieces, roles } = this.#input;
    const piece = pieces[number]!;
    this.#isPlaced[number] = 1;
    for (const point of this.#pointsOf(piece)) {
      if (roleIn(piece, point, 'fast', roles) === SHOWS) this.#shownByFast--;
      const tag = points.tagIndexOf(point);
      for (const waiting of this.#waiting.get(tag) ?? []) this.#ready.push(waiting);
      this.#waiting.delete(tag);
    }
    if (this.#shownByFast === 0)
      for (const waiting of this.#waitingForTail.splice(0)) this.#ready.push(waiting);
    for (const follower of this.#followers[number]!)
      if (--this.#missing[follower]! === 0) this.#ready.push(follower);
  }

  #findConflicts(): Set<number> {
    const { points, pieces } = this.#input;
    const conflicts = new Set(this.#waiting.keys());
    if (conflicts.size > 0) return conflicts;
    for (const number of this.#waitingForTail)
      for (const point of this.#pointsOf(pieces[number]!)) conflicts.add(points.tagIndexOf(point));
    return conflicts;
  }
}

function append(lists: Map<number, number[]>, key: number, item: number): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}
