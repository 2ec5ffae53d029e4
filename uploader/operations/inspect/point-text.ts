/** Formats values of event files for people (one line, and the content of a structured value below it) and for programs (JSON). */

import { inspect } from 'node:util';
import { type InspectedValue, toReadable } from './inspected-value.js';

interface ValueText {
  /** What the value is, as a short line; the whole value unless it has a content. */
  readonly text: string;
  /** The content of a text or a structured value, as `toJsonValue` gives it. */
  readonly content?: unknown;
}

/** Describes a value. */
export function toPointText(value: InspectedValue): ValueText {
  switch (value.kind) {
    case 'scalar':
      return { text: String(value.value) };
    case 'images': {
      const sizes = value.images.map((image) => `${image.length} B`).join(', ');
      return { text: `${value.width}×${value.height}, ${sizes}` };
    }
    case 'audio': {
      const labels = value.clips.flatMap(({ label }) => label ?? []);
      const text = value.clips.map(({ bytes }) => `${bytes.length} B`).join(', ');
      return labels.length === 0 ? { text } : { text, content: labels };
    }
    case 'histogram':
      return { text: toHistogramText(value.rows) };
    case 'text':
      return value.shape.length === 0
        ? { text: '', content: value.texts[0] ?? '' }
        : { text: `[${value.shape.join(', ')}]`, content: value.texts };
    case 'prCurve': {
      const { kind: _, ...rows } = value;
      return { text: `${value.precision.length} thresholds`, content: rows };
    }
    case 'mesh':
      return {
        text: `${value.part} [${value.shape.join(', ')}]`,
        content: value.config === '' ? value.values : { config: value.config, values: value.values },
      };
    case 'hparams':
      return { text: '', content: value.data };
    case 'customScalars':
      return { text: '', content: value.categories };
    case 'graph': {
      const text = value.blobs.map((blob) => `${blob.length} B`).join(', ');
      // The other graphs are not texts.
      return value.plugin === 'graph_keras_model' ? { text, content: value.blobs.map(toReadable) } : { text };
    }
    case 'tensor':
      return { text: `[${value.shape.join(', ')}]`, content: value.values };
    case 'polyaxon': {
      const { asset } = value;
      const place =
        asset === undefined ? '' : 'inTag' in asset ? ` in ${asset.inTag}` : `, ${asset.sizeBytes} B`;
      const file = asset === undefined ? '' : `; ${asset.extension} file${place}`;
      return { text: `${value.artifactKind}${file}`, content: value.value };
    }
    case 'empty':
      return { text: 'no value' };
  }
}

function toHistogramText(rows: Float64Array): string {
  const buckets = rows.length / 3;
  let count = 0;
  for (let i = 2; i < rows.length; i += 3) count += rows[i]!;
  return buckets === 0
    ? 'no buckets'
    : `${count} in ${buckets} buckets from ${rows[0]} to ${rows[rows.length - 2]}`;
}

const MOST_CHARACTERS = 2_000;
const MOST_ITEMS = 100;

/** Formats a content as lines of about `columns` columns. Says how much of a very long text or list it leaves out. */
export function toContentLines(content: unknown, columns: number): string[] {
  if (typeof content === 'string') return toTextLines(content);
  return inspect(content, {
    depth: Number.POSITIVE_INFINITY,
    breakLength: columns,
    maxArrayLength: MOST_ITEMS,
    maxStringLength: MOST_CHARACTERS,
  }).split('\n');
}

function toTextLines(text: string): string[] {
  const rest = text.length - MOST_CHARACTERS;
  const lines = text.slice(0, MOST_CHARACTERS).split('\n');
  return rest <= 0 ? lines : [...lines, `... ${rest} more characters`];
}

/** A replacer for `JSON.stringify`: bytes become their count, number arrays become lists, bigints and non-finite numbers become text. */
export function toJsonValue(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return { sizeBytes: value.length };
  if (value instanceof Float64Array) return Array.from(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value;
}
