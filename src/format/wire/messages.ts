/**
 * The messages in event files, as plain values: the input of the encoders and the output of the decoders.
 *
 * Field numbers and meaning: `proto/`. Names are the field names in camel case.
 */

/** `tensorflow.DataType`, with its numbers on the wire. */
export const DataType = {
  FLOAT: 1,
  DOUBLE: 2,
  INT32: 3,
  UINT8: 4,
  INT16: 5,
  INT8: 6,
  STRING: 7,
  COMPLEX64: 8,
  INT64: 9,
  BOOL: 10,
  BFLOAT16: 14,
  UINT16: 17,
  COMPLEX128: 18,
  HALF: 19,
  UINT32: 22,
  UINT64: 23,
} as const;
export type DataType = (typeof DataType)[keyof typeof DataType];

/** `tensorboard.DataClass`: how TensorBoard stores and samples a series. */
export const DataClass = { UNKNOWN: 0, SCALAR: 1, TENSOR: 2, BLOB_SEQUENCE: 3 } as const;
export type DataClass = (typeof DataClass)[keyof typeof DataClass];

/** `SessionLog.SessionStatus`. */
export const SessionStatus = { UNSPECIFIED: 0, START: 1, STOP: 2, CHECKPOINT: 3 } as const;
export type SessionStatus = (typeof SessionStatus)[keyof typeof SessionStatus];

/**
 * `TensorProto`. The values are row-major, in the field that belongs to `dtype`, or as little-endian bytes in `tensorContent`,
 * which takes precedence. Strings are bytes, always in `stringVal`. A single value in a typed field stands for all elements.
 */
export interface TensorProto {
  readonly dtype: DataType;
  /** The size of each dimension; empty for rank 0. */
  readonly shape: readonly number[];
  readonly tensorContent?: Uint8Array;
  readonly floatVal?: Float32Array;
  readonly doubleVal?: Float64Array;
  /** For int32, int16, int8, uint16 and uint8. */
  readonly intVal?: Int32Array;
  readonly stringVal?: readonly Uint8Array[];
  /** For complex64: the real and the imaginary part of each element. */
  readonly scomplexVal?: Float32Array;
  readonly int64Val?: BigInt64Array;
  readonly boolVal?: readonly boolean[];
  /** For complex128: the real and the imaginary part of each element. */
  readonly dcomplexVal?: Float64Array;
  /** Raw 16-bit patterns of half and bfloat16. */
  readonly halfVal?: Int32Array;
  readonly uint32Val?: Uint32Array;
  readonly uint64Val?: BigUint64Array;
}

/** `SummaryMetadata`, with its plugin data as direct fields. */
export interface SummaryMetadata {
  readonly pluginName: string;
  /** The plugin's serialized message; absent when empty. */
  readonly content?: Uint8Array;
  readonly displayName?: string;
  /** Markdown. */
  readonly description?: string;
  readonly dataClass: DataClass;
}

/** `Summary.Value`: one tagged value. */
export interface SummaryValue {
  readonly tag: string;
  readonly metadata?: SummaryMetadata;
  /** Absent in values that have only metadata, such as the HParams of some writers. */
  readonly value?: ValueContent;
}

/** The content of a summary value: a tensor, or one of the TensorFlow 1 forms. */
export type ValueContent =
  | { readonly kind: 'tensor'; readonly tensor: TensorProto }
  | { readonly kind: 'simpleValue'; readonly simpleValue: number }
  | { readonly kind: 'image'; readonly image: LegacyImage }
  | { readonly kind: 'histogram'; readonly histogram: LegacyHistogram }
  | { readonly kind: 'audio'; readonly audio: LegacyAudio }
  /**
   * `obsolete_old_style_histogram`. No viewer shows it, but for the fast reader of TensorBoard it is a point that replaces those of its
   * tag from its step on. polytrack writes it without bytes, for that purpose.
   */
  | { readonly kind: 'obsoleteHistogram'; readonly obsoleteHistogram: Uint8Array };

/** The plugin that TensorBoard assumes for each of the TensorFlow 1 forms. Source: tensorboard/data_compat.py. */
export const LEGACY_PLUGINS = {
  simpleValue: 'scalars',
  image: 'images',
  audio: 'audio',
  histogram: 'histograms',
} as const;

/** The tag under which TensorBoard keeps the graph of an event. Source: tensorboard/plugins/graph/metadata.py. */
export const RUN_GRAPH_TAG = '__run_graph__';

/** `Summary.Image`. */
export interface LegacyImage {
  readonly height: number;
  readonly width: number;
  /** 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA, 5 YUV, 6 BGRA. */
  readonly colorspace: number;
  readonly encoded: Uint8Array;
}

/** `Summary.Audio`. */
export interface LegacyAudio {
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly lengthFrames: number;
  readonly encoded: Uint8Array;
  readonly contentType: string;
}

/** `HistogramProto`: bucket i reaches from `bucketLimit[i - 1]` (from `min` for the first one) up to `bucketLimit[i]`. */
export interface LegacyHistogram {
  readonly min: number;
  readonly max: number;
  readonly num: number;
  readonly sum: number;
  readonly sumSquares: number;
  readonly bucketLimit: Float64Array;
  readonly bucket: Float64Array;
}

/** `Event`: the content of one record. */
export interface Event {
  /** Seconds since the Unix epoch. */
  readonly wallTime: number;
  /** int64; a bigint when a number would not be exact. */
  readonly step: number | bigint;
  readonly what: EventContent;
}

export type EventContent =
  | { readonly kind: 'fileVersion'; readonly fileVersion: string; readonly writer?: string }
  | { readonly kind: 'summary'; readonly values: readonly SummaryValue[] }
  | {
      readonly kind: 'sessionLog';
      readonly status: SessionStatus;
      readonly checkpointPath?: string;
      readonly message?: string;
    }
  | { readonly kind: 'graphDef'; readonly graphDef: Uint8Array }
  | { readonly kind: 'metaGraphDef'; readonly metaGraphDef: Uint8Array }
  | { readonly kind: 'taggedRunMetadata'; readonly tag: string; readonly runMetadata: Uint8Array }
  /** No content, or content that this version of the format does not define. */
  | { readonly kind: 'none' };
