/**
 * An event of a kind that TensorBoard has no plugin for: its value for Polyaxon, and a likeness of it for TensorBoard.
 *
 * Both stand in one event, the value first. The projection takes the value alone, and bytes of the likeness where the
 * value's asset names them.
 */

import type { JsonValue } from '../../base/json-value.js';
import type { SummaryValue } from '../../format/wire/messages.js';
import { type Encoding, mapEncoding, ready } from '../../summary/encoding.js';
import { createEncodedImageValue } from '../../summary/image.js';
import type { PluginName, SeriesLabels } from '../../summary/plugin-data.js';
import { createPngEncoding, type RawImage } from '../../summary/png.js';
import { type ArtifactKind, createPolyaxonValue } from '../polyaxon-value.js';

/** What TensorBoard shows of an event, under the event's own name where that is free. */
export interface Preview {
  /** What is put behind the name where another series has it: one word for each kind of likeness. */
  readonly series: string;
  readonly pluginName: PluginName;
  create(tag: string, labels: SeriesLabels): Encoding<SummaryValue>;
}

/** A likeness that is an image. */
export function imagePreview(series: string, image: RawImage): Preview {
  const { height, width } = image;
  return {
    series,
    pluginName: 'images',
    create: (tag, labels) =>
      mapEncoding(createPngEncoding(image), (bytes) =>
        createEncodedImageValue(tag, [{ bytes, height, width }], labels),
      ),
  };
}

/** A likeness that needs no encoding. */
export function valuePreview(
  series: string,
  pluginName: PluginName,
  create: (tag: string, labels: SeriesLabels) => SummaryValue,
): Preview {
  return { series, pluginName, create: (tag, labels) => ready(create(tag, labels)) };
}

/** The bytes of an event's file: its own, or those that its likeness holds. */
export type KindAsset =
  | { readonly extension: string; readonly bytes: Uint8Array }
  | { readonly extension: string; readonly inPreview: true };

export interface KindEvent {
  readonly kind: ArtifactKind;
  /** In the form of `PolyaxonBody.value`. */
  readonly value: JsonValue;
  readonly asset?: KindAsset | undefined;
  readonly preview?: Preview | undefined;
  /** What a caller should know of the event although it is written: an undefined rate, repaired text. */
  readonly warning?: { readonly code: `WARN_${string}`; readonly message: string } | undefined;
}

/** One of the events that a call makes; `suffix` is put behind the name that the caller gave. */
export interface NamedEvent {
  readonly suffix: string;
  readonly event: KindEvent;
}

/** Builds the values of an event; `likenessTag` is the tag of its likeness, where it has one. */
export function encodeKindEvent(
  name: string,
  { kind, value, asset, preview }: KindEvent,
  previewTag: string,
  labels: SeriesLabels,
): Encoding<readonly SummaryValue[]> {
  const own = createPolyaxonValue(
    { kind, name, value, ...(asset === undefined ? {} : { asset: toPolyaxonAsset(asset, previewTag) }) },
    asset !== undefined && 'bytes' in asset ? asset.bytes : undefined,
  );
  if (preview === undefined) return ready([own]);
  return mapEncoding(preview.create(previewTag, labels), (shown) => [own, shown]);
}

function toPolyaxonAsset(asset: KindAsset, previewTag: string) {
  const { extension } = asset;
  return 'bytes' in asset ? { extension } : { extension, inTag: previewTag };
}
