/** `polytrack/integrations/openai`: traces the calls of an OpenAI client, with OpenTelemetry's GenAI attributes. Imports nothing of the client. */

import type { Run } from '../run/run.js';
import type { SpanKind } from '../trace/span.js';
import type { SpanHandle } from '../trace/span-handle.js';

/** Methods of a client that call a model, by their path. */
const METHODS: Readonly<Record<string, readonly [operation: string, kind: SpanKind]>> = {
  'chat.completions.create': ['chat', 'llm'],
  'chat.completions.parse': ['chat', 'llm'],
  'responses.create': ['chat', 'llm'],
  'responses.parse': ['chat', 'llm'],
  'completions.create': ['text_completion', 'llm'],
  'embeddings.create': ['embeddings', 'embedding'],
};

/** The inputs of a span; other parameters are metadata. */
const INPUTS = new Set(['messages', 'input', 'prompt', 'instructions', 'tools']);
const PARAMETERS: Readonly<Record<string, string>> = {
  model: 'gen_ai.request.model',
  temperature: 'gen_ai.request.temperature',
  top_p: 'gen_ai.request.top_p',
  max_tokens: 'gen_ai.request.max_tokens',
  max_completion_tokens: 'gen_ai.request.max_tokens',
  max_output_tokens: 'gen_ai.request.max_tokens',
  frequency_penalty: 'gen_ai.request.frequency_penalty',
  presence_penalty: 'gen_ai.request.presence_penalty',
  seed: 'gen_ai.request.seed',
  stop: 'gen_ai.request.stop_sequences',
  user: 'user.id',
};

type Fields = Readonly<Record<string, unknown>>;

/**
 * Returns a client whose calls of models are spans of `run`, with the prompt, the answer, the model and the tokens; streams included. The
 * client itself does not change.
 */
export function traceOpenAI<Client extends object>(client: Client, run: Run, provider = 'openai'): Client {
  return wrap(client, '', { run, provider }) as Client;
}

interface Target {
  readonly run: Run;
  readonly provider: string;
}

function wrap(target: object, path: string, to: Target): object {
  const wrapped = new Map<string, unknown>();
  return new Proxy(target, {
    get(object, name) {
      // The client's own object as receiver: its classes have private fields.
      const value: unknown = Reflect.get(object, name);
      if (typeof name !== 'string') return value;
      const below = path === '' ? name : `${path}.${name}`;
      const method = METHODS[below];
      const isNode = typeof value === 'object' && value !== null && isBelow(below);
      if (!isNode && (method === undefined || typeof value !== 'function')) return value;
      const known =
        wrapped.get(name) ??
        (isNode ? wrap(value, below, to) : traceMethod(object, value as Call, method!, to));
      wrapped.set(name, known);
      return known;
    },
  });
}

const isBelow = (path: string): boolean => Object.keys(METHODS).some((each) => each.startsWith(`${path}.`));

type Call = (body: Fields, ...rest: unknown[]) => unknown;

function traceMethod(
  object: object,
  call: Call,
  [operation, kind]: readonly [string, SpanKind],
  { run, provider }: Target,
): Call {
  return (body, ...rest) => {
    const given: Fields = typeof body === 'object' && body !== null ? body : {};
    const entries = Object.entries(given);
    const metadata = {
      'gen_ai.operation.name': operation,
      'gen_ai.provider.name': provider,
      ...Object.fromEntries(
        entries.flatMap(([name, value]) =>
          PARAMETERS[name] === undefined ? [] : [[PARAMETERS[name], value]],
        ),
      ),
    };
    const inputs = Object.fromEntries(entries.filter(([name]) => INPUTS.has(name)));
    const traced = run.traced((_inputs: Fields) => Reflect.apply(call, object, [body, ...rest]), {
      name: `${operation} ${String(given.model ?? '')}`.trim(),
      kind,
      metadata,
      textOf: (chunk) => textOf(chunk as Chunk),
      onValue: (value, span) => describeAnswer((value ?? {}) as Answer, span),
    });
    return traced(inputs);
  };
}

interface Chunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly text?: string;
  }[];
  readonly type?: string;
  readonly delta?: string;
}

/** The text of one item of a stream. */
function textOf({ choices, type, delta }: Chunk): string | undefined {
  if (type === 'response.output_text.delta') return delta;
  const [choice] = choices ?? [];
  return choice?.delta?.content ?? choice?.text;
}

interface Usage {
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number };
  readonly input_tokens_details?: { readonly cached_tokens?: number };
}

interface Answer {
  readonly id?: string;
  readonly model?: string;
  readonly usage?: Usage | null;
  readonly choices?: readonly { readonly finish_reason?: string | null }[];
  /** The answer in the last event of a stream of the Responses API. */
  readonly response?: Answer;
}

/** Adds the facts of an answer, or of an item of a stream. */
function describeAnswer({ response, ...answer }: Answer, span: SpanHandle): void {
  const { id, model, usage, choices = [] } = response ?? answer;
  if (typeof id === 'string') span.addMetadata('gen_ai.response.id', id);
  if (typeof model === 'string') span.addMetadata('gen_ai.response.model', model);
  const reasons = choices
    .map((choice) => choice.finish_reason)
    .filter((reason) => typeof reason === 'string');
  if (reasons.length > 0) span.addMetadata('gen_ai.response.finish_reasons', reasons);
  if (usage == null) return;
  const details = usage.prompt_tokens_details ?? usage.input_tokens_details;
  span.setUsage({
    inputTokens: usage.prompt_tokens ?? usage.input_tokens,
    outputTokens: usage.completion_tokens ?? usage.output_tokens,
    cachedInputTokens: details?.cached_tokens,
  });
}
