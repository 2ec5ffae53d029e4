/** Ownership where several uploaders share a directory: each works on the runs that fall to it. */

import { hostname } from 'node:os';
import { Membership } from '../share/membership.js';
import type { RunRecord } from '../track/run-record.js';
import type { EngineParts } from './engine-parts.js';
import type { Ownership } from './ownership.js';

/** Joins the uploaders of a group, and keeps at it until `leave`. */
export class SharedOwnership implements Ownership {
  readonly #parts: EngineParts;
  readonly #membership: Membership;
  readonly #onGained: () => void;
  readonly #leaving = new AbortController();
  readonly #owned = new Set<number>();
  #running: Promise<void> = Promise.resolve();

  /** `onGained` is called when runs may have become this uploader's. */
  constructor(parts: EngineParts, group: string, pid: number, onGained: () => void) {
    this.#parts = parts;
    this.#onGained = onGained;
    const { store, io, clock, tracker } = parts;
    this.#membership = new Membership({
      ...{ store, clock, group, randomness: io.randomness },
      label: `${hostname()} ${pid}`,
      seenRuns: () => tracker.runs.filter(({ directory }) => directory !== null).map(({ uuid }) => uuid),
      seenVersion: () => parts.lives.size,
      onChange: () => this.#look(),
    });
  }

  /** Resolves once the others can know of this uploader, or the store does not answer. */
  async join(): Promise<void> {
    if (!this.#parts.store.capabilities.conditionalReplace) {
      const message =
        'this store has no conditional writes: uploaders that share runs may overwrite each other';
      this.#parts.onNotice({ code: 'NOTICE_SHARED_WITHOUT_CONDITIONS', message });
    }
    await this.#membership.turn(this.#leaving.signal);
    this.#running = this.#membership.run(this.#leaving.signal);
  }

  ownsRun(run: RunRecord): boolean {
    return this.#membership.owns(run.uuid);
  }

  /** Lets the others have the runs. */
  async leave(): Promise<void> {
    this.#leaving.abort();
    await this.#running;
  }

  #look(): void {
    const { tracker } = this.#parts;
    let hasGained = false;
    for (const run of tracker.runs) {
      const owns = this.ownsRun(run);
      if (owns === this.#owned.has(run.index)) continue;
      if (owns) this.#owned.add(run.index);
      else this.#owned.delete(run.index);
      // What others have stored meanwhile, the store knows.
      run.isListed = false;
      hasGained ||= owns;
    }
    if (hasGained) this.#onGained();
  }
}
