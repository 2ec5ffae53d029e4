/** Holds the inputs, outputs or metadata of one span while it is recorded, as JSON of limited size. */

import type { JsonValue } from '../base/json-value.js';
import { ValueDescriber } from './describe-value.js';
import type { JsonRecord, SpanMasker } from './span.js';
import type { TraceLimits } from './trace-limits.js';

/** Counts the size of all values of one trace. */
export interface TraceBudget {
  /** Number of characters in the values of all its spans. */
  length: number;
}

export interface ValueCounts {
  cut: number;
  described: number;
}

/** The key of a return value that has no names. */
const OUTPUT_KEY = 'output';

export class SpanValues {
  readonly #values = new Map<string, JsonValue>();
  #length = 0;

  constructor(
    readonly limits: TraceLimits,
    readonly mask: SpanMasker | undefined,
    readonly counts: ValueCounts,
  ) {}

  get size(): number {
    return this.#values.size;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  set(key: string, value: unknown, budget: TraceBudget): void {
    if (this.#values.size >= this.limits.maxItems && !this.#values.has(key)) this.counts.cut += 1;
    else this.#values.set(key.toWellFormed(), this.describe(value, key, budget));
  }

  setAll(record: Readonly<Record<string, unknown>>, budget: TraceBudget): void {
    for (const key of keysOf(record)) {
      let value: unknown;
      try {
        value = record[key];
      } catch (cause) {
        value = cause;
      }
      this.set(key, value, budget);
    }
  }

  /** Sets the properties of an object, or any other value as `output`; at most `maxOutputLength` characters. */
  capture(value: unknown, budget: TraceBudget): void {
    const json = this.describe(value, OUTPUT_KEY, budget, this.limits.maxOutputLength);
    if (typeof json !== 'object' || json === null || Array.isArray(json)) this.#values.set(OUTPUT_KEY, json);
    else for (const [key, item] of Object.entries(json)) this.#values.set(key, item);
  }

  /** Sets a small JSON value that contains nothing to mask. */
  setJson(key: string, json: JsonValue): void {
    this.#values.set(key, json);
  }

  toJson(): JsonRecord {
    return Object.fromEntries(this.#values);
  }

  /** Returns the JSON of a value without storing it. Its size is counted. */
  describe(
    value: unknown,
    key: string,
    budget: TraceBudget,
    maxLength = this.limits.maxValueLength,
  ): JsonValue {
    const { maxValueLength, maxTraceLength } = this.limits;
    const left = Math.min(maxLength, maxValueLength - this.#length, maxTraceLength - budget.length);
    const describer = new ValueDescriber(this.limits, Math.max(0, left), this.mask);
    const json = describer.describe(value, key);
    this.#length += describer.length;
    budget.length += describer.length;
    this.counts.cut += describer.cut;
    this.counts.described += describer.described;
    return json;
  }
}

/** Returns no keys of a proxy that refuses to list them. */
function keysOf(record: object): string[] {
  try {
    return Object.keys(record);
  } catch {
    return [];
  }
}
