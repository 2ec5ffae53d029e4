/**
 * Describes events in the form of the fixtures' `expected.json`: steps and int64 as decimal text, NaN and infinities as text,
 * and bytes by length and SHA-256.
 */

import { createHash } from 'node:crypto';
import {
  DataType,
  type Event,
  type SummaryMetadata,
  type SummaryValue,
  type TensorProto,
  type ValueContent,
} from '../../src/format/wire/messages.js';

type Described = Record<string, unknown>;

/** Additional keys in the fixtures: readable copies, and plugin messages, which are decoded elsewhere. */
const REDUNDANT_KEYS = new Set(['base64', 'text', 'pluginData', 'layout', 'graph', 'decoded']);

/** Returns an expectation without its redundant keys. */
export function withoutRedundancy(expected: unknown): unknown {
  if (Array.isArray(expected)) return expected.map(withoutRedundancy);
  if (typeof expected !== 'object' || expected === null) return expected;
  const kept = Object.entries(expected).filter(([key]) => !REDUNDANT_KEYS.has(key));
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutRedundancy(value)]));
}

export function describeEvent(event: Event): Described {
  return { wallTime: number(event.wallTime), step: String(event.step), ...describeContent(event) };
}

function describeContent({ what }: Event): Described {
  switch (what.kind) {
    case 'fileVersion': {
      const writer = what.writer === undefined ? {} : { sourceMetadataWriter: what.writer };
      return { what: 'file_version', fileVersion: what.fileVersion, ...writer };
    }
    case 'summary':
      return { what: 'summary', values: what.values.map(describeValue) };
    case 'sessionLog':
      return {
        what: 'session_log',
        sessionLog: {
          status: what.status,
          checkpointPath: what.checkpointPath ?? '',
          message: what.message ?? '',
        },
      };
    case 'graphDef':
      return { what: 'graph_def', graphDef: bytes(what.graphDef) };
    case 'metaGraphDef':
      return { what: 'meta_graph_def' };
    case 'taggedRunMetadata':
      return {
        what: 'tagged_run_metadata',
        taggedRunMetadata: { tag: what.tag, runMetadata: bytes(what.runMetadata) },
      };
    case 'none':
      return { what: null };
  }
}

function describeValue({ tag, metadata, value }: SummaryValue): Described {
  return {
    tag,
    ...(metadata === undefined ? {} : { metadata: describeMetadata(metadata) }),
    ...(value === undefined ? {} : describeValueContent(value)),
  };
}

function describeMetadata(metadata: SummaryMetadata): Described {
  return {
    pluginName: metadata.pluginName,
    content: bytes(metadata.content ?? new Uint8Array()),
    displayName: metadata.displayName ?? '',
    description: metadata.description ?? '',
    dataClass: metadata.dataClass,
  };
}

function describeValueContent(value: ValueContent): Described {
  switch (value.kind) {
    case 'tensor':
      return { tensor: describeTensor(value.tensor) };
    case 'simpleValue':
      return { simpleValue: number(value.simpleValue) };
    case 'image': {
      const { height, width, colorspace, encoded } = value.image;
      return { image: { height, width, colorspace, encoded: bytes(encoded) } };
    }
    case 'audio': {
      const { sampleRateHz, channels, lengthFrames, contentType, encoded } = value.audio;
      return {
        audio: {
          sampleRate: number(sampleRateHz),
          channels: String(channels),
          lengthFrames: String(lengthFrames),
          contentType,
          encoded: bytes(encoded),
        },
      };
    }
    case 'obsoleteHistogram':
      return { obsoleteOldStyleHistogram: bytes(value.obsoleteHistogram) };
    case 'histogram': {
      const { bucket, bucketLimit, ...rest } = value.histogram;
      const numbers = Object.fromEntries(Object.entries(rest).map(([key, item]) => [key, number(item)]));
      return {
        histo: { ...numbers, bucketLimit: [...bucketLimit].map(number), bucket: [...bucket].map(number) },
      };
    }
  }
}

const DTYPE_NAMES = new Map<number, string>(
  Object.entries(DataType).map(([name, dtype]) => [dtype, `DT_${name}`]),
);

function describeTensor(tensor: TensorProto): Described {
  return { dtype: DTYPE_NAMES.get(tensor.dtype), shape: tensor.shape, ...describeTensorValues(tensor) };
}

function describeTensorValues(tensor: TensorProto): Described {
  const { tensorContent, floatVal, doubleVal, intVal, stringVal, boolVal, int64Val } = tensor;
  if (tensorContent !== undefined) {
    return { field: 'tensor_content', values: decodeContent(tensor.dtype, tensorContent) };
  }
  if (floatVal !== undefined) return { field: 'float_val', values: [...floatVal].map(number) };
  if (doubleVal !== undefined) return { field: 'double_val', values: [...doubleVal].map(number) };
  if (intVal !== undefined) return { field: 'int_val', values: [...intVal] };
  if (stringVal !== undefined) return { field: 'string_val', values: stringVal.map(bytes) };
  if (boolVal !== undefined) return { field: 'bool_val', values: [...boolVal] };
  if (int64Val !== undefined) return { field: 'int64_val', values: [...int64Val].map(String) };
  return { field: null, values: [] };
}

function decodeContent(dtype: number, content: Uint8Array): unknown[] {
  const copy = content.slice().buffer;
  if (dtype === DataType.FLOAT) return [...new Float32Array(copy)].map(number);
  if (dtype === DataType.DOUBLE) return [...new Float64Array(copy)].map(number);
  if (dtype === DataType.INT32) return [...new Int32Array(copy)];
  if (dtype === DataType.UINT8) return [...new Uint8Array(copy)];
  if (dtype === DataType.INT64) return [...new BigInt64Array(copy)].map(String);
  throw new Error(`tensor_content of type ${dtype} is not supported, because no fixture has one`);
}

function number(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function bytes(value: Uint8Array): Described {
  return { length: value.length, sha256: createHash('sha256').update(value).digest('hex') };
}
