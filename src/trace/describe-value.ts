/**
 * Converts any value of a recorded span to JSON. Describes values that JSON cannot hold in square brackets, truncates values that are
 * too large, and counts both. Never throws, consumes an iterator or awaits a promise.
 */

import { types } from 'node:util';
import { messageOf } from '../base/errors.js';
import type { JsonValue } from '../base/json-value.js';
import { toWellFormedText } from '../base/well-formed-text.js';
import type { SpanMasker } from './span.js';
import { describeError } from './span-error.js';
import type { TraceLimits } from './trace-limits.js';

/** Number of characters beyond the limit that the masker receives, so that a secret at the limit is complete. */
const MASK_OVERLAP = 4096;
/** Length that is counted for a number, a brace or a comma. */
const TOKEN_LENGTH = 8;

type ValueLimits = Pick<TraceLimits, 'maxTextLength' | 'maxItems' | 'maxValueDepth'>;

export class ValueDescriber {
  /** Characters written so far. */
  length = 0;
  /** Number of truncated texts, arrays and objects. */
  cut = 0;
  /** Number of values that JSON cannot hold. */
  described = 0;
  readonly #parents: object[] = [];

  /** `maxLength` limits the characters written by all calls together. */
  constructor(
    readonly limits: ValueLimits,
    readonly maxLength: number,
    readonly mask: SpanMasker | undefined,
  ) {}

  /** Returns the JSON of `value`. The masker receives `key` as its name. */
  describe(value: unknown, key: string): JsonValue {
    switch (typeof value) {
      case 'string':
        return this.#text(value, key);
      case 'undefined':
        return this.#token(null);
      case 'boolean':
        return this.#token(value);
      case 'number':
        // JSON has no negative zero.
        return this.#token(Number.isFinite(value) ? value + 0 : String(value));
      case 'bigint':
        return this.#token(Number.isSafeInteger(Number(value)) ? Number(value) : String(value));
      case 'symbol':
        return this.#bracket(String(value));
      case 'function':
      case 'object':
        return value === null ? this.#token(null) : this.#guarded(value, key);
    }
  }

  /** Catches errors, because getters, proxies and `toJSON` of the caller may throw. */
  #guarded(value: object, key: string): JsonValue {
    const depth = this.#parents.length;
    try {
      return this.#object(value, key);
    } catch (cause) {
      return this.#bracket(`unreadable: ${this.#text(messageOf(cause), key)}`);
    } finally {
      this.#parents.length = depth;
    }
  }

  #object(value: object, key: string): JsonValue {
    if (typeof value === 'function') return this.#bracket(`function ${value.name}`.trim());
    if (this.#parents.includes(value)) return this.#bracket('circular');
    if (this.#parents.length >= this.limits.maxValueDepth || this.length >= this.maxLength) {
      this.cut += 1;
      return this.#token(`[… ${className(value)}]`);
    }
    this.#parents.push(value);
    const json = this.#container(value, key);
    this.#parents.pop();
    return json;
  }

  #container(value: object, key: string): JsonValue {
    if (Array.isArray(value)) return this.#array(value, key);
    if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return this.#binary(value, key);
    if (types.isNativeError(value) || value instanceof Error) {
      return this.describe(describeError(value, undefined), key);
    }
    if (types.isDate(value)) {
      return Number.isNaN(value.getTime()) ? this.#bracket('Invalid Date') : this.#token(value.toISOString());
    }
    if (value instanceof Map) return this.#map(value, key);
    if (value instanceof Set) return this.#array([...value], key);
    if (types.isRegExp(value)) return this.#text(String(value), key);
    if ('toJSON' in value && typeof value.toJSON === 'function') {
      return this.describe(value.toJSON(key), key);
    }
    if (isOpaque(value)) return this.#bracket(className(value));
    const names = Object.keys(value);
    return this.#entries(names, (name) => (value as Record<string, unknown>)[name]);
  }

  #array(items: ArrayLike<unknown>, key: string): JsonValue {
    const json: JsonValue[] = [];
    for (let index = 0; index < items.length; index += 1) {
      if (index >= this.limits.maxItems || this.length >= this.maxLength) {
        this.cut += 1;
        json.push(`[… ${items.length - index} more]`);
        break;
      }
      json.push(this.describe(items[index], key));
    }
    return json;
  }

  #entries(names: readonly string[], get: (name: string) => unknown): JsonValue {
    const entries: [string, JsonValue][] = [];
    for (const name of names) {
      if (entries.length >= this.limits.maxItems || this.length >= this.maxLength) {
        this.cut += 1;
        entries.push(['…', `[… ${names.length - entries.length} more]`]);
        break;
      }
      this.length += name.length;
      entries.push([this.#name(name), this.#property(name, get)]);
    }
    return Object.fromEntries(entries);
  }

  /** Catches the error of a getter, so that the other properties are still recorded. */
  #property(name: string, get: (name: string) => unknown): JsonValue {
    let value: unknown;
    try {
      value = get(name);
    } catch (cause) {
      return this.#bracket(`unreadable: ${messageOf(cause)}`);
    }
    return this.describe(value, name);
  }

  #map(map: ReadonlyMap<unknown, unknown>, key: string): JsonValue {
    const byName = new Map([...map].map(([name, item]) => [String(name), item]));
    const named = [...map.keys()].every((name) => typeof name !== 'object' && typeof name !== 'function');
    if (named && byName.size === map.size)
      return this.#entries([...byName.keys()], (name) => byName.get(name));
    return this.#array([...map], key);
  }

  #binary(value: ArrayBufferView | ArrayBufferLike, key: string): JsonValue {
    const isNumbers =
      types.isTypedArray(value) && !(value instanceof Uint8Array) && !(value instanceof Uint8ClampedArray);
    if (isNumbers) return this.#array(value as ArrayLike<unknown>, key);
    return this.#bracket(`${className(value)} of ${value.byteLength} bytes`);
  }

  #text(text: string, key: string): string {
    const most = Math.max(0, Math.min(this.limits.maxTextLength, this.maxLength - this.length));
    const head = text.length > most + MASK_OVERLAP ? text.slice(0, most + MASK_OVERLAP) : text;
    const masked = toWellFormedText(this.mask === undefined ? head : this.mask(head, key)).text;
    const left = text.length - head.length + Math.max(0, masked.length - most);
    if (left === 0) {
      this.length += masked.length + TOKEN_LENGTH;
      return masked;
    }
    this.cut += 1;
    // Do not split a surrogate pair.
    const end = masked.codePointAt(most - 1)! > 0xffff ? most - 1 : most;
    this.length += end + TOKEN_LENGTH;
    return `${masked.slice(0, end)}[… ${left} more characters]`;
  }

  #name(name: string): string {
    const { maxTextLength } = this.limits;
    if (name.length > maxTextLength) this.cut += 1;
    return toWellFormedText(name.slice(0, maxTextLength)).text;
  }

  #bracket(description: string): string {
    this.described += 1;
    this.length += description.length;
    return `[${description}]`;
  }

  #token<T extends JsonValue>(value: T): T {
    this.length += TOKEN_LENGTH;
    return value;
  }
}

/** Whether the object's content is not in its properties, or would be consumed by reading. */
function isOpaque(value: object): boolean {
  return (
    types.isPromise(value) ||
    value instanceof WeakMap ||
    value instanceof WeakSet ||
    Symbol.asyncIterator in value ||
    Symbol.iterator in value
  );
}

function className(value: object): string {
  if (Array.isArray(value)) return `${value.length} items`;
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  const name: unknown = value.constructor?.name;
  return tag === 'Object' && typeof name === 'string' && name !== '' ? name : tag;
}
