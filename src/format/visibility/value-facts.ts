/**
 * What the viewers need to know of a value: its metadata, and the form of its tensor. Says nothing of what a viewer does with it.
 *
 * Facts are the same for all scalars of one source, so that columns of scalars need them once.
 */

import { legacyMetadata } from '../reader/plugin-value.js';
import { countElements } from '../reader/tensor-values.js';
import { DataType, type SummaryMetadata, type SummaryValue, type TensorProto } from '../wire/messages.js';
import { removesPoints, removesRows } from '../wire/retraction-value.js';

/** The type, shape and number of elements of a tensor. */
export interface TensorForm {
  readonly dtype: number;
  readonly shape: readonly number[];
  /** The number of elements that the shape asks for. */
  readonly elements: number;
  /** The number of values that are stored; NaN if the type has no known field. */
  readonly stored: number;
  /** Whether the values are in `tensor_content`. */
  readonly isContent: boolean;
  /** Whether TensorBoard's `make_ndarray` can read it: a known type, with as many values as the shape asks for, or one for all. */
  readonly isSound: boolean;
}

export interface ValueFacts {
  readonly value: SummaryValue;
  /** The plugin that the value itself names, or that its form of TensorFlow 1 implies; undefined for a tensor without metadata. */
  readonly plugin: string | undefined;
  /** The tensor, or the tensor that the Python reader makes of a form of TensorFlow 1; undefined for metadata without data. */
  readonly form: TensorForm | undefined;
  /** Whether both readers convert the value from a form of TensorFlow 1. */
  readonly isLegacy: boolean;
  /** Whether the value only removes points (src/format/wire/retraction-value.ts). */
  readonly isRetraction: boolean;
  /** Whether it does so in every viewer, not only in TensorBoard. */
  readonly removesRows: boolean;
}

/** The facts of a value. Keeps the value, so hold them only while its bytes may be held. */
export function factsOf(value: SummaryValue): ValueFacts {
  const legacy = legacyMetadata(value);
  const named = value.metadata?.pluginName;
  const plugin = legacy?.pluginName ?? (named === '' ? undefined : named);
  const form = formOf(value);
  const isRetraction = removesPoints(value);
  return {
    value,
    plugin,
    form,
    isLegacy: legacy !== undefined,
    isRetraction,
    removesRows: removesRows(value),
  };
}

/** The graph of an event, as the value that both readers make of it. */
export function graphFacts(tag: string, pluginName: string, blob: Uint8Array): ValueFacts {
  const tensor: TensorProto = { dtype: DataType.STRING, shape: [1], stringVal: [blob] };
  return factsOf({ tag, metadata: { pluginName, dataClass: 3 }, value: { kind: 'tensor', tensor } });
}

/** Whether what a page shows of two metadata is the same. */
export function isSameMetadata(a: SummaryMetadata, b: SummaryMetadata): boolean {
  if (a === b) return true;
  const isSameText =
    (a.displayName ?? '') === (b.displayName ?? '') && (a.description ?? '') === (b.description ?? '');
  return isSameText && isSameContent(a.content, b.content);
}

/** Whether two metadata have the same effect in every viewer. */
export function isEqualMetadata(a: SummaryMetadata, b: SummaryMetadata): boolean {
  return a.pluginName === b.pluginName && a.dataClass === b.dataClass && isSameMetadata(a, b);
}

/** Whether two plugin contents have the same bytes; absent is empty. */
export function isSameContent(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if ((a?.length ?? 0) !== (b?.length ?? 0)) return false;
  return a === undefined || b === undefined || a.every((byte, i) => byte === b[i]);
}

/** A copy that does not refer to the bytes of the event. */
export function copyMetadata(metadata: SummaryMetadata): SummaryMetadata {
  const { content } = metadata;
  return content === undefined ? metadata : { ...metadata, content: new Uint8Array(content) };
}

/** The form of a tensor. Source: `make_ndarray` of tensorboard/util/tensor_util.py. */
export function createForm(
  dtype: number,
  shape: readonly number[],
  stored = countElements(shape),
  isContent = false,
): TensorForm {
  const elements = countElements(shape);
  const isSound = stored === elements || (stored === 1 && !isContent);
  return { dtype, shape, elements, stored, isContent, isSound };
}

function formOf({ value }: SummaryValue): TensorForm | undefined {
  switch (value?.kind) {
    case undefined:
    case 'obsoleteHistogram':
      return undefined;
    case 'tensor':
      return tensorForm(value.tensor);
    case 'simpleValue':
      return createForm(DataType.FLOAT, []);
    case 'image':
      return createForm(DataType.STRING, [3]);
    case 'audio':
      // The clip and an empty label.
      return createForm(DataType.STRING, [1, 2]);
    case 'histogram': {
      const { bucket, bucketLimit } = value.histogram;
      const isSound = bucket.length === bucketLimit.length;
      return createForm(DataType.FLOAT, [bucket.length, 3], isSound ? undefined : Number.NaN);
    }
  }
}

/** By type: the size of an element in `tensor_content`, and the number of values in the typed field. */
const TYPES: Readonly<Record<number, [bytes: number, count: (tensor: TensorProto) => number | undefined]>> = {
  [DataType.FLOAT]: [4, ({ floatVal }) => floatVal?.length],
  [DataType.DOUBLE]: [8, ({ doubleVal }) => doubleVal?.length],
  [DataType.INT32]: [4, ({ intVal }) => intVal?.length],
  [DataType.UINT8]: [1, ({ intVal }) => intVal?.length],
  [DataType.INT16]: [2, ({ intVal }) => intVal?.length],
  [DataType.INT8]: [1, ({ intVal }) => intVal?.length],
  [DataType.UINT16]: [2, ({ intVal }) => intVal?.length],
  [DataType.INT64]: [8, ({ int64Val }) => int64Val?.length],
  [DataType.BOOL]: [1, ({ boolVal }) => boolVal?.length],
  [DataType.HALF]: [2, ({ halfVal }) => halfVal?.length],
  [DataType.STRING]: [Number.NaN, ({ stringVal }) => stringVal?.length],
  // Read from `tensor_content` only.
  [DataType.UINT32]: [4, () => Number.NaN],
  [DataType.UINT64]: [8, () => Number.NaN],
};

function tensorForm(tensor: TensorProto): TensorForm {
  const { dtype, shape, tensorContent } = tensor;
  const [bytes, count] = TYPES[dtype] ?? [Number.NaN, () => Number.NaN];
  if (tensorContent !== undefined) return createForm(dtype, shape, tensorContent.length / bytes, true);
  return createForm(dtype, shape, count(tensor) ?? 0);
}
