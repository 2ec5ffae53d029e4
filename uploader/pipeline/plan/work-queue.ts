/**
 * A queue of files in lanes. A file of a later phase becomes ready once all files of its run in earlier phases are settled.
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
      const id = this.#lanes.get(lane)!.shift()!;
      const work = this.#describe(id);
      this.#share.charge(lane, work.bytes + REQUEST_BYTES);
      if (!this.#isHeldBack(work)) return id;
      // A file of an earlier phase was added after it.
      this.#count(work.run, work.phase, -1);
      this.#hold(id, work.run);
    }
  }

  /** Marks a taken file as done for now. */
  settle(id: FileId): void {
    const { run, phase } = this.#describe(id);
    this.#count(run, phase, -1);
    if (this.#held.has(run)) this.#releaseHeld(run);
  }

  /** Removes and returns all files that were not taken; they need not be settled. */
  drain(): FileId[] {
    const left = [...this.#lanes.values()].flatMap((lane) => lane.drain());
    for (const id of left) {
      const { run, phase } = this.#describe(id);
      this.#count(run, phase, -1);
    }
    const held = [...this.#held.values()].flat();
    this.#held.clear();
    this.#heldTotal = 0;
    return [...left, ...held];
  }

  #release(id: FileId, { run, phase, lane }: Work): void {
    this.#count(run, phase, 1);
    this.#lanes.get(lane)!.push(id);
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
