/**
 * Builds events with spans: records of one operation of a program, in Polyaxon's form.
 *
 * Source of the fields and their order: traceml 1.3.0, `traceml/events/schemas.py` (`V1EventSpan`).
 */

import { describe } from '../../base/describe.js';
import { invalidArgument } from '../../base/errors.js';
import type { JsonValue } from '../../base/json-value.js';
import { createTextValue } from '../../summary/text.js';
import { toJsonBody } from './json-body.js';
import { type KindEvent, valuePreview } from './kind-event.js';
import { toSpanPreview } from './span-preview.js';

const FIELDS = [
  'uuid',
  'name',
  'tags',
  'started_at',
  'finished_at',
  'status',
  'status_conditions',
  'metadata',
  'inputs',
  'outputs',
  'children',
  'kind',
] as const;

/** The JSON of a span, with Polyaxon's field names; children are spans. */
export type SpanBody = { readonly [field in (typeof FIELDS)[number]]?: unknown };

/** Builds the event of a span, with its tree as text for TensorBoard: fields in Polyaxon's order, unknown fields omitted. Throws `ERR_SPAN_INVALID`. */
export function createSpan(span: SpanBody): KindEvent {
  const value = parseFields('span', toJsonBody('span', span, invalid));
  return {
    kind: 'span',
    value,
    preview: valuePreview('trace', 'text', (tag, labels) =>
      createTextValue(tag, toSpanPreview(value), labels),
    ),
  };
}

function parseFields(path: string, json: JsonValue): JsonValue {
  if (!isRecord(json)) throw invalid(`${path} is ${describe(json)}, expected the JSON object of a span`);
  const fields = FIELDS.filter((field) => json[field] !== undefined && json[field] !== null).map((field) => {
    const value = json[field]!;
    if (field !== 'children') return [field, value] as const;
    if (!isList(value)) throw invalid(`${path}.children is ${describe(value)}, expected a list of spans`);
    return [field, value.map((child, i) => parseFields(`${path}.children[${i}]`, child))] as const;
  });
  return Object.fromEntries(fields);
}

function isRecord(json: JsonValue): json is { readonly [key: string]: JsonValue } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function isList(json: JsonValue): json is readonly JsonValue[] {
  return Array.isArray(json);
}

const invalid = invalidArgument(
  'ERR_SPAN_INVALID',
  'Pass the JSON of a span: { name, kind, started_at, finished_at, inputs, outputs, children, … }.',
);
