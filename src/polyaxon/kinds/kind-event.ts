/**
 * An event of a kind that TensorBoard has no plugin for: its value for Polyaxon, and a preview for TensorBoard.
 *
 * Both are in one event, the value first. The export reads the value, and takes the asset's bytes from the preview if the
 * value says so.
 */

import type { JsonValue } from '../../base/json-value.js';
import type { SummaryValue } from '../../format/wire/messages.js';
import { type Encoding, mapEncoding, ready } from '../../summary/encoding.js';
import { createEncodedImageValue } from '../../summary/image.js';
import type { PluginName, SeriesLabels } from '../../summary/plugin-data.js';
import { createPngEncoding, type RawImage } from '../../summary/png.js';
import { type ArtifactKind, createPolyaxonValue } from '../polyaxon-value.js';

/** A preview of an event in TensorBoard. Its tag is the event's name if that is free. */
export interface Preview {
  /** The suffix for a name that another series uses: one word for each kind of preview. */
  readonly series: string;
  readonly pluginName: PluginName;
  create(tag: string, labels: SeriesLabels): Encoding<SummaryValue>;
}

/** Creates a preview from an image. */
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

/** Creates a preview that needs no encoding. */
export function valuePreview(
  series: string,
  pluginName: PluginName,
  create: (tag: string, labels: SeriesLabels) => SummaryValue,
): Preview {
  return { series, pluginName, create: (tag, labels) => ready(create(tag, labels)) };
}

/** The file of an event: its bytes, or a reference to the bytes of its preview. */
type KindAsset =
  | { readonly extension: string; readonly bytes: Uint8Array }
  | { readonly extension: string; readonly inPreview: true };

export interface KindEvent {
  readonly kind: ArtifactKind;
  /** The value in the form of `PolyaxonBody.value`. */
  readonly value: JsonValue;
  readonly asset?: KindAsset | undefined;
  readonly preview?: Preview | undefined;
  /** A warning about an event that is written nevertheless, such as an undefined rate or repaired text. */
  readonly warning?: { readonly code: `WARN_${string}`; readonly message: string } | undefined;
}

/** One of several events of a call; `suffix` is appended to the caller's name. */
export interface NamedEvent {
  readonly suffix: string;
  readonly event: KindEvent;
}

/** Builds the values of an event; `previewTag` is the tag of its preview, if it has one. */
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
