/**
 * Structural types for the parts of OpenTelemetry's interfaces that the exporter uses, so that none of their packages is required.
 *
 * Source: @opentelemetry/sdk-trace-base 2.12 (`ReadableSpan`, `SpanExporter`); 1.x has `parentSpanId` and `instrumentationLibrary` instead.
 */

/** Seconds since the Unix epoch, and nanoseconds. */
export type OtelTime = readonly [seconds: number, nanoseconds: number];

export type OtelAttributes = Readonly<Record<string, unknown>>;

export interface OtelSpanContext {
  readonly traceId: string;
  readonly spanId: string;
  /** Whether the span belongs to another process. */
  readonly isRemote?: boolean | undefined;
  readonly traceFlags?: number | undefined;
}

export interface OtelEvent {
  readonly name: string;
  readonly time: OtelTime;
  readonly attributes?: OtelAttributes | undefined;
}

export interface OtelLink {
  readonly context: OtelSpanContext;
  readonly attributes?: OtelAttributes | undefined;
}

export interface OtelScope {
  readonly name: string;
  readonly version?: string | undefined;
}

export interface OtelReadableSpan {
  readonly name: string;
  readonly kind: number;
  spanContext(): OtelSpanContext;
  readonly parentSpanContext?: OtelSpanContext | undefined;
  /** Only in 1.x. */
  readonly parentSpanId?: string | undefined;
  readonly startTime: OtelTime;
  readonly endTime: OtelTime;
  readonly status: { readonly code: number; readonly message?: string | undefined };
  readonly attributes: OtelAttributes;
  readonly links: readonly OtelLink[];
  readonly events: readonly OtelEvent[];
  readonly resource?: { readonly attributes?: OtelAttributes } | undefined;
  readonly instrumentationScope?: OtelScope | undefined;
  /** Only in 1.x. */
  readonly instrumentationLibrary?: OtelScope | undefined;
  readonly droppedAttributesCount?: number | undefined;
  readonly droppedEventsCount?: number | undefined;
  readonly droppedLinksCount?: number | undefined;
}

/** Source: @opentelemetry/core, `ExportResultCode`. */
export const ExportResultCode = { SUCCESS: 0, FAILED: 1 } as const;

export interface OtelExportResult {
  code: 0 | 1;
  error?: Error;
}

/** Source: @opentelemetry/api, `SpanStatusCode`. */
export const OtelStatusCode = { UNSET: 0, OK: 1, ERROR: 2 } as const;

/** Source: @opentelemetry/api, `SpanKind`, by number. */
export const OTEL_SPAN_KINDS = ['internal', 'server', 'client', 'producer', 'consumer'] as const;

/** Returns the id of the parent span, and whether this span is the first of its process. */
export function parentOf(span: OtelReadableSpan): {
  readonly id: string | undefined;
  readonly isRoot: boolean;
} {
  const id = span.parentSpanContext?.spanId ?? span.parentSpanId;
  if (id === undefined || /^0*$/.test(id)) return { id: undefined, isRoot: true };
  return { id, isRoot: span.parentSpanContext?.isRemote === true };
}
