/** Decodes values for inspection: those of TensorBoard's plugins, the events that only Polyaxon has, and texts in tensors of other plugins. */

import type { JsonValue } from '../../../src/base/json-value.js';
import type { DecodedValue, TagIndex } from '../../../src/format/reader/plugin-value.js';
import type { SummaryValue } from '../../../src/format/wire/messages.js';
import {
  type ArtifactKind,
  decodePolyaxonValue,
  POLYAXON_PLUGIN,
} from '../../../src/polyaxon/polyaxon-value.js';

type Tensor = Extract<DecodedValue, { kind: 'tensor' }>;

export type InspectedValue =
  | Exclude<DecodedValue, Tensor>
  /** Strings that are UTF-8 are texts, and texts that are JSON objects or lists are parsed. */
  | (Omit<Tensor, 'values'> & { readonly values: readonly unknown[] })
  /** An event of a kind that only Polyaxon has, such as a span or a table. */
  | {
      readonly kind: 'polyaxon';
      readonly artifactKind: ArtifactKind;
      readonly name: string;
      readonly value: JsonValue;
      /** Its file: in the event itself, or in the value of another tag. */
      readonly asset:
        | { readonly extension: string; readonly sizeBytes: number }
        | { readonly extension: string; readonly inTag: string }
        | undefined;
    };

/** Decodes a value with the first metadata of its tag. Throws `InvalidValueError`. */
export function decodeInspected(index: TagIndex, value: SummaryValue): InspectedValue {
  if (index.metadataOf(value)?.pluginName === POLYAXON_PLUGIN) return decodePolyaxon(value);
  const decoded = index.decode(value);
  if (decoded.kind !== 'tensor') return decoded;
  return { ...decoded, values: decoded.values.map((each) => (isBytes(each) ? toReadable(each) : each)) };
}

function decodePolyaxon(value: SummaryValue): InspectedValue {
  const { body, assetBytes } = decodePolyaxonValue(value);
  const { kind: artifactKind, name, asset } = body;
  const place = asset?.inTag === undefined ? { sizeBytes: assetBytes?.length ?? 0 } : { inTag: asset.inTag };
  return {
    kind: 'polyaxon',
    ...{ artifactKind, name, value: body.value },
    asset: asset === undefined ? undefined : { extension: asset.extension, ...place },
  };
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Returns bytes as a text if they are UTF-8, or as the object or list that the text is in JSON. */
export function toReadable(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return bytes; // not a text
  }
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? json : text;
  } catch {
    return text;
  }
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}
