/**
 * Decodes summary values of every plugin into a union by kind, including legacy forms and the forms of third-party
 * writers.
 *
 * As in TensorBoard, the first metadata of a tag decides how all its values are read; `TagIndex` keeps it.
 * Source: tensorboard/plugins/<plugin>/metadata.py; legacy forms: tensorboard/data_compat.py.
 */

import { InvalidValueError } from '../../base/errors.js';
import { tensorboard } from '../wire/generated/plugins.js';
import {
  type DataType,
  LEGACY_PLUGINS,
  type LegacyHistogram,
  type SummaryMetadata,
  type SummaryValue,
  type TensorProto,
} from '../wire/messages.js';
import {
  decodeHParams,
  decodeLayout,
  decodeMessage,
  type HParamsData,
  type LayoutCategory,
} from './plugin-messages.js';
import {
  blobsFrom,
  type Complex,
  complexNumbersFrom,
  countElements,
  isComplex,
  textFrom,
  toDoubles,
  toTensorNumbers,
} from './tensor-values.js';

/** An audio clip. */
export interface DecodedClip {
  readonly bytes: Uint8Array;
  /** Markdown that older writers store with a clip; TensorBoard does not show it. */
  readonly label: string | undefined;
}

export type DecodedValue =
  /** A number, float32 in most files. */
  | { readonly kind: 'scalar'; readonly value: number }
  /** Encoded images of one step. The size is that of the first image. */
  | {
      readonly kind: 'images';
      readonly width: number;
      readonly height: number;
      readonly images: readonly Uint8Array[];
    }
  | { readonly kind: 'audio'; readonly clips: readonly DecodedClip[] }
  /** Shape: k×3, row-major: left edge, right edge, count. */
  | { readonly kind: 'histogram'; readonly rows: Float64Array }
  /** Row-major; rank 0 is a single text. */
  | { readonly kind: 'text'; readonly shape: readonly number[]; readonly texts: readonly string[] }
  /** Each array has length n; the thresholds are evenly spaced on [0, 1]. */
  | {
      readonly kind: 'prCurve';
      readonly truePositives: Float64Array;
      readonly falsePositives: Float64Array;
      readonly trueNegatives: Float64Array;
      readonly falseNegatives: Float64Array;
      readonly precision: Float64Array;
      readonly recall: Float64Array;
    }
  /** One part of a mesh; `values` are row-major and have the shape `shape`. */
  | {
      readonly kind: 'mesh';
      readonly name: string;
      readonly part: 'vertex' | 'face' | 'color' | 'unknown';
      readonly shape: readonly number[];
      readonly values: Float64Array;
      readonly config: string;
    }
  | { readonly kind: 'hparams'; readonly data: HParamsData }
  | { readonly kind: 'customScalars'; readonly categories: readonly LayoutCategory[] }
  /** A serialized `GraphDef` or `RunMetadata`, or a Keras model as JSON, depending on `plugin`. */
  | { readonly kind: 'graph'; readonly plugin: string; readonly blobs: readonly Uint8Array[] }
  /** A value of an unknown plugin. 64-bit integers are bigints, strings are bytes, complex numbers have two parts. */
  | {
      readonly kind: 'tensor';
      readonly dtype: DataType;
      readonly shape: readonly number[];
      readonly values: readonly (number | bigint | Complex | Uint8Array)[];
    }
  /** Metadata without a value, or a value that no viewer can show and that removes earlier points. */
  | { readonly kind: 'empty' };

/** Keeps the first metadata of each tag of one run, because later values omit it. */
export class TagIndex {
  readonly #tags = new Map<string, SummaryMetadata>();

  /** Decodes a value with the first metadata of its tag. Throws `InvalidValueError`. */
  decode(value: SummaryValue): DecodedValue {
    return decodeValue(value, this.metadataOf(value));
  }

  /** The metadata that applies to a value: the first metadata of its tag. */
  metadataOf(value: SummaryValue): SummaryMetadata | undefined {
    const known = this.#tags.get(value.tag);
    if (known !== undefined) return known;
    const metadata = value.metadata ?? legacyMetadata(value);
    if (metadata !== undefined) this.#tags.set(value.tag, metadata);
    return metadata;
  }
}

/** The metadata that TensorBoard assumes for a value of TensorFlow 1; undefined for others. */
export function legacyMetadata({ value }: SummaryValue): SummaryMetadata | undefined {
  if (value === undefined || value.kind === 'tensor' || value.kind === 'obsoleteHistogram') return undefined;
  return { pluginName: LEGACY_PLUGINS[value.kind], dataClass: 0 };
}

/** Decodes a value; `metadata` is the first metadata of its tag. Throws `InvalidValueError`. */
export function decodeValue(summaryValue: SummaryValue, metadata = summaryValue.metadata): DecodedValue {
  const { tag, value } = summaryValue;
  switch (value?.kind) {
    case 'simpleValue':
      return { kind: 'scalar', value: value.simpleValue };
    case 'image':
      return {
        kind: 'images',
        width: value.image.width,
        height: value.image.height,
        images: [value.image.encoded],
      };
    case 'audio':
      return { kind: 'audio', clips: [{ bytes: value.audio.encoded, label: undefined }] };
    case 'histogram':
      return { kind: 'histogram', rows: migrateHistogram(tag, value.histogram) };
    case 'tensor':
      return decodeTensor(tag, value.tensor, metadata);
    case 'obsoleteHistogram':
      return { kind: 'empty' };
    case undefined:
      // Some writers store HParams without a value.
      return metadata?.pluginName === 'hparams'
        ? { kind: 'hparams', data: decodeHParams(tag, metadata.content) }
        : { kind: 'empty' };
  }
}

function decodeTensor(tag: string, tensor: TensorProto, metadata: SummaryMetadata | undefined): DecodedValue {
  const { shape, dtype } = tensor;
  switch (metadata?.pluginName) {
    case 'scalars':
      checkShape(tag, shape, countElements(shape) === 1, 'one number');
      return { kind: 'scalar', value: toDoubles(tag, tensor)[0]! };
    case 'images':
      return decodeImages(tag, tensor);
    case 'audio':
      return { kind: 'audio', clips: decodeClips(tag, tensor) };
    case 'histograms':
      checkShape(tag, shape, shape.length === 2 && shape[1] === 3, '[k, 3]');
      return { kind: 'histogram', rows: toDoubles(tag, tensor) };
    case 'text':
      return { kind: 'text', shape, texts: blobsFrom(tag, tensor).map((bytes) => textFrom(tag, bytes)) };
    case 'pr_curves':
      return decodePrCurve(tag, tensor);
    case 'mesh':
      return decodeMesh(tag, tensor, metadata.content);
    case 'hparams':
      return { kind: 'hparams', data: decodeHParams(tag, metadata.content) };
    case 'custom_scalars':
      return { kind: 'customScalars', categories: decodeLayout(tag, onlyBlob(tag, tensor)) };
    case 'graphs':
    case 'graph_tagged_run_metadata':
    case 'graph_run_metadata':
    case 'graph_run_metadata_graph':
    case 'graph_keras_model':
      return { kind: 'graph', plugin: metadata.pluginName, blobs: blobsFrom(tag, tensor) };
    default: {
      return { kind: 'tensor', dtype, shape, values: toElements(tag, tensor) };
    }
  }
}

function toElements(tag: string, tensor: TensorProto): readonly (number | bigint | Complex | Uint8Array)[] {
  if (isComplex(tensor)) return complexNumbersFrom(tag, tensor);
  return tensor.stringVal === undefined ? toTensorNumbers(tag, tensor) : blobsFrom(tag, tensor);
}

function decodeImages(tag: string, tensor: TensorProto): DecodedValue {
  const [width, height, ...images] = blobsFrom(tag, tensor);
  checkShape(tag, tensor.shape, width !== undefined && height !== undefined, '[2 + images]');
  return {
    kind: 'images',
    width: Number(textFrom(tag, width!)),
    height: Number(textFrom(tag, height!)),
    images,
  };
}

/** [k] clips, or [k, 2] with a label for each clip. */
function decodeClips(tag: string, tensor: TensorProto): DecodedClip[] {
  const { shape } = tensor;
  const isLabelled = shape.length === 2 && shape[1] === 2;
  checkShape(tag, shape, shape.length === 1 || isLabelled, '[clips] or [clips, 2]');
  const blobs = blobsFrom(tag, tensor);
  if (!isLabelled) return blobs.map((bytes) => ({ bytes, label: undefined }));
  return Array.from({ length: shape[0]! }, (_, i) => ({
    bytes: blobs[i * 2]!,
    label: textFrom(tag, blobs[i * 2 + 1]!),
  }));
}

function decodePrCurve(tag: string, tensor: TensorProto): DecodedValue {
  const { shape } = tensor;
  checkShape(tag, shape, shape.length === 2 && shape[0] === 6, '[6, thresholds]');
  const values = toDoubles(tag, tensor);
  const row = (index: number): Float64Array => values.slice(index * shape[1]!, (index + 1) * shape[1]!);
  return {
    kind: 'prCurve',
    truePositives: row(0),
    falsePositives: row(1),
    trueNegatives: row(2),
    falseNegatives: row(3),
    precision: row(4),
    recall: row(5),
  };
}

const MESH_PARTS = ['unknown', 'vertex', 'face', 'color'] as const;

function decodeMesh(tag: string, tensor: TensorProto, content: Uint8Array | undefined): DecodedValue {
  const { name, contentType, jsonConfig } = decodeMessage(tag, tensorboard.MeshPluginData, content);
  const part = MESH_PARTS[contentType ?? 0] ?? 'unknown';
  const { shape } = tensor;
  return {
    kind: 'mesh',
    name: name ?? '',
    part,
    shape,
    values: toDoubles(tag, tensor),
    config: jsonConfig ?? '',
  };
}

function onlyBlob(tag: string, tensor: TensorProto): Uint8Array {
  const blobs = blobsFrom(tag, tensor);
  checkShape(tag, tensor.shape, blobs.length === 1, 'one string');
  return blobs[0]!;
}

/**
 * Converts a legacy histogram to rows as TensorBoard's Python reader does. Empty buckets at both ends are dropped,
 * because their outer limits are ±1.8e308; the smallest and the largest value become the outer edges.
 */
function migrateHistogram(tag: string, { min, max, bucketLimit, bucket }: LegacyHistogram): Float64Array {
  if (bucketLimit.length !== bucket.length) {
    throw new InvalidValueError(tag, `${bucketLimit.length} bucket limits for ${bucket.length} buckets`);
  }
  const first = bucket.findIndex((count) => count > 0);
  const last = bucket.findLastIndex((count) => count > 0);
  if (first < 0) return new Float64Array();
  const rows = new Float64Array((last - first + 1) * 3);
  for (let i = first; i <= last; i++) {
    const left = i === first ? min : bucketLimit[i - 1]!;
    const right = i === last ? max : bucketLimit[i]!;
    rows.set([left, right, bucket[i]!], (i - first) * 3);
  }
  return rows;
}

function checkShape(tag: string, shape: readonly number[], isRight: boolean, expected: string): void {
  if (isRight) return;
  throw new InvalidValueError(tag, `shape [${shape.join(', ')}], expected ${expected}`);
}
