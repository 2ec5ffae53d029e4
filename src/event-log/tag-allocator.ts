/**
 * Chooses the tag for values: their name, or `name (kind)` if the name belongs to another kind.
 *
 * TensorBoard allows one kind for each tag and drops values of other kinds; Polyaxon has a file for each kind and name.
 * The first kind therefore keeps the name, also after a restart.
 */

import { RUN_GRAPH_TAG } from '../format/wire/messages.js';
import { type ArtifactKind, toPolyaxonTag } from '../polyaxon/polyaxon-value.js';
import { CUSTOM_SCALARS_TAG } from '../summary/custom-scalars.js';
import { EXPERIMENT_TAG, SESSION_END_TAG, SESSION_START_TAG } from '../summary/hparams.js';

/** The tags that have been written. */
interface KnownTags {
  knows(tag: string): boolean;
  /** Returns the plugin name of a tag; '' if it is unknown. */
  pluginOf(tag: string): string;
}

/** A series of values with one tag: of a TensorBoard kind, or previews of another kind. */
export interface TagSeries {
  /** The suffix of the name. */
  readonly series: string;
  readonly pluginName: string;
  /** For previews: the kind of the events that they show. */
  readonly previewOf?: ArtifactKind | undefined;
  /** For values with several tags: what each of them has after the name. */
  readonly parts?: readonly string[] | undefined;
}

/** Tags with a fixed meaning, which are never names. */
const RESERVED: ReadonlySet<string> = new Set([
  ...[CUSTOM_SCALARS_TAG, RUN_GRAPH_TAG],
  ...[EXPERIMENT_TAG, SESSION_START_TAG, SESSION_END_TAG],
]);

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
  /** The tag of each series and name that differs from the name. */
  readonly #moved = new Map<string, string>();

  /** Calls `onMoved` once for each name that already belongs to another kind. */
  constructor(known: KnownTags, onMoved: (name: string, tag: string) => void = () => {}) {
    this.#known = known;
    this.#onMoved = onMoved;
  }

  /** Returns the tag of a series for a name. The result does not change after `claim`. */
  tagOf(series: TagSeries, name: string): string {
    if (this.#isOwn(series, name)) return name;
    return (
      this.#moved.get(toKey(series, name)) ?? (this.#isFree(series, name) ? name : withSeries(name, series))
    );
  }

  /** Assigns a tag from `tagOf` to the series, once a value exists. */
  claim(series: TagSeries, name: string, tag: string): void {
    const isMoved = tag !== name;
    const key = isMoved ? toKey(series, name) : '';
    if (isMoved && this.#moved.has(key)) return;
    if (isMoved) this.#moved.set(key, tag);
    for (const each of toTags(series, tag)) {
      if (!this.#owners.has(each)) this.#owners.set(each, series.series);
    }
    if (isMoved) this.#onMoved(name, tag);
  }

  /** Whether all tags of a name already belong to the series. */
  #isOwn(series: TagSeries, name: string): boolean {
    return toTags(series, name).every((tag) => this.#owners.get(tag) === series.series);
  }

  #isFree(series: TagSeries, name: string): boolean {
    if (toTags(series, withSeries(name, series)).some((tag) => this.#known.knows(tag))) return false;
    return toTags(series, name).every((tag) => {
      if (RESERVED.has(tag)) return false;
      const owner = this.#owners.get(tag);
      if (owner !== undefined) return owner === series.series;
      return !this.#known.knows(tag) || this.#isOfEarlierProcess(series, tag);
    });
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

function toTags({ parts = [''] }: TagSeries, name: string): string[] {
  return parts.map((part) => `${name}${part}`);
}

function withSeries(name: string, { series }: TagSeries): string {
  return `${name} (${series})`;
}
