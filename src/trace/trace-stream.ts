/** Traces a stream within a span: passes each item on immediately, and records it. */

import { garbage } from './observe-result.js';
import type { RecordedSpan } from './recorded-span.js';
import type { TracedFunction } from './span-handle.js';
import { type StreamCapture, StreamOutput } from './stream-output.js';

/** A source of items: a stream of tokens, an array, or a promise of either. */
export type StreamSource<T> = AsyncIterable<T> | Iterable<T> | PromiseLike<AsyncIterable<T> | Iterable<T>>;

type SourceIterator<T> = AsyncIterator<T, unknown, undefined>;

/** Returns the items of a source. The span is active in each step of the source, but not in the consumer's code between steps. */
export function iterateTraced<T>(
  start: () => RecordedSpan,
  fn: TracedFunction<StreamSource<T>>,
  capture: StreamCapture<T>,
): AsyncGenerator<T, void, undefined> {
  return new TracedStream(() => new StreamOutput(start(), capture), fn);
}

type Step<T> = IteratorResult<T, void>;
const END: Step<never> = { done: true, value: undefined };

/**
 * Passes each call on to the source at once, so that a consumer can leave while it waits for an item. A generator would keep the calls
 * until the item arrives.
 */
class TracedStream<T> implements AsyncGenerator<T, void, undefined> {
  readonly #begin: () => StreamOutput<T>;
  readonly #fn: TracedFunction<StreamSource<T>>;
  #output: StreamOutput<T> | undefined;
  #opening: Promise<SourceIterator<T> | undefined> | undefined;
  #source: SourceIterator<T> | undefined;
  /** Calls of the source that have not settled. */
  #pending = 0;
  #isLeft = false;
  #leave: (() => void) | undefined;

  constructor(begin: () => StreamOutput<T>, fn: TracedFunction<StreamSource<T>>) {
    this.#begin = begin;
    this.#fn = fn;
  }

  next(...args: [] | [undefined]): Promise<Step<T>> {
    const source = this.#source;
    if (this.#isLeft && source?.return === undefined) return Promise.resolve(END);
    if (source !== undefined) return this.#step(() => source.next(...args));
    this.#opening ??= this.#open();
    return this.#opening.then((opened) =>
      opened === undefined ? END : this.#step(() => opened.next(...args)),
    );
  }

  return(value?: void | PromiseLike<void>): Promise<Step<T>> {
    this.#isLeft = true;
    const source = this.#source;
    if (source?.return === undefined) {
      this.#leave?.();
      this.#output?.abandon();
      return Promise.resolve(value).then((result) => ({ done: true, value: result }));
    }
    // The item that the consumer does not wait for any more may never come.
    if (this.#pending > 0) this.#output?.abandon();
    return this.#step(() => source.return!(value as never));
  }

  throw(error: unknown): Promise<Step<T>> {
    const source = this.#source;
    if (source?.throw !== undefined) return this.#step(() => source.throw!(error));
    this.#output?.fail(error);
    return this.return().then(() => Promise.reject(error));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Calls the function. Gives undefined if the consumer leaves before the source is there, which then is closed. */
  #open(): Promise<SourceIterator<T> | undefined> {
    const output = this.#begin();
    this.#output = output;
    garbage.register(this, output);
    const left = new Promise<undefined>((resolve) => {
      this.#leave = () => resolve(undefined);
    });
    const opening = output.span
      .run(async () => toIterator(await this.#fn(output.span)))
      .then(
        async (source) => {
          if (this.#isLeft) await source.return?.();
          else this.#source = source;
          return this.#source;
        },
        (error: unknown) => {
          this.#isLeft = true;
          output.fail(error);
          throw error;
        },
      );
    return Promise.race([opening, left]);
  }

  async #step(call: () => unknown): Promise<Step<T>> {
    const output = this.#output!;
    this.#pending += 1;
    try {
      const step = (await output.span.run(call)) as Step<T>;
      if (step.done !== true) output.add(step.value);
      else if (this.#isLeft) output.abandon();
      else output.end();
      return step;
    } catch (error) {
      output.fail(error);
      throw error;
    } finally {
      this.#pending -= 1;
    }
  }
}

function toIterator<T>(source: AsyncIterable<T> | Iterable<T>): SourceIterator<T> {
  const isAsync = (source as Partial<AsyncIterable<T>>)[Symbol.asyncIterator] != null;
  return isAsync ? (source as AsyncIterable<T>)[Symbol.asyncIterator]() : iterateAsync(source as Iterable<T>);
}

/** Awaits items that are promises, like `for await`. */
async function* iterateAsync<T>(source: Iterable<T>): AsyncGenerator<T, void, undefined> {
  yield* source;
}
