/**
 * Converts decoded TensorBoard values to Polyaxon rows: images, audio, histograms, text and PR curves.
 */

import type { JsonValue } from '../../base/json-value.js';
import type { DecodedValue } from '../../format/reader/plugin-value.js';
import type { ArtifactKind } from '../polyaxon-value.js';
import { readAudioHeader } from './audio-header.js';
import { readImageHeader } from './image-header.js';

/** The value of a row, without the path, and its asset. */
export interface DecodedRow {
  readonly value: JsonValue;
  readonly asset?: { readonly bytes: Uint8Array; readonly extension: string } | undefined;
}

interface DecodedRows {
  readonly kind: ArtifactKind;
  readonly rows: readonly DecodedRow[];
}

/** Returns the rows of a value, in order; undefined for kinds that Polyaxon does not have. */
export function toRows(decoded: DecodedValue): DecodedRows | undefined {
  switch (decoded.kind) {
    case 'images':
      return {
        kind: 'image',
        rows: decoded.images.map((bytes, i) => toImageRow(bytes, i === 0 ? decoded : {})),
      };
    case 'audio':
      return { kind: 'audio', rows: decoded.clips.map(({ bytes }) => toAudioRow(bytes)) };
    case 'histogram':
      return { kind: 'histogram', rows: [{ value: toHistogram(decoded.rows) }] };
    case 'text':
      return { kind: 'text', rows: [{ value: toText(decoded.shape, decoded.texts) }] };
    case 'prCurve':
      // Source: `V1EventCurve` by `pr_curve` of traceml/processors/events_processors: x is the precision.
      return {
        kind: 'curve',
        rows: [{ value: { kind: 'pr', x: [...decoded.precision], y: [...decoded.recall] } }],
      };
    default:
      return undefined;
  }
}

/** `size`: the size stored in the value for its first image, used when the image format is unknown. */
function toImageRow(bytes: Uint8Array, size: { height?: number; width?: number }): DecodedRow {
  const { extension, ...header } = readImageHeader(bytes);
  const { height = size.height, width = size.width, colorspace } = header;
  const value = { height: toWhole(height), width: toWhole(width), colorspace: toWhole(colorspace) };
  return { value, asset: { bytes, extension } };
}

function toAudioRow(bytes: Uint8Array): DecodedRow {
  const { extension, contentType, sampleRateHz, channels, lengthFrames } = readAudioHeader(bytes);
  const value = {
    sample_rate: toWhole(sampleRateHz),
    num_channels: toWhole(channels),
    length_frames: toWhole(lengthFrames),
    content_type: contentType ?? null,
  };
  return { value, asset: { bytes, extension } };
}

/**
 * Returns Polyaxon's histogram: `values` holds the counts, and `counts` holds the edges (one more than counts).
 *
 * An empty bucket fills each gap between buckets. Source: traceml 1.3.0, `np_histogram`.
 */
function toHistogram(rows: Float64Array): JsonValue {
  const values: number[] = [];
  const counts: number[] = [];
  for (let i = 0; i < rows.length; i += 3) {
    const left = rows[i]!;
    const before = counts.at(-1);
    if (before !== undefined && left > before) values.push(0);
    if (before === undefined || left > before) counts.push(left);
    values.push(rows[i + 2]!);
    counts.push(rows[i + 1]!);
  }
  return { values, counts };
}

/**
 * Returns a single text unchanged, and several as a Markdown table, as TensorBoard shows them: rank 1 becomes one column.
 *
 * For ranks above 2, TensorBoard shows only the first table; this stacks all of them. Source: tensorboard/plugins/text/text_plugin.py.
 */
function toText(shape: readonly number[], texts: readonly string[]): string {
  if (texts.length === 1) return texts[0]!;
  const columns = shape.length < 2 ? 1 : shape.at(-1)!;
  const lines = [];
  for (let i = 0; i < texts.length; i += columns) lines.push(toTableLine(texts.slice(i, i + columns)));
  if (lines.length === 0) return '';
  // Markdown requires a header row.
  return [toTableLine(Array(columns).fill('')), `|${'---|'.repeat(columns)}`, ...lines].join('\n');
}

function toTableLine(cells: readonly string[]): string {
  const escaped = cells.map((cell) => ` ${cell.replaceAll('|', '\\|').replaceAll(/\r?\n/g, '<br>')} |`);
  return `|${escaped.join('')}`;
}

/** Returns a whole number; null for other values, which omits the field. */
function toWhole(value: number | undefined): number | null {
  return value !== undefined && Number.isInteger(value) ? value : null;
}
