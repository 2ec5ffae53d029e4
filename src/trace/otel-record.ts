/** Converts one OpenTelemetry span, without its children, to the span format of Polyaxon. */

import type { JsonValue } from '../base/json-value.js';
import { findEnclosingSpan } from './active-span.js';
import { hasOtelContext, OWN_SCOPE, toOtelUuid } from './otel-context.js';
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
import { type JsonRecord, OTEL_KEY, type SpanConditionJson, type SpanMasker } from './span.js';
import { toErrorCondition } from './span-error.js';
import { cleanText } from './span-mask.js';
import { toIsoMicros } from './span-time.js';
import type { SpanParts } from './span-tree.js';
import { SpanValues, type TraceBudget } from './span-values.js';
import type { TraceLimits } from './trace-limits.js';

/** A converted span that is buffered until its tree is complete. */
export interface OtelRecord {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  /** Whether this is the first span of its process. */
  readonly isRoot: boolean;
  /** Whether a tracer of this package has recorded and written it. */
  readonly isOwn: boolean;
  readonly parentUuid: string | undefined;
  readonly startMicros: number;
  readonly span: SpanParts;
  /** Only added to the metadata of the top span of a tree. */
  readonly resource: SpanValues;
}

interface OtelConversion {
  readonly limits: TraceLimits;
  readonly mask: SpanMasker | undefined;
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
  metadata.setJson(OTEL_KEY, describeOrigin(span, parent.id, clean));
  const tags = Array.isArray(tagList)
    ? tagList.slice(0, limits.maxItems).map((tag) => clean(tag, 'tags'))
    : [];
  const conditions = toConditions(span, exceptions.slice(0, limits.maxItems), clean);
  const scope = span.instrumentationScope ?? span.instrumentationLibrary;
  return {
    traceId,
    spanId,
    parentId: parent.id,
    isRoot: parent.isRoot,
    isOwn: scope?.name === OWN_SCOPE,
    // Without a context manager, a span knows nothing of the recorded span that it is in.
    parentUuid:
      parent.id === undefined
        ? hasOtelContext()
          ? undefined
          : findEnclosingSpan()?.uuid
        : toOtelUuid(traceId, parent.id),
    startMicros: toMicros(span.startTime),
    resource,
    span: {
      uuid: toOtelUuid(traceId, spanId),
      name: cleanText(span.name, 'name', mask) || 'trace',
      startedAt: toIsoMicros(toMicros(span.startTime)),
      finishedAt: toIsoMicros(toMicros(span.endTime)),
      status: isFailed(span) ? 'failed' : 'succeeded',
      kind: toSpanKind(span.attributes),
      ...{ tags, conditions, metadata, inputs, outputs, counts },
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
  const toCondition = (at: OtelTime, reason: unknown, text: unknown): SpanConditionJson => {
    const description = { type: clean(reason, 'reason'), message: clean(text, 'message') };
    return toErrorCondition(description, toIsoMicros(toMicros(at)), type);
  };
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
