/** A tag as one of TensorBoard's readers holds it: its metadata, its points, and which of them the tag's page shows. */

import { DataClass, type SummaryMetadata } from '../wire/messages.js';
import type { IntStack } from './int-stack.js';
import { type Page, pageOf } from './pages.js';
import type { CodeColumn, PointTable } from './point-table.js';
import { REASON_CODES, SHOWN } from './reasons.js';
import type { SeriesSample } from './series-sample.js';
import { isSameContent, isSameMetadata, type ValueFacts } from './value-facts.js';
import type { Failure, Samples, TagView } from './viewer.js';

const { broken, metadata: ignored, misread, noPage, order, sampled } = REASON_CODES;

/** The only tags of their plugins that a page shows. Source: metadata.py of the plugins. */
const ONLY_TAGS: Readonly<Record<string, string>> = {
  graphs: '__run_graph__',
  custom_scalars: 'custom_scalars__config__',
};

export class TagSeries implements TagView {
  readonly tag: string;
  readonly sample: SeriesSample;
  plugin: string | undefined;
  metadata: SummaryMetadata | undefined;
  page: Page | undefined;
  ignoredMetadata = 0;
  constructor(tag: string, sample: SeriesSample) {
    this.tag = tag;
    this.sample = sample;
  }

  get held(): IntStack {
    return this.sample.alive;
  }

  /** Sets the final metadata of the tag. */
  settle(metadata: SummaryMetadata, dataClass: DataClass): void {
    const plugin = metadata.pluginName === '' ? undefined : metadata.pluginName;
    this.metadata = metadata;
    const only = plugin === undefined ? undefined : ONLY_TAGS[plugin];
    this.page = only === undefined || only === this.tag ? pageOf(plugin, dataClass) : undefined;
    this.plugin = plugin;
  }

  /** Whether a value of the tag carries its information in its metadata, and differs from the first in it. */
  isIgnored({ value }: ValueFacts): boolean {
    return this.plugin === 'hparams' && !isSameContent(value.metadata?.content, this.metadata?.content);
  }

  /** Counts a value whose metadata differ from the first. Keeps nothing of it, because it may refer to the memory of a whole chunk. */
  compareMetadata({ value: { metadata } }: ValueFacts): void {
    if (metadata === undefined || this.metadata === undefined) return;
    if (!isSameMetadata(metadata, this.metadata)) this.ignoredMetadata++;
  }

  /** The code of a value that no page can show, because of its tag's metadata. */
  unlistedCode(facts: ValueFacts): number {
    if (facts.plugin === undefined || facts.plugin === this.plugin) return noPage;
    return this.plugin === undefined ? ignored : REASON_CODES.kind;
  }
}

/** What differs between the readers when the page asks for a series. */
interface PageRules {
  readonly codes: CodeColumn;
  readonly points: PointTable;
  readonly samples: Samples;
  /** `count` of `total` indices, in ascending order. */
  readonly drawSample: (total: number, count: number) => number[];
  /** Whether a page gets blobs with one value for each step, the first, in the order of steps. */
  readonly hasOneBlobPerStep: boolean;
  /** Whether the whole sample is converted before the page's share of it is drawn. */
  readonly convertsAll: boolean;
}

/** Decides which points the tag's page shows. Returns whether its request fails. */
export function settlePage(series: TagSeries, rules: PageRules): boolean {
  const { page, plugin, sample } = series;
  if (page === undefined || plugin === undefined || plugin === 'hparams') return false;
  const { codes } = rules;
  markLeftOut(sample, codes);
  const isByStep = page.dataClass === DataClass.BLOB_SEQUENCE && rules.hasOneBlobPerStep;
  const kept = isByStep ? onePerStep(sample.kept, rules) : sample.kept;
  const ordered = kept.filter((point) => isServed(codes.at(point)));
  const chosen = drawPage(ordered, pageSize(plugin, page, rules.samples), rules);
  for (const point of ordered) if (!chosen.has(point)) codes.set(point, sampled);
  const converted = rules.convertsAll ? ordered : [...chosen];
  if (!converted.some((point) => codes.at(point) === broken)) {
    const isBroken = [...chosen].some((point) => codes.at(point) === broken);
    if (!isBroken) return false;
  }
  for (const point of chosen) codes.set(point, broken);
  return true;
}

/** The failure of a tag one of whose values cannot be read. The layouts of all runs are one request. */
export function toFailure({ plugin, tag }: TagSeries): Failure {
  return { plugin: plugin!, tag, scope: plugin === 'custom_scalars' ? 'page' : 'series' };
}

/** Whether a reader gives a point with this code to the page. */
function isServed(code: number): boolean {
  return code === SHOWN || code === misread || code === broken || code === REASON_CODES.noData;
}

/** Marks the points that are alive and not in the sample. Both lists are in ascending order. */
function markLeftOut({ alive, kept }: SeriesSample, codes: CodeColumn): void {
  let at = 0;
  for (let i = 0; i < alive.length; i++) {
    const point = alive.at(i);
    if (kept[at] === point) at++;
    else if (isServed(codes.at(point))) codes.set(point, sampled);
  }
}

function onePerStep(kept: readonly number[], { points, codes }: PageRules): number[] {
  const first = new Map<number | bigint, number>();
  for (const point of kept) {
    const step = points.stepOf(point);
    if (!first.has(step)) first.set(step, point);
    else if (isServed(codes.at(point))) codes.set(point, order);
  }
  return [...first].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, point]) => point);
}

function pageSize(plugin: string, { size, isAdjustable }: Page, samples: Samples): number {
  if (samples === 'all') return Number.POSITIVE_INFINITY;
  return (isAdjustable && samples !== 'default' ? samples[plugin] : undefined) ?? size;
}

/** The last value and a sample of those before it. */
function drawPage(ordered: readonly number[], size: number, { drawSample }: PageRules): ReadonlySet<number> {
  if (ordered.length <= size) return new Set(ordered);
  if (size === 0) return new Set();
  const indices = drawSample(ordered.length - 1, size - 1);
  return new Set([...indices, ordered.length - 1].map((i) => ordered[i]!));
}
