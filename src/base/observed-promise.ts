/**
 * Promises that the program may ignore. Tracking must never end the program, and Node.js ends it when a promise rejects that the program
 * does not handle.
 */

/**
 * Returns a promise with the outcome of `work`. If it rejects and the program has not awaited it by then, calls `report` instead of
 * leaving an unhandled rejection.
 */
export function reportUnawaited<T>(work: Promise<T>, report: (error: unknown) => void): Promise<T> {
  const promise = new ObservedPromise<T>((resolve) => resolve(work));
  const onRejected = (error: unknown): void => {
    // The program may handle a rejection until the end of this turn, as with any other promise.
    setImmediate(() => {
      if (!promise.isObserved) report(error);
    });
  };
  Promise.prototype.then.call(promise, undefined, onRejected);
  return promise;
}

/** Knows whether it was awaited: `await`, `catch`, `finally` and `Promise.all` all call `then` of a subclass. */
class ObservedPromise<T> extends Promise<T> {
  isObserved = false;

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  // biome-ignore lint/suspicious/noThenProperty: this observes the calls of `then`.
  override then<A = T, B = never>(
    onResolved?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isObserved = true;
    return super.then(onResolved, onRejected);
  }
}
