/** Wraps functions so that each call is a span, also of functions that return generators and streams. */

import { messageOf } from '../base/errors.js';
import type { OptionTable } from '../base/options.js';
import { callUser } from '../base/user-callback.js';
import { garbage, observeResult } from './observe-result.js';
import type { RecordedSpan } from './recorded-span.js';
import { type SpanHandle, TRACE_STREAM_OPTIONS, type TraceStreamOptions } from './span-handle.js';
import { StreamOutput } from './stream-output.js';

/** Options of `traced`: those of `trace` and `traceStream`, for each call. */
export interface TracedOptions extends Omit<TraceStreamOptions<unknown>, 'inputs' | 'parent'> {
  /** The name of the span. Default: the name of the function. */
  readonly name?: string | undefined;
  /** Whether the arguments become the inputs: a single object its properties, others the list `arguments`. Default true. */
  readonly captureInput?: boolean | undefined;
  /** Receives the return value, or each item of a generator or stream, to add facts about it to the span. */
  readonly onValue?: ((value: unknown, span: SpanHandle) => void) | undefined;
}
const { inputs: _inputs, parent: _parent, ...SHARED } = TRACE_STREAM_OPTIONS;
export const TRACED_OPTIONS: OptionTable<TracedOptions> = {
  ...SHARED,
  name: 'string',
  captureInput: 'boolean',
  onValue: 'function',
};

type AnyFunction = (...args: never[]) => unknown;

interface Wrapping {
  readonly options: TracedOptions;
  readonly captureOutput: boolean;
  readonly start: (args: readonly unknown[]) => RecordedSpan | undefined;
}

/** Returns a function with the name, the length, the properties and the type of `fn`. */
export function wrapFunction<F extends AnyFunction>(fn: F, { options, captureOutput, start }: Wrapping): F {
  return new Proxy(fn, {
    apply(target, self, args) {
      const span = start(args);
      if (span === undefined) return Reflect.apply(target, self, args);
      let result: unknown;
      try {
        result = span.run(() => Reflect.apply(target, self, args));
      } catch (error) {
        if (span.state === 'open') span.fail(error);
        throw error;
      }
      const addFacts = (value: unknown): void =>
        callUser(
          () => options.onValue?.(value, span),
          (error) => span.addMetadata('value_error', messageOf(error)),
          undefined,
        );
      const capture = { textOf: options.textOf, captureOutput, onValue: addFacts };
      const resolved = (value: unknown): void => {
        if (span.state !== 'open' || followStream(value, new StreamOutput(span, capture))) return;
        addFacts(value);
        if (captureOutput) span.captureOutput(value);
        span.end();
      };
      const rejected = (error: unknown): void => {
        if (span.state === 'open') span.fail(error);
      };
      return observeResult(result, { span, run: (method) => span.run(method), resolved, rejected });
    },
  });
}

/** The arguments of a call as inputs. */
export function toSpanInputs(args: readonly unknown[]): Readonly<Record<string, unknown>> {
  const [first] = args;
  const isNamed = args.length === 1 && Object.prototype.toString.call(first) === '[object Object]';
  if (isNamed) return first as Record<string, unknown>;
  return args.length === 0 ? {} : { arguments: args };
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Records the items of an iterator or a stream as they are read. Returns false if `source` is neither, or cannot be observed. */
function followStream(source: unknown, output: StreamOutput<unknown>): boolean {
  if (typeof source !== 'object' || source === null) return false;
  try {
    const { next, once } = source as { next?: unknown; once?: unknown };
    const open = (source as AsyncIterable<unknown>)[Symbol.asyncIterator];
    const isIterator = typeof next === 'function' && (Symbol.iterator in source || open !== undefined);
    if (!isIterator && typeof open !== 'function') return false;
    garbage.register(source, output);
    if (isIterator) return followIterator(source, output);
    // A stream of Node.js may be read by its events instead.
    if (typeof once === 'function') {
      (once as Method).call(source, 'close', () => {
        const { errored } = source as { errored?: unknown };
        if (errored == null) output.end();
        else output.fail(errored);
      });
    }
    return define(source, Symbol.asyncIterator, function (this: unknown, ...args: unknown[]) {
      const iterator = (open as Method).apply(this, args);
      followIterator(iterator as object, output);
      return iterator;
    });
  } catch {
    // A proxy or a getter of the caller.
    return false;
  }
}

/** Replaces the methods of an iterator by ones that record their results. The span is active in each step. */
function followIterator(iterator: object, output: StreamOutput<unknown>): boolean {
  const methods = iterator as Record<'next' | 'return' | 'throw', Method | undefined>;
  let isLeft = false;
  const seen = (step: unknown): void => {
    const { done, value } = step as IteratorResult<unknown>;
    if (done !== true) output.add(value);
    else if (isLeft) output.abandon();
    else output.end();
  };
  const wrap = (name: keyof typeof methods): boolean => {
    const method = methods[name];
    if (typeof method !== 'function') return name !== 'next';
    return define(iterator, name, function (this: unknown, ...args: unknown[]) {
      if (name === 'return') isLeft = true;
      try {
        const step = output.span.run(() => method.apply(this, args));
        if (typeof (step as { then?: unknown } | null)?.then !== 'function') {
          seen(step);
          return step;
        }
        return (step as Promise<unknown>).then(
          (settled) => {
            seen(settled);
            return settled;
          },
          (error: unknown) => {
            output.fail(error);
            throw error;
          },
        );
      } catch (error) {
        output.fail(error);
        throw error;
      }
    });
  };
  return wrap('next') && wrap('return') && wrap('throw');
}

function define(object: object, name: string | symbol, value: unknown): boolean {
  return Reflect.defineProperty(object, name, { value, configurable: true, writable: true });
}
