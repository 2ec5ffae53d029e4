/**
 * Finds the inputs and outputs of an OpenTelemetry span in its attributes and events, and restores the objects behind flattened
 * attributes (`llm.input_messages.0.message.content`).
 *
 * Sources: those of otel-kind.ts; events and `gen_ai.prompt.<n>`, `gen_ai.completion.<n>`: GenAI conventions before semconv 1.37.
 */

import type { OtelAttributes, OtelEvent } from './otel-span.js';

interface OtelValues {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  /** All other attributes, by their full names. */
  readonly rest: Readonly<Record<string, unknown>>;
  /** All other events. */
  readonly events: readonly OtelEvent[];
}

type Side = 'inputs' | 'outputs';
type Sides = Readonly<Record<Side, Map<string, unknown>>>;

/** Attributes, and the names of their values. Without a name, the properties of an object are used. The first value of a name is kept. */
const ATTRIBUTES: Readonly<Record<string, readonly [side: Side, name?: string]>> = {
  'input.value': ['inputs'],
  'output.value': ['outputs'],
  'traceloop.entity.input': ['inputs'],
  'traceloop.entity.output': ['outputs'],
  'gen_ai.system_instructions': ['inputs', 'system_instructions'],
  'gen_ai.input.messages': ['inputs', 'messages'],
  'gen_ai.output.messages': ['outputs', 'messages'],
  'gen_ai.prompt': ['inputs', 'prompt'],
  'gen_ai.completion': ['outputs', 'completion'],
  'gen_ai.tool.call.arguments': ['inputs', 'arguments'],
  'gen_ai.tool.call.result': ['outputs', 'result'],
  'gen_ai.retrieval.query.text': ['inputs', 'query'],
  'gen_ai.retrieval.documents': ['outputs', 'documents'],
  'reranker.query': ['inputs', 'query'],
  'ai.prompt': ['inputs'],
  'ai.prompt.messages': ['inputs', 'messages'],
  'ai.response.text': ['outputs', 'text'],
  'ai.response.object': ['outputs', 'object'],
  'ai.response.toolCalls': ['outputs', 'tool_calls'],
  'ai.toolCall.args': ['inputs', 'arguments'],
  'ai.toolCall.result': ['outputs', 'result'],
  'ai.value': ['inputs', 'value'],
  'ai.values': ['inputs', 'values'],
  'ai.embedding': ['outputs', 'embedding'],
  'ai.embeddings': ['outputs', 'embeddings'],
};

/** Prefixes of flattened lists, and the key that each item is wrapped in. */
const LISTS: readonly (readonly [prefix: string, side: Side, name: string, wrapper?: string])[] = [
  ['llm.input_messages.', 'inputs', 'messages', 'message'],
  ['llm.output_messages.', 'outputs', 'messages', 'message'],
  ['llm.prompts.', 'inputs', 'prompts', 'prompt'],
  ['llm.choices.', 'outputs', 'choices', 'completion'],
  ['retrieval.documents.', 'outputs', 'documents', 'document'],
  ['reranker.input_documents.', 'inputs', 'documents', 'document'],
  ['reranker.output_documents.', 'outputs', 'documents', 'document'],
  ['embedding.embeddings.', 'outputs', 'embeddings', 'embedding'],
  ['gen_ai.prompt.', 'inputs', 'messages'],
  ['gen_ai.completion.', 'outputs', 'messages'],
];

const MESSAGE_EVENT = /^gen_ai\.(system|user|assistant|tool)\.message$/;

/** Sorts attributes and events into inputs, outputs and others. Values are unchanged, except that JSON text of inputs and outputs is parsed. */
export function sortOtelValues(attributes: OtelAttributes, events: readonly OtelEvent[]): OtelValues {
  const sides = { inputs: new Map<string, unknown>(), outputs: new Map<string, unknown>() };
  const used = new Set<string>(['input.mime_type', 'output.mime_type']);
  for (const [attribute, [side, name]] of Object.entries(ATTRIBUTES)) {
    if (addValue(sides, side, name, parseJsonText(attributes[attribute]))) used.add(attribute);
  }
  for (const [prefix, side, name, wrapper] of LISTS) {
    const keys = Object.keys(attributes).filter((key) => key.startsWith(prefix));
    if (keys.length === 0 || sides[side].has(name)) continue;
    sides[side].set(name, unflattenList(attributes, keys, prefix, wrapper));
    for (const key of keys) used.add(key);
  }
  const others = events.filter((event) => !addEvent(sides, event));
  return {
    inputs: Object.fromEntries(sides.inputs),
    outputs: Object.fromEntries(sides.outputs),
    rest: Object.fromEntries(Object.entries(attributes).filter(([key]) => !used.has(key))),
    events: others,
  };
}

/** Adds a value. Returns false if the name is already used, because no attribute replaces another one. */
function addValue(sides: Sides, side: Side, name: string | undefined, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  const isNameless = name === undefined && (typeof value !== 'object' || Array.isArray(value));
  const key = isNameless ? (side === 'inputs' ? 'input' : 'output') : name;
  const entries = key === undefined ? Object.entries(value) : [[key, value] as const];
  if (entries.some(([each]) => sides[side].has(each))) return false;
  for (const [each, item] of entries) sides[side].set(each, item);
  return true;
}

/** Adds the message to or from a model that an event contains. Returns false if it contains none. */
function addEvent(sides: Sides, { name, attributes = {} }: OtelEvent): boolean {
  const role = MESSAGE_EVENT.exec(name)?.[1];
  if (role !== undefined) return append(sides.inputs, 'messages', { role, ...attributes });
  switch (name) {
    case 'gen_ai.choice':
      return append(sides.outputs, 'choices', attributes);
    case 'gen_ai.content.prompt':
      return addValue(sides, 'inputs', 'prompt', parseJsonText(attributes['gen_ai.prompt']));
    case 'gen_ai.content.completion':
      return addValue(sides, 'outputs', 'completion', parseJsonText(attributes['gen_ai.completion']));
    case 'gen_ai.client.inference.operation.details': {
      const { inputs, outputs } = sortOtelValues(attributes, []);
      for (const [key, value] of Object.entries(inputs)) addValue(sides, 'inputs', key, value);
      for (const [key, value] of Object.entries(outputs)) addValue(sides, 'outputs', key, value);
      return Object.keys(inputs).length + Object.keys(outputs).length > 0;
    }
    default:
      return false;
  }
}

function append(side: Map<string, unknown>, name: string, item: unknown): boolean {
  const list = side.get(name) ?? [];
  if (!Array.isArray(list)) return false;
  side.set(name, [...list, item]);
  return true;
}

/** Parses JSON text, in which the conventions store objects. Returns any other value unchanged. */
function parseJsonText(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    // The text only looks like JSON, or the instrumentation truncated it. Keep it as text.
    return value;
  }
}

/** Restores a list whose items were flattened into `<prefix><index>.<path>`, and removes the wrapper of each item. */
function unflattenList(
  attributes: OtelAttributes,
  keys: readonly string[],
  prefix: string,
  wrapper: string | undefined,
): unknown {
  const tree = new Map<string, unknown>();
  for (const key of keys) insert(tree, key.slice(prefix.length).split('.'), parseJsonText(attributes[key]));
  const list = toPlain(tree);
  if (wrapper === undefined || !Array.isArray(list)) return list;
  return list.map((item: unknown) =>
    typeof item === 'object' &&
    item !== null &&
    Object.keys(item).length === 1 &&
    Object.hasOwn(item, wrapper)
      ? (item as Record<string, unknown>)[wrapper]
      : item,
  );
}

function insert(tree: Map<string, unknown>, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    if (!(tree.get(name) instanceof Map)) tree.set(name, value);
    return;
  }
  const below = tree.get(name);
  const branch = below instanceof Map ? below : new Map<string, unknown>();
  tree.set(name, branch);
  insert(branch, rest, value);
}

/** Converts a tree to arrays where the names are 0, 1, …, else to objects. */
function toPlain(tree: unknown): unknown {
  if (!(tree instanceof Map)) return tree;
  const names = [...tree.keys()].sort((a, b) => Number(a) - Number(b));
  if (names.every((name, index) => name === String(index)))
    return names.map((name) => toPlain(tree.get(name)));
  return Object.fromEntries([...tree].map(([name, value]) => [name, toPlain(value)]));
}
