/**
 * `Tracer`: times functions and streams as spans. Spans nest by the asynchronous context they are started in; a root is handed
 * on, with all that belongs to it, when it ends.
 *
 * Tracing never changes what the traced code does: results and errors go through untouched, and nothing that the tracer cannot
 * write throws. What is lost to a limit is counted and told in the span.
 */

import type { Clock } from '../base/clock.js';
import type { Diagnostics } from '../base/diagnostics.js';
import { type InvalidArgumentError, messageOf } from '../base/errors.js';
import { toWellFormedText } from '../base/well-formed-text.js';
import { findActiveSpan, runInSpan } from './active-span.js';
import { observeResult } from './observe-result.js';
import { invalid, RecordedSpan, type TracerContext, toReference } from './recorded-span.js';
import type { SpanJson, SpanMasker } from './span.js';
import type {
  ManualSpan,
  SpanHandle,
  TracedFunction,
  TraceOptions,
  TraceStreamOptions,
} from './span-handle.js';
import { toSafeMasker } from './span-mask.js';
import { closeTree } from './span-tree.js';
import { resolveTraceLimits, type TraceLimits } from './trace-limits.js';
import { iterateTraced, type StreamSource } from './trace-stream.js';

export interface TracerOptions {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  /** Takes each root span when it ends. What it throws is counted and warned of (`WARN_SPAN_LOST`). */
  readonly onSpan: (span: SpanJson) => void;
  /** Hides secrets in texts. Default: none. */
  readonly mask?: SpanMasker | undefined;
  readonly limits?: Partial<TraceLimits> | undefined;
  /** Whether return values become outputs. Default true. */
  readonly captureOutput?: boolean | undefined;
  /** Takes callers' mistakes (`ERR_SPAN_INVALID`), and the span goes on without. Default: they are thrown. */
  readonly onInvalid?: ((error: InvalidArgumentError) => void) | undefined;
}

/** Creates a tracer. Throws `ERR_OPTION_INVALID` for bad limits. */
export function createTracer(options: TracerOptions): Tracer {
  return new Tracer(options);
}

export class Tracer {
  readonly #options: TracerOptions;
  readonly #context: TracerContext;
  /** Roots that have not ended, in the order of their start. */
  readonly #roots = new Set<RecordedSpan>();
  #openSpans = 0;
  #closed = false;

  constructor(options: TracerOptions) {
    this.#options = options;
    const { clock, diagnostics, onInvalid } = options;
    this.#context = {
      clock,
      diagnostics,
      limits: resolveTraceLimits(options.limits),
      mask: toSafeMasker(options.mask, (cause) =>
        diagnostics.warn('WARN_SPAN_MASK', `a masker failed, the text is left out: ${messageOf(cause)}`),
      ),
      reportMisuse: (error) => {
        if (onInvalid === undefined) throw error;
        onInvalid(error);
      },
      run: (span, fn) => runInSpan(this.#context, span, fn),
      ended: (span) => this.#ended(span),
    };
  }

  /** The span that is active in the running code; undefined outside of traced code. */
  get activeSpan(): SpanHandle | undefined {
    return findActiveSpan(this.#context);
  }

  /**
   * Runs `fn` within a span and gives exactly what it gives; an error is recorded and thrown on untouched.
   *
   * A promise's span ends when it settles; other thenables (queries that run when they are awaited) are given back as they
   * are, and end their span when they settle. An async iterable is not waited for: see `traceStream`. Throws `ERR_SPAN_INVALID`
   * for a bad name or option, before `fn` is called.
   */
  trace<T>(name: string, fn: TracedFunction<T>): T;
  trace<T>(name: string, options: TraceOptions, fn: TracedFunction<T>): T;
  trace<T>(name: string, optionsOrFn: TraceOptions | TracedFunction<T>, maybeFn?: TracedFunction<T>): T {
    const [options, fn] =
      typeof optionsOrFn === 'function' ? [{}, optionsOrFn] : [optionsOrFn ?? {}, maybeFn];
    if (typeof fn !== 'function')
      throw invalid(`fn is ${typeof fn}, expected a function`, 'Pass a function.');
    const span = this.#start(name, options);
    let result: T;
    try {
      result = span.run(() => fn(span));
    } catch (error) {
      failIfOpen(span, error);
      throw error;
    }
    return observeResult(result, {
      run: (then) => span.run(then),
      resolved: (value) => {
        if (span.state !== 'open') return;
        if (this.#capturesOutput(options)) span.captureOutput(value);
        span.end();
      },
      rejected: (error) => failIfOpen(span, error),
    });
  }

  /**
   * Iterates what `fn` gives within a span: an async iterable such as a stream of tokens, a plain one, or a promise of either.
   *
   * `fn` is called when the first item is asked for; the span ends with the last item, fails with an error, and is `stopped` when
   * the consumer leaves early. Its output is the text of the items or a list of them; `metadata.stream` has their number and the
   * time to the first one. Throws as `trace` does.
   */
  traceStream<T>(
    name: string,
    options: TraceStreamOptions<T>,
    fn: TracedFunction<StreamSource<T>>,
  ): AsyncGenerator<T, void, undefined> {
    if (typeof fn !== 'function')
      throw invalid(`fn is ${typeof fn}, expected a function`, 'Pass a function.');
    const checkedName = this.#checkName(name);
    // The parent is the span that is active here, not where the stream happens to be read.
    const parent = options.parent === undefined ? this.activeSpan : options.parent;
    const captureOutput = this.#capturesOutput(options);
    return iterateTraced(() => this.#start(checkedName, { ...options, parent: parent ?? null }), fn, {
      textOf: options.textOf,
      captureOutput,
    });
  }

  /** Starts a span that the caller ends. It does not become the active one: `span.run(fn)`, or `parent: span`, puts spans below it. */
  startSpan(name: string, options: TraceOptions = {}): ManualSpan {
    return this.#start(name, options);
  }

  /**
   * Hands on the roots that are open, with status `stopped`, and records nothing from then on: traced functions run as before,
   * counted and warned of (`WARN_SPAN_CLOSED`).
   */
  close(): void {
    if (this.#closed) return;
    for (const root of this.#roots) {
      this.#context.diagnostics.warn(
        'WARN_SPAN_UNFINISHED',
        `the span ${JSON.stringify(root.name)} was open when its run ended`,
      );
      // Late spans become roots as their tree closes, and the set's iteration reaches them.
      root.setStatus('stopped', { reason: 'RunEnded', message: 'The span was open when its run ended' });
      root.end();
    }
    this.#closed = true;
  }

  #start(name: string, options: TraceOptions): RecordedSpan {
    const checkedName = this.#checkName(name);
    const parent = this.#parentOf(options.parent);
    const span = new RecordedSpan(
      this.#context,
      checkedName,
      parent?.state === 'released' ? undefined : parent,
    );
    this.#place(span, parent);
    try {
      this.#apply(span, options);
    } catch (error) {
      this.#discard(span);
      throw error;
    }
    return span;
  }

  #checkName(name: string): string {
    if (typeof name === 'string' && name !== '') return toWellFormedText(name).text;
    this.#context.reportMisuse(
      invalid(
        `name is ${JSON.stringify(name)}, expected text that is not empty`,
        'Name the span after what it does.',
      ),
    );
    return 'trace';
  }

  #parentOf(parent: SpanHandle | null | undefined): RecordedSpan | undefined {
    if (parent === null) return undefined;
    if (parent === undefined) return findActiveSpan(this.#context);
    if (parent instanceof RecordedSpan && parent.context === this.#context) return parent;
    this.#context.reportMisuse(
      invalid('parent is no span of this run', 'Pass a span that this run has started.'),
    );
    return undefined;
  }

  /** Puts a new span into its tree, or leaves it out. */
  #place(span: RecordedSpan, parent: RecordedSpan | undefined): void {
    const { limits } = this.#context;
    const above = span.parent;
    if (this.#closed) {
      this.#leaveOut(span, undefined, 'WARN_SPAN_CLOSED', 'its run has ended');
    } else if (above?.state === 'left-out') {
      this.#leaveOut(span, above, 'WARN_SPAN_DROPPED', 'its parent is left out');
    } else if (span.depth > limits.maxDepth) {
      this.#leaveOut(span, above, 'WARN_SPAN_DROPPED', `it is deeper than ${limits.maxDepth} levels`);
    } else if (above !== undefined && above.children.length >= limits.maxChildren) {
      this.#leaveOut(span, above, 'WARN_SPAN_DROPPED', `its parent has ${limits.maxChildren} children`);
    } else if (span.trace.spans >= limits.maxSpans) {
      this.#leaveOut(span, above, 'WARN_SPAN_DROPPED', `its root has ${limits.maxSpans} spans`);
    } else if (this.#openSpans >= limits.maxOpenSpans) {
      this.#leaveOut(span, above, 'WARN_SPAN_DROPPED', `${limits.maxOpenSpans} spans are open`);
    } else {
      this.#openSpans += 1;
      span.trace.spans += 1;
      if (above !== undefined) above.children.push(span);
      else this.#roots.add(span);
      if (parent !== undefined && above === undefined) {
        // The parent is written already: the span is a root that names it.
        span.reference = toReference(parent);
        span.trace.uuid = parent.trace.uuid;
      }
    }
  }

  /** Takes back a span whose options were refused: nothing has happened in it. */
  #discard(span: RecordedSpan): void {
    if (span.state !== 'open') return;
    span.state = 'left-out';
    span.parent?.children.pop();
    span.trace.spans -= 1;
    this.#roots.delete(span);
    this.#openSpans -= 1;
  }

  #leaveOut(
    span: RecordedSpan,
    above: RecordedSpan | undefined,
    code: 'WARN_SPAN_CLOSED' | 'WARN_SPAN_DROPPED',
    reason: string,
  ): void {
    span.state = 'left-out';
    let teller = above;
    while (teller?.state === 'left-out') teller = teller.parent;
    if (teller !== undefined) teller.droppedSpans += 1;
    this.#context.diagnostics.warn(code, `the span ${JSON.stringify(span.name)} is left out: ${reason}`);
  }

  #apply(span: RecordedSpan, { kind, inputs, tags, metadata }: TraceOptions): void {
    if (kind !== undefined) span.setKind(kind);
    if (tags !== undefined) {
      if (Array.isArray(tags)) span.addTag(...tags);
      else
        this.#context.reportMisuse(
          invalid(`tags is ${typeof tags}, expected an array of strings`, 'Pass an array.'),
        );
    }
    if (metadata !== undefined) span.mergeMetadata(metadata);
    if (inputs !== undefined) span.setInputs(inputs);
  }

  #capturesOutput(options: TraceOptions): boolean {
    return options.captureOutput ?? this.#options.captureOutput ?? true;
  }

  #ended(span: RecordedSpan): void {
    this.#openSpans -= 1;
    if (span.counts.cut > 0) {
      this.#context.diagnostics.warn(
        'WARN_SPAN_CUT',
        `values of the span ${JSON.stringify(span.name)} were cut`,
      );
    }
    if (span.parent === undefined) this.#handOn(span);
  }

  #handOn(root: RecordedSpan): void {
    this.#roots.delete(root);
    if (root.reference !== undefined) {
      this.#context.diagnostics.warn(
        'WARN_SPAN_LATE',
        `the span ${JSON.stringify(root.name)} ended after the root it belongs to: it is written on its own`,
      );
    }
    const { json, late } = closeTree(root);
    for (const span of late) this.#roots.add(span);
    try {
      this.#options.onSpan(json);
    } catch (cause) {
      this.#context.diagnostics.warn(
        'WARN_SPAN_LOST',
        `the span ${JSON.stringify(root.name)} could not be written: ${messageOf(cause)}`,
      );
    }
  }
}

/** A span may have been ended by its run, which went first. */
function failIfOpen(span: RecordedSpan, error: unknown): void {
  if (span.state === 'open') span.fail(error);
}
