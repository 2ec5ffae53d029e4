/**
 * The metadata that assigns a tag to one of TensorBoard's dashboards.
 *
 * Source: tensorboard/plugins/<plugin>/metadata.py; data classes from tensorboard/data_compat.py. Empty plugin messages serialize
 * to no bytes, so their content is omitted.
 */

import { DataClass, type SummaryMetadata } from '../format/wire/messages.js';

/** The dashboards whose summaries are built in this folder. */
export type PluginName =
  | 'scalars'
  | 'images'
  | 'audio'
  | 'histograms'
  | 'text'
  | 'pr_curves'
  | 'mesh'
  | 'hparams'
  | 'custom_scalars';

const AUDIO_ENCODING_WAV = Uint8Array.of(0x10, 11);

const PLUGINS: Record<PluginName, { dataClass: DataClass; content?: Uint8Array }> = {
  scalars: { dataClass: DataClass.SCALAR },
  images: { dataClass: DataClass.BLOB_SEQUENCE },
  audio: { dataClass: DataClass.BLOB_SEQUENCE, content: AUDIO_ENCODING_WAV },
  histograms: { dataClass: DataClass.TENSOR },
  text: { dataClass: DataClass.TENSOR },
  pr_curves: { dataClass: DataClass.TENSOR },
  mesh: { dataClass: DataClass.TENSOR },
  hparams: { dataClass: DataClass.TENSOR },
  custom_scalars: { dataClass: DataClass.TENSOR },
};

/** The labels that the dashboards show with a series. */
export interface SeriesLabels {
  readonly displayName?: string | undefined;
  /** Markdown. */
  readonly description?: string | undefined;
}

/** The metadata for a tag of `pluginName`. `content` is the plugin's own message, if it differs between tags. */
export function createMetadata(
  pluginName: PluginName,
  labels: SeriesLabels = {},
  content?: Uint8Array,
): SummaryMetadata {
  const { displayName, description } = labels;
  return {
    pluginName,
    ...PLUGINS[pluginName],
    ...(content === undefined ? {} : { content }),
    ...(displayName === undefined ? {} : { displayName }),
    ...(description === undefined ? {} : { description }),
  };
}
