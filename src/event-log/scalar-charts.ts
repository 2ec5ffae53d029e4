/** Keeps the custom scalars layout of one writer: the user's categories, and a chart for each call of `addScalars`. */

import { InvalidValueError } from '../base/errors.js';
import { type DecodedValue, decodeValue } from '../format/reader/plugin-value.js';
import type { SummaryValue } from '../format/wire/messages.js';
import { type CustomScalarsCategory, createLayoutValue, exactTag } from '../summary/custom-scalars.js';
import { createMetadata } from '../summary/plugin-data.js';

/** The category of the charts that `addScalars` creates. */
const CATEGORY = 'scalars';

export class ScalarCharts {
  /** Regular expressions for the tags of each chart, by title. */
  readonly #charts = new Map<string, Set<string>>();
  #layout: readonly CustomScalarsCategory[] = [];

  /** Continues the layout that an earlier process has written. */
  constructor(earlier?: SummaryValue) {
    const categories = earlier === undefined ? [] : readCategories(earlier);
    const charts = categories.find(({ title }) => title === CATEGORY)?.charts ?? [];
    const isOwn = charts.every((chart) => 'multiline' in chart);
    this.#layout = categories.filter(({ title }) => !isOwn || title !== CATEGORY);
    if (!isOwn) return;
    for (const chart of charts) {
      if ('multiline' in chart) this.#charts.set(chart.title, new Set(chart.multiline));
    }
  }

  /** Replaces the user's categories. */
  setLayout(layout: readonly CustomScalarsCategory[]): void {
    this.#layout = layout;
  }

  /** Adds tags to the chart `title`. Returns whether any of them is new. */
  add(title: string, tags: readonly string[]): boolean {
    const known = this.#charts.get(title) ?? new Set();
    const before = known.size;
    for (const tag of tags) known.add(exactTag(tag));
    this.#charts.set(title, known);
    return known.size > before;
  }

  /** The current layout. */
  toValue(): SummaryValue {
    const charts = Array.from(this.#charts, ([title, tags]) => ({ title, multiline: [...tags] }));
    return createLayoutValue(
      charts.length === 0 ? this.#layout : [...this.#layout, { title: CATEGORY, charts }],
    );
  }
}

/** The categories of a layout; none if it cannot be decoded. */
function readCategories(layout: SummaryValue): CustomScalarsCategory[] {
  let decoded: DecodedValue;
  try {
    decoded = decodeValue(layout, createMetadata('custom_scalars'));
  } catch (error) {
    if (error instanceof InvalidValueError) return [];
    throw error;
  }
  if (decoded.kind !== 'customScalars') return [];
  return decoded.categories.map(({ title, closed, charts }) => ({
    title,
    closed,
    charts: charts.map((chart) =>
      chart.margin.length > 0
        ? { title: chart.title, margin: chart.margin }
        : { title: chart.title, multiline: chart.multiline },
    ),
  }));
}
