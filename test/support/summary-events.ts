/** Builds events of each kind without a writer. */

import { DataType, type Event, type SummaryValue, type TensorProto } from '../../src/format/wire/messages.js';
import { encodeUtf8 } from '../../src/format/wire/proto-bytes.js';
import { createPolyaxonValue, type PolyaxonBody } from '../../src/polyaxon/polyaxon-value.js';

/** Returns an event with these values. */
export function toEvent(step: number | bigint, wallTime: number, ...values: SummaryValue[]): Event {
  return { step, wallTime, what: { kind: 'summary', values } };
}

function toValue(pluginName: string, tag: string, tensor: TensorProto): SummaryValue {
  return { tag, metadata: { pluginName, dataClass: 0 }, value: { kind: 'tensor', tensor } };
}

function toStrings(items: readonly (string | Uint8Array)[], shape = [items.length]): TensorProto {
  const stringVal = items.map((item) => (typeof item === 'string' ? encodeUtf8(item) : item));
  return { dtype: DataType.STRING, shape, stringVal };
}

/** Returns a scalar as polytrack writes it: float32, plus the double if it differs. */
export function scalarValue(tag: string, value: number): SummaryValue {
  const isExact = Object.is(Math.fround(value), value) || Number.isNaN(value);
  const doubles = isExact ? {} : { doubleVal: Float64Array.of(value) };
  const tensor = { dtype: DataType.FLOAT, shape: [], floatVal: Float32Array.of(value), ...doubles };
  return toValue('scalars', tag, tensor);
}

export function imagesValue(tag: string, ...images: readonly Uint8Array[]): SummaryValue {
  return toValue('images', tag, toStrings(['3', '2', ...images]));
}

export function audioValue(tag: string, ...clips: readonly Uint8Array[]): SummaryValue {
  return toValue('audio', tag, toStrings(clips));
}

export function textValue(tag: string, texts: readonly string[], shape: number[] = []): SummaryValue {
  return toValue('text', tag, toStrings(texts, shape));
}

/** Each of `rows` has left edge, right edge and count. */
export function histogramValue(tag: string, rows: readonly (readonly number[])[]): SummaryValue {
  const doubleVal = Float64Array.from(rows.flat());
  return toValue('histograms', tag, { dtype: DataType.DOUBLE, shape: [rows.length, 3], doubleVal });
}

export function prCurveValue(
  tag: string,
  precision: readonly number[],
  recall: readonly number[],
): SummaryValue {
  const counts = Array<number>(4 * precision.length).fill(0);
  const doubleVal = Float64Array.from([...counts, ...precision, ...recall]);
  return toValue('pr_curves', tag, { dtype: DataType.DOUBLE, shape: [6, precision.length], doubleVal });
}

/** Returns a value of a plugin that cannot be exported to Polyaxon. */
export function foreignValue(pluginName: string, tag: string): SummaryValue {
  return toValue(pluginName, tag, { dtype: DataType.FLOAT, shape: [], floatVal: Float32Array.of(1) });
}

export function polyaxonValue(body: PolyaxonBody, assetBytes?: Uint8Array): SummaryValue {
  return createPolyaxonValue(body, assetBytes);
}
