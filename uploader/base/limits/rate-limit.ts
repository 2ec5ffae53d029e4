/** Limits the amount sent each second and divides it among the lanes by weight. Never leaves allowance unused while work waits. */

import { inBackground } from '../../../src/base/background.js';
import type { Clock } from '../../../src/base/clock.js';
import { FairShare, LANES, type Lane } from './lanes.js';

interface Waiting {
  readonly amount: number;
  readonly start: () => void;
}

export class RateLimit {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #share = new FairShare();
  readonly #waiting = new Map<Lane, Waiting[]>(LANES.map((lane) => [lane, []]));
  /** The amount that may be sent at once; negative after a large one. */
  #allowance: number;
  #countedMs: number;
  #isServing = false;

  /** `perSecond`: bytes, requests, …. Default: no limit. */
  constructor(clock: Clock, perSecond: number = Number.POSITIVE_INFINITY) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#allowance = perSecond;
    this.#countedMs = clock.monotonicMs();
  }

  /** Resolves when `amount` may be sent. Rejects with the signal's reason when the signal is aborted. */
  async take(amount: number, lane: Lane, signal?: AbortSignal): Promise<void> {
    if (this.#perSecond === Number.POSITIVE_INFINITY || amount <= 0) return;
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const queue = this.#waiting.get(lane)!;
      const onAbort = (): void => {
        const index = queue.indexOf(waiting);
        if (index >= 0) queue.splice(index, 1);
        reject(signal?.reason);
      };
      const waiting: Waiting = {
        amount,
        start: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      queue.push(waiting);
      if (!this.#isServing) inBackground(this.#serve());
    });
  }

  async #serve(): Promise<void> {
    this.#isServing = true;
    for (let lane = this.#nextLane(); lane !== undefined; lane = this.#nextLane()) {
      this.#count();
      // Wait until the allowance is positive before serving the next call, so that the limit also holds for large amounts.
      if (this.#allowance <= 0) {
        await this.#clock.sleep(Math.max(1, (-this.#allowance / this.#perSecond) * 1000));
        continue;
      }
      const next = this.#waiting.get(lane)!.shift()!;
      this.#allowance -= next.amount;
      this.#share.charge(lane, next.amount);
      next.start();
    }
    this.#isServing = false;
  }

  #nextLane(): Lane | undefined {
    return this.#share.choose(LANES.filter((lane) => this.#waiting.get(lane)!.length > 0));
  }

  #count(): void {
    const nowMs = this.#clock.monotonicMs();
    const gained = ((nowMs - this.#countedMs) / 1000) * this.#perSecond;
    this.#allowance = Math.min(this.#perSecond, this.#allowance + gained);
    this.#countedMs = nowMs;
  }
}
