/**
 * One span while it is recorded, and its place in the tree.
 *
 * A tree hangs together by `parent` and `children` until its root ends; then it is turned into JSON and let go, so that a timer
 * that still has the span as its context holds nothing of the trace.
 */

import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import type { Diagnostics } from '../base/diagnostics.js';
import { InvalidArgumentError } from '../base/errors.js';
import { RUN_STATUSES } from '../polyaxon/statuses.js';
import {
  ERROR_KEY,
  isSpanKind,
  isSpanStatus,
  type JsonRecord,
  SPAN_KINDS,
  type SpanConditionJson,
  type SpanKind,
  type SpanMasker,
  type SpanStatus,
} from './span.js';
import { describeError, toErrorCondition } from './span-error.js';
import type { ManualSpan, StatusDetails } from './span-handle.js';
import { cleanText } from './span-mask.js';
import { toIsoSeconds } from './span-time.js';
import { SpanValues, type TraceBudget, type ValueCounts } from './span-values.js';
import type { TraceLimits } from './trace-limits.js';

/** What spans know of the tracer that records them. */
export interface TracerContext {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly limits: TraceLimits;
  readonly mask: SpanMasker | undefined;
  /** A caller's mistake: throws, or tells of it when the tracer has been asked not to throw. */
  reportMisuse(error: InvalidArgumentError): void;
  /** Runs `fn` with `span` as the active one. */
  run<T>(span: RecordedSpan, fn: () => T): T;
  /** Called once by each recorded span at its end. */
  ended(span: RecordedSpan): void;
}

/** What the spans of one root have in common. */
export interface TraceState extends TraceBudget {
  /** The uuid of the root that the trace began with. */
  uuid: string;
  /** Spans in the tree. */
  spans: number;
  /** When the root started: the times of all its spans are counted from there, so that a clock that is set breaks none. */
  readonly startSeconds: number;
  readonly startMonotonicMs: number;
}

/** Where a span belongs that is not in its parent's tree. */
export interface ParentReference {
  readonly parentUuid: string;
  readonly rootUuid: string;
}

/** `left-out`: beyond a limit, runs without being recorded. `released`: written, or given up. */
type State = 'open' | 'ended' | 'released' | 'left-out';

const STATUS_REASON = 'Tracing';
/** Statuses that an error does not replace. */
const KEPT_AT_FAILURE: readonly SpanStatus[] = ['stopped', 'skipped', 'upstream_failed'];

export class RecordedSpan implements ManualSpan {
  readonly uuid = randomUUID().replaceAll('-', '');
  readonly name: string;
  readonly context: TracerContext;
  /** The span above; undefined for a root, and once the tree above is released. */
  parent: RecordedSpan | undefined;
  children: RecordedSpan[] = [];
  trace: TraceState;
  /** Set for roots that would be children, had their parent not been released. */
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
  /** Descendants that were left out. */
  droppedSpans = 0;
  readonly inputs: SpanValues;
  readonly outputs: SpanValues;
  readonly metadata: SpanValues;
  #events: JsonRecord[] = [];

  constructor(context: TracerContext, name: string, parent: RecordedSpan | undefined) {
    this.context = context;
    this.name = name;
    this.parent = parent;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
    this.trace = parent?.trace ?? {
      uuid: this.uuid,
      spans: 0,
      length: 0,
      startSeconds: context.clock.wallTime(),
      startMonotonicMs: context.clock.monotonicMs(),
    };
    this.startedAt = this.now();
    const newValues = () => new SpanValues(context.limits, context.mask, this.counts);
    this.inputs = newValues();
    this.outputs = newValues();
    this.metadata = newValues();
  }

  /** ISO text of the present moment, on the trace's own time line. */
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
        this.context.reportMisuse(
          invalid(`tag is ${String(tag)}, expected text`, 'Pass strings that are not empty.'),
        );
      } else if (this.#isOpen('addTag')) {
        this.#addTag(tag);
      }
    }
  }

  setKind(kind: SpanKind): void {
    if (!isSpanKind(kind)) {
      this.context.reportMisuse(
        invalid(
          `kind is ${String(kind)}, expected one of ${SPAN_KINDS.join(', ')}`,
          'Leave it out for others.',
        ),
      );
    } else if (this.#isOpen('setKind')) {
      this.kind = kind;
    }
  }

  setStatus(status: SpanStatus, { reason = STATUS_REASON, message }: StatusDetails = {}): void {
    if (!isSpanStatus(status)) {
      const hint = `Pass one of ${RUN_STATUSES.join(', ')}.`;
      this.context.reportMisuse(invalid(`status is ${String(status)}, expected a status of Polyaxon`, hint));
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

  end(outputs?: Readonly<Record<string, unknown>>): void {
    if (!this.#isOpen('end')) return;
    if (outputs !== undefined) this.setOutputs(outputs);
    this.finish('succeeded');
  }

  fail(error: unknown): void {
    if (!this.#isOpen('fail')) return;
    const description = describeError(error, this.context.mask);
    this.#addCondition(toErrorCondition(description, this.now()));
    if (!this.metadata.has(ERROR_KEY)) this.metadata.set(ERROR_KEY, description, this.trace);
    if (this.status !== undefined && !KEPT_AT_FAILURE.includes(this.status)) this.status = 'failed';
    this.finish('failed');
  }

  run<T>(fn: () => T): T {
    return this.context.run(this, fn);
  }

  [Symbol.dispose](): void {
    if (this.state === 'open') this.end();
  }

  /** Makes a return value the outputs, unless outputs were set: an object as it is, anything else under `output`. */
  captureOutput(value: unknown): void {
    if (value === undefined || this.outputs.size > 0) return;
    this.outputs.capture(value, this.trace);
  }

  /** Ends the span; `status` counts when none was set. */
  finish(status: SpanStatus): void {
    this.status ??= status;
    this.finishedAt = this.now();
    this.state = 'ended';
    this.context.ended(this);
  }

  /** Metadata, and what was noted about the span itself under `notes`. */
  metadataJson(notes: JsonRecord): JsonRecord | undefined {
    const all: JsonRecord = {
      ...this.metadata.toJson(),
      ...(this.#events.length > 0 ? { events: this.#events } : {}),
      ...notes,
    };
    return Object.keys(all).length > 0 ? all : undefined;
  }

  /** Lets go of the tree and the values, once they are written. */
  release(): void {
    this.state = 'released';
    this.parent = undefined;
    this.children = [];
    this.#events = [];
  }

  #set(values: SpanValues, method: string, key: string, value: unknown): void {
    if (typeof key !== 'string') {
      this.context.reportMisuse(
        invalid(`the key of ${method} is ${typeof key}, expected text`, 'Pass a name.'),
      );
    } else if (this.#isOpen(method)) {
      values.set(key, value, this.trace);
    }
  }

  #setAll(values: SpanValues, subject: string, record: Readonly<Record<string, unknown>>): void {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) {
      const found = Array.isArray(record) ? 'an array' : String(record);
      this.context.reportMisuse(
        invalid(`${subject} is ${found}, expected an object of names and values`, 'Pass an object.'),
      );
    } else if (this.#isOpen(subject)) {
      values.setAll(record, this.trace);
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

  /** Whether the call still counts. Spans that were left out take every call and keep nothing. */
  #isOpen(method: string): boolean {
    if (this.state === 'ended' || this.state === 'released') {
      this.context.diagnostics.warn(
        'WARN_SPAN_ENDED',
        `${method} was called on the span ${JSON.stringify(this.name)} after its end: it is left out`,
      );
    }
    return this.state === 'open';
  }
}

/** Says where a child of `parent` belongs that is written on its own. */
export function toReference(parent: RecordedSpan): ParentReference {
  return { parentUuid: parent.uuid, rootUuid: parent.trace.uuid };
}

export function invalid(message: string, hint: string): InvalidArgumentError {
  return new InvalidArgumentError('ERR_SPAN_INVALID', message, hint);
}
