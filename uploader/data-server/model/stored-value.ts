/**
 * A value that stays in its event file until a page asks for it, and the tensor that TensorBoard's Python reader makes of it: values in the forms
 * of TensorFlow 1 become tensors.
 *
 * Source: tensorboard/data_compat.py and dataclass_compat.py.
 */

import { decodeValue } from '../../../src/format/reader/plugin-value.js';
import { countElements } from '../../../src/format/reader/tensor-values.js';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import {
  DataType,
  type Event,
  type SummaryMetadata,
  type SummaryValue,
  type TensorProto,
} from '../../../src/format/wire/messages.js';

export interface StoredValue {
  readonly step: number | bigint;
  readonly wallTime: number;
  /** Where its record is in the file. The size includes the framing. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** Its position among the values of the event. */
  readonly index: number;
  /** The number of elements of its tensor. */
  readonly elements: number;
  /** Whether its tag names no data class, so that the reader converts the tensor of some plugins. */
  readonly isConverted: boolean;
}

const HEADER_BYTES = 12;
const FOOTER_BYTES = 4;

const encoder = new TextEncoder();
const WAV_CONVERTED = Uint8Array.of(0x10, 11, 0x18, 1);
const CONVERTED = Uint8Array.of(0x10, 1);

/** The content of the metadata that the forms of TensorFlow 1 get: the encoding of audio, and that the value was converted. */
const LEGACY_CONTENT: Readonly<Record<string, Uint8Array>> = { audio: WAV_CONVERTED, images: CONVERTED };

/** The metadata of a value in a form of TensorFlow 1. */
export function toLegacyMetadata({ tag, metadata }: SummaryValue, pluginName: string): SummaryMetadata {
  const content = LEGACY_CONTENT[pluginName];
  return {
    pluginName,
    dataClass: 0,
    displayName: metadata?.displayName || tag,
    ...(metadata?.description ? { description: metadata.description } : {}),
    ...(content === undefined ? {} : { content }),
  };
}

/** The tensor of a stored value. `record` has its bytes in the file. Throws errors of damaged values. */
export function readTensor(
  record: Uint8Array,
  { index, isConverted }: StoredValue,
  plugin: string,
): TensorProto {
  const event = decodeEvent(record.subarray(HEADER_BYTES, record.length - FOOTER_BYTES));
  const tensor = toTensor(valueAt(event, index));
  return isConverted ? convert(plugin, tensor) : tensor;
}

function valueAt({ what }: Event, index: number): SummaryValue {
  switch (what.kind) {
    case 'summary':
      return what.values[index]!;
    case 'graphDef':
      return ofBlob(what.graphDef);
    case 'taggedRunMetadata':
      return ofBlob(what.runMetadata);
    default:
      return { tag: '' };
  }
}

function ofBlob(blob: Uint8Array): SummaryValue {
  return { tag: '', value: { kind: 'tensor', tensor: ofStrings(blob) } };
}

function ofStrings(...stringVal: Uint8Array[]): TensorProto {
  return { dtype: DataType.STRING, shape: [stringVal.length], stringVal };
}

function toTensor(summaryValue: SummaryValue): TensorProto {
  const { value } = summaryValue;
  switch (value?.kind) {
    case 'tensor':
      return value.tensor;
    case 'simpleValue':
      return { dtype: DataType.FLOAT, shape: [], floatVal: Float32Array.of(value.simpleValue) };
    case 'image': {
      const { width, height, encoded } = value.image;
      return ofStrings(encoder.encode(String(width)), encoder.encode(String(height)), encoded);
    }
    case 'audio':
      return ofStrings(value.audio.encoded);
    case 'histogram': {
      const decoded = decodeValue(summaryValue, { pluginName: 'histograms', dataClass: 0 });
      const floatVal = Float32Array.from(decoded.kind === 'histogram' ? decoded.rows : []);
      return { dtype: DataType.FLOAT, shape: [floatVal.length / 3, 3], floatVal };
    }
    default:
      return { dtype: DataType.FLOAT, shape: [0] };
  }
}

/** As `migrateForm` of src/format/visibility/python-reader.ts. */
function convert(plugin: string, tensor: TensorProto): TensorProto {
  const { shape, stringVal = [] } = tensor;
  if (plugin === 'audio' && shape.length > 1) {
    const stride = countElements(shape.slice(1));
    return { ...tensor, shape: shape.slice(0, 1), stringVal: stringVal.filter((_, i) => i % stride === 0) };
  }
  const isGraph = plugin.startsWith('graph_') && shape.length === 0;
  return isGraph ? { ...tensor, shape: [1] } : tensor;
}
