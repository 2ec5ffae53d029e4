/**
 * What is known of the tags of one log directory: the metadata of each tag's first value, which count for later ones that have none.
 *
 * TensorBoard keeps a tag to its first plugin and drops the values of others; Polyaxon has a file for each kind, so here a value
 * that names another plugin is one of that. Source: tensorboard/plugins/<plugin>/metadata.py; legacy forms by tensorboard/data_compat.py.
 */

import type { ScalarSource } from '../../format/reader/scalar-decoder.js';
import type { SummaryMetadata, SummaryValue } from '../../format/wire/messages.js';
import type { Series } from './series.js';

export interface TagInfo {
  readonly tag: string;
  /** The plugin's name; undefined when no value has said it. */
  readonly pluginName: string | undefined;
  /** The plugin's own message, kept where values are read by it. */
  content: Uint8Array | undefined;
  /** The series of the tag's numbers, once there is one. */
  metric: Series | undefined;
  /** Whether a value that cannot be read has been told of. */
  isNoticed: boolean;
}

/** A tag and one of its plugins, as JSON; `content` in base64. */
export interface TagState {
  readonly tag: string;
  readonly pluginName: string;
  readonly content?: string;
  readonly isNoticed?: true;
}

const LEGACY_PLUGINS = {
  simpleValue: 'scalars',
  image: 'images',
  audio: 'audio',
  histogram: 'histograms',
} as const;

/** The plugins whose values are read by their metadata's content. */
const PLUGINS_WITH_CONTENT: ReadonlySet<string> = new Set(['hparams']);

export class TagTable {
  readonly logDirectory: string;
  /** By tag, of its first plugin. */
  readonly #first = new Map<string, TagInfo>();
  /** By tag and plugin, of the others. */
  readonly #others = new Map<string, TagInfo>();

  /** Of the files that are being read, each of which has sources of its own. */
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

  /** By index of a source of scalars: the series of its numbers, once that is known. */
  metricsOf(sources: readonly ScalarSource[]): (Series | undefined)[] {
    let metrics = this.#metrics.get(sources);
    if (metrics === undefined) {
      metrics = [];
      this.#metrics.set(sources, metrics);
    }
    return metrics;
  }

  /** What is known of a value's tag, the value included. */
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

/** The metadata by which a value is read: its own, or its tag's first. */
export function toMetadata(info: TagInfo, { metadata }: SummaryValue): SummaryMetadata | undefined {
  const { pluginName, content } = info;
  if (pluginName === undefined) return undefined;
  if (metadata?.pluginName === pluginName) return metadata;
  return { pluginName, dataClass: 0, ...(content === undefined ? {} : { content }) };
}

function createInfo(tag: string, pluginName: string | undefined): TagInfo {
  return { tag, pluginName, content: undefined, metric: undefined, isNoticed: false };
}

function createFirst({ tag, metadata, value }: SummaryValue): TagInfo {
  if (metadata === undefined) {
    const isLegacy = value !== undefined && value.kind !== 'tensor';
    return createInfo(tag, isLegacy ? LEGACY_PLUGINS[value.kind] : undefined);
  }
  const info = createInfo(tag, metadata.pluginName);
  // A copy: the event's bytes are not ours to keep.
  if (metadata.content !== undefined && PLUGINS_WITH_CONTENT.has(metadata.pluginName)) {
    info.content = new Uint8Array(metadata.content);
  }
  return info;
}

function toKey(tag: string, pluginName: string): string {
  return `${pluginName}\0${tag}`;
}
