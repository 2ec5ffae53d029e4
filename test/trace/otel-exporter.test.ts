/** Passes spans of OpenTelemetry's own SDK through the exporter. */

import { ROOT_CONTEXT, type Span, type SpanOptions, SpanStatusCode, trace } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { BasicTracerProvider, BatchSpanProcessor, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Diagnostics } from '../../src/base/diagnostics.js';
import { PolytrackSpanExporter, type SpanExporterOptions } from '../../src/trace/otel-exporter.js';
import type { OtelExportResult } from '../../src/trace/otel-span.js';
import type { SpanJson } from '../../src/trace/span.js';
import { FakeClock } from '../support/fake-clock.js';
import { notesOf, outline } from './recording.js';

interface Setup {
  readonly exporter: PolytrackSpanExporter;
  readonly spans: SpanJson[];
  readonly diagnostics: Diagnostics;
  readonly clock: FakeClock;
  readonly provider: BasicTracerProvider;
  /** Starts a span with an optional parent. */
  start(name: string, parent?: Span, options?: SpanOptions): Span;
}

function setUp(
  options: Partial<SpanExporterOptions> = {},
  toProcessor: (exporter: SpanExporter) => SpanProcessor = (exporter) => new SimpleSpanProcessor(exporter),
): Setup {
  const spans: SpanJson[] = [];
  const clock = new FakeClock();
  const diagnostics = new Diagnostics({ onWarning: () => undefined });
  const exporter = new PolytrackSpanExporter({
    onSpan: (span) => spans.push(span),
    clock,
    diagnostics,
    ...options,
  });
  const provider = new BasicTracerProvider({ spanProcessors: [toProcessor(exporter)] });
  const tracer = provider.getTracer('instrumentation', '1.2');
  const start = (name: string, parent?: Span, spanOptions?: SpanOptions): Span =>
    tracer.startSpan(
      name,
      spanOptions,
      parent === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, parent),
    );
  return { exporter, spans, diagnostics, clock, provider, start };
}

/** Exports one span with these attributes, and returns it as written. */
function convert(
  attributes: Record<string, unknown>,
  change: (span: Span) => void = () => undefined,
): SpanJson {
  const { spans, start } = setUp();
  const span = start('call', undefined, { attributes: attributes as never });
  change(span);
  span.end();
  return spans[0]!;
}

describe('PolytrackSpanExporter', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  it('writes a root with its descendants, in the order of their start', () => {
    const { spans, start } = setUp();

    const root = start('root', undefined, { startTime: [1_704_164_645, 0] });
    const second = start('second', root, { startTime: [1_704_164_647, 0] });
    const first = start('first', root, { startTime: [1_704_164_646, 0] });
    start('inner', first).end();
    second.end();
    first.end();
    expect(spans).toEqual([]);
    root.end([1_704_164_649, 123_456_789]);

    expect(spans.map(outline)).toEqual(['root(first(inner),second)']);
    expect(spans[0]).toMatchObject({
      uuid: expect.stringMatching(/^[0-9a-f]{32}$/),
      started_at: '2024-01-02T03:04:05+00:00',
      finished_at: '2024-01-02T03:04:09.123457+00:00',
      status: 'succeeded',
      metadata: {
        otel: {
          trace_id: root.spanContext().traceId,
          span_id: root.spanContext().spanId,
          kind: 'internal',
          scope: 'instrumentation',
          scope_version: '1.2',
        },
        resource: { 'telemetry.sdk.name': 'opentelemetry' },
      },
    });
    expect(spans[0]!.children![0]!.metadata).toMatchObject({
      otel: { parent_span_id: root.spanContext().spanId },
    });
    expect(spans[0]!.children![0]!.metadata!.resource).toBeUndefined();
    expect(Object.keys(spans[0]!)).toEqual([
      'uuid',
      'name',
      'started_at',
      'finished_at',
      'status',
      'metadata',
      'children',
    ]);
  });

  it('keeps traces separate for any order and batches of their spans', () => {
    const anyParents = fc.array(fc.nat(), { maxLength: 12 });
    fc.assert(
      fc.property(
        fc.array(anyParents, { minLength: 1, maxLength: 4 }),
        fc.infiniteStream(fc.nat()),
        fc.integer({ min: 1, max: 5 }),
        (traces, random, batchSize) => {
          const collected: ReadableSpan[] = [];
          const { exporter, spans, diagnostics } = setUp();
          const collector: SpanExporter = {
            export: (batch) => void collected.push(...batch),
            shutdown: async () => undefined,
          };
          const { start } = setUp({}, () => new SimpleSpanProcessor(collector));
          const expected = new Map<string, string>();
          for (const [index, parents] of traces.entries()) {
            const all = [start(`${index}`)];
            for (const parent of parents) {
              const above = parent % all.length;
              expected.set(`${index}.${all.length}`, above === 0 ? `${index}` : `${index}.${above}`);
              all.push(start(`${index}.${all.length}`, all[above]));
            }
            for (const span of all.reverse()) span.end();
          }
          // Roots end last in every processor; all other spans are in any order.
          const shuffled = collected
            .map((span) => ({
              span,
              key: span.parentSpanContext === undefined ? 2 ** 32 : random.next().value,
            }))
            .sort((a, b) => a.key - b.key)
            .map(({ span }) => span);
          const results: OtelExportResult[] = [];
          for (let at = 0; at < shuffled.length; at += batchSize) {
            exporter.export(shuffled.slice(at, at + batchSize), (result) => results.push(result));
          }

          const found = new Map<string, string>();
          const visit = (span: SpanJson): void => {
            for (const child of span.children ?? []) {
              found.set(child.name!, span.name!);
              visit(child);
            }
          };
          for (const span of spans) visit(span);
          expect(spans.map(({ name }) => name).sort()).toEqual(traces.map((_, index) => `${index}`).sort());
          expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
          expect(results.every(({ code }) => code === 0)).toBe(true);
          expect(diagnostics.counts).toEqual({});
        },
      ),
      { numRuns: 100 },
    );
  });

  it('works with a batch processor', async () => {
    vi.useRealTimers();
    const { spans, provider, start } = setUp({}, (exporter) => new BatchSpanProcessor(exporter));

    const root = start('root');
    for (let index = 0; index < 1000; index += 1) start(`child ${index}`, root).end();
    root.end();
    await provider.forceFlush();

    expect(spans.length).toBe(1);
    expect(spans[0]!.children!.length).toBe(1000);
    await provider.shutdown();
  });

  it('writes spans that arrive after their root as separate trees, after a timeout', () => {
    const { spans, diagnostics, clock, start } = setUp({ waitForLateMs: 5000 });

    const root = start('root');
    const late = start('late', root);
    root.end();
    start('below', late).end();
    late.end();
    expect(spans.length).toBe(1);
    clock.seconds += 10;
    vi.advanceTimersByTime(5000);

    expect(spans.map(outline)).toEqual(['root', 'late(below)']);
    expect(notesOf(spans[1])).toEqual({ parent_uuid: spans[0]!.uuid, root_uuid: spans[0]!.uuid });
    expect(diagnostics.counts).toEqual({ WARN_SPAN_LATE: 1 });
  });

  it('waits longer for a root than for the parents of late spans', () => {
    const { spans, diagnostics, clock, start } = setUp({ waitForLateMs: 1000, waitForRootMs: 60_000 });

    const root = start('root');
    start('child', root).end();
    clock.seconds += 59;
    vi.advanceTimersByTime(2000);
    expect(spans).toEqual([]);
    clock.seconds += 2;
    vi.advanceTimersByTime(2000);

    expect(spans.map(outline)).toEqual(['child']);
    expect(diagnostics.counts).toEqual({ WARN_SPAN_ORPHANED: 1 });
    root.end();
    expect(notesOf(spans[0])).toEqual({ parent_uuid: spans[1]!.uuid });
  });

  it('keeps open traces together at forceFlush, and writes spans whose root is written', async () => {
    const { spans, diagnostics, provider, start } = setUp();

    const [one, other] = [start('request 1'), start('request 2')];
    const late = start('late', one);
    start('a', one).end();
    start('b', other).end();
    one.end();
    start('below', late).end();
    await provider.forceFlush();
    expect(spans.map(outline)).toEqual(['request 1(a)', 'below']);
    start('c', other).end();
    other.end();

    expect(spans.map(outline)).toEqual(['request 1(a)', 'below', 'request 2(b,c)']);
    expect(diagnostics.counts).toEqual({ WARN_SPAN_LATE: 1 });
  });

  it('writes everything at shutdown, and rejects later exports', async () => {
    const { spans, exporter, provider, start } = setUp();

    const root = start('root');
    start('first', root).end();
    start('second', root).end();
    await provider.shutdown();
    expect(spans.map(outline)).toEqual(['first', 'second']);

    const results: OtelExportResult[] = [];
    exporter.export([], (result) => results.push(result));
    await exporter.shutdown();
    expect(results).toEqual([{ code: 1, error: expect.objectContaining({ code: 'ERR_CLOSED' }) }]);
  });

  it('buffers at most maxBufferedSpans spans, and drops none', () => {
    const { spans, diagnostics, start } = setUp({ maxBufferedSpans: 2 });

    const [first, second] = [start('first'), start('second')];
    start('a', first).end();
    start('b', second).end();
    start('c', second).end();
    second.end();
    first.end();

    expect(spans.map(outline)).toEqual(['a', 'second(b,c)', 'first']);
    expect(notesOf(spans[0])).toEqual({ parent_uuid: spans[2]!.uuid });
    expect(diagnostics.counts).toEqual({ WARN_SPAN_ORPHANED: 1 });
  });

  it('writes trees that are too deep in parts', () => {
    const { spans, diagnostics, start } = setUp({ limits: { maxDepth: 2 } });

    const all = [start('0')];
    for (let depth = 1; depth <= 6; depth += 1) all.push(start(String(depth), all.at(-1)));
    for (const span of all.reverse()) span.end();

    expect(spans.map(outline)).toEqual(['0(1(2))', '3(4(5))', '6']);
    expect(notesOf(spans[1])).toEqual({
      parent_uuid: spans[0]!.children![0]!.children![0]!.uuid,
      root_uuid: spans[0]!.uuid,
    });
    expect(diagnostics.counts).toEqual({ WARN_SPAN_SPLIT: 2 });
  });

  it('does not wait for a parent in another process', () => {
    const { spans, start } = setUp();
    const remote = trace.wrapSpanContext({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: 1,
      isRemote: true,
    });

    const server = start('server', remote);
    start('inner', server).end();
    server.end();

    expect(spans.map(outline)).toEqual(['server(inner)']);
    expect(notesOf(spans[0])).toEqual({ parent_uuid: expect.stringMatching(/^[0-9a-f]{32}$/) });
  });

  it('accepts spans of version 1 of the SDK, and spans that are their own parents', async () => {
    const { spans, exporter } = setUp();
    const old = (name: string, spanId: string, parentSpanId?: string) => ({
      name,
      kind: 2,
      spanContext: () => ({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId }),
      parentSpanId,
      startTime: [1_704_164_645, 0] as const,
      endTime: [1_704_164_646, 0] as const,
      status: { code: 0 },
      attributes: {},
      links: [],
      events: [],
      instrumentationLibrary: { name: 'old' },
    });

    const results: OtelExportResult[] = [];
    exporter.export([old('child', 'b', 'a'), old('root', 'a')], (result) => results.push(result));
    exporter.export([old('x', 'c', 'd'), old('y', 'd', 'c')], (result) => results.push(result));
    await exporter.forceFlush();

    expect(results).toEqual([{ code: 0 }, { code: 0 }]);
    expect(spans.map(outline)).toEqual(['root(child)', 'x(y)']);
    expect(spans[0]!.metadata!.otel).toMatchObject({ kind: 'client', scope: 'old' });
  });

  it('fails an export with spans that cannot be read or written, and writes the others', async () => {
    const { exporter, spans, diagnostics, start, provider } = setUp({
      onSpan: (span) => {
        if (span.name === 'bad') throw new Error('disk full');
        spans.push(span);
      },
    });
    const results: OtelExportResult[] = [];

    exporter.export([{} as never], (result) => results.push(result));
    const bad = start('bad');
    bad.end();
    start('good').end();
    await expect(provider.forceFlush()).rejects.toBeDefined();

    expect(results).toEqual([{ code: 1, error: expect.any(Error) }]);
    expect(spans.map(outline)).toEqual(['good']);
    expect(diagnostics.counts).toEqual({ WARN_SPAN_LOST: 2 });
  });

  it('does not keep the process alive', () => {
    vi.useRealTimers();
    const { start } = setUp();
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();

    start('child', start('root')).end();

    expect(timers()).toBe(before);
  });

  it.each([
    { maxBufferedSpans: 0 },
    { waitForRootMs: -1 },
    { waitForLateMs: 1.5 },
    { limits: { maxDepth: 0 } },
  ])('rejects %o', (options) => {
    expect(() => setUp(options)).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
  });
});

describe('attributes', () => {
  it.each([
    ['openinference.span.kind', 'LLM', 'llm'],
    ['openinference.span.kind', 'RERANKER', 'retriever'],
    ['openinference.span.kind', 'GUARDRAIL', 'chain'],
    ['gen_ai.operation.name', 'chat', 'llm'],
    ['gen_ai.operation.name', 'embeddings', 'embedding'],
    ['gen_ai.operation.name', 'execute_tool', 'tool'],
    ['gen_ai.operation.name', 'invoke_agent', 'agent'],
    ['gen_ai.operation.name', 'retrieval', 'retriever'],
    ['gen_ai.operation.name', 'constructor', undefined],
    ['ai.operationId', 'ai.streamText.doStream', 'llm'],
    ['ai.operationId', 'ai.toolCall', 'tool'],
    ['traceloop.span.kind', 'workflow', 'chain'],
    ['llm.request.type', 'rerank', 'retriever'],
    ['http.request.method', 'GET', undefined],
  ])('%s=%s is the kind %s', (attribute, value, kind) => {
    expect(convert({ [attribute]: value }).kind).toBe(kind);
  });

  it('of OpenInference become inputs, outputs, tags and metadata', () => {
    const span = convert({
      'openinference.span.kind': 'LLM',
      'input.value': '{"question": "why?"}',
      'input.mime_type': 'application/json',
      'output.value': 'because',
      'llm.input_messages.0.message.role': 'system',
      'llm.input_messages.0.message.content': 'be brief',
      'llm.input_messages.1.message.role': 'user',
      'llm.input_messages.1.message.tool_calls.0.tool_call.function.name': 'search',
      'llm.output_messages.0.message.content': 'because',
      'llm.token_count.total': 12,
      'tag.tags': ['a', 'b'],
    });

    expect(span).toMatchObject({
      kind: 'llm',
      tags: ['a', 'b'],
      inputs: {
        question: 'why?',
        messages: [
          { role: 'system', content: 'be brief' },
          { role: 'user', tool_calls: [{ tool_call: { function: { name: 'search' } } }] },
        ],
      },
      outputs: { output: 'because', messages: [{ content: 'because' }] },
      metadata: { 'openinference.span.kind': 'LLM', 'llm.token_count.total': 12 },
    });
    expect(Object.keys(span.metadata!).filter((key) => /messages|value|mime/.test(key))).toEqual([]);
  });

  it.each([
    [
      "OpenTelemetry's GenAI conventions",
      {
        'gen_ai.input.messages': '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]',
        'gen_ai.output.messages': '[{"role":"assistant","parts":[]}]',
        'gen_ai.system_instructions': '[{"type":"text","content":"be brief"}]',
      },
      {
        inputs: {
          messages: [{ role: 'user', parts: [{ type: 'text', content: 'hi' }] }],
          system_instructions: [{ type: 'text', content: 'be brief' }],
        },
        outputs: { messages: [{ role: 'assistant', parts: [] }] },
      },
    ],
    [
      'older GenAI conventions',
      {
        'gen_ai.prompt.0.role': 'user',
        'gen_ai.prompt.0.content': 'hi',
        'gen_ai.completion.0.content': 'ho',
      },
      { inputs: { messages: [{ role: 'user', content: 'hi' }] }, outputs: { messages: [{ content: 'ho' }] } },
    ],
    [
      'tools',
      { 'gen_ai.tool.call.arguments': '{"city":"Rome"}', 'gen_ai.tool.call.result': 'sunny' },
      { inputs: { arguments: { city: 'Rome' } }, outputs: { result: 'sunny' } },
    ],
    [
      'Traceloop',
      { 'traceloop.entity.input': '{"args":[1]}', 'traceloop.entity.output': '[2]' },
      { inputs: { args: [1] }, outputs: { output: [2] } },
    ],
    [
      "Vercel's AI SDK",
      { 'ai.prompt': '{"prompt":"hi"}', 'ai.response.text': 'ho', 'ai.response.toolCalls': '[]' },
      { inputs: { prompt: 'hi' }, outputs: { text: 'ho', tool_calls: [] } },
    ],
    [
      'retrievals',
      { 'retrieval.documents.0.document.content': 'a', 'retrieval.documents.1.document.score': 0.5 },
      { outputs: { documents: [{ content: 'a' }, { score: 0.5 }] } },
    ],
  ])('of %s become inputs and outputs', (_, attributes, expected) => {
    expect(convert(attributes)).toMatchObject(expected);
  });

  it('for the same value are both kept: the first as the value, the other as metadata', () => {
    const span = convert({ 'gen_ai.input.messages': '["a"]', 'ai.prompt.messages': '["b"]' });

    expect(span.inputs).toEqual({ messages: ['a'] });
    expect(span.metadata!['ai.prompt.messages']).toBe('["b"]');
  });

  it('that only look like JSON are kept as text', () => {
    expect(convert({ 'input.value': '{"a": ' }).inputs).toEqual({ input: '{"a": ' });
  });

  it('with hostile names neither fail nor change prototypes', () => {
    const span = convert({
      'llm.input_messages.__proto__.polluted': 'yes',
      'llm.input_messages.99999999999.message': 'far',
      'gen_ai.prompt.0': 'text',
      'gen_ai.prompt.0.role': 'user',
      constructor: 'c',
    });

    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(span.metadata!.constructor).toBe('c');
    expect(JSON.stringify(span.inputs)).toContain('far');
  });
});

describe('events, status and links', () => {
  it('turns exceptions of a failed span into conditions', () => {
    const span = convert({}, (otelSpan) => {
      otelSpan.recordException(new TypeError('no such tool'), [1_704_164_645, 0]);
      otelSpan.setStatus({ code: SpanStatusCode.ERROR, message: 'failed' });
    });

    expect(span).toMatchObject({
      status: 'failed',
      status_conditions: [
        {
          type: 'failed',
          status: true,
          reason: 'TypeError',
          message: 'no such tool',
          last_update_time: '2024-01-02T03:04:05+00:00',
          meta_info: { stack: expect.stringContaining('otel-exporter.test') },
        },
      ],
      metadata: { otel: { status_message: 'failed' } },
    });
  });

  it('adds a condition for a failure without an exception, and a warning for an exception without a failure', () => {
    const failed = convert({ 'error.type': '429' }, (span) => {
      span.setStatus({ code: SpanStatusCode.ERROR, message: 'too many requests' });
    });
    const handled = convert({}, (span) => span.recordException(new Error('handled')));

    expect(failed.status_conditions).toMatchObject([
      { type: 'failed', reason: '429', message: 'too many requests' },
    ]);
    expect(handled).toMatchObject({
      status: 'succeeded',
      status_conditions: [{ type: 'warning', message: 'handled' }],
    });
  });

  it('turns messages in events into inputs and outputs, and lists other events', () => {
    const span = convert({}, (otelSpan) => {
      otelSpan.addEvent('gen_ai.user.message', { content: 'hi' });
      otelSpan.addEvent('gen_ai.choice', { index: 0, message: 'ho' });
      otelSpan.addEvent('gen_ai.client.inference.operation.details', {
        'gen_ai.system_instructions': '["brief"]',
      });
      otelSpan.addEvent('retry', { guard: 2 }, [1_704_164_645, 0]);
      otelSpan.addEvent('gen_ai.content.prompt');
    });

    expect(span).toMatchObject({
      inputs: { messages: [{ role: 'user', content: 'hi' }], system_instructions: ['brief'] },
      outputs: { choices: [{ index: 0, message: 'ho' }] },
      metadata: {
        events: [
          { name: 'retry', time: '2024-01-02T03:04:05+00:00', attributes: { guard: 2 } },
          { name: 'gen_ai.content.prompt' },
        ],
      },
    });
  });

  it('records the target spans of links', () => {
    const { spans, start } = setUp();
    const cause = start('cause');
    cause.end();
    start('effect', undefined, {
      links: [{ context: cause.spanContext(), attributes: { why: 'retry' } }],
    }).end();

    expect(spans[1]!.metadata!.links).toEqual([
      {
        trace_id: cause.spanContext().traceId,
        span_id: cause.spanContext().spanId,
        uuid: spans[0]!.uuid,
        attributes: { why: 'retry' },
      },
    ]);
  });

  it('masks and truncates values, but does not mask ids', () => {
    const { spans, diagnostics, start } = setUp({
      mask: (text) => (/^[0-9a-f]{16,}$/.test(text) ? '***' : text.replaceAll('hunter2', '***')),
      limits: { maxTextLength: 100, maxItems: 5 },
    });
    const span = start('call', undefined, {
      attributes: {
        'input.value': 'hunter2',
        token: 'hunter2',
        long: 'x'.repeat(200),
        'tag.tags': ['hunter2'],
      },
    });
    span.addEvent('e', { a: 'hunter2' });
    span.recordException(new Error('hunter2'));
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'hunter2' });
    span.end();

    expect(JSON.stringify(spans)).not.toContain('hunter2');
    expect(spans[0]!.metadata!.otel).toMatchObject({ trace_id: span.spanContext().traceId });
    expect(notesOf(spans[0])).toMatchObject({ cut_values: 1 });
    expect(diagnostics.counts).toEqual({ WARN_SPAN_CUT: 1 });
  });
});
