/**
 * What a span is: the form callers give, and the JSON of Polyaxon's event kind `span`.
 *
 * Source of names, order and types of the fields: traceml 1.3.0, `traceml/events/schemas.py` (`V1EventSpan`) and polyaxon 2.16.4,
 * `polyaxon/_schemas/lifecycle.py` (`V1Statuses`, `V1StatusCondition`); what they refuse is refused here.
 */

import type { JsonValue } from '../base/json-value.js';
import { RUN_STATUSES, type RunStatus } from '../polyaxon/statuses.js';
import type { SpanTime } from './span-time.js';

/** What a span does. Source: `V1EventSpanKind`. */
export const SPAN_KINDS = ['llm', 'chain', 'agent', 'tool', 'embedding', 'retriever'] as const;
export type SpanKind = (typeof SPAN_KINDS)[number];

/** How far a span is: as a run. */
export type SpanStatus = RunStatus;

/** One step in the life of a span, or what went wrong in it. */
export interface SpanCondition {
  readonly type: SpanStatus;
  /** Whether the condition holds. */
  readonly status?: boolean | string | undefined;
  /** One word, such as the name of an error. */
  readonly reason?: string | undefined;
  /** For people. */
  readonly message?: string | undefined;
  readonly lastUpdateTime?: SpanTime | undefined;
  readonly lastTransitionTime?: SpanTime | undefined;
  readonly metaInfo?: Readonly<Record<string, unknown>> | undefined;
}

/** A span as callers give it. Every field may be left out. */
export interface SpanInput {
  /** 32 hex digits, with or without dashes. */
  readonly uuid?: string | undefined;
  /** The event is written under this name; `trace` when it is left out. */
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
   * What was thrown: becomes a condition with its type and message, `metadata.error` with its stack, and the status
   * `failed` unless another is given.
   */
  readonly error?: unknown;
}

/** Names and JSON values. */
export type JsonRecord = { readonly [key: string]: JsonValue };

/** A condition in the form of Polyaxon's events. */
export type SpanConditionJson = {
  readonly type?: SpanStatus;
  readonly status?: boolean | string;
  readonly reason?: string;
  readonly message?: string;
  readonly last_update_time?: string;
  readonly last_transition_time?: string;
  readonly meta_info?: JsonRecord;
};

/** A span in the form of Polyaxon's events, fields in its order: what `toSpanJson` gives, and what tracers and exporters hand on. */
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
 * Hides secrets in the texts of a span: gets a text and the name it stands under (`password`, `messages`, …), gives what is
 * written instead. Applied to inputs, outputs, metadata, tags and errors; not to names.
 */
export type SpanMasker = (text: string, key: string) => string;

/** The key of `metadata` under which spans say what was left out or cut, and where they belong. */
export const NOTES_KEY = 'polytrack';

/** The key of `metadata` under which a span's error is described. */
export const ERROR_KEY = 'error';

export function isSpanKind(value: unknown): value is SpanKind {
  return SPAN_KINDS.includes(value as SpanKind);
}

export function isSpanStatus(value: unknown): value is SpanStatus {
  return RUN_STATUSES.includes(value as SpanStatus);
}
