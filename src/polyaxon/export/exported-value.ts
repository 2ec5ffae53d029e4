/**
 * Converts the summary values of an event: to numbers, rows of a series or inputs of the run.
 */

import { InvalidValueError } from '../../base/errors.js';
import type { HParamsData } from '../../format/reader/plugin-messages.js';
import { decodeValue } from '../../format/reader/plugin-value.js';
import { numberFrom } from '../../format/reader/tensor-values.js';
import type { SummaryValue } from '../../format/wire/messages.js';
import {
  type ArtifactKind,
  decodePolyaxonValue,
  POLYAXON_PLUGIN,
  type PolyaxonAsset,
} from '../polyaxon-value.js';
import { type DecodedRow, toRows } from './decoded-rows.js';
import { type TagInfo, type TagTable, toTagMetadata } from './tag-table.js';

/** The start of a hyperparameter session. */
export type HParamsSession = Extract<HParamsData, { kind: 'sessionStart' }>;

export type ExportedValue =
  | {
      readonly kind: 'rows';
      readonly artifactKind: ArtifactKind;
      readonly name: string;
      readonly rows: readonly DecodedRow[];
    }
  | { readonly kind: 'inputs'; readonly session: HParamsSession };

/** Plugins whose tensors are exported, besides scalars and `polyaxon`. */
const EXPORTED_PLUGINS: ReadonlySet<string | undefined> = new Set([
  ...['images', 'audio', 'histograms', 'text', 'pr_curves', 'hparams'],
]);

/** The values of one event, and what is known of their tags. */
export interface ExportedEvent {
  readonly values: readonly SummaryValue[];
  readonly table: TagTable;
  /** Whether one of several values is for Polyaxon, so that the others are previews of it. */
  readonly hasPolyaxon: boolean;
}

/**
 * Remembers the tags of all values of an event before any of them is converted: a value without metadata may come before the one that names
 * the plugin of their tag.
 */
export function toExportedEvent(values: readonly SummaryValue[], table: TagTable): ExportedEvent {
  let hasPolyaxon = false;
  // Most events hold a single number.
  if (values.length > 1)
    for (const value of values)
      hasPolyaxon = table.infoOf(value).pluginName === POLYAXON_PLUGIN || hasPolyaxon;
  return { values, table, hasPolyaxon };
}

/**
 * Converts a value of an event: a number of a metric, rows or inputs. `preview`: Polyaxon shows another value of the event instead. Undefined
 * if Polyaxon has no equivalent. Throws `InvalidValueError`.
 */
export function exportValue(
  value: SummaryValue,
  info: TagInfo,
  { values, table, hasPolyaxon }: ExportedEvent,
): number | ExportedValue | 'preview' | undefined {
  if (info.pluginName === POLYAXON_PLUGIN) return exportPolyaxonValue(value, values, table);
  if (hasPolyaxon) return 'preview';
  const content = value.value;
  if (content?.kind === 'simpleValue') return content.simpleValue;
  if (content?.kind === 'tensor' && info.pluginName === 'scalars')
    return numberFrom(value.tag, content.tensor);
  return exportTensorBoardValue(value, info);
}

/** Converts a value of a TensorBoard plugin; undefined if Polyaxon has no equivalent. */
function exportTensorBoardValue(value: SummaryValue, info: TagInfo): ExportedValue | undefined {
  const isLegacy = value.value !== undefined && value.value.kind !== 'tensor';
  if (!isLegacy && !EXPORTED_PLUGINS.has(info.pluginName)) return undefined;
  const decoded = decodeValue(value, toTagMetadata(info, value));
  if (decoded.kind === 'hparams') {
    return decoded.data.kind === 'sessionStart' ? { kind: 'inputs', session: decoded.data } : undefined;
  }
  const found = toRows(decoded);
  // Skip values without any image or clip.
  if (found === undefined || found.rows.length === 0) return undefined;
  return { kind: 'rows', artifactKind: found.kind, name: info.tag, rows: found.rows };
}

/** Converts a value of the plugin `polyaxon`; `values` are all values of its event. */
function exportPolyaxonValue(
  value: SummaryValue,
  values: readonly SummaryValue[],
  table: TagTable,
): ExportedValue {
  const { body, assetBytes } = decodePolyaxonValue(value);
  const { kind, name, asset } = body;
  const file = asset && {
    bytes: assetBytes ?? findAsset(value.tag, asset, values, table),
    extension: asset.extension,
  };
  return { kind: 'rows', artifactKind: kind, name, rows: [{ value: body.value, asset: file }] };
}

/** Returns the first image or clip of the value that holds the asset. */
function findAsset(
  tag: string,
  { inTag }: PolyaxonAsset,
  values: readonly SummaryValue[],
  table: TagTable,
): Uint8Array {
  const holder = values.find((value) => value.tag === inTag);
  if (holder === undefined) {
    throw new InvalidValueError(tag, `the event has no value ${JSON.stringify(inTag)} to hold the asset`);
  }
  const decoded = decodeValue(holder, toTagMetadata(table.infoOf(holder), holder));
  if (decoded.kind === 'images' && decoded.images[0] !== undefined) return decoded.images[0];
  if (decoded.kind === 'audio' && decoded.clips[0] !== undefined) return decoded.clips[0].bytes;
  throw new InvalidValueError(tag, `the asset should be in ${inTag}, which has no image or clip`);
}
