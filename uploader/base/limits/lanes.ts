/** Four lanes that share the capacity of the uploader by weight: a checkpoint of 100 GB must not delay a metric of 100 bytes. */

export const LANES = ['events', 'logs', 'small', 'large'] as const;
export type Lane = (typeof LANES)[number];

/** Shares of the bytes while all lanes have work. The other lanes use what one lane does not need. */
export const LANE_WEIGHTS: Readonly<Record<Lane, number>> = { events: 60, logs: 20, small: 15, large: 5 };

/** Chooses the next lane: the one that has used the least of its share. A lane cannot save up shares while it is idle. */
export class FairShare {
  /** Bytes ÷ weight of each lane so far. */
  readonly #used = new Map<Lane, number>(LANES.map((lane) => [lane, 0]));
  /** The value of the lane that was served last. A lane that was idle starts here. */
  #now = 0;

  /** Returns the candidate that has used the least of its share. In a tie, the earlier lane wins. */
  choose(candidates: readonly Lane[]): Lane | undefined {
    let best: Lane | undefined;
    for (const lane of LANES) {
      if (!candidates.includes(lane)) continue;
      if (best === undefined || this.#shareOf(lane) < this.#shareOf(best)) best = lane;
    }
    return best;
  }

  /** Counts the bytes that a lane was given. */
  charge(lane: Lane, bytes: number): void {
    this.#now = this.#shareOf(lane);
    this.#used.set(lane, this.#now + bytes / LANE_WEIGHTS[lane]);
  }

  #shareOf(lane: Lane): number {
    return Math.max(this.#used.get(lane) ?? 0, this.#now);
  }
}
