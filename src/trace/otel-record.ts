/** Converts one OpenTelemetry span, without its children, to the span format of Polyaxon. */

import { createHash } from 'node:crypto';
import type { JsonValue } from '../base/json-value.js';
import { toSpanKind } from './otel-kind.js';
import {
  OTEL_SPAN_KINDS,
  type OtelEvent,
  type OtelReadableSpan,
  OtelStatusCode,
  type OtelTime,
  parentOf,
} from './otel-span.js';
import { sortOtelValues } from './otel-values.js';
import {
  type JsonRecord,
  NOTES_KEY,
  type SpanConditionJson,
  type SpanJson,
  type SpanMasker,
} from './span.js';
import { cleanText } from './span-mask.js';
import { toIsoMicros } from './span-time.js';
import { SpanValues, type TraceBudget } from './span-values.js';
import type { TraceLimits } from './trace-limits.js';

/** A converted span that is buffered until its tree is complete. */
export interface OtelRecord {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  /** Whether this is the first span of its process. */
  readonly isRoot: boolean;
  readonly startMicros: number;
  readonly json: SpanJson;
  /** Only added to the metadata of the top span of a tree. */
  readonly resource: JsonRecord;
  readonly isCut: boolean;
}

export interface OtelConversion {
  readonly limits: TraceLimits;
  readonly mask: SpanMasker | undefined;
}

/** Derives the uuid of a span from its ids, so that a span can refer to its parent before the parent arrives. */
export function toOtelUuid(traceId: string, spanId: string): string {
  return createHash('sha256').update(`${traceId}:${spanId}`).digest('hex').slice(0, 32);
}

/** Converts a span. `budget` counts the characters that the values of its trace have used. */
export function toOtelRecord(
  span: OtelReadableSpan,
  { limits, mask }: OtelConversion,
  budget: TraceBudget,
): OtelRecord {
  const { traceId, spanId } = span.spanContext();
  const parent = parentOf(span);
  const counts = { cut: 0, described: 0 };
  const newValues = (): SpanValues => new SpanValues(limits, mask, counts);
  const clean = (text: unknown, key: string): string =>
    cleanText(String(text), key, mask, limits.maxTextLength);
  const exceptions = span.events.filter(({ name }) => name === 'exception');
  const others = span.events.filter(({ name }) => name !== 'exception');
  const sorted = sortOtelValues(span.attributes, others);
  const { 'tag.tags': tagList, ...rest } = sorted.rest;
  const [inputs, outputs, metadata, resource] = [newValues(), newValues(), newValues(), newValues()];
  const describe = (value: unknown, key: string): JsonValue => metadata.describe(value, key, budget);
  inputs.setAll(sorted.inputs, budget);
  outputs.setAll(sorted.outputs, budget);
  metadata.setAll(rest, budget);
  resource.setAll(span.resource?.attributes ?? {}, budget);
  setList(metadata, 'events', sorted.events, (event) => describeEvent(event, describe));
  setList(metadata, 'links', span.links, (link) => describeLink(link, describe));
  metadata.setJson('otel', describeOrigin(span, parent.id, clean));
  const tags = Array.isArray(tagList)
    ? tagList.slice(0, limits.maxItems).map((tag) => clean(tag, 'tags'))
    : [];
  const conditions = toConditions(span, exceptions.slice(0, limits.maxItems), clean);
  const kind = toSpanKind(span.attributes);
  if (counts.cut + counts.described > 0) {
    metadata.setJson(NOTES_KEY, { cut_values: counts.cut, described_values: counts.described });
  }
  return {
    traceId,
    spanId,
    parentId: parent.id,
    isRoot: parent.isRoot,
    startMicros: toMicros(span.startTime),
    resource: resource.toJson(),
    isCut: counts.cut > 0,
    json: {
      uuid: toOtelUuid(traceId, spanId),
      name: cleanText(span.name, 'name', mask) || 'trace',
      ...(tags.length > 0 ? { tags } : {}),
      started_at: toIsoMicros(toMicros(span.startTime)),
      finished_at: toIsoMicros(toMicros(span.endTime)),
      status: isFailed(span) ? 'failed' : 'succeeded',
      ...(conditions.length > 0 ? { status_conditions: conditions } : {}),
      metadata: metadata.toJson(),
      ...(inputs.size > 0 ? { inputs: inputs.toJson() } : {}),
      ...(outputs.size > 0 ? { outputs: outputs.toJson() } : {}),
      ...(kind === undefined ? {} : { kind }),
    },
  };
}

/** Only ERROR means failure, because instrumentations leave the status of successful spans unset. */
function isFailed({ status }: OtelReadableSpan): boolean {
  return status.code === OtelStatusCode.ERROR;
}

function toMicros([seconds, nanoseconds]: OtelTime): number {
  return seconds * 1e6 + Math.round(nanoseconds / 1000);
}

type Cleaner = (text: unknown, key: string) => string;

/** Converts exceptions to conditions. If the span did not fail, its exceptions were handled, so they become warnings. */
function toConditions(
  span: OtelReadableSpan,
  exceptions: readonly OtelEvent[],
  clean: Cleaner,
): SpanConditionJson[] {
  const type = isFailed(span) ? 'failed' : 'warning';
  const toCondition = (at: OtelTime, reason: unknown, message: unknown): SpanConditionJson => ({
    type,
    status: true,
    reason: clean(reason, 'reason'),
    message: clean(message, 'message'),
    last_update_time: toIsoMicros(toMicros(at)),
    last_transition_time: toIsoMicros(toMicros(at)),
  });
  if (exceptions.length === 0 && isFailed(span)) {
    return [toCondition(span.endTime, span.attributes['error.type'] ?? 'Error', span.status.message ?? '')];
  }
  return exceptions.map(({ time, attributes = {} }) => {
    const stack = attributes['exception.stacktrace'];
    const message = attributes['exception.message'] ?? '';
    const condition = toCondition(time, attributes['exception.type'] ?? 'Exception', message);
    return stack === undefined ? condition : { ...condition, meta_info: { stack: clean(stack, 'stack') } };
  });
}

type Describer = (value: unknown, key: string) => JsonValue;

function setList<T>(
  values: SpanValues,
  key: string,
  items: readonly T[],
  toJson: (item: T) => JsonValue,
): void {
  const kept = items.slice(0, values.limits.maxItems);
  if (kept.length < items.length) values.counts.cut += 1;
  if (kept.length > 0) values.setJson(key, kept.map(toJson));
}

function describeEvent({ name, time, attributes = {} }: OtelEvent, describe: Describer): JsonValue {
  return {
    name: name.toWellFormed(),
    time: toIsoMicros(toMicros(time)),
    ...(Object.keys(attributes).length === 0 ? {} : { attributes: describe(attributes, 'attributes') }),
  };
}

function describeLink(
  { context, attributes = {} }: OtelReadableSpan['links'][number],
  describe: Describer,
): JsonValue {
  return {
    trace_id: context.traceId,
    span_id: context.spanId,
    uuid: toOtelUuid(context.traceId, context.spanId),
    ...(Object.keys(attributes).length === 0 ? {} : { attributes: describe(attributes, 'attributes') }),
  };
}

/** Describes the origin of a span. Ids are not masked, because they only look like secrets. */
function describeOrigin(span: OtelReadableSpan, parentId: string | undefined, clean: Cleaner): JsonRecord {
  const { traceId, spanId } = span.spanContext();
  const scope = span.instrumentationScope ?? span.instrumentationLibrary;
  const dropped = {
    dropped_attributes: span.droppedAttributesCount ?? 0,
    dropped_events: span.droppedEventsCount ?? 0,
    dropped_links: span.droppedLinksCount ?? 0,
  };
  return {
    trace_id: traceId,
    span_id: spanId,
    ...(parentId === undefined ? {} : { parent_span_id: parentId }),
    kind: OTEL_SPAN_KINDS[span.kind] ?? span.kind,
    ...(scope === undefined ? {} : { scope: scope.name }),
    ...(scope?.version === undefined ? {} : { scope_version: scope.version }),
    ...(span.status.message === undefined ? {} : { status_message: clean(span.status.message, 'message') }),
    ...Object.fromEntries(Object.entries(dropped).filter(([, count]) => count > 0)),
  };
}
