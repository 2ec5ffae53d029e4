/**
 * One span while it is recorded, and its position in the tree.
 *
 * `parent` and `children` link the spans of a tree until its root ends. Then the tree is converted to JSON and the links are removed, so
 * that a timer whose context is still the span does not keep the trace in memory.
 *
 * Long because each method of a span checks its arguments.
 */

import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import { describe, quote } from '../base/describe.js';
import type { Diagnostics } from '../base/diagnostics.js';
import { InvalidArgumentError } from '../base/errors.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import { RUN_STATUSES } from '../polyaxon/statuses.js';
import {
  SCORE_EVENT,
  SCORE_OPTIONS,
  type ScoreOptions,
  SPAN_USAGE,
  type SpanUsage,
  toScoreAttributes,
  USAGE_KEYS,
} from './gen-ai.js';
import { endJoined, type JoinedSpan, runJoined, toOtelUuid } from './otel-context.js';
import {
  ERROR_KEY,
  isSpanKind,
  isSpanStatus,
  type JsonRecord,
  OTEL_KEY,
  SPAN_KINDS,
  type SpanConditionJson,
  type SpanJson,
  type SpanKind,
  type SpanMasker,
  type SpanStatus,
} from './span.js';
import { describeError, toErrorCondition } from './span-error.js';
import { type ManualSpan, STATUS_DETAILS, type StatusDetails } from './span-handle.js';
import { cleanText } from './span-mask.js';
import { toIsoSeconds } from './span-time.js';
import { SpanValues, type TraceBudget, type ValueCounts } from './span-values.js';
import type { TraceLimits } from './trace-limits.js';
import type { RemoteParent } from './traceparent.js';

/** The part of a tracer that its spans use. */
export interface TracerContext {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly limits: TraceLimits;
  readonly mask: SpanMasker | undefined;
  /** The spans that are not released, by uuid. */
  readonly spans: Map<string, RecordedSpan>;
  /** Throws `ERR_SPAN_INVALID`, or reports it if the tracer is configured not to throw. */
  reportMisuse(message: string, hint: string): void;
  /** Throws an error of an argument check, or reports it like `reportMisuse`. */
  reportError(error: unknown): void;
  /** Runs `fn` with `span` as the active one. */
  run<T>(span: RecordedSpan, fn: () => T): T;
  /** Called once by each recorded span at its end. */
  ended(span: RecordedSpan): void;
}

/** The state that all spans of one root share. */
interface TraceState extends TraceBudget {
  /** The uuid of the first root of the trace. */
  uuid: string;
  readonly traceId: string;
  spans: number;
  /** Spans, and trees of OpenTelemetry, that have started or ended since the trace was saved. */
  unsaved: Map<object, () => SpanJson>;
  /** Start of the root. The times of all spans are relative to it, so that setting the system clock does not affect them. */
  readonly startSeconds: number;
  readonly startMonotonicMs: number;
}

/** Refers to the parent and root of a span that is not in its parent's tree. */
type ParentReference = {
  readonly parent_uuid: string;
  /** Absent if the parent is a span of OpenTelemetry. */
  readonly root_uuid?: string;
};

/** `left-out`: beyond a limit, so the code runs without being recorded. `released`: written, or writing has failed. */
type State = 'open' | 'ended' | 'released' | 'left-out';

const STATUS_REASON = 'Tracing';
/** Statuses that an error does not replace. */
const KEPT_AT_FAILURE: readonly SpanStatus[] = ['stopped', 'skipped', 'upstream_failed'];

export class RecordedSpan implements ManualSpan {
  /** Ids of OpenTelemetry's form. The uuid is derived from them, so that another process can refer to it. */
  #spanId = toId().slice(16);
  uuid: string;
  readonly name: string;
  readonly context: TracerContext;
  /** The parent span; undefined for a root, and after the parent's tree is released. */
  parent: RecordedSpan | undefined;
  children: RecordedSpan[] = [];
  /** Trees of OpenTelemetry spans that started in this span. */
  otelTrees: SpanJson[] = [];
  /** Its OpenTelemetry span, if OpenTelemetry has an active context. */
  joined: JoinedSpan | undefined;
  trace: TraceState;
  /** Set for a root whose parent was already released, or is a span of OpenTelemetry. */
  reference: ParentReference | undefined;
  readonly depth: number;
  state: State = 'open';
  readonly startedAt: string;
  finishedAt: string | undefined;
  kind: SpanKind | undefined;
  status: SpanStatus | undefined;
  readonly tags = new Set<string>();
  readonly conditions: SpanConditionJson[] = [];
  readonly counts: ValueCounts = { cut: 0, described: 0 };
  /** Number of descendants that were not recorded. */
  droppedSpans = 0;
  readonly inputs: SpanValues;
  readonly outputs: SpanValues;
  readonly metadata: SpanValues;
  #events: JsonRecord[] = [];
  #failure: string | undefined;

  constructor(
    context: TracerContext,
    name: string,
    parent: RecordedSpan | undefined,
    remote?: RemoteParent | undefined,
  ) {
    const traceId = remote?.traceId ?? parent?.trace.traceId ?? toId();
    this.uuid = toOtelUuid(traceId, this.#spanId);
    this.context = context;
    this.name = cleanText(name, 'name', context.mask);
    this.parent = parent;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
    this.trace = parent?.trace ?? {
      uuid: this.uuid,
      traceId,
      spans: 0,
      length: 0,
      unsaved: new Map(),
      startSeconds: context.clock.wallTime(),
      startMonotonicMs: context.clock.monotonicMs(),
    };
    this.startedAt = this.now();
    const newValues = () => new SpanValues(context.limits, context.mask, this.counts);
    this.inputs = newValues();
    this.outputs = newValues();
    this.metadata = newValues();
    if (remote === undefined) return;
    this.reference = { parent_uuid: toOtelUuid(traceId, remote.spanId) };
    this.metadata.setJson(OTEL_KEY, {
      trace_id: traceId,
      span_id: this.#spanId,
      parent_span_id: remote.spanId,
    });
  }

  get traceparent(): string {
    const { trace_id, span_id } = this.joined?.ids ?? { trace_id: this.trace.traceId, span_id: this.#spanId };
    if (this.state === 'open' && !this.metadata.has(OTEL_KEY))
      this.metadata.setJson(OTEL_KEY, { trace_id, span_id });
    return `00-${trace_id}-${span_id}-01`;
  }

  /** Returns the current time as ISO text, measured from the start of the trace. */
  now(): string {
    const { startSeconds, startMonotonicMs } = this.trace;
    return toIsoSeconds(startSeconds + (this.context.clock.monotonicMs() - startMonotonicMs) / 1000);
  }

  setInput(key: string, value: unknown): void {
    this.#set(this.inputs, 'setInput', key, value);
  }

  setInputs(inputs: Readonly<Record<string, unknown>>): void {
    this.#setAll(this.inputs, 'inputs', inputs);
  }

  setOutput(key: string, value: unknown): void {
    this.#set(this.outputs, 'setOutput', key, value);
  }

  setOutputs(outputs: Readonly<Record<string, unknown>>): void {
    this.#setAll(this.outputs, 'outputs', outputs);
  }

  addMetadata(key: string | Readonly<Record<string, unknown>>, value?: unknown): void {
    if (typeof key === 'string') this.#set(this.metadata, 'addMetadata', key, value);
    else this.mergeMetadata(key);
  }

  mergeMetadata(values: Readonly<Record<string, unknown>>): void {
    this.#setAll(this.metadata, 'metadata', values);
  }

  addTag(...tags: string[]): void {
    for (const tag of tags) {
      if (typeof tag !== 'string' || tag === '') {
        const message = `tag is ${describe(tag)}, expected a non-empty string`;
        this.context.reportMisuse(message, 'Pass non-empty strings.');
      } else if (this.#isOpen('addTag')) {
        this.#addTag(tag);
      }
    }
  }

  setKind(kind: SpanKind): void {
    if (!isSpanKind(kind)) {
      const message = `kind is ${describe(kind)}, expected one of ${SPAN_KINDS.join(', ')}`;
      this.context.reportMisuse(message, 'Omit it for other spans.');
    } else if (this.#isOpen('setKind')) {
      this.kind = kind;
    }
  }

  setStatus(status: SpanStatus, details: StatusDetails = {}): void {
    try {
      checkOptions('setStatus', details, STATUS_DETAILS);
    } catch (error) {
      this.context.reportError(error);
    }
    const { reason = STATUS_REASON, message } = details ?? {};
    if (!isSpanStatus(status)) {
      const hint = `Pass one of ${RUN_STATUSES.join(', ')}.`;
      this.context.reportMisuse(`status is ${describe(status)}, expected a Polyaxon status`, hint);
    } else if (this.#isOpen('setStatus')) {
      this.status = status;
      this.#addCondition({
        type: status,
        status: true,
        reason: this.#clean(reason, 'reason'),
        ...(message === undefined ? {} : { message: this.#clean(message, 'message') }),
        last_update_time: this.now(),
        last_transition_time: this.now(),
      });
    }
  }

  addEvent(name: string, attributes?: Readonly<Record<string, unknown>>): void {
    if (typeof name !== 'string') {
      this.context.reportMisuse(
        `name is ${describe(name)}, expected a string`,
        'Pass the name of the event.',
      );
      return;
    }
    if (!this.#isOpen('addEvent')) return;
    if (this.#events.length >= this.context.limits.maxItems) {
      this.counts.cut += 1;
      return;
    }
    this.#events.push({
      name: this.#clean(name, 'name'),
      time: this.now(),
      ...(attributes === undefined
        ? {}
        : { attributes: this.metadata.describe(attributes, 'attributes', this.trace) }),
    });
  }

  setUsage(usage: SpanUsage): void {
    if (!this.#check('setUsage', usage ?? null, SPAN_USAGE) || !this.#isOpen('setUsage')) return;
    for (const [field, key] of Object.entries(USAGE_KEYS)) {
      const value = usage[field as keyof SpanUsage];
      if (value !== undefined) this.metadata.set(key, value, this.trace);
    }
  }

  addScore(name: string, value: number, options: ScoreOptions = {}): void {
    if (!this.#check('addScore', options, SCORE_OPTIONS)) return;
    const error = findScoreError(name, value);
    if (error !== undefined) this.context.reportError(error);
    else this.addEvent(SCORE_EVENT, toScoreAttributes(name, value, options));
  }

  end(outputs?: Readonly<Record<string, unknown>>): void {
    if (!this.#isOpen('end')) return;
    if (outputs !== undefined) this.setOutputs(outputs);
    this.finish('succeeded');
  }

  fail(error: unknown): void {
    if (!this.#isOpen('fail')) return;
    const description = describeError(error, this.context.mask);
    this.#addCondition(toErrorCondition(description, this.now()));
    this.#failure = description.message;
    if (!this.metadata.has(ERROR_KEY)) this.metadata.set(ERROR_KEY, description, this.trace);
    if (this.status !== undefined && !KEPT_AT_FAILURE.includes(this.status)) this.status = 'failed';
    this.finish('failed');
  }

  /** Ends the span as stopped, if it has not ended. */
  abandon(message = 'The result was never awaited'): void {
    if (this.state !== 'open') return;
    this.setStatus('stopped', { message });
    this.end();
  }

  run<T>(fn: () => T): T {
    return this.context.run(this, () => runJoined(this.joined, fn));
  }

  /** Becomes the span of the active context of OpenTelemetry. Called once, before the span is used. */
  join(joined: JoinedSpan): void {
    this.context.spans.delete(this.uuid);
    if (this.trace.uuid === this.uuid) this.trace.uuid = joined.uuid;
    this.uuid = joined.uuid;
    this.joined = joined;
    this.context.spans.set(this.uuid, this);
    this.metadata.setJson(OTEL_KEY, joined.ids);
    if (this.parent === undefined && joined.parentUuid !== undefined)
      this.reference ??= { parent_uuid: joined.parentUuid };
  }

  [Symbol.dispose](): void {
    if (this.state === 'open') this.end();
  }

  /** Sets the outputs to a return value, unless outputs were set: the properties of an object, or any other value as `output`. */
  captureOutput(value: unknown): void {
    if (value === undefined || this.outputs.size > 0) return;
    this.outputs.capture(value, this.trace);
  }

  /** Ends the span. Uses `status` if none was set. */
  finish(status: SpanStatus): void {
    this.status ??= status;
    if (this.#events.length > 0) this.metadata.setJson('events', this.#events);
    this.finishedAt = this.now();
    // First: an exporter may pass on the OpenTelemetry spans in this one when it ends.
    if (this.joined !== undefined) endJoined(this.joined, this.#failure);
    this.state = 'ended';
    this.context.ended(this);
  }

  /** Removes the links to the tree after it is written. */
  release(): void {
    this.state = 'released';
    this.parent = undefined;
    this.children = [];
    this.otelTrees = [];
    this.joined = undefined;
    this.#events = [];
    this.context.spans.delete(this.uuid);
  }

  #set(values: SpanValues, method: string, key: string, value: unknown): void {
    if (typeof key !== 'string') {
      const message = `the key of ${method} is ${describe(key)}, expected a string`;
      this.context.reportMisuse(message, 'Pass a string as key.');
    } else if (this.#isOpen(method)) {
      values.set(key, value, this.trace);
    }
  }

  #setAll(values: SpanValues, subject: string, record: Readonly<Record<string, unknown>>): void {
    if (typeof record !== 'object' || record === null || isArray(record)) {
      const message = `${subject} is ${describe(record)}, expected an object of names and values`;
      this.context.reportMisuse(message, 'Pass an object.');
    } else if (this.#isOpen(subject)) {
      values.setAll(record, this.trace);
    }
  }

  /** Whether options are valid. Reports them if not. */
  #check<Options extends object>(subject: string, options: Options, table: OptionTable<Options>): boolean {
    try {
      checkOptions(subject, options, table);
      return true;
    } catch (error) {
      this.context.reportError(error);
      return false;
    }
  }

  #addTag(tag: string): void {
    if (this.tags.size < this.context.limits.maxItems) this.tags.add(this.#clean(tag, 'tags'));
    else this.counts.cut += 1;
  }

  #addCondition(condition: SpanConditionJson): void {
    if (this.conditions.length < this.context.limits.maxItems) this.conditions.push(condition);
    else this.counts.cut += 1;
  }

  #clean(text: string, key: string): string {
    const { mask, limits } = this.context;
    return cleanText(String(text), key, mask, limits.maxTextLength);
  }

  /** Whether the span is open. Warns if it has ended. Spans beyond a limit ignore all calls without a warning. */
  #isOpen(method: string): boolean {
    if (this.state === 'ended' || this.state === 'released') {
      this.context.diagnostics.warn(
        'WARN_SPAN_ENDED',
        `${method} was called on the span ${quote(this.name)} after its end; the call is ignored`,
      );
    }
    return this.state === 'open';
  }
}

/** `Array.isArray` throws for a revoked proxy. */
function isArray(value: object): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** Returns what is wrong with a score. */
export function findScoreError(name: unknown, value: unknown): InvalidArgumentError | undefined {
  if (typeof name !== 'string' || name === '')
    return invalid(`name is ${describe(name)}, expected a non-empty string`, 'Pass the name of the score.');
  if (typeof value === 'number' && Number.isFinite(value)) return undefined;
  return invalid(`value is ${describe(value)}, expected a finite number`, 'Pass a number, such as 0 or 1.');
}

/** Returns 32 random hex digits. */
function toId(): string {
  return randomUUID().replaceAll('-', '');
}

/** Returns the reference for a child of `parent` that is written separately. */
export function toReference(parent: RecordedSpan): ParentReference {
  return { parent_uuid: parent.uuid, root_uuid: parent.trace.uuid };
}

export function invalid(message: string, hint: string): InvalidArgumentError {
  return new InvalidArgumentError('ERR_SPAN_INVALID', message, hint);
}
