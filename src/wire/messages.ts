/**
 * The messages that event files are made of, as plain values: what the encoders take and the decoders give.
 *
 * Field numbers and meaning: `proto/`. Names are the fields' own, in camel case.
 */

/** `tensorflow.DataType`: the numbers that go on the wire. */
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
 * `TensorProto`. Values are row-major, in the field that belongs to `dtype`, or as little-endian bytes in
 * `tensorContent`. Strings are bytes, always in `stringVal`.
 */
export interface TensorProto {
  readonly dtype: DataType;
  /** Sizes of the dimensions; empty for rank 0. */
  readonly shape: readonly number[];
  readonly tensorContent?: Uint8Array;
  readonly floatVal?: Float32Array;
  readonly doubleVal?: Float64Array;
  readonly stringVal?: readonly Uint8Array[];
}

/** `SummaryMetadata`, with its plugin data flattened. */
export interface SummaryMetadata {
  readonly pluginName: string;
  /** The plugin's own message, serialized; absent when it is empty. */
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
  readonly value:
    | { readonly kind: 'simpleValue'; readonly simpleValue: number }
    | { readonly kind: 'tensor'; readonly tensor: TensorProto };
}

/** `Event`: what one record holds. */
export interface Event {
  /** Seconds since the Unix epoch. */
  readonly wallTime: number;
  /** int64; a bigint where a number would not be exact. */
  readonly step: number | bigint;
  readonly what:
    | { readonly kind: 'fileVersion'; readonly fileVersion: string; readonly writer?: string }
    | { readonly kind: 'sessionLog'; readonly status: SessionStatus }
    | { readonly kind: 'graphDef'; readonly graphDef: Uint8Array }
    | { readonly kind: 'summary'; readonly values: readonly SummaryValue[] };
}
