/**
 * Events of kinds that TensorBoard has no plugin for, as summary values of the plugin `polyaxon`.
 *
 * One string tensor: the body as JSON, then the bytes of its asset where the body has one that no other value of the
 * event holds. Other values of the same event are likenesses, for TensorBoard to show: the projection leaves them out.
 */

import { InvalidValueError, messageOf } from '../base/errors.js';
import type { JsonValue } from '../base/json-value.js';
import { DataClass, DataType, type SummaryValue } from '../format/wire/messages.js';

/** The plugin name by which these values are known. */
export const POLYAXON_PLUGIN = 'polyaxon';

/**
 * Polyaxon's artifact kinds.
 *
 * Source: traceml 1.3.0, `traceml/artifacts/enums.py` (`V1ArtifactKind`).
 */
export const ARTIFACT_KINDS = [
  'model',
  'audio',
  'video',
  'histogram',
  'image',
  'tensor',
  'dataframe',
  'chart',
  'csv',
  'tsv',
  'psv',
  'ssv',
  'metric',
  'env',
  'html',
  'text',
  'file',
  'dir',
  'dockerfile',
  'docker_image',
  'data',
  'coderef',
  'table',
  'tensorboard',
  'curve',
  'confusion',
  'analysis',
  'iteration',
  'markdown',
  'system',
  'artifact',
  'span',
] as const;
export type ArtifactKind = (typeof ARTIFACT_KINDS)[number];

/** Bytes that the projection writes below `assets/`, and whose path it adds to the value. */
export interface PolyaxonAsset {
  /** Without a dot, such as `csv`; becomes the file's extension. */
  readonly extension: string;
  /** The tag of the value of the same event that holds the bytes (its first image or clip); absent: they follow the body. */
  readonly inTag?: string;
}

/** What one event of the plugin says. */
export interface PolyaxonBody {
  readonly kind: ArtifactKind;
  /** The event's name as the caller gave it; Polyaxon's file name is made of it by the projection. */
  readonly name: string;
  /**
   * The value as Polyaxon's event has it, fields in Polyaxon's order (traceml/events/schemas.py), absent fields left out. A
   * string for html. Without `path` when there is an `asset`.
   */
  readonly value: JsonValue;
  readonly asset?: PolyaxonAsset;
}

/** A body, and the bytes that follow it. */
export interface DecodedPolyaxonValue {
  readonly body: PolyaxonBody;
  readonly assetBytes: Uint8Array | undefined;
}

const METADATA_CONTENT = new TextEncoder().encode('{"version":1}');
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The tag of an event of this kind and name: no kind is in the way of another, nor of TensorBoard's own. */
export function toPolyaxonTag(kind: ArtifactKind, name: string): string {
  return `${POLYAXON_PLUGIN}/${kind}/${name}`;
}

/** Builds the summary value of `body`; `assetBytes` go with it when its asset is in no other value. */
export function createPolyaxonValue(body: PolyaxonBody, assetBytes?: Uint8Array): SummaryValue {
  const stringVal = [encoder.encode(JSON.stringify(body))];
  if (assetBytes !== undefined) stringVal.push(assetBytes as Uint8Array<ArrayBuffer>);
  return {
    tag: toPolyaxonTag(body.kind, body.name),
    metadata: { pluginName: POLYAXON_PLUGIN, content: METADATA_CONTENT, dataClass: DataClass.TENSOR },
    value: { kind: 'tensor', tensor: { dtype: DataType.STRING, shape: [stringVal.length], stringVal } },
  };
}

/** Reads a summary value of the plugin. Throws `InvalidValueError` when it does not have that form. */
export function decodePolyaxonValue({ tag, value }: SummaryValue): DecodedPolyaxonValue {
  const blobs = value?.kind === 'tensor' ? value.tensor.stringVal : undefined;
  if (blobs === undefined || blobs.length === 0 || blobs.length > 2) {
    throw new InvalidValueError(tag, 'expected a tensor of one or two strings');
  }
  const body = parseBody(tag, blobs[0]!);
  return { body, assetBytes: blobs[1] };
}

function parseBody(tag: string, bytes: Uint8Array): PolyaxonBody {
  let body: unknown;
  try {
    body = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw new InvalidValueError(tag, `its body is no JSON: ${messageOf(cause)}`, { cause });
  }
  if (isBody(body)) return body;
  throw new InvalidValueError(tag, 'its body has no kind of Polyaxon, no name or no value');
}

function isBody(body: unknown): body is PolyaxonBody {
  if (typeof body !== 'object' || body === null) return false;
  const { kind, name, value, asset } = body as Partial<PolyaxonBody>;
  return (
    ARTIFACT_KINDS.includes(kind as ArtifactKind) &&
    typeof name === 'string' &&
    value !== undefined &&
    (asset === undefined || (typeof asset === 'object' && typeof asset?.extension === 'string'))
  );
}
