/** What the model calls of a trace used, as metrics of the run: latency, tokens and cost. */

import { describe } from '../base/describe.js';
import { InvalidArgumentError } from '../base/errors.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import { USAGE_KEYS } from '../trace/gen-ai.js';
import { type JsonRecord, NOTES_KEY, type SpanJson } from '../trace/span.js';

/** Prices of one model, for 1,000,000 tokens. */
export interface ModelPrice {
  readonly input: number;
  readonly output: number;
  /** Of input tokens that came from a cache. Default: the price of input tokens. */
  readonly cachedInput?: number | undefined;
}
const MODEL_PRICE: OptionTable<ModelPrice> = { input: 'number', output: 'number', cachedInput: 'number' };

/** Options of `traceMetrics`. */
export interface TraceMetricsOptions {
  /** The metrics are `<prefix>/latency_s` and so on. Default `traces`. */
  readonly prefix?: string | undefined;
  /** Prices by the name of the model, as its spans have it. Without the price of a model, its spans have no cost unless they say it. */
  readonly prices?: Readonly<Record<string, ModelPrice>> | undefined;
}
const TRACE_METRICS: OptionTable<TraceMetricsOptions> = { prefix: 'string', prices: 'object' };

const MODEL_KEYS = [
  'gen_ai.response.model',
  USAGE_KEYS.model,
  'llm.model_name',
  'ai.response.model',
  'ai.model.id',
];
/** Names of token counts, the first of which counts. Sources: those of otel-kind.ts; `gen_ai.usage.prompt_tokens` is from before semconv 1.27. */
const INPUT_KEYS = [
  USAGE_KEYS.inputTokens,
  'llm.token_count.prompt',
  'gen_ai.usage.prompt_tokens',
  'ai.usage.inputTokens',
  'ai.usage.tokens',
];
const OUTPUT_KEYS = [
  USAGE_KEYS.outputTokens,
  'llm.token_count.completion',
  'gen_ai.usage.completion_tokens',
  'ai.usage.outputTokens',
];
const CACHED_KEYS = [
  USAGE_KEYS.cachedInputTokens,
  'llm.token_count.prompt_details.cache_read',
  'ai.usage.cachedInputTokens',
];

/** Checks the option `traceMetrics`. Undefined: no metrics. Throws `ERR_OPTION_INVALID`. */
export function parseTraceMetrics(
  given: boolean | TraceMetricsOptions | undefined,
): TraceMetricsOptions | undefined {
  if (given === false) return undefined;
  if (given === undefined || given === true) return {};
  checkOptions('traceMetrics', given, TRACE_METRICS);
  for (const [model, price] of Object.entries(given.prices ?? {})) {
    checkOptions(`traceMetrics.prices[${JSON.stringify(model)}]`, price ?? null, MODEL_PRICE);
    for (const value of [price.input, price.output, price.cachedInput ?? 0]) {
      if (typeof value === 'number' && value >= 0) continue;
      throw new InvalidArgumentError(
        'ERR_OPTION_INVALID',
        `traceMetrics: a price of ${JSON.stringify(model)} is ${describe(value)}, expected a number of at least 0`,
        'Pass { input, output } for each model: prices of 1,000,000 tokens.',
      );
    }
  }
  return given;
}

/** Returns the metrics of a trace, by name; none if its spans say nothing of tokens or cost. */
export function toTraceMetrics(
  trace: SpanJson,
  { prefix = 'traces', prices = {} }: TraceMetricsOptions,
): Record<string, number> {
  const calls = modelCalls(trace);
  if (calls.length === 0) return {};
  const isPart = (trace.metadata?.[NOTES_KEY] as JsonRecord | undefined)?.parent_uuid !== undefined;
  const latencies = calls.map(secondsOf).filter((each) => each !== undefined);
  const values: Record<string, number | undefined> = {
    latency_s: isPart ? undefined : secondsOf(trace),
    llm_latency_s: sum(latencies),
    input_tokens: sum(calls.map((call) => numberOf(call, INPUT_KEYS))),
    output_tokens: sum(calls.map((call) => numberOf(call, OUTPUT_KEYS))),
    cost: sum(calls.map((call) => costOf(call, prices))),
  };
  if (values.input_tokens === undefined && values.output_tokens === undefined && values.cost === undefined)
    return {};
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[`${prefix}/${name}`, value]],
    ),
  );
}

/** The innermost spans that call a model. Spans around them repeat their tokens. */
function modelCalls(span: SpanJson): SpanJson[] {
  const below = (span.children ?? []).flatMap(modelCalls);
  if (below.length > 0) return below;
  const isCall = span.kind === 'llm' || span.kind === 'embedding';
  return isCall || numberOf(span, INPUT_KEYS) !== undefined ? [span] : [];
}

function secondsOf({ started_at: start, finished_at: end }: SpanJson): number | undefined {
  if (start === undefined || end === undefined) return undefined;
  return microsOf(end) - microsOf(start);
}

/** ISO text with microseconds, which `Date` rounds. */
function microsOf(iso: string): number {
  const digits = /\.(\d+)/.exec(iso)?.[1] ?? '';
  return Date.parse(iso.replace(/\.\d+/, '')) / 1000 + Number(`0.${digits || '0'}`);
}

function numberOf({ metadata = {} }: SpanJson, keys: readonly string[]): number | undefined {
  const value = keys.map((key) => metadata[key]).find((each) => each !== undefined);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function costOf(call: SpanJson, prices: Readonly<Record<string, ModelPrice>>): number | undefined {
  const given = numberOf(call, [USAGE_KEYS.cost]);
  if (given !== undefined) return given;
  const models = MODEL_KEYS.map((key) => call.metadata?.[key]);
  const model = models.find(
    (each): each is string => typeof each === 'string' && Object.hasOwn(prices, each),
  );
  if (model === undefined) return undefined;
  const { input, output, cachedInput = input } = prices[model]!;
  const cached = numberOf(call, CACHED_KEYS) ?? 0;
  const uncached = (numberOf(call, INPUT_KEYS) ?? 0) - cached;
  return (uncached * input + cached * cachedInput + (numberOf(call, OUTPUT_KEYS) ?? 0) * output) / 1e6;
}

function sum(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((each) => each !== undefined);
  return known.length === 0 ? undefined : known.reduce((total, each) => total + each, 0);
}
