/** Keeps the custom scalars layout of one writer: the user's categories, and a chart for each call of `addScalars`. */

import type { SummaryValue } from '../format/wire/messages.js';
import { type CustomScalarsCategory, createLayoutValue, exactTag } from '../summary/custom-scalars.js';

/** The category of the charts that `addScalars` creates. */
const CATEGORY = 'scalars';

export class ScalarCharts {
  /** The tags of each chart, by title. */
  readonly #charts = new Map<string, Set<string>>();
  #layout: readonly CustomScalarsCategory[] = [];

  /** Replaces the user's categories. */
  setLayout(layout: readonly CustomScalarsCategory[]): void {
    this.#layout = layout;
  }

  /** Adds tags to the chart `title`. Returns whether any of them is new. */
  add(title: string, tags: readonly string[]): boolean {
    const known = this.#charts.get(title) ?? new Set();
    const before = known.size;
    for (const tag of tags) known.add(tag);
    this.#charts.set(title, known);
    return known.size > before;
  }

  /** The current layout. */
  toValue(): SummaryValue {
    const charts = Array.from(this.#charts, ([title, tags]) => ({
      title,
      multiline: Array.from(tags, exactTag),
    }));
    return createLayoutValue(
      charts.length === 0 ? this.#layout : [...this.#layout, { title: CATEGORY, charts }],
    );
  }
}
