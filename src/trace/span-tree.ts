/** Converts a finished tree of recorded spans to JSON. */

import { type RecordedSpan, toReference } from './recorded-span.js';
import { type JsonRecord, NOTES_KEY, type SpanJson } from './span.js';

export interface ClosedTree {
  readonly json: SpanJson;
  /** Spans that are still open. Each becomes the root of a separate tree, with a reference to its parent. */
  readonly late: readonly RecordedSpan[];
}

/** Converts the tree of `root` to JSON and releases its spans. */
export function closeTree(root: RecordedSpan): ClosedTree {
  const late: RecordedSpan[] = [];
  const json = closeSpan(root, late);
  return { json, late };
}

function closeSpan(span: RecordedSpan, late: RecordedSpan[]): SpanJson {
  const open = span.children.filter((child) => child.state === 'open');
  const ended = span.children.filter((child) => child.state === 'ended');
  const metadata = span.metadataJson(notesOf(span, open));
  const children = ended.map((child) => closeSpan(child, late));
  for (const child of open) {
    detach(child, span);
    late.push(child);
  }
  const json: SpanJson = {
    uuid: span.uuid,
    name: span.name,
    ...(span.tags.size > 0 ? { tags: [...span.tags] } : {}),
    started_at: span.startedAt,
    ...(span.finishedAt === undefined ? {} : { finished_at: span.finishedAt }),
    ...(span.status === undefined ? {} : { status: span.status }),
    ...(span.conditions.length > 0 ? { status_conditions: span.conditions } : {}),
    ...(metadata === undefined ? {} : { metadata }),
    ...(span.inputs.size > 0 ? { inputs: span.inputs.toJson() } : {}),
    ...(span.outputs.size > 0 ? { outputs: span.outputs.toJson() } : {}),
    ...(children.length > 0 ? { children } : {}),
    ...(span.kind === undefined ? {} : { kind: span.kind }),
  };
  span.release();
  return json;
}

/** Returns notes about missing or truncated parts of a span; empty if it is complete. */
function notesOf(span: RecordedSpan, open: readonly RecordedSpan[]): JsonRecord {
  const { reference, counts, droppedSpans } = span;
  const notes: JsonRecord = {
    ...(reference === undefined ? {} : { parent_uuid: reference.parentUuid, root_uuid: reference.rootUuid }),
    ...(open.length > 0 ? { late_children: open.map((child) => child.uuid) } : {}),
    ...(droppedSpans > 0 ? { dropped_spans: droppedSpans } : {}),
    ...(counts.cut > 0 ? { cut_values: counts.cut } : {}),
    ...(counts.described > 0 ? { described_values: counts.described } : {}),
  };
  return Object.keys(notes).length > 0 ? { [NOTES_KEY]: notes } : {};
}

/** Makes an open child the root of a tree with its descendants. */
function detach(child: RecordedSpan, parent: RecordedSpan): void {
  child.reference = toReference(parent);
  child.parent = undefined;
  const trace = { ...parent.trace, spans: 0, length: 0 };
  const moved = [child];
  for (let span = moved.pop(); span !== undefined; span = moved.pop()) {
    span.trace = trace;
    trace.spans += 1;
    for (const each of span.children) moved.push(each);
  }
}
