/** The public interfaces of a span that is being recorded, and its options. */

import type { OptionTable } from '../base/options.js';
import type { ScoreOptions, SpanUsage } from './gen-ai.js';
import type { SpanKind, SpanStatus } from './span.js';

/**
 * A span that is being recorded.
 *
 * Values are converted to JSON at the call, so later changes to an object have no effect. Any value is accepted. Values that JSON cannot
 * hold are described, and values that are too large are truncated; `metadata.polytrack` counts both. Calls after the end of the span are
 * ignored, with a warning (`WARN_SPAN_ENDED`). An unknown kind or status, or a tag or key that is not a string, throws `ERR_SPAN_INVALID`.
 */
export interface SpanHandle {
  /** 32 hex digits. */
  readonly uuid: string;
  /** Continues the trace in another process: as its header `traceparent`, or as its variable `TRACEPARENT`. */
  readonly traceparent: string;
  readonly name: string;
  setInput(key: string, value: unknown): void;
  /** Merges `inputs` into earlier inputs. */
  setInputs(inputs: Readonly<Record<string, unknown>>): void;
  setOutput(key: string, value: unknown): void;
  /** Merges `outputs` into earlier outputs. Once an output is set, the return value is not captured. */
  setOutputs(outputs: Readonly<Record<string, unknown>>): void;
  addMetadata(key: string, value: unknown): void;
  addMetadata(values: Readonly<Record<string, unknown>>): void;
  addTag(...tags: string[]): void;
  setKind(kind: SpanKind): void;
  /**
   * Sets the final status of the span, and adds a condition. If the function then throws, the status becomes `failed`, unless it is
   * `stopped`, `skipped` or `upstream_failed`.
   */
  setStatus(status: SpanStatus, details?: StatusDetails): void;
  /** Adds an event with the current time to `metadata.events`. */
  addEvent(name: string, attributes?: Readonly<Record<string, unknown>>): void;
  /** Sets what a call of a model used, in `metadata` under OpenTelemetry's names. */
  setUsage(usage: SpanUsage): void;
  /** Adds a score of the span's quality to `metadata.events`. */
  addScore(name: string, value: number, options?: ScoreOptions): void;
}

export interface StatusDetails {
  /** Reason as one word, for programs. Default `Tracing`. */
  readonly reason?: string | undefined;
  /** Reason as text, for people. */
  readonly message?: string | undefined;
}
export const STATUS_DETAILS: OptionTable<StatusDetails> = { reason: 'string', message: 'string' };

/** A span that the caller ends, for code that is not one function, such as callbacks and event emitters. */
export interface ManualSpan extends SpanHandle {
  /** Ends the span; `outputs` are merged into its outputs. */
  end(outputs?: Readonly<Record<string, unknown>>): void;
  /** Ends the span as failed. */
  fail(error: unknown): void;
  /** Runs `fn` with this span as the active one, and returns its result. Does not end the span. */
  run<T>(fn: () => T): T;
  /** Ends the span if it has not ended yet; for `using`. */
  [Symbol.dispose](): void;
}

export interface TraceOptions {
  /** What the span does. Default: none, for steps that match no kind. */
  readonly kind?: SpanKind | undefined;
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Whether the return value becomes the outputs if no output was set. Default: the option of the tracer, which is true by default. */
  readonly captureOutput?: boolean | undefined;
  /** The session or conversation that the span belongs to, and the user that it is for: `session.id` and `user.id` in `metadata`. */
  readonly session?: string | undefined;
  readonly user?: string | undefined;
  /** The parent span, or the `traceparent` of one in another process; null for a root. Default: the active span. */
  readonly parent?: SpanHandle | string | null | undefined;
}
export const TRACE_OPTIONS: OptionTable<TraceOptions> = {
  kind: 'any',
  inputs: 'any',
  tags: 'any',
  metadata: 'any',
  captureOutput: 'boolean',
  session: 'string',
  user: 'string',
  parent: 'any',
};

export interface TraceStreamOptions<T> extends TraceOptions {
  /** Returns the text of an item. The joined texts become the output. Default: strings are joined; other items become a list. */
  readonly textOf?: ((item: T) => string | null | undefined) | undefined;
}
export const TRACE_STREAM_OPTIONS: OptionTable<TraceStreamOptions<unknown>> = {
  ...TRACE_OPTIONS,
  textOf: 'function',
};

/** The function that a span traces. */
export type TracedFunction<T> = (span: SpanHandle) => T;
