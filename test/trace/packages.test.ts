/** Spans of real packages, beside those of `run.trace`: Vercel's AI SDK, OpenAI's client, LangChain.js. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeListChatModel } from '@langchain/core/utils/testing';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { generateText, simulateReadableStream, stepCountIs, streamText, tool } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { traceOpenAI } from '../../src/integrations/openai.js';
import { Run } from '../../src/run/run.js';
import { PolytrackSpanExporter } from '../../src/trace/otel-exporter.js';
import type { SpanJson } from '../../src/trace/span.js';
import { readTraceparent } from '../../src/trace/traceparent.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';
import { readSpans } from './read-spans.js';
import { outline } from './recording.js';

const USAGE = {
  inputTokens: { total: 12, noCache: 12, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 3, text: 3, reasoning: 0 },
};

let run: Run;

beforeEach(() => {
  const prices = { 'mock-1': { input: 2, output: 10 } };
  run = new Run({ root: createTempDir(), formats: ['polyaxon'], traceMetrics: { prices }, ...NO_CAPTURE });
  const exporter = new PolytrackSpanExporter({ run });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
});

afterEach(() => {
  context.disable();
  trace.disable();
});

async function endedTraces(): Promise<SpanJson[]> {
  await run.end();
  return readSpans(run);
}

describe("Vercel's AI SDK", () => {
  const textModel = (): MockLanguageModelV3 =>
    new MockLanguageModelV3({
      modelId: 'mock-1',
      doGenerate: async () => ({
        content: [{ type: 'text', text: 'because' }],
        finishReason: { unified: 'stop', raw: 'stop' },
        usage: USAGE,
        warnings: [],
      }),
    });
  const ask = (prompt: string) =>
    generateText({ model: textModel(), prompt, experimental_telemetry: { isEnabled: true } });

  it('nests under run.trace, also in Promise.all, with tokens, cost and latency as metrics', async () => {
    await run.trace('agent', { session: 's-1', user: 'u-1' }, () =>
      Promise.all([run.trace('left', () => ask('why?')), run.trace('right', () => ask('how?'))]),
    );

    const [agent] = await endedTraces();
    expect(outline(agent!)).toBe(
      'agent(left(ai.generateText(ai.generateText.doGenerate)),right(ai.generateText(ai.generateText.doGenerate)))',
    );
    expect(agent!.metadata).toMatchObject({ 'session.id': 's-1', 'user.id': 'u-1' });
    const [call] = agent!.children![0]!.children![0]!.children!;
    expect(call).toMatchObject({
      kind: 'llm',
      metadata: { 'gen_ai.usage.input_tokens': 12, 'gen_ai.request.model': 'mock-1' },
    });
    expect(run.record.outputs).toMatchObject({
      traces__input_tokens: 24,
      traces__output_tokens: 6,
      traces__cost: (24 * 2 + 6 * 10) / 1e6,
      traces__latency_s: expect.any(Number),
    });
  });

  it('has run.trace below it, in its tools', async () => {
    const model = new MockLanguageModelV3({
      doGenerate: [
        {
          content: [{ type: 'tool-call', toolCallId: 'c-1', toolName: 'search', input: '{"query":"why"}' }],
          finishReason: { unified: 'tool-calls', raw: 'tool_calls' },
          usage: USAGE,
          warnings: [],
        },
        {
          content: [{ type: 'text', text: 'because' }],
          finishReason: { unified: 'stop', raw: 'stop' },
          usage: USAGE,
          warnings: [],
        },
      ],
    });
    const { jsonSchema } = await import('ai');
    const search = tool({
      inputSchema: jsonSchema<{ query: string }>({
        type: 'object',
        properties: { query: { type: 'string' } },
      }),
      execute: ({ query }) => run.trace('search', { kind: 'retriever' }, async () => [query]),
    });

    await run.trace('agent', () =>
      generateText({
        model,
        tools: { search },
        prompt: 'why?',
        stopWhen: stepCountIs(3),
        experimental_telemetry: { isEnabled: true },
      }),
    );

    expect((await endedTraces()).map(outline)).toEqual([
      'agent(ai.generateText(ai.generateText.doGenerate,ai.toolCall(search),ai.generateText.doGenerate))',
    ]);
  });

  it('nests when its stream ends early', async () => {
    const model = new MockLanguageModelV3({
      doStream: async () => ({
        stream: simulateReadableStream({
          chunks: [
            { type: 'text-start' as const, id: '1' },
            ...['a', 'b', 'c'].map((delta) => ({ type: 'text-delta' as const, id: '1', delta })),
            { type: 'text-end' as const, id: '1' },
            {
              type: 'finish' as const,
              finishReason: { unified: 'stop' as const, raw: 'stop' },
              usage: USAGE,
            },
          ],
        }),
      }),
    });
    const stream = run.traced(async function* tokens() {
      yield* streamText({ model, prompt: 'why?', experimental_telemetry: { isEnabled: true } }).textStream;
    });

    await run.trace('agent', async () => {
      for await (const _ of stream()) break;
    });

    const [agent, ...others] = await endedTraces();
    expect(agent).toMatchObject({ name: 'agent', children: [{ name: 'tokens', status: 'stopped' }] });
    for (const other of others)
      expect(other.metadata!.polytrack).toMatchObject({ parent_uuid: expect.any(String) });
  });
});

describe("OpenAI's client", () => {
  let server: Server;
  let seen: (string | undefined)[];

  beforeEach(async () => {
    seen = [];
    server = createServer(async (request, response) => {
      seen.push(readTraceparent(request.headers));
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const { stream, model } = JSON.parse(body) as { stream?: boolean; model: string };
      const usage = {
        prompt_tokens: 9,
        completion_tokens: 2,
        total_tokens: 11,
        prompt_tokens_details: { cached_tokens: 4 },
      };
      if (model === 'bad') {
        response.writeHead(429, {
          'content-type': 'application/json',
          'x-request-id': 'r-1',
          'x-should-retry': 'false',
        });
        response.end('{"error":{"message":"slow down"}}');
      } else if (request.url === '/v1/embeddings') {
        response.setHeader('content-type', 'application/json');
        response.end(
          JSON.stringify({
            object: 'list',
            model,
            data: [{ index: 0, object: 'embedding', embedding: [1, 2] }],
            usage: { prompt_tokens: 5, total_tokens: 5 },
          }),
        );
      } else if (stream === true) {
        response.setHeader('content-type', 'text/event-stream');
        const base = { id: 'c-1', object: 'chat.completion.chunk', model };
        for (const content of ['be', 'cause'])
          response.write(
            `data: ${JSON.stringify({ ...base, choices: [{ index: 0, delta: { content } }] })}\n\n`,
          );
        response.end(`data: ${JSON.stringify({ ...base, choices: [], usage })}\n\ndata: [DONE]\n\n`);
      } else {
        response.setHeader('content-type', 'application/json');
        response.end(
          JSON.stringify({
            id: 'c-1',
            object: 'chat.completion',
            model,
            choices: [
              { index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'because' } },
            ],
            usage,
          }),
        );
      }
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => {
      server.close();
    });
  });

  const connect = (): OpenAI => {
    const { port } = server.address() as AddressInfo;
    return traceOpenAI(
      new OpenAI({ apiKey: 'sk-none', baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 }),
      run,
    );
  };
  const messages = [{ role: 'user' as const, content: 'why?' }];

  it('gives spans with the current GenAI attributes, and keeps its own results', async () => {
    const client = connect();

    await run.trace('agent', async () => {
      const completion = await client.chat.completions.create({ model: 'mock-1', messages, temperature: 0 });
      expect(completion.choices[0]!.message.content).toBe('because');
      const { data, response } = await client.chat.completions
        .create({ model: 'mock-1', messages })
        .withResponse();
      expect([data.id, response.status]).toEqual(['c-1', 200]);
      await client.embeddings.create({ model: 'mock-1', input: 'why?', encoding_format: 'float' });
    });

    const [agent] = await endedTraces();
    expect(agent!.children!.map(({ name, kind, status }) => [name, kind, status])).toEqual([
      ['chat mock-1', 'llm', 'succeeded'],
      ['chat mock-1', 'llm', 'succeeded'],
      ['embeddings mock-1', 'embedding', 'succeeded'],
    ]);
    expect(agent!.children![0]).toMatchObject({
      inputs: { messages },
      metadata: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': 'mock-1',
        'gen_ai.request.temperature': 0,
        'gen_ai.response.id': 'c-1',
        'gen_ai.response.model': 'mock-1',
        'gen_ai.response.finish_reasons': ['stop'],
        'gen_ai.usage.input_tokens': 9,
        'gen_ai.usage.output_tokens': 2,
        'gen_ai.usage.cache_read.input_tokens': 4,
      },
    });
    expect(run.record.outputs).toMatchObject({ traces__input_tokens: 23, traces__output_tokens: 4 });
  });

  it('records streams, read to their end or not, and errors', async () => {
    const client = connect();
    const body = {
      model: 'mock-1',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    } as const;

    let text = '';
    for await (const chunk of await client.chat.completions.create(body))
      text += chunk.choices[0]?.delta.content ?? '';
    for await (const _ of await client.chat.completions.create(body)) break;
    await expect(client.chat.completions.create({ model: 'bad', messages })).rejects.toThrow('slow down');

    expect(text).toBe('because');
    const [failed, whole, early] = await endedTraces();
    expect(whole).toMatchObject({
      outputs: { output: 'because' },
      metadata: { 'gen_ai.usage.output_tokens': 2 },
    });
    expect(early).toMatchObject({ status: 'stopped', outputs: { output: 'be' } });
    expect(failed).toMatchObject({
      status: 'failed',
      metadata: { error: { details: { status: 429, requestID: 'r-1' } } },
    });
  });

  it('passes the trace on to another process in a header', async () => {
    const client = connect();

    await run.trace('agent', (span) =>
      client.chat.completions.create(
        { model: 'mock-1', messages },
        { headers: { traceparent: span.traceparent } },
      ),
    );

    const [agent] = await endedTraces();
    const { trace_id, span_id } = agent!.metadata!.otel as Record<string, string>;
    expect(seen).toEqual([`00-${trace_id}-${span_id}-01`]);
  });
});

describe('LangChain.js', () => {
  it('nests in both directions', async () => {
    const model = new FakeListChatModel({ responses: ['because', 'thus'] });
    const ask = run.traced((question: string) => model.invoke(question), { name: 'ask', kind: 'llm' });
    const { RunnableLambda } = await import('@langchain/core/runnables');
    const chain = RunnableLambda.from((question: string) => ask(question)).pipe((answer) =>
      run.trace('parse', () => answer.content),
    );

    const answers = await run.trace('agent', () => Promise.all([chain.invoke('why?'), chain.invoke('how?')]));

    expect(new Set(answers)).toEqual(new Set(['because', 'thus']));
    const [agent] = await endedTraces();
    expect(agent!.children!.map(({ name }) => name).toSorted()).toEqual(['ask', 'ask', 'parse', 'parse']);
  });
});
