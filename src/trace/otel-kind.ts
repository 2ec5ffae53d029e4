/**
 * Finds the kind of an OpenTelemetry span, from the conventions of instrumentations for LLM programs.
 *
 * Sources: OpenTelemetry's GenAI conventions 0.1 (`gen_ai.operation.name`); @arizeai/openinference-semantic-conventions 2.12
 * (`openinference.span.kind`) and @arizeai/openinference-vercel 2.8 (`ai.operationId` of Vercel's AI SDK);
 * @traceloop/ai-semantic-conventions 0.27 (`traceloop.span.kind`, `llm.request.type`).
 */

import type { OtelAttributes } from './otel-span.js';
import type { SpanKind } from './span.js';

/** Attributes about the span itself precede those about the call in it. Values are compared in lower case. */
const KINDS: readonly (readonly [attribute: string, kinds: Readonly<Record<string, SpanKind>>])[] = [
  [
    'openinference.span.kind',
    {
      llm: 'llm',
      embedding: 'embedding',
      chain: 'chain',
      retriever: 'retriever',
      reranker: 'retriever',
      tool: 'tool',
      agent: 'agent',
      guardrail: 'chain',
      evaluator: 'chain',
      prompt: 'chain',
      decision: 'llm',
    },
  ],
  [
    'gen_ai.operation.name',
    {
      chat: 'llm',
      text_completion: 'llm',
      generate_content: 'llm',
      fetch_response: 'llm',
      embeddings: 'embedding',
      retrieval: 'retriever',
      search_memory: 'retriever',
      execute_tool: 'tool',
      create_agent: 'agent',
      invoke_agent: 'agent',
      invoke_workflow: 'chain',
      plan: 'chain',
    },
  ],
  [
    'ai.operationId',
    {
      'ai.generatetext': 'agent',
      'ai.generatetext.dogenerate': 'llm',
      'ai.streamtext': 'agent',
      'ai.streamtext.dostream': 'llm',
      'ai.generateobject': 'agent',
      'ai.generateobject.dogenerate': 'llm',
      'ai.streamobject': 'agent',
      'ai.streamobject.dostream': 'llm',
      'ai.embed': 'chain',
      'ai.embed.doembed': 'embedding',
      'ai.embedmany': 'chain',
      'ai.embedmany.doembed': 'embedding',
      'ai.toolcall': 'tool',
    },
  ],
  [
    'traceloop.span.kind',
    { workflow: 'chain', task: 'chain', agent: 'agent', tool: 'tool', session: 'chain' },
  ],
  [
    'llm.request.type',
    { chat: 'llm', completion: 'llm', rerank: 'retriever', embedding: 'embedding', embeddings: 'embedding' },
  ],
];

/** Returns the kind that the attributes name; undefined if they name none. */
export function toSpanKind(attributes: OtelAttributes): SpanKind | undefined {
  for (const [attribute, kinds] of KINDS) {
    const value = attributes[attribute];
    const name = typeof value === 'string' ? value.toLowerCase() : '';
    if (Object.hasOwn(kinds, name)) return kinds[name];
  }
  return undefined;
}
