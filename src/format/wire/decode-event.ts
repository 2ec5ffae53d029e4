/**
 * Decodes `Event` and everything in it, from any writer.
 *
 * Protobufjs parses the bytes. This file converts its objects to the plain values of `messages.ts` and keeps int64 exact.
 */

import { tensorboard } from './generated/event.js';
import type {
  DataClass,
  DataType,
  Event,
  EventContent,
  SessionStatus,
  SummaryMetadata,
  SummaryValue,
  TensorProto,
  ValueContent,
} from './messages.js';

/** Decodes the data of one record. Throws the error of protobufjs when the bytes are not an `Event`. */
export function decodeEvent(data: Uint8Array): Event {
  // Pass a plain view: for a Buffer, protobufjs returns Buffers, whose `slice` shares memory.
  const event = tensorboard.Event.decode(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return { wallTime: event.wallTime, step: toInteger(event.step), what: toContent(event) };
}

function toContent(event: tensorboard.Event): EventContent {
  const writer = event.sourceMetadata?.writer;
  if (event.fileVersion != null) {
    return { kind: 'fileVersion', fileVersion: event.fileVersion, ...(writer ? { writer } : {}) };
  }
  if (event.summary != null)
    return { kind: 'summary', values: (event.summary.value ?? []).map(toSummaryValue) };
  if (event.sessionLog != null) {
    const { status, checkpointPath, msg } = event.sessionLog;
    return {
      kind: 'sessionLog',
      status: (status ?? 0) as SessionStatus,
      ...(checkpointPath ? { checkpointPath } : {}),
      ...(msg ? { message: msg } : {}),
    };
  }
  if (event.graphDef != null) return { kind: 'graphDef', graphDef: event.graphDef };
  if (event.metaGraphDef != null) return { kind: 'metaGraphDef', metaGraphDef: event.metaGraphDef };
  if (event.taggedRunMetadata != null) {
    const { tag, runMetadata } = event.taggedRunMetadata;
    return { kind: 'taggedRunMetadata', tag: tag ?? '', runMetadata: runMetadata ?? new Uint8Array() };
  }
  return { kind: 'none' };
}

function toSummaryValue(value: tensorboard.Summary.IValue): SummaryValue {
  const content = toValueContent(value);
  return {
    // Older writers used `node_name` instead of `tag`; TensorBoard's Python reader still falls back to it.
    tag: value.tag || value.nodeName || '',
    ...(value.metadata == null ? {} : { metadata: toMetadata(value.metadata) }),
    ...(content === undefined ? {} : { value: content }),
  };
}

function toValueContent(value: tensorboard.Summary.IValue): ValueContent | undefined {
  if (value.tensor != null) return { kind: 'tensor', tensor: toTensor(value.tensor) };
  if (value.simpleValue != null) return { kind: 'simpleValue', simpleValue: value.simpleValue };
  if (value.obsoleteOldStyleHistogram != null)
    return { kind: 'obsoleteHistogram', obsoleteHistogram: value.obsoleteOldStyleHistogram };
  if (value.image != null) {
    const { height, width, colorspace, encodedImageString } = value.image;
    const image = { height: height ?? 0, width: width ?? 0, colorspace: colorspace ?? 0 };
    return { kind: 'image', image: { ...image, encoded: encodedImageString ?? new Uint8Array() } };
  }
  if (value.histo != null) {
    const { min, max, num, sum, sumSquares, bucketLimit, bucket } = value.histo;
    return {
      kind: 'histogram',
      histogram: {
        min: min ?? 0,
        max: max ?? 0,
        num: num ?? 0,
        sum: sum ?? 0,
        sumSquares: sumSquares ?? 0,
        bucketLimit: Float64Array.from(bucketLimit ?? []),
        bucket: Float64Array.from(bucket ?? []),
      },
    };
  }
  if (value.audio != null) {
    const { sampleRate, numChannels, lengthFrames, encodedAudioString, contentType } = value.audio;
    return {
      kind: 'audio',
      audio: {
        sampleRateHz: sampleRate ?? 0,
        channels: Number(numChannels ?? 0),
        lengthFrames: Number(lengthFrames ?? 0),
        encoded: encodedAudioString ?? new Uint8Array(),
        contentType: contentType ?? '',
      },
    };
  }
  return undefined;
}

function toMetadata(metadata: tensorboard.ISummaryMetadata): SummaryMetadata {
  const { pluginData, displayName, summaryDescription, dataClass } = metadata;
  return {
    pluginName: pluginData?.pluginName ?? '',
    ...(pluginData?.content?.length ? { content: pluginData.content } : {}),
    ...(displayName ? { displayName } : {}),
    ...(summaryDescription ? { description: summaryDescription } : {}),
    dataClass: (dataClass ?? 0) as DataClass,
  };
}

function toTensor(tensor: tensorboard.ITensorProto): TensorProto {
  return {
    dtype: (tensor.dtype ?? 0) as DataType,
    shape: (tensor.tensorShape?.dim ?? []).map((dim) => Number(dim.size ?? 0)),
    ...(tensor.tensorContent?.length ? { tensorContent: tensor.tensorContent } : {}),
    ...(tensor.floatVal?.length ? { floatVal: Float32Array.from(tensor.floatVal) } : {}),
    ...(tensor.doubleVal?.length ? { doubleVal: Float64Array.from(tensor.doubleVal) } : {}),
    ...(tensor.intVal?.length ? { intVal: Int32Array.from(tensor.intVal) } : {}),
    ...(tensor.stringVal?.length ? { stringVal: tensor.stringVal } : {}),
    ...(tensor.scomplexVal?.length ? { scomplexVal: Float32Array.from(tensor.scomplexVal) } : {}),
    ...(tensor.int64Val?.length ? { int64Val: BigInt64Array.from(tensor.int64Val, toBigInt) } : {}),
    ...(tensor.boolVal?.length ? { boolVal: tensor.boolVal } : {}),
    ...(tensor.dcomplexVal?.length ? { dcomplexVal: Float64Array.from(tensor.dcomplexVal) } : {}),
    ...(tensor.halfVal?.length ? { halfVal: Int32Array.from(tensor.halfVal) } : {}),
    ...(tensor.uint32Val?.length ? { uint32Val: Uint32Array.from(tensor.uint32Val) } : {}),
    ...(tensor.uint64Val?.length ? { uint64Val: BigUint64Array.from(tensor.uint64Val, toBigInt) } : {}),
  };
}

/** A 64-bit integer from protobufjs: a number, or two halves. */
type Integer64 = number | { readonly low: number; readonly high: number; readonly unsigned: boolean };

function toBigInt(value: Integer64): bigint {
  if (typeof value === 'number') return BigInt(value);
  const bits = (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
  return value.unsigned ? bits : BigInt.asIntN(64, bits);
}

function toInteger(value: Integer64): number | bigint {
  const exact = toBigInt(value);
  return exact >= Number.MIN_SAFE_INTEGER && exact <= Number.MAX_SAFE_INTEGER ? Number(exact) : exact;
}
