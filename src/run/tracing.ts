/** Spans of a run: those that the program times itself, and those of its tracer. */

import { describe } from '../base/describe.js';
import type { JsonValue } from '../base/json-value.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import {
  EVENT_OPTIONS,
  type EventOptions,
  MAX_NAME_CHARACTERS,
  parseEventOptions,
  type StepOr,
} from '../summary/arguments.js';
import { SCORE_EVENT, SCORE_OPTIONS, type ScoreOptions, toScoreAttributes } from '../trace/gen-ai.js';
import { findScoreError, invalid } from '../trace/recorded-span.js';
import {
  type JsonRecord,
  NOTES_KEY,
  OTEL_KEY,
  type SpanInput,
  type SpanJson,
  type SpanMasker,
} from '../trace/span.js';
import type { SpanHandle } from '../trace/span-handle.js';
import { toSpanJson } from '../trace/span-json.js';
import { toIsoSeconds } from '../trace/span-time.js';
import { createTracer, type Tracer } from '../trace/tracer.js';
import { logValues } from './metadata.js';
import { OpenSpanFiles } from './open-spans.js';
import type { RunContext } from './run-context.js';
import { toTraceMetrics } from './span-metrics.js';

/** Options of `logTrace`. */
export interface LogTraceOptions extends EventOptions {
  /** Also adds the span's inputs and outputs to those of the run, like Polyaxon's Python client. Default false. */
  readonly updateRun?: boolean | undefined;
}
const LOG_TRACE_OPTIONS: OptionTable<LogTraceOptions> = { ...EVENT_OPTIONS, updateRun: 'boolean' };

/** Whose span a score is: a span, or its uuid. */
export type ScoredSpan = SpanHandle | string;

export function createRunTracer(context: RunContext): Tracer {
  const journal = context.environment.collectsEvents ? new OpenSpanFiles(context) : undefined;
  for (const span of journal?.recover() ?? []) writeSpan(context, withoutUuid(span), {});
  return createTracer({
    journal,
    clock: context.clock,
    diagnostics: context.diagnostics,
    mask: maskerOf(context),
    onSpan: (span) => writeSpan(context, withoutUuid(span), {}),
    onInvalid: (error) => context.reportMisuse(error),
  });
}

export function logTrace(
  context: RunContext,
  tracer: Tracer,
  span: SpanInput | SpanJson,
  options: StepOr<LogTraceOptions>,
): void {
  const { updateRun = false, ...eventOptions } = parseEventOptions('logTrace', options, LOG_TRACE_OPTIONS);
  const json = toSpanJson(span, { mask: maskerOf(context) });
  const isGenerated = json.metadata?.[OTEL_KEY] !== undefined;
  if (!tracer.addOtelTree(json)) {
    writeSpan(context, isGenerated ? withoutUuid(json) : json, context.maskOptions(eventOptions));
  }
  if (!updateRun) return;
  if (json.inputs !== undefined) logValues(context, 'logInputs', 'inputs', json.inputs, {});
  if (json.outputs !== undefined) logValues(context, 'logOutputs', 'outputs', json.outputs, {});
}

/** Logs a score of a span that may be written already, as a span that refers to it. */
export function logScore(
  context: RunContext,
  scored: ScoredSpan,
  name: string,
  value: number,
  options: ScoreOptions,
): void {
  checkOptions('logScore', options, SCORE_OPTIONS);
  const uuid = typeof scored === 'object' && scored !== null ? scored.uuid : scored;
  if (typeof uuid !== 'string' || !/^[\da-f]{32}$/.test(uuid))
    throw invalid(`span is ${describe(scored)}, expected a span or its uuid`, 'Pass a span, or its uuid.');
  const error = findScoreError(name, value);
  if (error !== undefined) throw error;
  const time = toIsoSeconds(context.clock.wallTime());
  const event = { name: SCORE_EVENT, time, attributes: toScoreAttributes(name, value, options) };
  const metadata = { events: [event], [NOTES_KEY]: { parent_uuid: uuid } };
  writeSpan(
    context,
    toSpanJson({ name: 'score', startedAt: time, finishedAt: time, metadata }, { mask: maskerOf(context) }),
    {},
  );
}

function maskerOf(context: RunContext): SpanMasker {
  return (text, key) => String(context.masker.maskValue(key, text));
}

function writeSpan(context: RunContext, span: SpanJson, options: EventOptions): void {
  context.guard(() => {
    // The texts are masked. Secrets whose name is not their key, as in lists of headers, need the whole value.
    const masked = context.masker.maskNamed('', span as JsonValue) as SpanJson;
    context.events.span(toEventName(span), masked, options);
    context.noteEvents('has_events', 'has_traces');
    if (context.traceMetrics === undefined) return;
    const metrics = toTraceMetrics(masked, context.traceMetrics);
    if (Object.keys(metrics).length === 0) return;
    context.events.scalars(metrics, {});
    context.noteMetrics();
  });
}

/**
 * Moves the generated uuid of a root to its notes. Polyaxon's page of traces opens without a selected span, and shows the root only if it has
 * no uuid. Source: haupt 2.16, `getActiveSpan` of the page.
 */
function withoutUuid({ uuid, ...span }: SpanJson): SpanJson {
  if (uuid === undefined) return span;
  const notes = span.metadata?.[NOTES_KEY] as JsonRecord | undefined;
  return { ...span, metadata: { ...span.metadata, [NOTES_KEY]: { uuid, ...notes } } };
}

/** An instrumentation may name its spans after a URL, a query or a prompt; the name of an event is limited. */
function toEventName({ name = '' }: SpanJson): string {
  const short = name.slice(0, MAX_NAME_CHARACTERS);
  return short.trim() === '' ? 'trace' : short.toWellFormed();
}
