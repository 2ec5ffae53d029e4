/**
 * Finds the kind of an OpenTelemetry span, from the conventions of instrumentations for LLM programs.
 *
 * Sources: OpenTelemetry's GenAI conventions 0.1 (`gen_ai.operation.name`); @arizeai/openinference-semantic-conventions 2.12
 * (`openinference.span.kind`) and @arizeai/openinference-vercel 2.8 (`ai.operationId` of Vercel's AI SDK);
 * @traceloop/ai-semantic-conventions 0.27 (`traceloop.span.kind`, `llm.request.type`).
 */

import type { OtelAttributes } from './otel-span.js';
import { SPAN_KINDS, type SpanKind } from './span.js';

/** Attributes about the span itself precede those about the call in it. Values are compared in lower case. */
const KINDS: readonly (readonly [attribute: string, values: Partial<Record<SpanKind, string>>])[] = [
  [
    'openinference.span.kind',
    {
      llm: 'llm decision',
      embedding: 'embedding',
      chain: 'chain guardrail evaluator prompt',
      retriever: 'retriever reranker',
      tool: 'tool',
      agent: 'agent',
    },
  ],
  [
    'gen_ai.operation.name',
    {
      llm: 'chat text_completion generate_content fetch_response',
      embedding: 'embeddings',
      retriever: 'retrieval search_memory',
      tool: 'execute_tool',
      agent: 'create_agent invoke_agent',
      chain: 'invoke_workflow plan',
    },
  ],
  [
    'ai.operationId',
    {
      agent: 'ai.generatetext ai.streamtext ai.generateobject ai.streamobject',
      llm: 'ai.generatetext.dogenerate ai.streamtext.dostream ai.generateobject.dogenerate ai.streamobject.dostream',
      chain: 'ai.embed ai.embedmany',
      embedding: 'ai.embed.doembed ai.embedmany.doembed',
      tool: 'ai.toolcall',
    },
  ],
  ['traceloop.span.kind', { chain: 'workflow task session', agent: 'agent', tool: 'tool' }],
  ['llm.request.type', { llm: 'chat completion', retriever: 'rerank', embedding: 'embedding embeddings' }],
];

/** Returns the kind that the attributes name; undefined if they name none. */
export function toSpanKind(attributes: OtelAttributes): SpanKind | undefined {
  for (const [attribute, values] of KINDS) {
    const value = attributes[attribute];
    if (typeof value !== 'string') continue;
    const found = SPAN_KINDS.find((kind) => values[kind]?.split(' ').includes(value.toLowerCase()));
    if (found !== undefined) return found;
  }
  return undefined;
}
