/**
 * Caches the tag of each logged metric, by name.
 *
 * Programs usually log metrics in a fixed order. The cache therefore tries the metric that followed last time before it looks up the name.
 */

import type { ScalarTag } from '../format/writer/event-encoder.js';

interface MetricTag {
  readonly name: string;
  readonly scalarTag: ScalarTag;
  /** The metric that followed this one last time. */
  next: MetricTag | undefined;
}

export class MetricTags {
  readonly #byName = new Map<string, MetricTag>();
  #last: MetricTag | undefined;

  /** Returns the tag of a name; undefined if the name was not added. */
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
