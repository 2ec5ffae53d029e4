/**
 * Names for what spans say of models, users and quality: those of OpenTelemetry's GenAI conventions, and where they have none, of OpenInference.
 *
 * Sources: open-telemetry/semantic-conventions-genai (`gen_ai.usage.*`, `gen_ai.*.model`, event `gen_ai.evaluation.result`); OpenTelemetry's
 * registry (`session.id`, `user.id`); @arizeai/openinference-semantic-conventions 2.12 (`llm.cost.total`).
 */

import type { OptionTable } from '../base/options.js';

/** What a call of a model used. */
export interface SpanUsage {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  /** Those of the input tokens that came from a cache. */
  readonly cachedInputTokens?: number | undefined;
  /** In the currency of your price table. */
  readonly cost?: number | undefined;
  readonly model?: string | undefined;
  /** As in OpenTelemetry: `openai`, `anthropic`, `aws.bedrock`, … */
  readonly provider?: string | undefined;
}
export const SPAN_USAGE: OptionTable<SpanUsage> = {
  inputTokens: 'number',
  outputTokens: 'number',
  cachedInputTokens: 'number',
  cost: 'number',
  model: 'string',
  provider: 'string',
};

export interface ScoreOptions {
  /** The score as a word, such as `correct`. */
  readonly label?: string | undefined;
  readonly explanation?: string | undefined;
}
export const SCORE_OPTIONS: OptionTable<ScoreOptions> = { label: 'string', explanation: 'string' };

/** Where each field of a usage is in the metadata of a span. */
export const USAGE_KEYS: Readonly<Record<keyof SpanUsage, string>> = {
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cachedInputTokens: 'gen_ai.usage.cache_read.input_tokens',
  cost: 'llm.cost.total',
  model: 'gen_ai.request.model',
  provider: 'gen_ai.provider.name',
};

export const SESSION_KEY = 'session.id';
export const USER_KEY = 'user.id';

/** The name of the event of a score. */
export const SCORE_EVENT = 'gen_ai.evaluation.result';

export function toScoreAttributes(
  name: string,
  value: number,
  { label, explanation }: ScoreOptions,
): Record<string, unknown> {
  return {
    'gen_ai.evaluation.name': name,
    'gen_ai.evaluation.score.value': value,
    ...(label === undefined ? {} : { 'gen_ai.evaluation.score.label': label }),
    ...(explanation === undefined ? {} : { 'gen_ai.evaluation.explanation': explanation }),
  };
}
