/**
 * Remembers the tags of one log directory: the metadata of a tag's first value also applies to later values without metadata.
 *
 * TensorBoard ties a tag to its first plugin and drops values of other plugins. Polyaxon has a file for each kind, so values of other
 * plugins are kept here. Source: tensorboard/plugins/<plugin>/metadata.py.
 */

import { legacyMetadata } from '../../format/reader/plugin-value.js';
import type { ScalarSource } from '../../format/reader/scalar-decoder.js';
import type { SummaryMetadata, SummaryValue } from '../../format/wire/messages.js';
import type { Series } from './series.js';

export interface TagInfo {
  readonly tag: string;
  /** The plugin's name; undefined until a value has named it. */
  readonly pluginName: string | undefined;
  /** The plugin data, kept if it is needed to read values. */
  content: Uint8Array | undefined;
  /** The series of the tag's numbers, once it exists. */
  metric: Series | undefined;
  /** Whether a notice about an invalid value has been sent. */
  isNoticed: boolean;
}

/** A tag and one of its plugins as JSON; `content` is in base64. */
export interface TagState {
  readonly tag: string;
  readonly pluginName: string;
  readonly content?: string;
  readonly isNoticed?: true;
}

/** Plugins whose values can be read only with the plugin data. */
const PLUGINS_WITH_CONTENT: ReadonlySet<string> = new Set(['hparams']);

export class TagTable {
  readonly logDirectory: string;
  /** By tag: the entry of its first plugin. */
  readonly #first = new Map<string, TagInfo>();
  /** By tag and plugin: the entries of other plugins. */
  readonly #others = new Map<string, TagInfo>();

  /** The series of each file that is being read; each file has its own sources. */
  readonly #metrics = new WeakMap<readonly ScalarSource[], (Series | undefined)[]>();

  constructor(logDirectory: string, tags: readonly TagState[] = []) {
    this.logDirectory = logDirectory;
    for (const { tag, pluginName, content, isNoticed } of tags) {
      const info = createInfo(tag, pluginName);
      if (content !== undefined) info.content = new Uint8Array(Buffer.from(content, 'base64'));
      info.isNoticed = isNoticed === true;
      if (this.#first.has(tag)) this.#others.set(toKey(tag, pluginName), info);
      else this.#first.set(tag, info);
    }
  }

  /** Returns the series of each scalar source, by the source's index; undefined while it is unknown. */
  metricsOf(sources: readonly ScalarSource[]): (Series | undefined)[] {
    let metrics = this.#metrics.get(sources);
    if (metrics === undefined) {
      metrics = [];
      this.#metrics.set(sources, metrics);
    }
    return metrics;
  }

  /** Returns the entry of a value's tag and plugin; creates it from the value if needed. */
  infoOf(value: SummaryValue): TagInfo {
    const { tag, metadata } = value;
    let info = this.#first.get(tag);
    if (info === undefined) {
      info = createFirst(value);
      if (info.pluginName !== undefined) this.#first.set(tag, info);
    }
    const named = metadata?.pluginName;
    return named === undefined || named === '' || named === info.pluginName
      ? info
      : this.#otherInfo(tag, named);
  }

  toState(): TagState[] {
    return [...this.#first.values(), ...this.#others.values()].flatMap((info): TagState[] => {
      const { tag, pluginName, content, isNoticed } = info;
      if (pluginName === undefined) return [];
      const contentState = content === undefined ? {} : { content: Buffer.from(content).toString('base64') };
      return [{ tag, pluginName, ...contentState, ...(isNoticed ? { isNoticed } : {}) }];
    });
  }

  #otherInfo(tag: string, pluginName: string): TagInfo {
    const key = toKey(tag, pluginName);
    let info = this.#others.get(key);
    if (info === undefined) {
      info = createInfo(tag, pluginName);
      this.#others.set(key, info);
    }
    return info;
  }
}

/** Returns the metadata to read a value with: its own, or that of the tag's first value. */
export function toTagMetadata(info: TagInfo, { metadata }: SummaryValue): SummaryMetadata | undefined {
  const { pluginName, content } = info;
  if (pluginName === undefined) return undefined;
  if (metadata?.pluginName === pluginName) return metadata;
  return { pluginName, dataClass: 0, ...(content === undefined ? {} : { content }) };
}

function createInfo(tag: string, pluginName: string | undefined): TagInfo {
  return { tag, pluginName, content: undefined, metric: undefined, isNoticed: false };
}

function createFirst(value: SummaryValue): TagInfo {
  const { tag, metadata } = value;
  if (metadata === undefined) return createInfo(tag, legacyMetadata(value)?.pluginName);
  const info = createInfo(tag, metadata.pluginName);
  // Copy, because the event's bytes may be overwritten.
  if (metadata.content !== undefined && PLUGINS_WITH_CONTENT.has(metadata.pluginName)) {
    info.content = new Uint8Array(metadata.content);
  }
  return info;
}

function toKey(tag: string, pluginName: string): string {
  return `${pluginName}\0${tag}`;
}
