/** What callers see of a span that is being recorded. */

import type { SpanKind, SpanStatus } from './span.js';

/**
 * A span that is being recorded.
 *
 * Values are turned into JSON at the call: later changes to an object do not show. No value is refused: what JSON cannot hold
 * is described, what is too large is cut, both are told in `metadata.polytrack`. Calls after the span's end are counted and
 * warned of (`WARN_SPAN_ENDED`), nothing else. An unknown kind or status, or a tag or key that is no text, throws `ERR_SPAN_INVALID`.
 */
export interface SpanHandle {
  /** 32 hex digits. */
  readonly uuid: string;
  readonly name: string;
  setInput(key: string, value: unknown): void;
  /** Merges `inputs` into what was set before. */
  setInputs(inputs: Readonly<Record<string, unknown>>): void;
  setOutput(key: string, value: unknown): void;
  /** Merges `outputs` into what was set before. Once an output is set, the return value is not captured. */
  setOutputs(outputs: Readonly<Record<string, unknown>>): void;
  addMetadata(key: string, value: unknown): void;
  addMetadata(values: Readonly<Record<string, unknown>>): void;
  addTag(...tags: string[]): void;
  setKind(kind: SpanKind): void;
  /**
   * Sets the status that the span ends with, and adds a condition. When the function then throws, the status becomes `failed`,
   * unless it is `stopped`, `skipped` or `upstream_failed`.
   */
  setStatus(status: SpanStatus, details?: StatusDetails): void;
  /** Notes a moment within the span, in `metadata.events`. */
  addEvent(name: string, attributes?: Readonly<Record<string, unknown>>): void;
}

export interface StatusDetails {
  /** One word. Default `Tracing`. */
  readonly reason?: string | undefined;
  /** For people. */
  readonly message?: string | undefined;
}

/** A span that its caller ends, for code that is no function: callbacks, event emitters. */
export interface ManualSpan extends SpanHandle {
  /** Ends the span; `outputs` are merged into its outputs. */
  end(outputs?: Readonly<Record<string, unknown>>): void;
  /** Ends the span as failed. */
  fail(error: unknown): void;
  /** Runs `fn` with this span as the active one, and gives its result. Does not end the span. */
  run<T>(fn: () => T): T;
  /** As `end()`, when it has not ended: for `using`. */
  [Symbol.dispose](): void;
}

export interface TraceOptions {
  /** What the span does. Default: none, as for any other step. */
  readonly kind?: SpanKind | undefined;
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Whether the return value becomes the outputs when no output was set. Default: as the tracer says, which is true. */
  readonly captureOutput?: boolean | undefined;
  /** The span that this one belongs to; null: a root. Default: the active one. */
  readonly parent?: SpanHandle | null | undefined;
}

export interface TraceStreamOptions<T> extends TraceOptions {
  /** The text of an item; the texts are joined and become the output. Default: items that are strings are joined, others listed. */
  readonly textOf?: ((item: T) => string | null | undefined) | undefined;
}

/** The function that a span is about. */
export type TracedFunction<T> = (span: SpanHandle) => T;
