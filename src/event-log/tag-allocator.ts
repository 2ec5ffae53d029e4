/**
 * Chooses the tag for values: their name, or `name (kind)` if the name belongs to another kind.
 *
 * TensorBoard allows one kind for each tag and drops values of other kinds; Polyaxon has a file for each kind and name.
 * The first kind therefore keeps the name, also after a restart.
 */

import { type ArtifactKind, toPolyaxonTag } from '../polyaxon/polyaxon-value.js';
import type { PluginName } from '../summary/plugin-data.js';

/** The tags that have been written. */
export interface KnownTags {
  knows(tag: string): boolean;
  /** Returns the plugin name of a tag; '' if it is unknown. */
  pluginOf(tag: string): string;
}

/** A series of values with one tag: of a TensorBoard kind, or previews of another kind. */
export interface TagSeries {
  /** The suffix of the name. */
  readonly series: string;
  readonly pluginName: PluginName;
  /** For previews: the kind of the events that they show. */
  readonly previewOf?: ArtifactKind | undefined;
}

/** All previews that an earlier process may have written with an unchanged name. */
const PREVIEWS: readonly (TagSeries & { readonly previewOf: ArtifactKind })[] = [
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

  /** Calls `onMoved` once for each name that already belongs to another kind. */
  constructor(known: KnownTags, onMoved: (name: string, tag: string) => void = () => {}) {
    this.#known = known;
    this.#onMoved = onMoved;
  }

  /** Returns the tag of a series for a name. The result does not change after `claim`. */
  tagOf(series: TagSeries, name: string): string {
    const claimed = this.#claimed.get(toKey(series, name));
    return claimed ?? (this.#isFree(series, name) ? name : withSeries(name, series));
  }

  /** Assigns a tag from `tagOf` to the series, once a value exists. */
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

  /** Returns whether a known tag that this process has not used belonged to this series before a restart. */
  #isOfEarlierProcess(series: TagSeries, name: string): boolean {
    const plugin = this.#known.pluginOf(name);
    if (plugin !== '' && plugin !== series.pluginName) return false;
    if (series.previewOf !== undefined) return this.#known.knows(toPolyaxonTag(series.previewOf, name));
    return !PREVIEWS.some(
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
