/** Assembles trees of spans as JSON: those that a tracer records, and those of OpenTelemetry. */

import type { JsonValue } from '../base/json-value.js';
import { type RecordedSpan, toReference } from './recorded-span.js';
import {
  type JsonRecord,
  NOTES_KEY,
  type SpanConditionJson,
  type SpanJson,
  type SpanKind,
  type SpanStatus,
} from './span.js';
import type { SpanValues, ValueCounts } from './span-values.js';

/** A span that has ended, without its children. */
export interface SpanParts {
  readonly uuid: string;
  readonly name: string;
  readonly tags: Iterable<string>;
  readonly startedAt: string;
  readonly finishedAt: string | undefined;
  readonly status: SpanStatus | undefined;
  readonly conditions: readonly SpanConditionJson[];
  readonly metadata: SpanValues;
  readonly inputs: SpanValues;
  readonly outputs: SpanValues;
  readonly kind: SpanKind | undefined;
  readonly counts: ValueCounts;
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

interface ClosedTree {
  readonly json: SpanJson;
  /** Spans that are still open. Each becomes the root of a separate tree, with a reference to its parent. */
  readonly late: readonly RecordedSpan[];
}

/** Returns the JSON of a span with its children, and notes about missing or truncated parts. */
export function assembleSpan(span: SpanParts, notes: JsonRecord, children: readonly SpanJson[]): SpanJson {
  const { finishedAt, status, conditions, kind } = span;
  const [tags, metadata] = [[...span.tags], { ...span.metadata.toJson() }];
  const all: { [name: string]: JsonValue } = { ...notes };
  if (span.counts.cut > 0) all.cut_values = span.counts.cut;
  if (span.counts.described > 0) all.described_values = span.counts.described;
  if (Object.keys(all).length > 0) metadata[NOTES_KEY] = all;
  // In Polyaxon's order.
  const json: Writable<SpanJson> = { uuid: span.uuid, name: span.name };
  if (tags.length > 0) json.tags = tags;
  json.started_at = span.startedAt;
  if (finishedAt !== undefined) json.finished_at = finishedAt;
  if (status !== undefined) json.status = status;
  if (conditions.length > 0) json.status_conditions = conditions;
  if (Object.keys(metadata).length > 0) json.metadata = metadata;
  if (span.inputs.size > 0) json.inputs = span.inputs.toJson();
  if (span.outputs.size > 0) json.outputs = span.outputs.toJson();
  if (children.length > 0) json.children = children;
  if (kind !== undefined) json.kind = kind;
  return json;
}

/** Remembers that a span has started or ended since its trace was saved. */
export function noteUnsaved(span: RecordedSpan): void {
  span.trace.unsaved.set(span, () => {
    const { parent } = span;
    const notes = parent === undefined ? { ...span.reference } : toReference(parent);
    const json = assembleSpan(span, notes, []);
    return span.state === 'open' ? { ...json, status: 'running' } : json;
  });
}

/** Converts the tree of `root` to JSON and releases its spans. */
export function closeTree(root: RecordedSpan): ClosedTree {
  const late: RecordedSpan[] = [];
  const json = closeSpan(root, late);
  return { json, late };
}

function closeSpan(span: RecordedSpan, late: RecordedSpan[]): SpanJson {
  const { reference, otelTrees, droppedSpans } = span;
  const open = span.children.filter((child) => child.state === 'open');
  const children = [...otelTrees];
  for (const child of span.children) {
    if (child.state !== 'ended') continue;
    const { joined } = child;
    const json = closeSpan(child, late);
    // Between both, there may be a span of OpenTelemetry.
    const above = joined?.parentUuid === undefined ? undefined : findSpan(otelTrees, joined.parentUuid);
    if (above === undefined) children.push(json);
    else (above as { children?: SpanJson[] }).children = toOrdered([...(above.children ?? []), json]);
  }
  for (const child of open) {
    detach(child, span);
    late.push(child);
  }
  const notes: { [name: string]: JsonValue } = { ...reference };
  if (open.length > 0) notes.late_children = open.map(({ uuid }) => uuid);
  if (droppedSpans > 0) notes.dropped_spans = droppedSpans;
  const json = assembleSpan(span, notes, otelTrees.length > 0 ? toOrdered(children) : children);
  span.release();
  return json;
}

/** Makes an open child the root of a tree with its descendants. */
function detach(child: RecordedSpan, parent: RecordedSpan): void {
  child.reference = toReference(parent);
  child.parent = undefined;
  const trace = { ...parent.trace, spans: 0, length: 0, unsaved: new Map() };
  const moved = [child];
  for (let span = moved.pop(); span !== undefined; span = moved.pop()) {
    span.trace = trace;
    noteUnsaved(span);
    trace.spans += 1;
    for (const each of span.children) moved.push(each);
  }
}

function findSpan(trees: readonly SpanJson[], uuid: string): SpanJson | undefined {
  for (const tree of trees) {
    const found = tree.uuid === uuid ? tree : findSpan(tree.children ?? [], uuid);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** In the order of their start. ISO texts in UTC sort by time. */
function toOrdered(spans: readonly SpanJson[]): SpanJson[] {
  return [...spans].sort((a, b) => ((a.started_at ?? '') <= (b.started_at ?? '') ? -1 : 1));
}
