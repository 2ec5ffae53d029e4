/** Recorded spans beside those of OpenTelemetry's own SDK. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Context,
  type ContextManager,
  context,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { build } from 'esbuild';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { PolytrackSpanExporter } from '../../src/trace/otel-exporter.js';
import type { SpanJson } from '../../src/trace/span.js';
import { toSpanJson } from '../../src/trace/span-json.js';
import { createTempDir } from '../support/temp-dir.js';
import { notesOf, outline, type Recording, startRecording } from './recording.js';

/** The context manager of @opentelemetry/context-async-hooks in short. */
class AsyncContextManager implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    fn: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(active, () => fn.apply(self, args));
  }

  bind<T>(_: Context, target: T): T {
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#storage.disable();
    return this;
  }
}

interface Setup extends Recording {
  /** What another exporter of OpenTelemetry sees. */
  readonly seen: (name: string) => ReadableSpan;
  readonly names: () => string[];
  readonly provider: BasicTracerProvider;
  readonly exporter: PolytrackSpanExporter;
}

interface Options {
  readonly hasManager?: boolean;
  readonly isGlobal?: boolean;
  readonly toProcessor?: (exporter: SpanExporter) => SpanProcessor;
}

/** A tracer of a run, and OpenTelemetry whose spans go into the same run. */
function setUp({ hasManager = true, isGlobal = true, toProcessor }: Options = {}): Setup {
  // The SDK has no other clock.
  const recording = startRecording({ clock: systemClock });
  const others = new InMemorySpanExporter();
  // As `run.logTrace` does it.
  const exporter = new PolytrackSpanExporter({
    onSpan: (span) => {
      const json = toSpanJson(span);
      if (!recording.tracer.addOtelTree(json)) recording.spans.push(json);
    },
    diagnostics: recording.diagnostics,
  });
  const toSimple = (each: SpanExporter): SpanProcessor => new SimpleSpanProcessor(each);
  const provider = new BasicTracerProvider({
    spanProcessors: [toSimple(others), (toProcessor ?? toSimple)(exporter)],
  });
  if (hasManager) context.setGlobalContextManager(new AsyncContextManager());
  if (isGlobal) trace.setGlobalTracerProvider(provider);
  return {
    ...recording,
    seen: (name) => others.getFinishedSpans().find((span) => span.name === name)!,
    names: () => others.getFinishedSpans().map(({ name }) => name),
    provider,
    exporter,
  };
}

const sdkTracer = ({ provider }: Setup) => provider.getTracer('an instrumented SDK');

/** Calls an SDK that is instrumented with OpenTelemetry. */
function call<T>(setup: Setup, name: string, fn: () => Promise<T> | T): Promise<T> {
  return sdkTracer(setup).startActiveSpan(name, async (span) => {
    await Promise.resolve();
    try {
      return await fn();
    } finally {
      span.end();
    }
  });
}

function otelOf(span: SpanJson | undefined): unknown {
  return span?.metadata?.otel;
}

describe('with an active context of OpenTelemetry', () => {
  afterEach(() => {
    context.disable();
    trace.disable();
  });

  it.each([true, false])(
    'spans of an instrumented SDK are children of the recorded span (global provider: %s)',
    async (isGlobal) => {
      const setup = setUp({ isGlobal });

      const result = await setup.tracer.trace('turn', async () => {
        await call(setup, 'chat', () => call(setup, 'http', () => undefined));
        return setup.tracer.trace('tool', () => call(setup, 'query', () => 'rows'));
      });

      expect(result).toBe('rows');
      expect(setup.spans.map(outline)).toEqual(['turn(chat(http),tool(query))']);
      const [turn] = setup.spans;
      const [, tool] = turn!.children!;
      expect(otelOf(turn)).toEqual({
        trace_id: setup.seen('chat').spanContext().traceId,
        span_id: setup.seen('chat').parentSpanContext?.spanId,
      });
      expect(otelOf(tool)).toEqual({
        trace_id: setup.seen('query').spanContext().traceId,
        span_id: setup.seen('query').parentSpanContext?.spanId,
        parent_span_id: setup.seen('chat').parentSpanContext?.spanId,
      });
      expect(notesOf(turn!.children![0])).toBeUndefined();
    },
  );

  it('exporters see recorded spans between those of OpenTelemetry, with failures and without values', async () => {
    const setup = setUp();
    const error = new Error('no answer');

    await call(setup, 'request', async () => {
      await setup.tracer
        .trace('turn', { inputs: { question: 'why' } }, async () => {
          await call(setup, 'chat', () => undefined);
          throw error;
        })
        .catch(() => undefined);
    });

    const [request, turn, chat] = ['request', 'turn', 'chat'].map(setup.seen);
    expect(setup.names()).toEqual(['chat', 'turn', 'request']);
    expect(turn!.parentSpanContext?.spanId).toBe(request!.spanContext().spanId);
    expect(chat!.parentSpanContext?.spanId).toBe(turn!.spanContext().spanId);
    expect(new Set([request, turn, chat].map((span) => span!.spanContext().traceId)).size).toBe(1);
    expect(turn!.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no answer' });
    expect(turn!.attributes).toEqual({});
  });

  it.each([true, false])(
    'a recorded span names the OpenTelemetry span that it is in (global provider: %s)',
    async (isGlobal) => {
      const setup = setUp({ isGlobal });

      await call(setup, 'request', () => setup.tracer.trace('turn', () => 1));

      // Each is the root of a tree, because its parent ends later.
      expect(setup.spans.map(outline)).toEqual(['turn', 'request']);
      const [turn, request] = setup.spans;
      expect(notesOf(turn)).toEqual({ parent_uuid: request!.uuid });
      expect(otelOf(turn)).toMatchObject({
        trace_id: setup.seen('request').spanContext().traceId,
        parent_span_id: setup.seen('request').spanContext().spanId,
      });
      expect(setup.diagnostics.counts).toEqual({});
    },
  );

  it('spans of both sides alternate in one tree', async () => {
    const setup = setUp();

    await setup.tracer.trace('a', () =>
      call(setup, 'B', () =>
        setup.tracer.trace('c', () => call(setup, 'D', () => setup.tracer.trace('e', () => undefined))),
      ),
    );

    expect(setup.spans.map(outline)).toEqual(['a(B(c(D(e))))']);
    const parents = ['B', 'c', 'D', 'e'].map((name) => setup.seen(name).parentSpanContext?.spanId);
    expect(parents).toEqual(['a', 'B', 'c', 'D'].map((name) => setup.seen(name).spanContext().spanId));
  });

  it('spans that arrive after the recorded span is written name it', async () => {
    const setup = setUp({ toProcessor: (exporter) => new BatchSpanProcessor(exporter) });

    await setup.tracer.trace('turn', () => call(setup, 'chat', () => undefined));
    expect(setup.spans.map(outline)).toEqual(['turn']);
    await setup.provider.forceFlush();

    expect(setup.spans.map(outline)).toEqual(['turn', 'chat']);
    expect(notesOf(setup.spans[1])).toEqual({
      parent_uuid: setup.spans[0]!.uuid,
      root_uuid: setup.spans[0]!.uuid,
    });
  });

  it('explicit parents and roots apply to both sides', async () => {
    const setup = setUp();

    const first = setup.tracer.startSpan('first');
    await setup.tracer.trace('second', () => {
      setup.tracer.trace('below first', { parent: first }, () => undefined);
      setup.tracer.trace('root', { parent: null }, () => undefined);
    });
    first.run(() => sdkTracer(setup).startSpan('sdk').end());
    first.end();

    expect(setup.spans.map(outline)).toEqual(['root', 'second', 'first(below first,sdk)']);
    const idOf = (name: string) => setup.seen(name).spanContext().spanId;
    expect(setup.seen('below first').parentSpanContext?.spanId).toBe(idOf('first'));
    expect(setup.seen('sdk').parentSpanContext?.spanId).toBe(idOf('first'));
    expect(setup.seen('root').parentSpanContext).toBeUndefined();
  });

  it('items of a traced stream are read within its span', async () => {
    const setup = setUp();

    const stream = setup.tracer.traceStream('stream', {}, async function* () {
      yield await call(setup, 'chat', () => 'a');
      yield await call(setup, 'chat', () => 'b');
    });
    for await (const _ of stream) expect(trace.getActiveSpan()).toBeUndefined();

    expect(setup.spans.map(outline)).toEqual(['stream(chat,chat)']);
  });

  it('a failing provider does not change the traced code', () => {
    const setup = setUp({ isGlobal: false });
    const fail = (): never => {
      throw new Error('broken');
    };
    trace.setGlobalTracerProvider({ getTracer: fail });

    expect(setup.tracer.trace('turn', () => 1)).toBe(1);
    expect(setup.spans.map(outline)).toEqual(['turn']);
    expect(otelOf(setup.spans[0])).toBeUndefined();
  });

  it('spans beyond the limits are written separately', async () => {
    const setup = setUp();
    const maxChildren = 1000;

    await setup.tracer.trace('turn', async () => {
      for (let i = 0; i <= maxChildren; i += 1) sdkTracer(setup).startSpan('chat').end();
    });

    const [extra, turn] = setup.spans;
    expect(turn!.children).toHaveLength(maxChildren);
    expect(notesOf(extra)).toMatchObject({ parent_uuid: turn!.uuid });
  });
});

describe('without a context manager of OpenTelemetry', () => {
  afterEach(() => trace.disable());

  it('a span that ends within a recorded span is below it', async () => {
    const setup = setUp({ hasManager: false });

    await setup.tracer.trace('turn', async () => {
      const span = sdkTracer(setup).startSpan('chat');
      await Promise.resolve();
      span.end();
    });
    sdkTracer(setup).startSpan('alone').end();

    expect(setup.spans.map(outline)).toEqual(['turn(chat)', 'alone']);
    expect(otelOf(setup.spans[0])).toBeUndefined();
    expect(notesOf(setup.spans[1])).toBeUndefined();
    expect(setup.names()).toEqual(['chat', 'alone']);
  });
});

describe('a bundled program', () => {
  it('joins the context of the API in the bundle', async () => {
    const directory = createTempDir();
    const source = join(directory, 'program.mts');
    const at = (path: string): string => JSON.stringify(join(import.meta.dirname, '../..', path));
    writeFileSync(
      source,
      `import { trace, context } from ${at('node_modules/@opentelemetry/api/build/esm/index.js')};
       import { AsyncLocalStorage } from 'node:async_hooks';
       import { createTracer } from ${at('src/trace/tracer.ts')};
       const storage = new AsyncLocalStorage();
       const { ROOT_CONTEXT } = await import(${at('node_modules/@opentelemetry/api/build/esm/index.js')});
       context.setGlobalContextManager({
         active: () => storage.getStore() ?? ROOT_CONTEXT,
         with: (active, fn, self, ...args) => storage.run(active, () => fn.apply(self, args)),
         bind: (_, target) => target, enable() { return this; }, disable() { return this; },
       });
       const clock = { wallTime: () => 1, monotonicMs: () => 1 };
       const tracer = createTracer({ clock, diagnostics: { warn() {} }, onSpan: (span) => console.log(span.metadata.otel.span_id) });
       tracer.trace('turn', () => console.log(trace.getActiveSpan().spanContext().spanId));`,
    );
    const outfile = join(directory, 'program.mjs');
    await build({
      entryPoints: [source],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      minify: true,
    });

    const [active, written] = execFileSync(process.execPath, [outfile], { encoding: 'utf8' }).split('\n');

    expect(active).toMatch(/^[0-9a-f]{16}$/);
    expect(written).toBe(active);
  });
});
