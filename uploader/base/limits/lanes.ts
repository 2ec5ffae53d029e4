/** Four lanes of work that share the uploader by weight: a checkpoint of 100 GB must not delay a metric of 100 bytes. */

export const LANES = ['events', 'logs', 'small', 'large'] as const;
export type Lane = (typeof LANES)[number];

/** Shares of the bytes while all lanes have work; what a lane does not use, the others do. */
export const LANE_WEIGHTS: Readonly<Record<Lane, number>> = { events: 60, logs: 20, small: 15, large: 5 };

/** Which lane is next: the one that has had the least of its share. Idle time is not saved up. */
export class FairShare {
  /** Bytes ÷ weight of each lane, so far. */
  readonly #used = new Map<Lane, number>(LANES.map((lane) => [lane, 0]));
  /** The share of whoever was served last: a lane that comes back begins here. */
  #now = 0;

  /** The most entitled of some lanes; earlier lanes first when equal. */
  choose(candidates: readonly Lane[]): Lane | undefined {
    let best: Lane | undefined;
    for (const lane of LANES) {
      if (!candidates.includes(lane)) continue;
      if (best === undefined || this.#shareOf(lane) < this.#shareOf(best)) best = lane;
    }
    return best;
  }

  /** Counts what a lane was given. */
  charge(lane: Lane, bytes: number): void {
    this.#now = this.#shareOf(lane);
    this.#used.set(lane, this.#now + bytes / LANE_WEIGHTS[lane]);
  }

  #shareOf(lane: Lane): number {
    return Math.max(this.#used.get(lane) ?? 0, this.#now);
  }
}
