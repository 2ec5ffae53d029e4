/**
 * Joins the active context of OpenTelemetry: a recorded span is a child of the active OpenTelemetry span, and the parent of those that
 * start in it. Exporters of OpenTelemetry see recorded spans too: name, times and failure, but no values.
 *
 * Uses what `@opentelemetry/api` 1.x registers globally, so that neither this package nor a bundle needs the API, and any copy of it works.
 * Source: @opentelemetry/api 1.9, `internal/global-utils.ts`, `context/context.ts`, `trace/context-utils.ts`.
 */

import { hash, randomBytes } from 'node:crypto';
import { type OtelSpanContext, OtelStatusCode } from './otel-span.js';
import type { RemoteParent } from './traceparent.js';

/** The name of the tracer of recorded spans, by which the exporter recognises them. */
export const OWN_SCOPE = 'polytrack.trace';

interface OtelContext {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): OtelContext;
  deleteValue(key: symbol): OtelContext;
}

interface OtelSpan {
  spanContext(): OtelSpanContext;
  setStatus(status: { code: number; message?: string }): unknown;
  end(): void;
}

interface OtelApi {
  readonly context?: { active(): OtelContext; with<T>(context: OtelContext, fn: () => T): T };
  readonly trace?: {
    getTracer(name: string): { startSpan(name: string, options: object, context: OtelContext): OtelSpan };
  };
}

const API = Symbol.for('opentelemetry.js.api.1');
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN');
/** The methods of a span that return it. */
const SPAN_METHODS = [
  ...['setAttribute', 'setAttributes', 'addEvent', 'addLink', 'addLinks'],
  ...['setStatus', 'updateName', 'recordException'],
];

/** The OpenTelemetry span of a recorded span. */
export interface JoinedSpan {
  readonly otel: OtelSpan;
  readonly uuid: string;
  readonly ids: { readonly trace_id: string; readonly span_id: string; readonly parent_span_id?: string };
  /** The uuid of the OpenTelemetry span above it. Undefined if that is the span of its recorded parent, or if it has none. */
  readonly parentUuid: string | undefined;
}

/** Derives the uuid of a span from its ids, so that a span can refer to its parent before the parent arrives. */
export function toOtelUuid(traceId: string, spanId: string): string {
  return hash('sha256', `${traceId}:${spanId}`).slice(0, 32);
}

/** Whether OpenTelemetry knows which span is active. Otherwise all its spans are roots unless they name a parent. */
export function hasOtelContext(): boolean {
  return findApi()?.context !== undefined;
}

/**
 * Starts the OpenTelemetry span of a recorded span. `parent` is the recorded parent, `null` for an explicit root, `remote` a parent in another process. Returns undefined without a
 * context manager, or if OpenTelemetry fails: tracing never changes the traced code.
 */
export function joinOtel(
  name: string,
  parent: JoinedSpan | undefined | null,
  isParentGiven: boolean,
  remote?: RemoteParent | undefined,
): JoinedSpan | undefined {
  const { context: manager, trace } = findApi() ?? {};
  if (manager === undefined) return undefined;
  try {
    let context = manager.active();
    if (remote !== undefined)
      context = context.setValue(SPAN, createUnseenSpan({ ...remote, isRemote: true }, true));
    else if (parent === null) context = context.deleteValue(SPAN);
    else if (parent !== undefined && isParentGiven) context = context.setValue(SPAN, parent.otel);
    const above = (context.getValue(SPAN) as OtelSpan | undefined)?.spanContext();
    const started = trace?.getTracer(OWN_SCOPE).startSpan(name, {}, context);
    const otel = started !== undefined && isNew(started, above) ? started : createUnseenSpan(above);
    const { traceId, spanId } = otel.spanContext();
    const isOther =
      above !== undefined && remote === undefined && above.spanId !== parent?.otel.spanContext().spanId;
    return {
      otel,
      uuid: toOtelUuid(traceId, spanId),
      ids: {
        trace_id: traceId,
        span_id: spanId,
        ...(above === undefined ? {} : { parent_span_id: above.spanId }),
      },
      parentUuid: isOther ? toOtelUuid(above.traceId, above.spanId) : undefined,
    };
  } catch {
    return undefined;
  }
}

/** Runs `fn` with a span as the active one of OpenTelemetry. */
export function runJoined<T>(joined: JoinedSpan | undefined, fn: () => T): T {
  const manager = findApi()?.context;
  if (joined === undefined || manager === undefined) return fn();
  return manager.with(manager.active().setValue(SPAN, joined.otel), fn);
}

/** Ends the OpenTelemetry span, with the message of the failure if it failed. */
export function endJoined({ otel }: JoinedSpan, failure: string | undefined): void {
  try {
    if (failure !== undefined) otel.setStatus({ code: OtelStatusCode.ERROR, message: failure });
    otel.end();
  } catch {
    // A span processor of the caller failed. The recorded span is complete without it.
  }
}

function findApi(): OtelApi | undefined {
  return (globalThis as { [API]?: OtelApi })[API];
}

/** Whether a tracer has started a span. Without a tracer provider, the API returns the parent, or a span without ids. */
function isNew(span: OtelSpan, above: OtelSpanContext | undefined): boolean {
  const { spanId } = span.spanContext();
  return !/^0*$/.test(spanId) && spanId !== above?.spanId;
}

/**
 * Gives the OpenTelemetry spans below it a parent if there is no tracer provider. For them it is a span of another process, because no
 * exporter receives it.
 */
function createUnseenSpan(above: OtelSpanContext | undefined, isItself = false): OtelSpan {
  const context = {
    traceId: above?.traceId ?? randomBytes(16).toString('hex'),
    spanId: isItself && above !== undefined ? above.spanId : randomBytes(8).toString('hex'),
    traceFlags: above?.traceFlags ?? 1, // sampled
    isRemote: true,
  };
  const span = { spanContext: () => context, isRecording: () => false, end: () => undefined };
  return Object.assign(span, Object.fromEntries(SPAN_METHODS.map((name) => [name, () => span]))) as never;
}
