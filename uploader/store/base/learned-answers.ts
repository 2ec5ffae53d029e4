/** What a store has shown about its capabilities. A missing answer means unknown. capability-cache.ts keeps the answers for the next process. */

import { type Clock, systemClock } from '../../../src/base/clock.js';

export type Answer = 'yes' | 'no';
export type LearnedAnswer = { readonly is: Answer; readonly atSeconds: number };

export class LearnedAnswers {
  readonly #answers = new Map<string, LearnedAnswer>();
  readonly #clock: Clock;
  readonly #listeners: (() => void)[] = [];

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  get(name: string): Answer | undefined {
    return this.#answers.get(name)?.is;
  }

  learn(name: string, is: Answer): void {
    if (this.get(name) === is) return;
    this.#answers.set(name, { is, atSeconds: this.#clock.wallTime() });
    this.#report();
  }

  /** Calls `listener` after each change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Uses the answers of an earlier process. */
  adopt(answers: Iterable<readonly [string, LearnedAnswer]>): void {
    for (const [name, answer] of answers) this.#answers.set(name, answer);
    this.#report();
  }

  get entries(): readonly (readonly [string, LearnedAnswer])[] {
    return [...this.#answers];
  }

  #report(): void {
    for (const listener of this.#listeners) listener();
  }
}
