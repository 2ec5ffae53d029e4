/**
 * Limits for what a store answers, so that a broken or hostile store costs no memory or time without end. Everything that reads from a store
 * goes through them: each read names its limit, and each listing must advance.
 */

import { ObjectTooLargeError, StoreAnswerError } from '../../base/errors.js';
import { OutcomeError } from '../../base/retry-table.js';
import type { ReadOptions } from './store.js';

/** The largest answer that is held in memory: a page of a listing, or an error. A page of 5,000 objects has about 2 MiB. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** Some stores return empty pages while they skip deleted objects. */
const MAX_EMPTY_PAGES = 1000;
/** More objects do not fit into memory. */
const MAX_OBJECTS = 20_000_000;

/** The largest number of bytes that a read may return. */
export function toMaxBytes({ range, maxBytes }: ReadOptions): number {
  return range === undefined ? maxBytes : Math.max(0, range.end - range.start);
}

/** Passes on the bytes of an object. Ends the read and throws `OutcomeError` at the first piece beyond the limit. */
export async function* boundRead(
  key: string,
  pieces: AsyncIterable<Uint8Array>,
  options: ReadOptions,
): AsyncGenerator<Uint8Array> {
  const maxBytes = toMaxBytes(options);
  let sizeBytes = 0;
  for await (const piece of pieces) {
    sizeBytes += piece.length;
    if (sizeBytes > maxBytes)
      throw new OutcomeError({ status: 'failed', error: new ObjectTooLargeError(key, maxBytes) });
    yield piece;
  }
}

/** Returns the error for an answer that is larger than `MAX_ANSWER_BYTES`. */
export function toTooLargeAnswer(): StoreAnswerError {
  return new StoreAnswerError(`the store sent an answer of more than ${MAX_ANSWER_BYTES} bytes`);
}

/** Ends a listing that would never end: its server repeats a page, or returns only empty pages. */
export class ListingGuard {
  readonly #operation: string;
  readonly #tokens = new Set<string>();
  #emptyPages = 0;
  #objects = 0;

  constructor(operation: string) {
    this.#operation = operation;
  }

  /** Call it before the next page is requested with `token`; `objects` is the length of the last page. Throws `OutcomeError`. */
  advance(token: string, objects: number): void {
    this.#emptyPages = objects === 0 ? this.#emptyPages + 1 : 0;
    this.#objects += objects;
    if (this.#tokens.has(token)) this.end(`the store continues again at ${JSON.stringify(token)}`);
    if (this.#emptyPages > MAX_EMPTY_PAGES) this.end(`the store returned ${this.#emptyPages} empty pages`);
    if (this.#objects > MAX_OBJECTS) this.end(`the store returned more than ${MAX_OBJECTS} objects`);
    this.#tokens.add(token);
  }

  /** Ends the listing, because of what was found. Throws `OutcomeError`. */
  end(found: string): never {
    const error = new StoreAnswerError(`${this.#operation}: the listing does not end: ${found}`);
    throw new OutcomeError({ status: 'failed', error });
  }
}
