/**
 * What is known of the tags of one log directory: the metadata of each tag's first value, which counts for all later ones.
 *
 * Source: tensorboard/plugins/<plugin>/metadata.py; legacy forms by tensorboard/data_compat.py.
 */

import type { SummaryMetadata, SummaryValue } from '../wire/messages.js';
import type { Series } from './series.js';

export interface TagInfo {
  readonly tag: string;
  /** The plugin's name; undefined until a value has said it. */
  pluginName: string | undefined;
  /** The plugin's own message, kept where values are read by it. */
  content: Uint8Array | undefined;
  /** The series of the tag's numbers, once there is one. */
  metric: Series | undefined;
  /** Whether a value that cannot be read has been told of. */
  isNoticed: boolean;
}

/** A tag, as JSON; `content` in base64. */
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
  readonly #tags = new Map<string, TagInfo>();

  constructor(logDirectory: string, tags: readonly TagState[] = []) {
    this.logDirectory = logDirectory;
    for (const { tag, pluginName, content, isNoticed } of tags) {
      this.#tags.set(tag, {
        tag,
        pluginName,
        content: content === undefined ? undefined : new Uint8Array(Buffer.from(content, 'base64')),
        metric: undefined,
        isNoticed: isNoticed === true,
      });
    }
  }

  /** What is known of a value's tag, the value included. */
  infoOf(value: SummaryValue): TagInfo {
    let info = this.#tags.get(value.tag);
    if (info === undefined) {
      info = {
        tag: value.tag,
        pluginName: undefined,
        content: undefined,
        metric: undefined,
        isNoticed: false,
      };
      this.#tags.set(value.tag, info);
    }
    if (info.pluginName === undefined) learn(info, value);
    return info;
  }

  toState(): TagState[] {
    return [...this.#tags.values()].flatMap(({ tag, pluginName, content, isNoticed }) => {
      if (pluginName === undefined) return [];
      const state: TagState = {
        tag,
        pluginName,
        ...(content === undefined ? {} : { content: Buffer.from(content).toString('base64') }),
        ...(isNoticed ? { isNoticed } : {}),
      };
      return [state];
    });
  }
}

/** The metadata by which a value is read. What a value says itself of hyperparameters counts more than what an earlier one said. */
export function toMetadata(info: TagInfo, value: SummaryValue): SummaryMetadata | undefined {
  if (info.pluginName === undefined) return undefined;
  if (info.pluginName === 'hparams' && value.metadata?.pluginName === 'hparams') return value.metadata;
  const { pluginName, content } = info;
  return { pluginName, dataClass: 0, ...(content === undefined ? {} : { content }) };
}

function learn(info: TagInfo, { metadata, value }: SummaryValue): void {
  if (metadata !== undefined) {
    info.pluginName = metadata.pluginName;
    // A copy: the event's bytes are not ours to keep.
    if (metadata.content !== undefined && PLUGINS_WITH_CONTENT.has(metadata.pluginName)) {
      info.content = new Uint8Array(metadata.content);
    }
  } else if (value !== undefined && value.kind !== 'tensor') info.pluginName = LEGACY_PLUGINS[value.kind];
}
