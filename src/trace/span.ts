/**
 * The types of a span: the input of callers, and the JSON of Polyaxon's event kind `span`.
 *
 * Source of names, order and types of the fields: traceml 1.3.0, `traceml/events/schemas.py` (`V1EventSpan`) and polyaxon 2.16.4,
 * `polyaxon/_schemas/lifecycle.py` (`V1Statuses`, `V1StatusCondition`). Values that they reject are rejected here.
 */

import type { JsonValue } from '../base/json-value.js';
import { RUN_STATUSES, type RunStatus } from '../polyaxon/statuses.js';
import type { SpanTime } from './span-time.js';

/** What a span does. Source: `V1EventSpanKind`. */
export const SPAN_KINDS = ['llm', 'chain', 'agent', 'tool', 'embedding', 'retriever'] as const;
export type SpanKind = (typeof SPAN_KINDS)[number];

/** The status of a span. The values are those of a run. */
export type SpanStatus = RunStatus;

/** A change of a span's status, or a problem in the span. */
export interface SpanCondition {
  readonly type: SpanStatus;
  /** Whether the condition holds. */
  readonly status?: boolean | string | undefined;
  /** Reason as one word, such as the name of an error. */
  readonly reason?: string | undefined;
  /** Reason as text, for people. */
  readonly message?: string | undefined;
  readonly lastUpdateTime?: SpanTime | undefined;
  readonly lastTransitionTime?: SpanTime | undefined;
  readonly metaInfo?: Readonly<Record<string, unknown>> | undefined;
}

/** A span as input of a caller. Every field is optional. */
export interface SpanInput {
  /** 32 hex digits, with or without dashes. */
  readonly uuid?: string | undefined;
  /** The name of the event. Default: `trace`. */
  readonly name?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly startedAt?: SpanTime | undefined;
  readonly finishedAt?: SpanTime | undefined;
  readonly status?: SpanStatus | undefined;
  readonly statusConditions?: readonly SpanCondition[] | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
  readonly outputs?: Readonly<Record<string, unknown>> | undefined;
  readonly children?: readonly (SpanInput | SpanJson)[] | undefined;
  readonly kind?: SpanKind | undefined;
  /**
   * A thrown value. Adds a condition with its type and message, adds its stack trace to `metadata.error`, and sets the status `failed`
   * unless another is given.
   */
  readonly error?: unknown;
}

/** Names and JSON values. */
export type JsonRecord = { readonly [key: string]: JsonValue };

/** A condition in the format of Polyaxon's events. */
export type SpanConditionJson = {
  readonly type?: SpanStatus;
  readonly status?: boolean | string;
  readonly reason?: string;
  readonly message?: string;
  readonly last_update_time?: string;
  readonly last_transition_time?: string;
  readonly meta_info?: JsonRecord;
};

/** A span in the format of Polyaxon's events, with fields in its order. `toSpanJson`, tracers and exporters produce it. */
export type SpanJson = {
  readonly uuid?: string;
  readonly name?: string;
  readonly tags?: readonly string[];
  readonly started_at?: string;
  readonly finished_at?: string;
  readonly status?: SpanStatus;
  readonly status_conditions?: readonly SpanConditionJson[];
  readonly metadata?: JsonRecord;
  readonly inputs?: JsonRecord;
  readonly outputs?: JsonRecord;
  readonly children?: readonly SpanJson[];
  readonly kind?: SpanKind;
};

/**
 * Masks secrets in the texts of a span. Receives a text and its name (`password`, `messages`, …), and returns the text to write. Applied
 * to inputs, outputs, metadata, tags and errors; not to names.
 */
export type SpanMasker = (text: string, key: string) => string;

/** Keeps the spans of open traces on disk, so that they survive the process. Methods may throw. */
export interface OpenSpanJournal {
  /** Receives spans of the trace that have started or ended since the last call, without their children; a started one has no `finished_at`. */
  save(root: string, spans: readonly SpanJson[]): void;
  /** A trace was emitted as a whole. */
  emitted(root: string): void;
  /** Called at an interval in which emitted traces reach the disk. Returns whether another call is needed. */
  tick(): boolean;
  /** All emitted traces are on disk. */
  settle(): void;
}

/** The key of `metadata` for notes about omitted and truncated parts, and for references to parent and root. */
export const NOTES_KEY = 'polytrack';

/** The key of `metadata` for the ids and origin of a span of OpenTelemetry. */
export const OTEL_KEY = 'otel';

/** The key of `metadata` for the description of a span's error. */
export const ERROR_KEY = 'error';

export function isSpanKind(value: unknown): value is SpanKind {
  return SPAN_KINDS.includes(value as SpanKind);
}

export function isSpanStatus(value: unknown): value is SpanStatus {
  return RUN_STATUSES.includes(value as SpanStatus);
}
