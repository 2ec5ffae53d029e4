/**
 * What TensorBoard's pages do with the values that a reader gives them: which plugin and data class each page asks for, how many values it asks for,
 * and which values it can read. The pages are the same for both readers.
 *
 * Source: tensorboard/plugins/<plugin>/<plugin>_plugin.py of TensorBoard 2.21, each observed over HTTP.
 */

import { DataClass, DataType, type ValueContent } from '../wire/messages.js';
import { REASON_CODES, SHOWN } from './reasons.js';
import type { TensorForm, ValueFacts } from './value-facts.js';

export interface Page {
  /** The data class that the page asks for. A tag of another class is not listed. */
  readonly dataClass: DataClass;
  /** The number of values that the Python reader keeps. */
  readonly pythonSize: number;
  /** The number of values that the page asks for. */
  readonly size: number;
  /** Whether `--samples_per_plugin` changes `size`. */
  readonly isAdjustable: boolean;
}

const { SCALAR, TENSOR, BLOB_SEQUENCE } = DataClass;

function page(dataClass: DataClass, pythonSize: number, size: number, isAdjustable = true): Page {
  return { dataClass, pythonSize, size, isAdjustable };
}

/** By plugin. */
export const PAGES: Readonly<Record<string, Page>> = {
  scalars: page(SCALAR, 1000, 1000),
  images: page(BLOB_SEQUENCE, 10, 10),
  audio: page(BLOB_SEQUENCE, 10, 10),
  histograms: page(TENSOR, 500, 51, false),
  text: page(TENSOR, 10, 100),
  pr_curves: page(TENSOR, 100, 100),
  mesh: page(TENSOR, 10, 100),
  hparams: page(TENSOR, 10, Number.POSITIVE_INFINITY),
  custom_scalars: page(TENSOR, 10, 1, false),
  graphs: page(BLOB_SEQUENCE, 10, 1, false),
  graph_tagged_run_metadata: page(BLOB_SEQUENCE, 10, 1, false),
  graph_run_metadata: page(BLOB_SEQUENCE, 10, 1, false),
  graph_run_metadata_graph: page(BLOB_SEQUENCE, 10, 1, false),
  graph_keras_model: page(BLOB_SEQUENCE, 10, 1, false),
};

/** The number of values that the Python reader keeps of a tag without a known plugin. */
export const PYTHON_DEFAULT_SIZE = 10;

/** The plugins that need no data class: both readers fill it in. Source: tensorboard/dataclass_compat.py. */
const PLUGINS_WITH_CLASS: ReadonlySet<string> = new Set(
  Object.keys(PAGES).filter((plugin) => plugin !== 'graphs' && plugin !== 'graph_tagged_run_metadata'),
);

/** The data class of metadata without one; 0 if the plugin is not known. */
export function impliedClass(plugin: string): DataClass {
  return PLUGINS_WITH_CLASS.has(plugin) ? PAGES[plugin]!.dataClass : DataClass.UNKNOWN;
}

export const GRAPH_SUB_PLUGINS: ReadonlySet<string> = new Set([
  'graph_run_metadata',
  'graph_run_metadata_graph',
  'graph_keras_model',
]);

/** Returns the page of a tag; undefined if no page lists it. */
export function pageOf(plugin: string | undefined, dataClass: DataClass): Page | undefined {
  const found = plugin === undefined ? undefined : PAGES[plugin];
  return found?.dataClass === dataClass ? found : undefined;
}

/** The code of a value that a reader drops: `kind` if it names another plugin than its tag, otherwise `form`. */
export function unreadable(plugin: string, facts: ValueFacts): number {
  return isForeign(plugin, facts) ? REASON_CODES.kind : REASON_CODES.form;
}

function isForeign(plugin: string, facts: ValueFacts): boolean {
  return facts.plugin !== undefined && facts.plugin !== plugin;
}

/** The code of a value that a reader gives to the page: shown, or `misread` if it is one of another plugin. */
function served(plugin: string, facts: ValueFacts, isReadable = true): number {
  return isReadable && !isForeign(plugin, facts) ? SHOWN : REASON_CODES.misread;
}

/** The code of a series of numbers of the Python reader, which gives them to the page as Python objects. */
export function numberCode(plugin: string, facts: ValueFacts, form: TensorForm): number {
  const isComplex = form.dtype === DataType.COMPLEX64 || form.dtype === DataType.COMPLEX128;
  if (!form.isSound || form.elements !== 1 || isComplex) return REASON_CODES.broken;
  const isString = form.dtype === DataType.STRING;
  return isString && !isUtf8(facts) ? REASON_CODES.broken : served(plugin, facts, !isString);
}

/** The code of a value of a tensor series, which the page reads as an array. */
export function tensorCode(plugin: string, facts: ValueFacts, form: TensorForm): number {
  const { shape, dtype, elements } = form;
  if (!form.isSound) return REASON_CODES.broken;
  const isString = dtype === DataType.STRING;
  switch (plugin) {
    case 'histograms':
      // The answer is JSON, which has no other strings.
      if (isString && !isUtf8(facts)) return REASON_CODES.broken;
      return served(plugin, facts, !isString && shape.length === 2 && shape[1] === 3);
    case 'text':
      if (!isString && elements > 0) return REASON_CODES.broken;
      return isUtf8(facts) ? served(plugin, facts) : REASON_CODES.broken;
    case 'pr_curves':
      if (isString || shape.length !== 2 || shape[0]! < 6) return REASON_CODES.broken;
      return served(plugin, facts, shape[0] === 6);
    case 'mesh':
      return served(plugin, facts, shape.length === 3);
    case 'custom_scalars':
      return isString && elements === 1 ? served(plugin, facts) : REASON_CODES.broken;
    default:
      return served(plugin, facts);
  }
}

/** The code of a value of a blob series that has `blobs` blobs. */
export function blobCode(plugin: string, facts: ValueFacts, blobs: number, isReadable = true): number {
  // The first two blobs are the width and the height of the images.
  if (plugin === 'images' && blobs < 3) return unreadable(plugin, facts);
  // The page asks for the first blob, and fails if there is none.
  if (blobs === 0) return REASON_CODES.broken;
  return served(plugin, facts, isReadable);
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function isUtf8({ value: { value } }: ValueFacts): boolean {
  try {
    for (const bytes of stringsOf(value)) decoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function stringsOf(value: ValueContent | undefined): readonly Uint8Array[] {
  switch (value?.kind) {
    case 'tensor':
      return value.tensor.stringVal ?? [];
    case 'image':
      return [value.image.encoded];
    case 'audio':
      return [value.audio.encoded];
    default:
      return [];
  }
}
