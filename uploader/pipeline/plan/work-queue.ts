/**
 * A queue of files in lanes. A file of a later phase becomes ready once all files of its run in earlier phases are settled. Files of a series
 * become ready one after the other, in the order of their names.
 *
 * It only schedules; the caller does the work. A file is in the queue at most once, however often it changes.
 */

import { FairShare, LANES, type Lane } from '../../base/limits/lanes.js';
import type { Phase } from '../inventory/file-class.js';
import type { FileId } from '../inventory/file-table.js';

export interface Work {
  readonly run: number;
  readonly phase: Phase;
  readonly lane: Lane;
  /** Approximate cost. */
  readonly bytes: number;
  /** The files that must become visible in the order of their names; absent for most. */
  readonly series?: Series | undefined;
}

interface Series {
  readonly id: number;
  /** The name of the file in the series. */
  readonly name: string;
}

/** Cost of a request, in bytes. Without it, a million small files would hold up a large one indefinitely. */
const REQUEST_BYTES = 64 * 1024;
const PHASES = 3;

export class WorkQueue {
  readonly #describe: (id: FileId) => Work;
  readonly #lanes = new Map<Lane, Fifo>(LANES.map((lane) => [lane, new Fifo()]));
  readonly #share = new FairShare();
  /** Number of files that are ready or in progress, by run and phase. */
  readonly #open: number[] = [];
  readonly #held = new Map<number, FileId[]>();
  /** The files that wait for another one of their series, in order; present while that one is ready or in progress. */
  readonly #series = new Map<number, FileId[]>();
  #openTotal = 0;
  #heldTotal = 0;

  constructor(describe: (id: FileId) => Work) {
    this.#describe = describe;
  }

  /** Number of files that are ready, held back or in progress. */
  get size(): number {
    return this.#openTotal + this.#heldTotal;
  }

  laneOf(id: FileId): Lane {
    return this.#describe(id).lane;
  }

  /** Returns true when a file of the lane is ready. */
  hasReady(lane: Lane): boolean {
    return this.#lanes.get(lane)!.size > 0;
  }

  add(id: FileId): void {
    const work = this.#describe(id);
    if (this.#isHeldBack(work)) this.#hold(id, work.run);
    else this.#release(id, work);
  }

  /** Takes the next file; undefined when none is ready. The caller must `settle` it. */
  take(lanes: readonly Lane[] = LANES): FileId | undefined {
    for (;;) {
      const lane = this.#share.choose(lanes.filter((each) => this.#lanes.get(each)!.size > 0));
      if (lane === undefined) return undefined;
      const id = this.#toEarlier(this.#lanes.get(lane)!.shift()!);
      const work = this.#describe(id);
      this.#share.charge(lane, work.bytes + REQUEST_BYTES);
      if (!this.#isHeldBack(work)) return id;
      // A file of an earlier phase was added after it.
      this.#count(work.run, work.phase, -1);
      this.#passOn(work);
      this.#hold(id, work.run);
    }
  }

  /** Marks a taken file as done for now. */
  settle(id: FileId): void {
    const work = this.#describe(id);
    const { run, phase } = work;
    this.#count(run, phase, -1);
    this.#passOn(work);
    if (this.#held.has(run)) this.#releaseHeld(run);
  }

  /** Removes and returns all files that were not taken; they need not be settled. */
  drain(): FileId[] {
    const ready = [...this.#lanes.values()].flatMap((lane) => lane.drain());
    const behind = [...this.#series.values()].flatMap((ids) => ids.splice(0));
    for (const id of ready) {
      const { series } = this.#describe(id);
      if (series !== undefined) this.#series.delete(series.id);
    }
    const left = [...ready, ...behind];
    for (const id of left) {
      const { run, phase } = this.#describe(id);
      this.#count(run, phase, -1);
    }
    const held = [...this.#held.values()].flat();
    this.#held.clear();
    this.#heldTotal = 0;
    return [...left, ...held];
  }

  #release(id: FileId, { run, phase, lane, series }: Work): void {
    this.#count(run, phase, 1);
    const behind = series === undefined ? undefined : this.#series.get(series.id);
    if (behind !== undefined) {
      this.#insert(id, behind);
      return;
    }
    if (series !== undefined) this.#series.set(series.id, []);
    this.#lanes.get(lane)!.push(id);
  }

  /** Exchanges a file for an earlier one of its series that was added after it. */
  #toEarlier(id: FileId): FileId {
    const { series } = this.#describe(id);
    const behind = series === undefined ? undefined : this.#series.get(series.id);
    if (behind === undefined || behind.length === 0) return id;
    this.#insert(id, behind);
    return behind.shift()!;
  }

  #insert(id: FileId, behind: FileId[]): void {
    const name = this.#nameOf(id);
    let [start, end] = [0, behind.length];
    while (start < end) {
      const middle = (start + end) >> 1;
      if (this.#nameOf(behind[middle]!) <= name) start = middle + 1;
      else end = middle;
    }
    behind.splice(start, 0, id);
  }

  #nameOf(id: FileId): string {
    return this.#describe(id).series?.name ?? '';
  }

  /** Makes the next file of a series ready. */
  #passOn({ series }: Work): void {
    if (series === undefined) return;
    const next = this.#series.get(series.id)?.shift();
    if (next === undefined) this.#series.delete(series.id);
    else this.#lanes.get(this.#describe(next).lane)!.push(next);
  }

  #hold(id: FileId, run: number): void {
    this.#held.set(run, [...(this.#held.get(run) ?? []), id]);
    this.#heldTotal += 1;
  }

  #releaseHeld(run: number): void {
    const ids = this.#held.get(run) ?? [];
    this.#held.delete(run);
    this.#heldTotal -= ids.length;
    for (const id of ids) this.add(id);
  }

  #isHeldBack({ run, phase }: Work): boolean {
    for (let earlier = 0; earlier < phase; earlier += 1)
      if ((this.#open[run * PHASES + earlier] ?? 0) > 0) return true;
    // A file of an earlier phase that is itself held back also comes first.
    return (this.#held.get(run) ?? []).some((id) => this.#describe(id).phase < phase);
  }

  #count(run: number, phase: Phase, change: 1 | -1): void {
    const index = run * PHASES + phase;
    this.#open[index] = (this.#open[index] ?? 0) + change;
    this.#openTotal += change;
  }
}

/** A first-in, first-out queue that does not move its elements. */
class Fifo {
  #ids: FileId[] = [];
  #next = 0;

  get size(): number {
    return this.#ids.length - this.#next;
  }

  push(id: FileId): void {
    this.#ids.push(id);
  }

  shift(): FileId | undefined {
    const id = this.#ids[this.#next];
    this.#next += 1;
    if (this.#next >= this.#ids.length) this.drain();
    return id;
  }

  drain(): FileId[] {
    const left = this.#ids.slice(this.#next);
    this.#ids = [];
    this.#next = 0;
    return left;
  }
}
