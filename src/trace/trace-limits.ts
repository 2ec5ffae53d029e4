/** Limits for the size of a trace. Values beyond a limit are truncated or omitted, counted, and noted in the metadata of the span. */

import { describe } from '../base/describe.js';
import { InvalidArgumentError } from '../base/errors.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import { MAX_SPAN_DEPTH } from './span-json.js';

export interface TraceLimits {
  /** Levels of spans below a root. Default 64, at most 100. */
  readonly maxDepth: number;
  /** Children of one span. Default 1,000. */
  readonly maxChildren: number;
  /** Spans of one root, including the root. Default 10,000. */
  readonly maxSpans: number;
  /** Spans of all roots that are open at the same time. Default 100,000. */
  readonly maxOpenSpans: number;
  /** Characters of one text. Default 65,536. */
  readonly maxTextLength: number;
  /** Characters of the inputs, the outputs or the metadata of one span. Default 262,144. */
  readonly maxValueLength: number;
  /** Characters of a return value that is captured as output. Default 16,384. */
  readonly maxOutputLength: number;
  /** Characters of all the values of one root. Default 8,388,608. */
  readonly maxTraceLength: number;
  /** Items of one array or object. Default 1,000. */
  readonly maxItems: number;
  /** Levels of one value. Default 16, at most 40. */
  readonly maxValueDepth: number;
}

const DEFAULT_LIMITS: TraceLimits = {
  maxDepth: 64,
  maxChildren: 1000,
  maxSpans: 10_000,
  maxOpenSpans: 100_000,
  maxTextLength: 65_536,
  maxValueLength: 262_144,
  maxOutputLength: 16_384,
  maxTraceLength: 8_388_608,
  maxItems: 1000,
  maxValueDepth: 16,
};

const LIMIT_TABLE = Object.fromEntries(
  Object.keys(DEFAULT_LIMITS).map((name) => [name, 'any']),
) as OptionTable<TraceLimits>;

/** Maximum values that Polyaxon's reader accepts; see `MAX_JSON_LEVELS` (base/json-value.ts). */
const HIGHEST: Partial<TraceLimits> = { maxDepth: MAX_SPAN_DEPTH, maxValueDepth: 40 };

/** Returns `limits` with defaults. Throws `ERR_OPTION_INVALID` for an unknown limit, or one that is out of range. */
export function resolveTraceLimits(limits: Partial<TraceLimits> = {}): TraceLimits {
  checkOptions<Partial<TraceLimits>>('limits', limits, LIMIT_TABLE);
  const resolved: Record<string, number> = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(limits)) {
    if (value === undefined) continue;
    const highest = HIGHEST[name as keyof TraceLimits] ?? Number.MAX_SAFE_INTEGER;
    if (!Number.isSafeInteger(value) || value < 1 || value > highest) {
      throw new InvalidArgumentError(
        'ERR_OPTION_INVALID',
        `limits.${name} is ${describe(value)}, expected a whole number from 1 to ${highest}`,
        `Set only limits in their range: ${Object.keys(DEFAULT_LIMITS).join(', ')}.`,
      );
    }
    resolved[name] = value;
  }
  return resolved as unknown as TraceLimits;
}
