/**
 * Observes the outcome of a result without changing it for the receiver.
 *
 * A plain promise is replaced by one that settles later with the same value or error. A rejection that the caller does not handle stays
 * unhandled. Any other thenable is returned unchanged except for a wrapped `then`: calling `then` would start a lazy query, and a copy
 * would lose its other methods.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { types } from 'node:util';

interface ResultObserver {
  /** Runs a thenable's `then`, which may start the work. */
  run<T>(then: () => T): T;
  /** Either this or `rejected` is called, exactly once. */
  resolved(value: unknown): void;
  rejected(error: unknown): void;
}

/** Returns `result`, or for a plain promise a new one with the same outcome, which settles after the observer is called. */
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
    // The caller gets the getter's error when it awaits the value.
    return false;
  }
}

/** Wraps `then`. Returns false if that is not possible, as for frozen objects. */
function watchThen(thenable: Thenable, observer: ResultObserver): boolean {
  const original = thenable.then;
  let hasNotified = false;
  const once = (notify: () => void): void => {
    if (!hasNotified) notify();
    hasNotified = true;
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
