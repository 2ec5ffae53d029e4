/** Joins the pieces of traces: trees that refer to a parent in another one, and single spans of open traces. Pure. */

import type { JsonValue } from '../../../src/base/json-value.js';
import { SCORE_EVENT, USAGE_KEYS } from '../../../src/trace/gen-ai.js';
import { type JsonRecord, NOTES_KEY, OTEL_KEY, type SpanJson } from '../../../src/trace/span.js';

interface ShownScore {
  readonly name: string;
  readonly value: number;
  readonly label: string | null;
  readonly explanation: string | null;
}

/** A span with what is known of it from all pieces. */
export interface ShownSpan {
  readonly uuid: string | null;
  readonly traceId: string | null;
  readonly name: string;
  readonly kind: string | null;
  readonly status: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** Null while it is open. */
  readonly seconds: number | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cost: number | null;
  readonly scores: readonly ShownScore[];
  /** The type and message of its error. */
  readonly error: string | null;
  readonly inputs: JsonRecord;
  readonly outputs: JsonRecord;
  readonly metadata: JsonRecord;
  readonly children: readonly ShownSpan[];
}

type Node = { -readonly [Name in keyof ShownSpan]: ShownSpan[Name] } & {
  children: Node[];
  scores: ShownScore[];
};

/** Returns the roots in the order of their start. Of a span that several pieces have, the first counts. */
export function joinTracePieces(pieces: readonly SpanJson[]): ShownSpan[] {
  const byUuid = new Map<string, Node>();
  const tops: [Node, string | undefined][] = [];
  for (const piece of pieces) {
    if (byUuid.has(uuidOf(piece) ?? '')) continue;
    tops.push([toNode(piece, byUuid), notesOf(piece).parent_uuid as string | undefined]);
  }
  const roots: Node[] = [];
  for (const [node, parentUuid] of tops) {
    const parent = parentUuid === undefined ? undefined : byUuid.get(parentUuid);
    if (parent === undefined || isWithin(parent, node)) roots.push(node);
    else if (node.name === 'score' && node.scores.length > 0 && node.kind === null)
      parent.scores = [...parent.scores, ...node.scores];
    else {
      parent.children.push(node);
      parent.children.sort(byStart);
    }
  }
  return roots.sort(byStart);
}

function toNode(span: SpanJson, byUuid: Map<string, Node>): Node {
  const { name = 'trace', kind, status, started_at: start, finished_at: end, metadata = {} } = span;
  const { [NOTES_KEY]: _, ...shown } = metadata;
  const uuid = uuidOf(span);
  const failed = span.status_conditions?.find(({ type }) => type === 'failed');
  const node: Node = {
    uuid: uuid ?? null,
    traceId: textOf((metadata[OTEL_KEY] as JsonRecord | undefined)?.trace_id),
    name,
    kind: kind ?? null,
    status: status ?? null,
    startedAt: start ?? null,
    finishedAt: end ?? null,
    seconds: start === undefined || end === undefined ? null : (Date.parse(end) - Date.parse(start)) / 1000,
    inputTokens: numberOf(metadata[USAGE_KEYS.inputTokens]),
    outputTokens: numberOf(metadata[USAGE_KEYS.outputTokens]),
    cost: numberOf(metadata[USAGE_KEYS.cost]),
    scores: Array.isArray(metadata.events) ? metadata.events.flatMap(toScore) : [],
    error: failed === undefined ? null : `${failed.reason ?? 'failed'}: ${failed.message ?? ''}`,
    inputs: span.inputs ?? {},
    outputs: span.outputs ?? {},
    metadata: shown,
    children: [],
  };
  if (uuid !== undefined) byUuid.set(uuid, node);
  node.children = (span.children ?? []).map((child) => toNode(child, byUuid));
  return node;
}

function toScore(event: JsonValue): ShownScore[] {
  const { name, attributes } = event as { name?: JsonValue; attributes?: JsonRecord };
  if (name !== SCORE_EVENT || typeof attributes !== 'object') return [];
  const value = numberOf(attributes['gen_ai.evaluation.score.value']);
  if (value === null) return [];
  return [
    {
      name: String(attributes['gen_ai.evaluation.name'] ?? 'score'),
      value,
      label: textOf(attributes['gen_ai.evaluation.score.label']),
      explanation: textOf(attributes['gen_ai.evaluation.explanation']),
    },
  ];
}

/** A generated uuid of a root is in its notes. */
function uuidOf(span: SpanJson): string | undefined {
  return span.uuid ?? textOf(notesOf(span).uuid) ?? undefined;
}

function notesOf({ metadata }: SpanJson): JsonRecord {
  return (metadata?.[NOTES_KEY] ?? {}) as JsonRecord;
}

function isWithin(node: ShownSpan, top: ShownSpan): boolean {
  return node === top || top.children.some((child) => isWithin(node, child));
}

function byStart(a: Node, b: Node): number {
  return Date.parse(a.startedAt ?? '') - Date.parse(b.startedAt ?? '') || 0;
}

const numberOf = (value: JsonValue | undefined): number | null => (typeof value === 'number' ? value : null);
const textOf = (value: JsonValue | undefined): string | null => (typeof value === 'string' ? value : null);
