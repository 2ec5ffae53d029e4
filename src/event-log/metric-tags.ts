/**
 * The tag of each metric that has been logged, by its name.
 *
 * Programs log their metrics in turn: the one that followed the last time is looked at first, which saves the look-up by name in most calls.
 */

import type { ScalarTag } from '../format/writer/event-encoder.js';

interface MetricTag {
  readonly name: string;
  readonly scalarTag: ScalarTag;
  /** The one that came after this one the last time. */
  next: MetricTag | undefined;
}

export class MetricTags {
  readonly #byName = new Map<string, MetricTag>();
  #last: MetricTag | undefined;

  /** The tag of a name that was added. */
  find(name: string): ScalarTag | undefined {
    const next = this.#last?.next;
    if (next === undefined || next.name !== name) return this.#search(name);
    this.#last = next;
    return next.scalarTag;
  }

  add(name: string, scalarTag: ScalarTag): void {
    this.#byName.set(name, { name, scalarTag, next: undefined });
  }

  #search(name: string): ScalarTag | undefined {
    const found = this.#byName.get(name);
    if (found === undefined) return undefined;
    if (this.#last !== undefined) this.#last.next = found;
    this.#last = found;
    return found.scalarTag;
  }
}
