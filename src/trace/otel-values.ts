/**
 * Inputs and outputs of an OpenTelemetry span: which attributes and events hold them, and the objects that flattened attributes
 * (`llm.input_messages.0.message.content`) were made of.
 *
 * Sources: as in otel-kind.ts; events and `gen_ai.prompt.<n>`, `gen_ai.completion.<n>`: GenAI conventions before semconv 1.37.
 */

import type { OtelAttributes, OtelEvent } from './otel-span.js';

export interface OtelValues {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  /** What is neither: the rest of the attributes, by their full names. */
  readonly rest: Readonly<Record<string, unknown>>;
  /** Events that are neither. */
  readonly events: readonly OtelEvent[];
}

type Side = 'inputs' | 'outputs';

/** Attributes, and the name of their value; without a name, objects are taken apart. The first of a name counts. */
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

/** Sorts attributes and events. Values are as they came, except that JSON text is parsed where it stands for inputs or outputs. */
export function sortOtelValues(attributes: OtelAttributes, events: readonly OtelEvent[]): OtelValues {
  const sides = { inputs: new Map<string, unknown>(), outputs: new Map<string, unknown>() };
  const used = new Set<string>(['input.mime_type', 'output.mime_type']);
  for (const [attribute, [side, name]] of Object.entries(ATTRIBUTES)) {
    if (addValue(sides[side], name, side, parseJsonText(attributes[attribute]))) used.add(attribute);
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

/** Whether there was room for the value: no attribute replaces another one. */
function addValue(
  side: Map<string, unknown>,
  name: string | undefined,
  sideName: Side,
  value: unknown,
): boolean {
  if (value === undefined || value === null) return false;
  if (name === undefined && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const entries = Object.entries(value);
    if (entries.some(([key]) => side.has(key))) return false;
    for (const [key, item] of entries) side.set(key, item);
    return true;
  }
  const key = name ?? (sideName === 'inputs' ? 'input' : 'output');
  if (side.has(key)) return false;
  side.set(key, value);
  return true;
}

/** Whether the event holds a message to or from a model. */
function addEvent(sides: Record<Side, Map<string, unknown>>, { name, attributes = {} }: OtelEvent): boolean {
  const role = MESSAGE_EVENT.exec(name)?.[1];
  if (role !== undefined) return append(sides.inputs, 'messages', { role, ...attributes });
  switch (name) {
    case 'gen_ai.choice':
      return append(sides.outputs, 'choices', attributes);
    case 'gen_ai.content.prompt':
      return addValue(sides.inputs, 'prompt', 'inputs', parseJsonText(attributes['gen_ai.prompt']));
    case 'gen_ai.content.completion':
      return addValue(sides.outputs, 'completion', 'outputs', parseJsonText(attributes['gen_ai.completion']));
    case 'gen_ai.client.inference.operation.details': {
      const { inputs, outputs } = sortOtelValues(attributes, []);
      for (const [key, value] of Object.entries(inputs)) addValue(sides.inputs, key, 'inputs', value);
      for (const [key, value] of Object.entries(outputs)) addValue(sides.outputs, key, 'outputs', value);
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

/** Conventions hold objects as JSON text. */
function parseJsonText(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    // Text that only looks like JSON, or was cut by the instrumentation: it is kept as text.
    return value;
  }
}

/** The list whose items were flattened into `<prefix><index>.<path>`; each is taken out of its wrapper where it has one. */
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

/** Arrays where the names are 0, 1, …; objects else. */
function toPlain(tree: unknown): unknown {
  if (!(tree instanceof Map)) return tree;
  const names = [...tree.keys()].sort((a, b) => Number(a) - Number(b));
  if (names.every((name, index) => name === String(index)))
    return names.map((name) => toPlain(tree.get(name)));
  return Object.fromEntries([...tree].map(([name, value]) => [name, toPlain(value)]));
}
