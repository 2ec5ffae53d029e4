/**
 * Observes the outcome of a result without changing it for the receiver.
 *
 * A plain promise is replaced by one that settles later with the same value or error. A promise with members that others lack, and any
 * other thenable, is returned itself with wrapped methods: calling `then` could start a lazy query, and a copy would lose the methods. A
 * rejection that the caller does not handle stays unhandled.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { types } from 'node:util';

interface ResultObserver {
  /** Runs a method of a thenable, which may start the work. */
  run<T>(method: () => T): T;
  /** The first call of this or `rejected` counts. */
  resolved(value: unknown): void;
  rejected(error: unknown): void;
  /** Is abandoned if nothing can settle any more. */
  readonly span: Abandonable;
}

interface Abandonable {
  abandon(): void;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

const { then: nativeThen } = Promise.prototype;
/** Prototypes whose methods call those of the object, or do not concern its outcome. */
const BASE_PROTOTYPES: ReadonlySet<unknown> = new Set([
  Object.prototype,
  Promise.prototype,
  Function.prototype,
  null,
]);

/** Abandons a span when the object that would end it is garbage, as a query that is never awaited. */
export const garbage = new FinalizationRegistry<Abandonable>((span) => span.abandon());

/** Returns `result`, or for a plain promise a new one with the same outcome, which settles after the observer is called. */
export function observeResult<T>(result: T, observer: ResultObserver): T {
  const followed = follow(result, observer);
  if (followed === undefined) observer.resolved(result);
  return (followed ?? result) as T;
}

/** Returns the promise or thenable that the caller gets; undefined if `result` is neither, or cannot be observed. */
function follow(result: unknown, observer: ResultObserver): unknown {
  try {
    if (!isThenable(result)) return undefined;
    if (!types.isPromise(result) || result.then !== nativeThen) return watchMethods(result, observer);
    return isPlain(result) ? copy(result, observer) : watchPromise(result, observer);
  } catch {
    // A proxy or a getter of the caller, whose error the caller gets when it awaits the value.
    return undefined;
  }
}

function isThenable(value: unknown): value is object & { readonly then: Method } {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return typeof (value as { then?: unknown }).then === 'function';
}

/** Ignores symbols, because Node.js keeps some on promises. */
function isPlain(promise: Promise<unknown>): boolean {
  const isBase = Object.getPrototypeOf(promise) === Promise.prototype;
  return isBase && Object.getOwnPropertyNames(promise).length === 0 && !(Symbol.asyncIterator in promise);
}

function copy(promise: Promise<unknown>, observer: ResultObserver): Promise<unknown> {
  return promise.then(
    (value) => {
      observer.resolved(value);
      return value;
    },
    (error: unknown) => {
      observer.rejected(error);
      throw error;
    },
  );
}

/** `await` calls `then` only of promises whose constructor is not `Promise`. */
class WatchedPromise extends Promise<unknown> {
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }
}

/** Observes a promise with methods that all lead to its `then`, and returns it. */
function watchPromise(promise: Promise<unknown>, observer: ResultObserver): unknown {
  let isAwaited = false;
  const observed = nativeThen.call(
    promise,
    (value) => observer.resolved(value),
    (error: unknown) => {
      observer.rejected(error);
      if (!isAwaited) throw error;
    },
  );
  const watched = function (this: Promise<unknown>, ...args: Parameters<typeof nativeThen>): unknown {
    isAwaited = true;
    nativeThen.call(observed, undefined, () => undefined);
    return nativeThen.apply(this, args);
  };
  if (promise.constructor === Promise) define(promise, 'constructor', WatchedPromise);
  define(promise, 'then', watched);
  return promise;
}

/** Wraps the methods of a thenable, each of which may give its outcome: `then`, `exec()`, `withResponse()`. */
function watchMethods(thenable: object, observer: ResultObserver): unknown {
  let isInside = false;
  const wrap = (name: string | symbol, method: Method): Method =>
    function (this: unknown, ...args) {
      // What methods call on the object is part of the caller's call.
      if (isInside) return method.apply(this, args);
      isInside = true;
      try {
        const isOutcome = name === 'then' || name === 'catch';
        if (isOutcome) watchCallbacks(name, args, observer);
        const call = () => method.apply(this, args);
        // Callbacks of the caller belong to the caller's context.
        const result = isOutcome || args.length === 0 ? observer.run(call) : call();
        if (result === this) return result;
        const followed = name === 'then' ? result : follow(result, observer);
        if (isOutcome || followed !== undefined) garbage.unregister(observer.span);
        return followed ?? result;
      } finally {
        isInside = false;
      }
    };
  garbage.register(thenable, observer.span, observer.span);
  let isWrapped = false;
  for (const [name, method] of methodsOf(thenable)) {
    const isDefined = define(thenable, name, wrap(name, method));
    if (name === 'then') isWrapped = isDefined;
  }
  return isWrapped ? thenable : undefined;
}

/** Replaces the callbacks of `then` or `catch` by ones that report the outcome. */
function watchCallbacks(name: string, args: unknown[], observer: ResultObserver): void {
  // The caller's functions run in the caller's context, not in the span's.
  const inContext = AsyncLocalStorage.snapshot();
  const at = name === 'then' ? 1 : 0;
  const [onResolved, onRejected] = [args[0], args[at]];
  args[0] = (value: unknown) => {
    observer.resolved(value);
    return typeof onResolved === 'function' ? inContext(() => onResolved(value)) : value;
  };
  args[at] = (error: unknown) => {
    observer.rejected(error);
    if (typeof onRejected !== 'function') throw error;
    return inContext(() => onRejected(error));
  };
}

/** Returns the methods of an object and its classes. Reads no getters. */
function methodsOf(object: object): Map<string | symbol, Method> {
  const methods = new Map<string | symbol, Method>();
  const seen = new Set<string | symbol>(['constructor']);
  for (let at = object; !BASE_PROTOTYPES.has(at); at = Object.getPrototypeOf(at)) {
    for (const name of Reflect.ownKeys(at)) {
      const method: unknown = Object.getOwnPropertyDescriptor(at, name)?.value;
      if (!seen.has(name) && typeof method === 'function') methods.set(name, method as Method);
      seen.add(name);
    }
  }
  // It may be the method of a getter, or of a proxy.
  if (!methods.has('then')) methods.set('then', (object as { then: Method }).then);
  return methods;
}

function define(object: object, name: string | symbol, value: unknown): boolean {
  return Reflect.defineProperty(object, name, { value, configurable: true, writable: true });
}
