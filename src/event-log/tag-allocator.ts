/**
 * Which tag the values of a kind get: their name, or their name and kind where the name belongs to another kind.
 *
 * TensorBoard has one kind for each tag and drops the values of all others; Polyaxon has a file for each kind and name. So
 * the first kind keeps the name, and a later one gets `name (kind)`, also after a restart.
 */

import { type ArtifactKind, toPolyaxonTag } from '../polyaxon/polyaxon-value.js';
import type { PluginName } from '../summary/plugin-data.js';

/** What is known of the tags that have been written. */
export interface KnownTags {
  knows(tag: string): boolean;
  /** Empty when it is not known. */
  pluginOf(tag: string): string;
}

/** Values that stand under one tag: of a kind that TensorBoard has, or a likeness of one that it does not. */
export interface TagSeries {
  /** What is put behind the name. */
  readonly series: string;
  readonly pluginName: PluginName;
  /** The kind of the events that these are likenesses of. */
  readonly previewOf?: ArtifactKind | undefined;
}

/** All likenesses: what an earlier process may have written under a plain name. */
const LIKENESSES: readonly (TagSeries & { readonly previewOf: ArtifactKind })[] = [
  { series: 'roc', pluginName: 'images', previewOf: 'curve' },
  { series: 'pr', pluginName: 'pr_curves', previewOf: 'curve' },
  { series: 'curve', pluginName: 'images', previewOf: 'curve' },
  { series: 'confusion', pluginName: 'images', previewOf: 'confusion' },
  { series: 'video', pluginName: 'images', previewOf: 'video' },
  { series: 'html', pluginName: 'text', previewOf: 'html' },
  { series: 'dataframe', pluginName: 'text', previewOf: 'dataframe' },
];

export class TagAllocator {
  readonly #known: KnownTags;
  readonly #onMoved: (name: string, tag: string) => void;
  /** The series of each tag that this process has used. */
  readonly #owners = new Map<string, string>();
  /** The tag of each series and name. */
  readonly #claimed = new Map<string, string>();

  /** `onMoved` is told once of each name that is another kind's already. */
  constructor(known: KnownTags, onMoved: (name: string, tag: string) => void = () => {}) {
    this.#known = known;
    this.#onMoved = onMoved;
  }

  /** The tag of a series under a name: the same at each call once it is claimed. */
  tagOf(series: TagSeries, name: string): string {
    const claimed = this.#claimed.get(toKey(series, name));
    return claimed ?? (this.#isFree(series, name) ? name : withSeries(name, series));
  }

  /** Makes a tag that `tagOf` gave the series' own, once there is a value for it. */
  claim(series: TagSeries, name: string, tag: string): void {
    const key = toKey(series, name);
    if (this.#claimed.has(key)) return;
    this.#claimed.set(key, tag);
    this.#owners.set(tag, this.#owners.get(tag) ?? series.series);
    if (tag !== name) this.#onMoved(name, tag);
  }

  #isFree(series: TagSeries, name: string): boolean {
    if (this.#known.knows(withSeries(name, series))) return false;
    const owner = this.#owners.get(name);
    if (owner !== undefined) return owner === series.series;
    return !this.#known.knows(name) || this.#isOfEarlierProcess(series, name);
  }

  /** Whether a known tag that this process has not used is the series' own, of the time before a restart. */
  #isOfEarlierProcess(series: TagSeries, name: string): boolean {
    const plugin = this.#known.pluginOf(name);
    if (plugin !== '' && plugin !== series.pluginName) return false;
    if (series.previewOf !== undefined) return this.#known.knows(toPolyaxonTag(series.previewOf, name));
    return !LIKENESSES.some(
      (other) =>
        other.pluginName === plugin &&
        this.#known.knows(toPolyaxonTag(other.previewOf, name)) &&
        !this.#known.knows(withSeries(name, other)),
    );
  }
}

function toKey({ series }: TagSeries, name: string): string {
  return `${series}/${name}`;
}

function withSeries(name: string, { series }: TagSeries): string {
  return `${name} (${series})`;
}
