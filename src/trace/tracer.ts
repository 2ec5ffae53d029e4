/**
 * `Tracer`: times functions and streams as spans. Spans nest by the asynchronous context in which they start. A root span is emitted
 * with its descendants when it ends.
 *
 * Tracing never changes the behaviour of the traced code: results and errors stay the same, and a failure to write a span does not throw.
 * Data beyond a limit is counted and noted in the span.
 *
 * Long because the methods that start spans share their checks.
 */

import type { Clock } from '../base/clock.js';
import { describe, quote } from '../base/describe.js';
import type { Diagnostics } from '../base/diagnostics.js';
import { type InvalidArgumentError, messageOf } from '../base/errors.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import { toWellFormedText } from '../base/well-formed-text.js';
import { findActiveSpan, runInSpan } from './active-span.js';
import { SESSION_KEY, USER_KEY } from './gen-ai.js';
import { observeResult } from './observe-result.js';
import type { OpenTrace, OpenTraceKeeper, OpenTraceSource } from './open-traces.js';
import { joinOtel } from './otel-context.js';
import { invalid, RecordedSpan, type TracerContext, toReference } from './recorded-span.js';
import { type JsonRecord, NOTES_KEY, type OpenSpanJournal, type SpanJson, type SpanMasker } from './span.js';
import {
  type ManualSpan,
  type SpanHandle,
  TRACE_OPTIONS,
  TRACE_STREAM_OPTIONS,
  type TracedFunction,
  type TraceOptions,
  type TraceStreamOptions,
} from './span-handle.js';
import { orderSpan } from './span-json.js';
import { toSafeMasker } from './span-mask.js';
import { closeTree, noteUnsaved } from './span-tree.js';
import { resolveTraceLimits, type TraceLimits } from './trace-limits.js';
import { TraceSaver } from './trace-saver.js';
import { iterateTraced, type StreamSource } from './trace-stream.js';
import { TRACED_OPTIONS, type TracedOptions, toSpanInputs, wrapFunction } from './traced-function.js';
import { decodeTraceparent } from './traceparent.js';

export interface TracerOptions {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  /** Receives each root span when it ends. Errors that it throws are counted and reported (`WARN_SPAN_LOST`). */
  readonly onSpan: (span: SpanJson) => void;
  /** Masks secrets in texts. Default: none. */
  readonly mask?: SpanMasker | undefined;
  readonly limits?: Partial<TraceLimits> | undefined;
  /** Whether return values become outputs. Default true. */
  readonly captureOutput?: boolean | undefined;
  /** Keeps the spans of traces that are open for longer than 2 s. */
  readonly journal?: OpenSpanJournal | undefined;
  /** Receives errors about invalid arguments (`ERR_SPAN_INVALID`); the span ignores the argument. Default: they are thrown. */
  readonly onInvalid?: ((error: InvalidArgumentError) => void) | undefined;
}

/** Creates a tracer. Throws `ERR_OPTION_INVALID` for invalid limits. */
export function createTracer(options: TracerOptions): Tracer {
  return new Tracer(options);
}

export class Tracer implements OpenTraceSource {
  readonly #options: TracerOptions;
  readonly #context: TracerContext;
  /** Roots that have not ended, in the order of their start. */
  readonly #roots = new Set<RecordedSpan>();
  #openSpans = 0;
  readonly #saver: TraceSaver | undefined;
  #closed = false;

  constructor(options: TracerOptions) {
    this.#options = options;
    const { clock, diagnostics, onInvalid } = options;
    this.#context = {
      clock,
      diagnostics,
      limits: resolveTraceLimits(options.limits),
      mask: toSafeMasker(options.mask, diagnostics),
      spans: new Map(),
      reportMisuse: (message, hint) => this.#context.reportError(invalid(message, hint)),
      reportError: (error) => {
        if (onInvalid === undefined) throw error;
        onInvalid(error as InvalidArgumentError);
      },
      run: (span, fn) => runInSpan(this.#context, span, fn),
      ended: (span) => this.#ended(span),
    };
    const { journal } = options;
    this.#saver = journal === undefined ? undefined : new TraceSaver(journal, this, this.#context);
  }

  /** The span that is active in the running code; undefined outside traced code. */
  get activeSpan(): SpanHandle | undefined {
    return findActiveSpan(this.#context);
  }

  /**
   * Runs `fn` within a span and returns its result unchanged. Records an error and rethrows it unchanged.
   *
   * If `fn` returns a promise, the span ends when it settles. Promises with other methods and other thenables, such as queries that run when
   * they are awaited, are returned themselves, and end the span when one of their methods settles. For an async iterable, use `traceStream`. Throws `ERR_SPAN_INVALID` for an invalid name
   * or option, before `fn` is called.
   */
  trace<T>(name: string, fn: TracedFunction<T>): T;
  trace<T>(name: string, options: TraceOptions, fn: TracedFunction<T>): T;
  trace<T>(name: string, optionsOrFn: TraceOptions | TracedFunction<T>, maybeFn?: TracedFunction<T>): T {
    const [given, fn] = typeof optionsOrFn === 'function' ? [{}, optionsOrFn] : [optionsOrFn, maybeFn];
    if (typeof fn !== 'function')
      throw invalid(`fn is ${describe(fn)}, expected a function`, 'Pass a function.');
    const options = this.#check('trace', given, TRACE_OPTIONS);
    const span = this.#start(name, options);
    let result: T;
    try {
      result = span.run(() => fn(span));
    } catch (error) {
      failIfOpen(span, error);
      throw error;
    }
    return observeResult(result, {
      span,
      run: (method) => span.run(method),
      resolved: (value) => {
        if (span.state !== 'open') return;
        if (this.#capturesOutput(options)) span.captureOutput(value);
        span.end();
      },
      rejected: (error) => failIfOpen(span, error),
    });
  }

  /**
   * Runs `fn` within a span and yields the items of its result: an iterable, an async iterable such as a stream, or a promise of either.
   *
   * Calls `fn` when the first item is requested. The span ends after the last item, fails with an error, or is `stopped` when the consumer
   * stops early. Its output is the text or the list of the items. `metadata.stream` has their number and the time to the first one. Throws
   * the errors of `trace`.
   */
  traceStream<T>(
    name: string,
    given: TraceStreamOptions<T>,
    fn: TracedFunction<StreamSource<T>>,
  ): AsyncGenerator<T, void, undefined> {
    if (typeof fn !== 'function')
      throw invalid(`fn is ${describe(fn)}, expected a function`, 'Pass a function.');
    const options = this.#check<TraceStreamOptions<T>>('traceStream', given, TRACE_STREAM_OPTIONS);
    const checkedName = this.#checkName(name);
    // The parent is the span that is active at this call, not where the stream is read later.
    const parent = options.parent === undefined ? this.activeSpan : options.parent;
    const captureOutput = this.#capturesOutput(options);
    return iterateTraced(() => this.#start(checkedName, { ...options, parent: parent ?? null }), fn, {
      textOf: options.textOf,
      captureOutput,
    });
  }

  /**
   * Returns `fn` with each call as a span: with the same name, length, properties and type. The items of a generator or stream that it
   * returns are recorded as they are read. Throws `ERR_SPAN_INVALID`.
   */
  traced<F extends (...args: never[]) => unknown>(fn: F, given: TracedOptions = {}): F {
    if (typeof fn !== 'function')
      throw invalid(`fn is ${describe(fn)}, expected a function`, 'Pass a function.');
    const checked = this.#check<TracedOptions>('traced', given, TRACED_OPTIONS);
    const { name = fn.name || 'function', captureInput = true, textOf: _, onValue: __, ...options } = checked;
    const checkedName = this.#checkName(name);
    return wrapFunction(fn, {
      options: checked,
      captureOutput: this.#capturesOutput(options),
      start: (args) =>
        this.#start(checkedName, captureInput ? { ...options, inputs: toSpanInputs(args) } : options),
    });
  }

  /** Starts a span that the caller ends. It is not active: create spans below it with `span.run(fn)` or `parent: span`. */
  startSpan(name: string, options: TraceOptions = {}): ManualSpan {
    return this.#start(name, this.#check('startSpan', options, TRACE_OPTIONS));
  }

  /**
   * Puts a tree of OpenTelemetry spans below the recorded span that it started in, as its metadata names it. Returns false if that is
   * already written, or full.
   */
  addOtelTree(tree: SpanJson): boolean {
    const {
      parent_uuid: parentUuid,
      root_uuid: _root,
      ...notes
    } = (tree.metadata?.[NOTES_KEY] ?? {}) as JsonRecord;
    const parent = this.#context.spans.get(String(parentUuid));
    const { maxChildren, maxDepth } = this.#context.limits;
    if (parent === undefined || parent.children.length + parent.otelTrees.length >= maxChildren) return false;
    if (parent.depth + levelsOf(tree) > maxDepth) return false;
    const { [NOTES_KEY]: _, ...metadata } = tree.metadata ?? {};
    const rest = Object.keys(notes).length === 0 ? {} : { [NOTES_KEY]: notes };
    const kept = orderSpan({ ...tree, metadata: { ...metadata, ...rest } });
    parent.otelTrees.push(kept);
    parent.trace.unsaved.set(kept, () => tree);
    return true;
  }

  /**
   * Ends and emits all open roots with status `stopped`, and records nothing after that. Traced functions still run, with a counted warning
   * (`WARN_SPAN_CLOSED`).
   */
  close(): void {
    if (this.#closed) return;
    for (const root of this.#roots) {
      this.#context.diagnostics.warn(
        'WARN_SPAN_UNFINISHED',
        `the span ${quote(root.name)} was open when its run ended`,
      );
      // Open spans become roots when their tree closes. The iteration reaches them, because they are added to the set.
      root.setStatus('stopped', { reason: 'RunEnded', message: 'The span was open when its run ended' });
      root.end();
    }
    this.#closed = true;
    this.#saver?.stop();
  }

  *openTraces(): Iterable<OpenTrace> {
    for (const { uuid, trace } of this.#roots) yield { key: uuid, unsaved: trace.unsaved };
  }

  /** Saves the open traces of `source` with those of this tracer, if it has a journal. */
  keepTraces(source: OpenTraceSource): OpenTraceKeeper | undefined {
    return this.#saver?.keep(source);
  }

  /** Saves what has started or ended in open traces. `isSettled`: all emitted traces are on disk. */
  save(isSettled = false): void {
    this.#saver?.save(isSettled);
  }

  #start(name: string, options: TraceOptions): RecordedSpan {
    const checkedName = this.#checkName(name);
    const remote = typeof options.parent === 'string' ? decodeTraceparent(options.parent) : undefined;
    const parent = remote === undefined ? this.#parentOf(options.parent) : undefined;
    const above = parent?.state === 'released' ? undefined : parent;
    const span = new RecordedSpan(this.#context, checkedName, above, remote);
    this.#place(span, parent);
    try {
      this.#apply(span, options);
    } catch (error) {
      this.#discard(span);
      throw error;
    }
    if (span.state === 'open') {
      const joinedParent = options.parent === null ? null : parent?.joined;
      const joined = joinOtel(span.name, joinedParent, options.parent !== undefined, remote);
      if (joined !== undefined) span.join(joined);
    }
    return span;
  }

  /** Returns the options; none if they are not an object and misuse is only reported. */
  #check<Options extends TraceOptions>(
    subject: string,
    options: Options,
    table: OptionTable<Options>,
  ): Options {
    try {
      checkOptions(subject, options, table);
    } catch (error) {
      this.#context.reportError(error);
    }
    return typeof options === 'object' && options !== null ? options : ({} as Options);
  }

  #checkName(name: string): string {
    if (typeof name === 'string' && name !== '') return toWellFormedText(name).text;
    this.#context.reportMisuse(
      `name is ${describe(name)}, expected a non-empty string`,
      'Pass a name that says what the span does.',
    );
    return 'trace';
  }

  #parentOf(parent: SpanHandle | string | null | undefined): RecordedSpan | undefined {
    if (parent === null) return undefined;
    if (parent === undefined) return findActiveSpan(this.#context);
    if (parent instanceof RecordedSpan && parent.context === this.#context) return parent;
    this.#context.reportMisuse(
      typeof parent === 'string'
        ? `parent is ${describe(parent)}, expected a span or a traceparent`
        : 'parent is not a span of this run',
      'Pass a span that this run has started, or what readTraceparent() returns.',
    );
    return undefined;
  }

  /** Adds a new span to its tree, or marks it as not recorded. */
  #place(span: RecordedSpan, parent: RecordedSpan | undefined): void {
    const above = span.parent;
    const dropped = this.#whyDropped(span);
    if (this.#closed) this.#leaveOut(span, undefined, 'WARN_SPAN_CLOSED', 'its run has ended');
    else if (dropped !== undefined) this.#leaveOut(span, above, 'WARN_SPAN_DROPPED', dropped);
    else {
      this.#openSpans += 1;
      span.trace.spans += 1;
      this.#context.spans.set(span.uuid, span);
      if (above !== undefined) above.children.push(span);
      else this.#roots.add(span);
      noteUnsaved(span);
      this.#saver?.arm();
      if (parent !== undefined && above === undefined) {
        // The parent is already written, so the span becomes a root that refers to it.
        span.reference = toReference(parent);
        span.trace.uuid = parent.trace.uuid;
      }
    }
  }

  /** Returns the limit that a new span exceeds. */
  #whyDropped({ parent, depth, trace }: RecordedSpan): string | undefined {
    const { maxDepth, maxChildren, maxSpans, maxOpenSpans } = this.#context.limits;
    if (parent?.state === 'left-out') return 'its parent is not recorded';
    if (depth > maxDepth) return `it is deeper than ${maxDepth} levels`;
    if (parent !== undefined && parent.children.length >= maxChildren)
      return `its parent has ${maxChildren} children`;
    if (trace.spans >= maxSpans) return `its root has ${maxSpans} spans`;
    return this.#openSpans >= maxOpenSpans ? `${maxOpenSpans} spans are open` : undefined;
  }

  /** Removes a span whose options are invalid, before its function runs. */
  #discard(span: RecordedSpan): void {
    if (span.state !== 'open') return;
    span.state = 'left-out';
    span.trace.unsaved.delete(span);
    span.parent?.children.pop();
    this.#context.spans.delete(span.uuid);
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
    let recorded = above;
    while (recorded?.state === 'left-out') recorded = recorded.parent;
    if (recorded !== undefined) recorded.droppedSpans += 1;
    this.#context.diagnostics.warn(code, `the span ${quote(span.name)} is not recorded: ${reason}`);
  }

  #apply(span: RecordedSpan, { kind, inputs, tags, metadata, session, user }: TraceOptions): void {
    if (session !== undefined) span.addMetadata(SESSION_KEY, session);
    if (user !== undefined) span.addMetadata(USER_KEY, user);
    if (kind !== undefined) span.setKind(kind);
    if (Array.isArray(tags)) {
      for (const tag of tags) span.addTag(tag);
    } else if (tags !== undefined) {
      this.#context.reportMisuse(`tags is ${describe(tags)}, expected an array of strings`, 'Pass an array.');
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
      this.#context.diagnostics.warn('WARN_SPAN_CUT', `the span ${quote(span.name)} has truncated values`);
    }
    if (span.parent === undefined) this.#emit(span);
    else {
      noteUnsaved(span);
      this.#saver?.saveSoon();
    }
  }

  #emit(root: RecordedSpan): void {
    this.#roots.delete(root);
    if (root.reference?.root_uuid !== undefined) {
      this.#context.diagnostics.warn(
        'WARN_SPAN_LATE',
        `the span ${quote(root.name)} ended after its root; it is written separately`,
      );
    }
    root.trace.unsaved.clear();
    const { json, late } = closeTree(root);
    for (const span of late) this.#roots.add(span);
    try {
      this.#options.onSpan(json);
      this.#options.journal?.emitted(json.uuid!);
    } catch (cause) {
      this.#context.diagnostics.warn(
        'WARN_SPAN_LOST',
        `the span ${quote(root.name)} could not be written: ${messageOf(cause)}`,
      );
    }
  }
}

function levelsOf({ children = [] }: SpanJson): number {
  return 1 + children.reduce((most, child) => Math.max(most, levelsOf(child)), 0);
}

/** Fails the span, unless the end of its run has already ended it. */
function failIfOpen(span: RecordedSpan, error: unknown): void {
  if (span.state === 'open') span.fail(error);
}
