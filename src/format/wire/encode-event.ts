/**
 * Encodes `Event` and everything in it in canonical form: fields in ascending order, defaults omitted.
 *
 * A message is a list of pieces that are copied once, into the queue; so a 30 MB image is copied once. Field numbers: `proto/`.
 * Tests compare the bytes with those of protobufjs and of TensorBoard's own classes.
 */

import type {
  Event,
  EventContent,
  SummaryMetadata,
  SummaryValue,
  TensorProto,
  ValueContent,
} from './messages.js';
import {
  BYTES,
  encodeUtf8,
  FIXED32,
  FIXED64,
  fieldKey,
  int64Bytes,
  littleEndianBytes,
  MAX_VARINT_BYTES,
  VARINT,
  varintBytes,
  writeInt64,
  writeVarint,
} from './proto-bytes.js';

/** The bytes of a message or field, as pieces in order. */
export type Pieces = readonly Uint8Array[];

/** The total length of the pieces. */
export function piecesBytes(pieces: Pieces): number {
  let total = 0;
  for (const piece of pieces) total += piece.length;
  return total;
}

/** Copies the pieces to `bytes`, starting at `offset`. Returns the offset after them. */
export function writePieces(bytes: Uint8Array, offset: number, pieces: Pieces): number {
  let at = offset;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return at;
}

/** The pieces, joined to one array. */
export function joinPieces(pieces: Pieces): Uint8Array {
  const out = new Uint8Array(piecesBytes(pieces));
  writePieces(out, 0, pieces);
  return out;
}

export function encodeEvent(event: Event): Pieces {
  return [
    ...double(1, event.wallTime),
    ...int64(2, event.step),
    ...encodeWhat(event.what),
    ...(event.what.kind === 'fileVersion' && event.what.writer !== undefined
      ? delimited(10, text(1, event.what.writer))
      : []),
  ];
}

function encodeWhat(what: EventContent): Pieces {
  switch (what.kind) {
    case 'fileVersion':
      return delimited(3, [encodeUtf8(what.fileVersion)]);
    case 'graphDef':
      return delimited(4, [what.graphDef]);
    case 'summary':
      return delimited(5, encodeSummary(what.values));
    case 'sessionLog':
      return delimited(7, [
        ...int64(1, what.status),
        ...text(2, what.checkpointPath ?? ''),
        ...text(3, what.message ?? ''),
      ]);
    case 'taggedRunMetadata':
      return delimited(8, [...text(1, what.tag), ...nonEmpty(2, what.runMetadata)]);
    case 'metaGraphDef':
      return delimited(9, [what.metaGraphDef]);
    case 'none':
      return [];
  }
}

/** Encodes the content of a `Summary`: each value as field 1. */
export function encodeSummary(values: readonly SummaryValue[]): Pieces {
  return values.flatMap((value) => delimited(1, encodeSummaryValue(value)));
}

function encodeSummaryValue({ tag, value, metadata }: SummaryValue): Pieces {
  return [
    ...text(1, tag),
    ...(value === undefined ? [] : encodeValueContent(value)),
    ...(metadata === undefined ? [] : delimited(9, encodeMetadata(metadata))),
  ];
}

function encodeValueContent(value: ValueContent): Pieces {
  switch (value.kind) {
    case 'tensor':
      return delimited(8, encodeTensor(value.tensor));
    case 'simpleValue':
      return [float32(2, value.simpleValue)];
    case 'obsoleteHistogram':
      return delimited(3, [value.obsoleteHistogram]);
    case 'image': {
      const { height, width, colorspace, encoded } = value.image;
      return delimited(4, [
        ...int64(1, height),
        ...int64(2, width),
        ...int64(3, colorspace),
        ...nonEmpty(4, encoded),
      ]);
    }
    case 'histogram': {
      const { min, max, num, sum, sumSquares, bucketLimit, bucket } = value.histogram;
      return delimited(5, [
        ...[min, max, num, sum, sumSquares].flatMap((number, index) => double(index + 1, number)),
        ...nonEmpty(6, littleEndianBytes(bucketLimit)),
        ...nonEmpty(7, littleEndianBytes(bucket)),
      ]);
    }
    case 'audio': {
      const { sampleRateHz, channels, lengthFrames, encoded, contentType } = value.audio;
      return delimited(6, [
        ...(Object.is(sampleRateHz, 0) ? [] : [float32(1, sampleRateHz)]),
        ...int64(2, channels),
        ...int64(3, lengthFrames),
        ...nonEmpty(4, encoded),
        ...text(5, contentType),
      ]);
    }
  }
}

/** Encodes the content of a `SummaryMetadata`. */
export function encodeMetadata(metadata: SummaryMetadata): Pieces {
  const pluginData = [...text(1, metadata.pluginName), ...nonEmpty(2, metadata.content)];
  return [
    ...(pluginData.length === 0 ? [] : delimited(1, pluginData)),
    ...text(2, metadata.displayName ?? ''),
    ...text(3, metadata.description ?? ''),
    ...int64(4, metadata.dataClass),
  ];
}

/** Encodes the content of a `TensorProto`. Always writes the shape: rank 0 is an empty message. */
export function encodeTensor(tensor: TensorProto): Pieces {
  const dims = tensor.shape.flatMap((size) => delimited(2, int64(1, size)));
  return [
    ...int64(1, tensor.dtype),
    ...delimited(2, dims),
    ...nonEmpty(4, tensor.tensorContent),
    ...nonEmpty(5, tensor.floatVal && littleEndianBytes(tensor.floatVal)),
    ...nonEmpty(6, tensor.doubleVal && littleEndianBytes(tensor.doubleVal)),
    ...nonEmpty(7, tensor.intVal && packVarints(tensor.intVal)),
    ...(tensor.stringVal ?? []).flatMap((item) => delimited(8, [item])),
    ...nonEmpty(9, tensor.scomplexVal && littleEndianBytes(tensor.scomplexVal)),
    ...nonEmpty(10, tensor.int64Val && packVarints(tensor.int64Val)),
    ...nonEmpty(11, tensor.boolVal && Uint8Array.from(tensor.boolVal, Number)),
    ...nonEmpty(12, tensor.dcomplexVal && littleEndianBytes(tensor.dcomplexVal)),
    ...nonEmpty(13, tensor.halfVal && packVarints(tensor.halfVal)),
    ...nonEmpty(16, tensor.uint32Val && packVarints(tensor.uint32Val)),
    ...nonEmpty(17, tensor.uint64Val && packVarints(tensor.uint64Val)),
  ];
}

/** Joins the varints of integers, which is protobuf's packed form. */
function packVarints(values: Int32Array | Uint32Array | BigInt64Array | BigUint64Array): Uint8Array {
  const out = new Uint8Array(values.length * MAX_VARINT_BYTES);
  let at = 0;
  for (const value of values) at = writeInt64(out, at, value);
  return out.subarray(0, at);
}

/** A length-delimited field with these pieces as its content. Written even if it is empty. */
export function delimited(field: number, content: Pieces): Pieces {
  const contentBytes = piecesBytes(content);
  const key = fieldKey(field, BYTES);
  const header = new Uint8Array(varintBytes(key) + varintBytes(contentBytes));
  writeVarint(header, writeVarint(header, 0, key), contentBytes);
  return [header, ...content];
}

/** A string field; omitted when empty. */
function text(field: number, value: string): Pieces {
  return value === '' ? [] : delimited(field, [encodeUtf8(value)]);
}

/** A bytes field; omitted when empty or absent. */
function nonEmpty(field: number, value: Uint8Array | undefined): Pieces {
  return value === undefined || value.length === 0 ? [] : delimited(field, [value]);
}

/** A varint field; omitted when 0. */
function int64(field: number, value: number | bigint): Pieces {
  if (value === 0 || value === 0n) return [];
  const out = new Uint8Array(1 + int64Bytes(value));
  out[0] = fieldKey(field, VARINT);
  writeInt64(out, 1, value);
  return [out];
}

/** A double field; omitted when +0. */
function double(field: number, value: number): Pieces {
  if (Object.is(value, 0)) return [];
  const out = new Uint8Array(9);
  out[0] = fieldKey(field, FIXED64);
  new DataView(out.buffer).setFloat64(1, value, true);
  return [out];
}

/** A float field of a oneof; written even when 0. */
function float32(field: number, value: number): Uint8Array {
  const out = new Uint8Array(5);
  out[0] = fieldKey(field, FIXED32);
  new DataView(out.buffer).setFloat32(1, value, true);
  return out;
}
