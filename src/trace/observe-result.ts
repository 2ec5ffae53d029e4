/**
 * Learns how a result ends without changing what its receiver sees.
 *
 * A plain promise is replaced by one that settles after it: the same value or error, and still unhandled when nobody handles
 * it. Any other thenable is given back itself, with its `then` watched: calling `then` would start a lazy query, and a copy
 * would lose its other methods.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { types } from 'node:util';

export interface ResultObserver {
  /** Runs a thenable's `then`, which may be what starts the work. */
  run<T>(then: () => T): T;
  /** Told once: this, or `rejected`. */
  resolved(value: unknown): void;
  rejected(error: unknown): void;
}

/** Gives `result`, or for a plain promise one that settles as it does, after the observer was told. */
export function observeResult<T>(result: T, observer: ResultObserver): T {
  if (isPlainPromise(result)) {
    return result.then(
      (value) => {
        observer.resolved(value);
        return value;
      },
      (error: unknown) => {
        observer.rejected(error);
        throw error;
      },
    ) as T;
  }
  if (!isThenable(result) || !watchThen(result, observer)) observer.resolved(result);
  return result;
}

interface Thenable {
  then: (...args: unknown[]) => unknown;
}

function isPlainPromise(value: unknown): value is Promise<unknown> {
  return (
    types.isPromise(value) &&
    Object.getPrototypeOf(value) === Promise.prototype &&
    !Object.hasOwn(value, 'then')
  );
}

function isThenable(value: unknown): value is Thenable {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  try {
    return typeof (value as Partial<Thenable>).then === 'function';
  } catch {
    // A getter that throws does so for whoever awaits the value.
    return false;
  }
}

/** Whether `then` could be watched; frozen objects refuse. */
function watchThen(thenable: Thenable, observer: ResultObserver): boolean {
  const original = thenable.then;
  let told = false;
  const once = (tell: () => void): void => {
    if (!told) tell();
    told = true;
  };
  const watched = function (this: unknown, onResolved?: unknown, onRejected?: unknown): unknown {
    // The caller's functions run in the caller's context, not in the span's.
    const inContext = AsyncLocalStorage.snapshot();
    return observer.run(() =>
      original.call(
        this,
        (value: unknown) => {
          once(() => observer.resolved(value));
          return typeof onResolved === 'function' ? inContext(() => onResolved(value)) : value;
        },
        (error: unknown) => {
          once(() => observer.rejected(error));
          if (typeof onRejected === 'function') return inContext(() => onRejected(error));
          throw error;
        },
      ),
    );
  };
  return Reflect.defineProperty(thenable, 'then', { value: watched, configurable: true, writable: true });
}
