/**
 * Caches the tag of each logged metric, by name.
 *
 * Programs usually log metrics in a fixed order. The cache therefore tries the metric that followed last time before it looks up the name.
 */

import type { ScalarTag } from '../format/writer/event-encoder.js';

/** A tag with the name for which it was chosen. One object, because a second one costs another cache miss in each call. */
export interface MetricTag extends ScalarTag {
  readonly name: string;
  /** The metric that followed this one last time. */
  next: MetricTag | undefined;
}

export class MetricTags {
  readonly #byName = new Map<string, MetricTag>();
  #last: MetricTag | undefined;

  /** Returns the tag of a name; undefined if the name was not added. */
  find(name: string): MetricTag | undefined {
    const next = this.#last?.next;
    if (next === undefined || next.name !== name) return this.#search(name);
    this.#last = next;
    return next;
  }

  add(metric: MetricTag): void {
    this.#byName.set(metric.name, metric);
  }

  #search(name: string): MetricTag | undefined {
    const found = this.#byName.get(name);
    if (found === undefined) return undefined;
    if (this.#last !== undefined) this.#last.next = found;
    this.#last = found;
    return found;
  }
}
