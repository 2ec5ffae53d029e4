/** Numbered items with steps that leave in any order, and a question: does one remain up to a step? Pure. */

interface StepItem {
  readonly step: number | bigint;
}

export class StepQueue {
  readonly #items: readonly StepItem[];
  readonly #hasLeft: Uint8Array;
  /** Sorted by step. */
  readonly #members: readonly number[];
  #at = 0;

  /** `members`: the numbers of items. `hasLeft`: by item, whether it has left; the caller changes it. */
  constructor(items: readonly StepItem[], members: readonly number[], hasLeft: Uint8Array) {
    this.#items = items;
    this.#hasLeft = hasLeft;
    this.#members = [...members].sort((a, b) => compareSteps(items[a]!.step, items[b]!.step));
  }

  /** Whether another item than `self` remains at or below its step. */
  hasBefore(self: number): boolean {
    const { step } = this.#items[self]!;
    while (this.#at < this.#members.length && this.#hasLeft[this.#members[this.#at]!] === 1) this.#at++;
    for (let i = this.#at; i < this.#members.length; i++) {
      const item = this.#members[i]!;
      if (this.#items[item]!.step > step) return false;
      if (item !== self && this.#hasLeft[item] === 0) return true;
    }
    return false;
  }
}

function compareSteps(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
