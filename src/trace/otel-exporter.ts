/**
 * `PolytrackSpanExporter`: writes OpenTelemetry spans as spans of a run. Pass it to a span processor of OpenTelemetry's SDK. It implements
 * the exporter interface structurally and needs none of their packages.
 */

import { type Clock, systemClock } from '../base/clock.js';
import { describe } from '../base/describe.js';
import { Diagnostics } from '../base/diagnostics.js';
import { ClosedError, InvalidArgumentError, messageOf } from '../base/errors.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import { callUser } from '../base/user-callback.js';
import type { SpanRun } from './open-traces.js';
import { type OtelRecord, toOtelRecord } from './otel-record.js';
import { ExportResultCode, type OtelExportResult, type OtelReadableSpan } from './otel-span.js';
import { OtelTraces } from './otel-traces.js';
import type { SpanJson, SpanMasker } from './span.js';
import { toSafeMasker } from './span-mask.js';
import { resolveTraceLimits, type TraceLimits } from './trace-limits.js';

export interface SpanExporterOptions {
  /** The run that receives the spans. Spans of open traces are saved in its directory, so that they survive `kill -9`. */
  readonly run?: SpanRun | undefined;
  /** Receives each tree of spans, instead of `run`. */
  readonly onSpan?: ((span: SpanJson) => void) | undefined;
  /** Hides secrets in texts. Default: none. */
  readonly mask?: SpanMasker | undefined;
  /** Only `maxDepth` and the limits of values apply. Trees that are deeper are written in parts. */
  readonly limits?: Partial<TraceLimits> | undefined;
  /** Limit for buffered spans. Beyond it, the trace that has waited longest is written in parts. Default 10,000. */
  readonly maxBufferedSpans?: number | undefined;
  /** Minimum time that spans wait for their root after the last span of their trace. Default 600,000 ms. */
  readonly waitForRootMs?: number | undefined;
  /** Minimum time that spans wait for their parents if they arrive after their root. Default 5,000 ms. */
  readonly waitForLateMs?: number | undefined;
  readonly clock?: Clock | undefined;
  /** Default: a process warning for the first occurrence of each code. */
  readonly diagnostics?: Diagnostics | undefined;
}
const SPAN_EXPORTER_OPTIONS: OptionTable<SpanExporterOptions> = {
  run: 'object',
  onSpan: 'function',
  mask: 'function',
  limits: 'object',
  maxBufferedSpans: 'any',
  waitForRootMs: 'any',
  waitForLateMs: 'any',
  clock: 'object',
  diagnostics: 'object',
};

const SUBJECT = 'the span exporter';

export class PolytrackSpanExporter {
  readonly #receiver: { readonly onSpan: (span: SpanJson) => void };
  readonly #diagnostics: Diagnostics;
  readonly #limits: TraceLimits;
  readonly #mask: SpanMasker | undefined;
  readonly #traces: OtelTraces;
  readonly #sweepIntervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  #failure: Error | undefined;
  #closed = false;

  /** Throws `ERR_OPTION_INVALID` for an option that is not a positive whole number. */
  constructor(options: SpanExporterOptions) {
    checkOptions('new PolytrackSpanExporter', options ?? null, SPAN_EXPORTER_OPTIONS);
    const { run, onSpan = run && ((span) => run.logTrace(span)) } = options;
    if (typeof onSpan !== 'function' || (run !== undefined && options.onSpan !== undefined)) {
      const found = run === undefined ? `onSpan is ${describe(onSpan)}` : 'run and onSpan are given';
      throw new InvalidArgumentError(
        'ERR_OPTION_INVALID',
        `new PolytrackSpanExporter: ${found}, expected a run, or a function`,
        'Pass { run }, or { onSpan: (span) => … }.',
      );
    }
    this.#receiver = { onSpan };
    this.#diagnostics = options.diagnostics ?? new Diagnostics();
    this.#limits = resolveTraceLimits(options.limits);
    this.#mask = toSafeMasker(options.mask, this.#diagnostics);
    const waitForRootMs = parsePositive('waitForRootMs', options.waitForRootMs ?? 600_000);
    const waitForLateMs = parsePositive('waitForLateMs', options.waitForLateMs ?? 5_000);
    this.#sweepIntervalMs = Math.min(waitForRootMs, waitForLateMs);
    this.#traces = new OtelTraces({
      clock: options.clock ?? systemClock,
      diagnostics: this.#diagnostics,
      emit: (span) => this.#emit(span),
      maxDepth: this.#limits.maxDepth,
      maxBufferedSpans: parsePositive('maxBufferedSpans', options.maxBufferedSpans ?? 10_000),
      waitForRootMs,
      waitForLateMs,
    });
    this.#traces.keeper = run?.keepTraces?.(this.#traces);
  }

  /**
   * Exports spans that have ended. Writes the trees whose root is among them, and buffers the other spans until their root arrives.
   *
   * The result is FAILED after `shutdown()`, or if a span is invalid or cannot be written. Other spans are still written.
   */
  export(spans: readonly OtelReadableSpan[], resultCallback: (result: OtelExportResult) => void): void {
    if (this.#closed) {
      resultCallback({ code: ExportResultCode.FAILED, error: new ClosedError(SUBJECT) });
      return;
    }
    const records = spans.flatMap((span) => this.#convert(span));
    this.#traces.add(records);
    this.#arm();
    const error = this.#takeFailure();
    resultCallback(
      error === undefined ? { code: ExportResultCode.SUCCESS } : { code: ExportResultCode.FAILED, error },
    );
  }

  /**
   * Writes the buffered spans whose root is written, without waiting for their parents. Spans of open traces stay together: with `run`, they
   * are saved in its directory. Rejects if a span cannot be written.
   */
  async forceFlush(): Promise<void> {
    this.#flush(false);
  }

  #flush(isFinal: boolean): void {
    this.#traces.flush(isFinal);
    if (this.#traces.isEmpty) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    const error = this.#takeFailure();
    if (error !== undefined) throw error;
  }

  /** Writes all buffered spans, also of open traces, and rejects later exports. A second call does nothing. */
  async shutdown(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#flush(true);
  }

  #convert(span: OtelReadableSpan): OtelRecord[] {
    try {
      const budget = this.#traces.budgetOf(span.spanContext().traceId);
      const record = toOtelRecord(span, { limits: this.#limits, mask: this.#mask }, budget);
      if (record.span.counts.cut > 0) {
        this.#diagnostics.warn('WARN_SPAN_CUT', `the span ${describe(span.name)} has truncated values`);
      }
      return [record];
    } catch (cause) {
      this.#fail(`a span could not be read: ${messageOf(cause)}`, cause);
      return [];
    }
  }

  #emit(span: SpanJson): void {
    const onFailure = (cause: unknown): void =>
      this.#fail(`the span ${describe(span.name)} could not be written: ${messageOf(cause)}`, cause);
    callUser(() => this.#receiver.onSpan(span), onFailure, undefined);
  }

  #fail(message: string, cause: unknown): void {
    this.#diagnostics.warn('WARN_SPAN_LOST', message);
    this.#failure ??= cause instanceof Error ? cause : new Error(message, { cause });
  }

  #takeFailure(): Error | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  /** Starts the timer if spans are buffered. Does not keep the process alive. */
  #arm(): void {
    if (this.#timer !== undefined || this.#traces.isEmpty) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#traces.sweep();
      this.#arm();
    }, this.#sweepIntervalMs).unref();
  }
}

function parsePositive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError(
    'ERR_OPTION_INVALID',
    `${name} is ${describe(value)}, expected a whole number above 0`,
    'Omit it to use the default.',
  );
}
