/** Traces a stream within a span: passes each item on immediately, and records it for the output. */

import type { RecordedSpan } from './recorded-span.js';
import type { TracedFunction } from './span-handle.js';
import { type StreamCapture, StreamOutput } from './stream-output.js';

/** A source of items: a stream of tokens, an array, or a promise of either. */
export type StreamSource<T> = AsyncIterable<T> | Iterable<T> | PromiseLike<AsyncIterable<T> | Iterable<T>>;

type SourceIterator<T> = AsyncIterator<T, unknown> | Iterator<T, unknown>;

/** Iterates a source. The span is active in each step of the source, but not in the consumer's code between steps. */
export async function* iterateTraced<T>(
  start: () => RecordedSpan,
  fn: TracedFunction<StreamSource<T>>,
  capture: StreamCapture<T>,
): AsyncGenerator<T, void, undefined> {
  const span = start();
  const output = new StreamOutput<T>(span, capture);
  /** Set while the source may have more items. Then its `return` must be called when the consumer stops. */
  let source: SourceIterator<T> | undefined;
  try {
    const iterator = await span.run(async () => toIterator(await fn(span)));
    source = iterator;
    for (;;) {
      source = undefined;
      const step = await span.run(() => iterator.next());
      if (step.done === true) break;
      source = iterator;
      output.add(step.value);
      yield step.value;
    }
    output.finish(true);
    if (span.state === 'open') span.end();
  } catch (error) {
    output.finish(false);
    if (span.state === 'open') span.fail(error);
    throw error;
  } finally {
    await leave(span, source, output);
  }
}

/** Calls `return` of the source, like `for await`, and ends the span if it is still open. */
async function leave<T>(
  span: RecordedSpan,
  source: SourceIterator<T> | undefined,
  output: StreamOutput<T>,
): Promise<void> {
  try {
    if (source !== undefined) await span.run(() => source.return?.());
  } catch (error) {
    output.finish(false);
    if (span.state === 'open') span.fail(error);
    throw error;
  }
  if (span.state !== 'open') return;
  output.finish(false);
  span.setStatus('stopped', { message: 'The consumer left before the end of the stream' });
  span.end();
}

function toIterator<T>(source: AsyncIterable<T> | Iterable<T>): SourceIterator<T> {
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
  return source[Symbol.iterator]();
}
