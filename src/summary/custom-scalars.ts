/**
 * The layout of the custom scalars dashboard: categories of charts that show several scalar tags together.
 *
 * TensorBoard stores it as a string tensor of rank 0 under one fixed tag; the string is a serialized `Layout`.
 * Source: tensorboard/plugins/custom_scalar/{summary,metadata}.py, layout.proto.
 */

import { describe, shorten } from '../base/describe.js';
import { InvalidArgumentError, invalidArgument } from '../base/errors.js';
import { tensorboard } from '../format/wire/generated/plugins.js';
import { DataType, type SummaryValue } from '../format/wire/messages.js';
import { createMetadata } from './plugin-data.js';

/** The only tag that TensorBoard reads as a layout. */
export const CUSTOM_SCALARS_TAG = 'custom_scalars__config__';

/** A line with a band around it, given as exact tags. */
export interface MarginSeries {
  readonly value: string;
  readonly lower: string;
  readonly upper: string;
}

/** A chart of lines, or of lines with bands. */
export type CustomScalarsChart =
  | {
      readonly title: string;
      /** Regular expressions that match from the start of a tag. `exactTag` creates one that matches a single tag. */
      readonly multiline: readonly string[];
    }
  | { readonly title: string; readonly margin: readonly MarginSeries[] };

/** Charts with a common heading. TensorBoard merges categories of several runs that have the same title. */
export interface CustomScalarsCategory {
  readonly title: string;
  readonly charts: readonly CustomScalarsChart[];
  /** Whether the category starts collapsed. Default false. */
  readonly closed?: boolean | undefined;
}

/** The form of tensorboardX and PyTorch: `{ category: { chart: ['Multiline', tags] | ['Margin', [value, lower, upper]] } }`. */
export type ChartTable = Readonly<
  Record<string, Readonly<Record<string, readonly ['Multiline' | 'Margin', readonly string[]]>>>
>;

export type CustomScalarsLayout = readonly CustomScalarsCategory[] | ChartTable;

/** A regular expression that matches exactly this tag, in Python's `re` and in browsers. */
export function exactTag(tag: string): string {
  return `^${tag.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;
}

/** Validates a layout and returns its categories. Throws `ERR_LAYOUT_INVALID`. */
export function parseLayout(layout: CustomScalarsLayout): CustomScalarsCategory[] {
  const categories = Array.isArray(layout) ? layout : fromTable(layout as ChartTable);
  return Array.from(categories, (category: CustomScalarsCategory) => {
    checkText('the title of a category', category?.title);
    if (!Array.isArray(category.charts)) {
      throw invalid(`charts of ${category.title} is ${describe(category.charts)}, expected a list`);
    }
    for (const chart of category.charts) checkChart(chart, category.title);
    return category;
  });
}

/** Builds the value of a layout that `parseLayout` has validated. */
export function createLayoutValue(categories: readonly CustomScalarsCategory[]): SummaryValue {
  const layout = { category: categories.map(toCategory) };
  const stringVal = [tensorboard.Layout.encode(layout).finish()];
  return {
    tag: CUSTOM_SCALARS_TAG,
    metadata: createMetadata('custom_scalars'),
    value: { kind: 'tensor', tensor: { dtype: DataType.STRING, shape: [], stringVal } },
  };
}

function toCategory({ title, charts, closed = false }: CustomScalarsCategory): tensorboard.ICategory {
  const chart = charts.map((item) => ({
    title: item.title,
    ...('multiline' in item
      ? { multiline: { tag: [...item.multiline] } }
      : { margin: { series: item.margin.map(({ value, lower, upper }) => ({ value, lower, upper })) } }),
  }));
  return { title, chart, ...(closed ? { closed } : {}) };
}

function fromTable(table: ChartTable): CustomScalarsCategory[] {
  if (typeof table !== 'object' || table === null) {
    throw invalid(`layout is ${describe(table)}, expected a list of categories`);
  }
  return Object.entries(table).map(([title, charts]) => {
    if (typeof charts !== 'object' || charts === null) {
      throw invalid(`charts of ${shorten(title)} is ${describe(charts)}, expected an object of charts`);
    }
    return {
      title,
      charts: Object.entries(charts).map(([chartTitle, entry]) => fromTableEntry(chartTitle, entry)),
    };
  });
}

function fromTableEntry(title: string, entry: unknown): CustomScalarsChart {
  const [kind, tags] = Array.isArray(entry) ? entry : [];
  if (kind === 'Multiline' && Array.isArray(tags)) return { title, multiline: tags };
  if (kind === 'Margin' && Array.isArray(tags) && tags.length === 3) {
    return { title, margin: [{ value: tags[0], lower: tags[1], upper: tags[2] }] };
  }
  throw invalid(
    `chart ${shorten(title)} is ${describe(entry)}, expected ['Multiline', tags] or ['Margin', three tags]`,
  );
}

function checkChart(chart: CustomScalarsChart, category: string): void {
  checkText(`the title of a chart of ${category}`, chart?.title);
  if ('multiline' in chart && Array.isArray(chart.multiline)) {
    for (const pattern of chart.multiline) {
      checkText(`a tag of ${chart.title}`, pattern);
      checkPattern(pattern);
    }
    return;
  }
  if (!('margin' in chart) || !Array.isArray(chart.margin)) {
    throw invalid(`chart ${chart.title} has neither multiline nor margin`);
  }
  for (const series of chart.margin) {
    for (const key of ['value', 'lower', 'upper'] as const) {
      checkText(`${key} of a margin of ${chart.title}`, series?.[key]);
    }
  }
}

function checkPattern(pattern: string): void {
  try {
    new RegExp(pattern);
  } catch (cause) {
    const message = `tag ${describe(pattern)} is not a regular expression`;
    const hint = 'Use exactTag(tag) to match one tag literally.';
    throw new InvalidArgumentError('ERR_LAYOUT_INVALID', message, hint, { cause });
  }
}

function checkText(what: string, value: unknown): void {
  if (typeof value === 'string' && value !== '') return;
  throw invalid(`${what} is ${value === '' ? 'empty' : describe(value)}, expected a string`);
}

const invalid = invalidArgument(
  'ERR_LAYOUT_INVALID',
  'Pass [{ title, charts: [{ title, multiline: [tags] } or { title, margin: [{ value, lower, upper }] }] }].',
);
