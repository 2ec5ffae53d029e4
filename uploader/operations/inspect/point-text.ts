/** Formats values of event files for people (one line) and for programs (JSON). */

import type { DecodedValue } from '../../../src/format/reader/plugin-value.js';

/** A value as a short line. */
export function toValueText(value: DecodedValue): string {
  switch (value.kind) {
    case 'scalar':
      return String(value.value);
    case 'images': {
      const sizes = value.images.map((image) => `${image.length} B`).join(', ');
      return `${value.width}×${value.height}, ${sizes}`;
    }
    case 'audio':
      return value.clips.map(({ bytes }) => `${bytes.length} B`).join(', ');
    case 'histogram': {
      const buckets = value.rows.length / 3;
      let count = 0;
      for (let i = 2; i < value.rows.length; i += 3) count += value.rows[i]!;
      if (buckets === 0) return 'no buckets';
      return `${count} in ${buckets} buckets from ${value.rows[0]} to ${value.rows[value.rows.length - 2]}`;
    }
    case 'text':
      return value.shape.length === 0
        ? shorten(value.texts[0] ?? '')
        : `[${value.shape.join(', ')}] ${shorten(value.texts.join(' | '))}`;
    case 'prCurve':
      return `${value.precision.length} thresholds`;
    case 'mesh':
      return `${value.part} [${value.shape.join(', ')}]`;
    case 'hparams':
      return shorten(JSON.stringify(value.data, toJsonValue));
    case 'customScalars':
      return shorten(JSON.stringify(value.categories, toJsonValue));
    case 'graph':
      return value.blobs.map((blob) => `${blob.length} B`).join(', ');
    case 'tensor':
      return `[${value.shape.join(', ')}] ${shorten(JSON.stringify(value.values, toJsonValue))}`;
    case 'empty':
      return 'no value';
  }
}

const LONGEST_TEXT = 100;

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > LONGEST_TEXT ? `${line.slice(0, LONGEST_TEXT - 1)}…` : line;
}

/** A replacer for `JSON.stringify`: bytes become their count, number arrays become lists, bigints and non-finite numbers become text. */
export function toJsonValue(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return { sizeBytes: value.length };
  if (value instanceof Float64Array) return Array.from(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value;
}
