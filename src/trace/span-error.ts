/** Describes errors of spans, and converts them to conditions. */

import type { SpanConditionJson, SpanMasker, SpanStatus } from './span.js';
import { cleanText } from './span-mask.js';

type ErrorDescription = {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: ErrorDescription;
};

const MAX_TEXT_LENGTH = 16_384;
const MAX_CAUSES = 8;

/** Describes any thrown value, including the causes of an error. Never throws. */
export function describeError(error: unknown, mask: SpanMasker | undefined, causes = 0): ErrorDescription {
  const clean = (text: string, key: string): string => cleanText(text, key, mask, MAX_TEXT_LENGTH);
  if (!(error instanceof Error)) {
    return {
      type: error === null ? 'null' : typeof error,
      message: clean(read(() => String(error)) ?? 'could not be read', 'message'),
    };
  }
  const code = read(() => (error as { code?: unknown }).code);
  const stack = read(() => error.stack);
  const cause = read(() => error.cause);
  return {
    type: clean(String(read(() => error.name) || read(() => error.constructor.name) || 'Error'), 'type'),
    message: clean(String(read(() => error.message) ?? ''), 'message'),
    ...(typeof code === 'string' || typeof code === 'number' ? { code: clean(String(code), 'code') } : {}),
    ...(typeof stack === 'string' ? { stack: clean(stack, 'stack') } : {}),
    ...(cause === undefined || causes >= MAX_CAUSES ? {} : { cause: describeError(cause, mask, causes + 1) }),
  };
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
