/**
 * Stores events of kinds that TensorBoard has no plugin for as summary values of the plugin `polyaxon`.
 *
 * Such a value is one string tensor: the body as JSON, then the bytes of its asset unless another value of the event holds
 * them. The other values of the event are previews for TensorBoard; the export skips them.
 */

import { InvalidValueError, messageOf } from '../base/errors.js';
import type { JsonValue } from '../base/json-value.js';
import { DataClass, DataType, type SummaryValue } from '../format/wire/messages.js';

/** The plugin name that identifies these values. */
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

/** A file that the export writes below `assets/`; its path is added to the value. */
export interface PolyaxonAsset {
  /** The file extension, without a dot, such as `csv`. */
  readonly extension: string;
  /** The tag of the value in this event whose first image or clip is the asset. If absent, the bytes follow the body. */
  readonly inTag?: string;
}

/** The content of one event of the plugin. */
export interface PolyaxonBody {
  readonly kind: ArtifactKind;
  /** The event's name as the caller gave it; the export derives Polyaxon's file name from it. */
  readonly name: string;
  /**
   * The value in the form of Polyaxon's event: fields in Polyaxon's order (traceml/events/schemas.py), absent fields omitted. A
   * string for html. It has no `path` if `asset` is set.
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

/** Returns the tag of an event. It cannot collide with tags of other kinds or of TensorBoard's plugins. */
export function toPolyaxonTag(kind: ArtifactKind, name: string): string {
  return `${POLYAXON_PLUGIN}/${kind}/${name}`;
}

/** Builds the summary value of `body`. Pass `assetBytes` if no other value holds the asset. */
export function createPolyaxonValue(body: PolyaxonBody, assetBytes?: Uint8Array): SummaryValue {
  const stringVal = [encoder.encode(JSON.stringify(body))];
  if (assetBytes !== undefined) stringVal.push(assetBytes as Uint8Array<ArrayBuffer>);
  return {
    tag: toPolyaxonTag(body.kind, body.name),
    metadata: { pluginName: POLYAXON_PLUGIN, content: METADATA_CONTENT, dataClass: DataClass.TENSOR },
    value: { kind: 'tensor', tensor: { dtype: DataType.STRING, shape: [stringVal.length], stringVal } },
  };
}

/** Reads a summary value of the plugin. Throws `InvalidValueError` if the value is malformed. */
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
    throw new InvalidValueError(tag, `the body is not valid JSON: ${messageOf(cause)}`, { cause });
  }
  if (isBody(body)) return body;
  throw new InvalidValueError(tag, 'the body lacks a known kind, a name or a value');
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
