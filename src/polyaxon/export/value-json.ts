/**
 * Prints an event's value as Polyaxon's Python classes do: fields in a fixed order, null fields omitted, declared floats as floats.
 *
 * Source: traceml 1.3.0, `traceml/events/schemas.py` (`V1EventImage` and the others; `V1EventChart.to_json` for plotly).
 */

import type { JsonValue } from '../../base/json-value.js';
import type { ArtifactKind } from '../polyaxon-value.js';
import { toCompactJson, toFloatsJson, toPythonJson } from './json-text.js';
import { isJsonLines } from './series.js';

type Fields = Readonly<Record<string, JsonValue>>;

/** The fields of each kind, in order. All other kinds are files: `V1EventArtifact`. */
const FIELD_ORDER: Partial<Record<ArtifactKind, readonly string[]>> = {
  image: ['height', 'width', 'colorspace', 'path'],
  video: ['height', 'width', 'colorspace', 'path', 'content_type'],
  dataframe: ['path', 'content_type'],
  histogram: ['values', 'counts'],
  audio: ['sample_rate', 'num_channels', 'length_frames', 'path', 'content_type'],
  chart: ['kind', 'figure'],
  curve: ['kind', 'x', 'y', 'annotation'],
  confusion: ['x', 'y', 'z'],
  model: ['framework', 'path', 'spec'],
};
const FILE_FIELDS = ['kind', 'path'] as const;

/** Fields whose numbers are floats: whole numbers are printed as `3.0`. */
const FLOAT_FIELDS: Partial<Record<ArtifactKind, ReadonlySet<string>>> = {
  histogram: new Set(['values', 'counts']),
  curve: new Set(['x', 'y']),
  audio: new Set(['sample_rate']),
};

/** Returns a value as JSON; strings of kinds with JSON lines are returned unchanged. */
export function toJsonText(kind: ArtifactKind, value: JsonValue): string {
  if (typeof value === 'string' && isJsonLines(kind)) return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return toCompactJson(value);
  const fields = value as Fields;
  if (kind === 'span') return toCompactJson(fields);
  // Plotly uses `json.dumps`.
  if (kind === 'chart' && fields.kind === 'plotly')
    return toPythonJson(Object.fromEntries(inOrder(kind, fields)));
  const floats = FLOAT_FIELDS[kind];
  const texts = inOrder(kind, fields).map(([name, item]) => {
    const text = floats?.has(name) ? toFloatsJson(item) : toCompactJson(item);
    return `${JSON.stringify(name)}:${text}`;
  });
  return `{${texts.join(',')}}`;
}

/** Returns the known fields in Polyaxon's order, then all others. */
function inOrder(kind: ArtifactKind, fields: Fields): [name: string, value: JsonValue][] {
  const order = FIELD_ORDER[kind] ?? FILE_FIELDS;
  const names = new Set([...order, ...Object.keys(fields)]);
  return [...names].flatMap((name): [string, JsonValue][] => {
    const value = fields[name];
    return value === undefined || value === null ? [] : [[name, value]];
  });
}
