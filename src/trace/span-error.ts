/** Describes errors of spans, and converts them to conditions. */

import type { JsonValue } from '../base/json-value.js';
import type { JsonRecord, SpanConditionJson, SpanMasker, SpanStatus } from './span.js';
import { cleanText } from './span-mask.js';

type ErrorDescription = {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  /** Other facts that the error has: HTTP status, request id, and so on. */
  readonly details?: JsonRecord;
  readonly stack?: string;
  readonly cause?: ErrorDescription;
  /** The errors of an `AggregateError`. */
  readonly errors?: readonly ErrorDescription[];
};

const MAX_TEXT_LENGTH = 16_384;
/** Number of causes and of errors in an `AggregateError`, in all. */
const MAX_INNER_ERRORS = 16;
const MAX_FACTS = 32;
const MAX_FACT_LENGTH = 2048;
/** Properties that are described elsewhere. */
const NO_FACTS = new Set(['name', 'message', 'stack', 'code']);
/** Objects whose facts are included: bodies of responses, metadata of AWS. Not requests and headers, which hold credentials. */
const NESTED_FACTS = /^(?:error|response|body|data|details|\$metadata|\$response)$/;

/** Describes any thrown value, including the causes of an error. Never throws. */
export function describeError(
  error: unknown,
  mask: SpanMasker | undefined,
  inner = { left: MAX_INNER_ERRORS },
): ErrorDescription {
  const clean = (text: unknown, key: string): string =>
    cleanText(read(() => String(text)) ?? 'could not be read', key, mask, MAX_TEXT_LENGTH);
  if ((typeof error !== 'object' && typeof error !== 'function') || error === null) {
    return { type: error === null ? 'null' : typeof error, message: clean(error, 'message') };
  }
  const get = (key: string): unknown => read(() => (error as Record<string, unknown>)[key]);
  const describeInner = (each: unknown): ErrorDescription[] => {
    inner.left -= 1;
    return inner.left < 0 ? [] : [describeError(each, mask, inner)];
  };
  const [message, code, stack, cause, errors] = [
    get('message'),
    get('code'),
    get('stack'),
    get('cause'),
    get('errors'),
  ];
  const details = describeFacts(error, mask, 0);
  const [causes, parts] = [
    cause === undefined || cause === null ? [] : describeInner(cause),
    read(() => (Array.isArray(errors) ? errors.slice(0, MAX_INNER_ERRORS).flatMap(describeInner) : [])) ?? [],
  ];
  const hasMessage = typeof message === 'string' && (message !== '' || typeof stack === 'string');
  return {
    type: clean(typeOf(error), 'type'),
    message: hasMessage ? clean(message, 'message') : clean(textOf(error, details), 'message'),
    ...(typeof code === 'string' || typeof code === 'number' ? { code: clean(code, 'code') } : {}),
    ...(Object.keys(details).length > 0 ? { details } : {}),
    ...(typeof stack === 'string' ? { stack: clean(stack, 'stack') } : {}),
    ...(causes[0] === undefined ? {} : { cause: causes[0] }),
    ...(parts.length > 0 ? { errors: parts } : {}),
  };
}

/** Returns the name of an error; that of its class if it inherits the name, as with errors of the OpenAI SDK. */
function typeOf(error: object): string {
  const name = read(() => (error as Error).name);
  const { name: className, prototype } = (read(() => error.constructor) ?? {}) as {
    name?: string;
    prototype?: object;
  };
  const isOwn = read(() => Object.hasOwn(error, 'name') || Object.hasOwn(prototype ?? {}, 'name')) ?? true;
  const names = isOwn ? [name, className] : [className, name];
  const found = names.find((each) => typeof each === 'string' && each !== '');
  return found === undefined || found === 'Object' ? 'object' : found;
}

/** Returns the text of a thrown object without a message. */
function textOf(error: object, details: JsonRecord): string {
  const text = read(() => String(error));
  if (text !== undefined && !text.startsWith('[object ')) return text;
  return Object.keys(details).length > 0 ? JSON.stringify(details) : (text ?? 'could not be read');
}

/** Returns the texts, numbers and booleans among the properties of an error. */
function describeFacts(value: object, mask: SpanMasker | undefined, depth: number): JsonRecord {
  const facts: [string, JsonValue][] = [];
  const names = read(() => Object.keys(value)) ?? [];
  // Properties of the class `Response`.
  if (depth > 0) names.push('status', 'statusText');
  for (const name of new Set(names)) {
    if (facts.length >= MAX_FACTS) break;
    if (depth === 0 && NO_FACTS.has(name)) continue;
    const fact = read(() => (value as Record<string, unknown>)[name]);
    if (typeof fact === 'string') facts.push([name, cleanText(fact, name, mask, MAX_FACT_LENGTH)]);
    else if (typeof fact === 'boolean' || (typeof fact === 'number' && Number.isFinite(fact)))
      facts.push([name, fact]);
    else if (typeof fact === 'object' && fact !== null && depth < 2 && NESTED_FACTS.test(name)) {
      const nested = describeFacts(fact, mask, depth + 1);
      if (Object.keys(nested).length > 0) facts.push([name, nested]);
    }
  }
  return Object.fromEntries(facts);
}

/** Returns the condition for an error. `time`: ISO text, if known. */
export function toErrorCondition(
  { type, message }: ErrorDescription,
  time: string | undefined,
  status: SpanStatus = 'failed',
): SpanConditionJson {
  return {
    type: status,
    status: true,
    reason: type,
    message,
    ...(time === undefined ? {} : { last_update_time: time, last_transition_time: time }),
  };
}

/** Catches errors, because the getters of a thrown value may throw. */
function read<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
