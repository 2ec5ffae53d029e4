/**
 * Encoding that can be done at once, or later without holding up the event loop.
 */

/** Work on a copy of what the caller gave: the caller may change it once the call has returned. */
export interface Encoding<T> {
  /** Bytes of the copy. */
  readonly sizeBytes: number;
  /** The result, now, while the program waits. May be asked for while `later` is at work, and means the same, if perhaps in other bytes. */
  now(): T;
  /** The result, computed on other threads or in slices between turns of the event loop. */
  later(): Promise<T>;
}

/** Work that yields whenever a slice of it is done. */
export type Slices<T> = () => Generator<undefined, T, undefined>;

/** An encoding in slices; each should take a few milliseconds. */
export function inSlices<T>(sizeBytes: number, slices: Slices<T>): Encoding<T> {
  return {
    sizeBytes,
    now: () => finish(slices()),
    async later() {
      const work = slices();
      for (;;) {
        const slice = work.next();
        if (slice.done === true) return slice.value;
        await nextTurn();
      }
    },
  };
}

/** An encoding whose result is there already. */
export function ready<T>(result: T): Encoding<T> {
  return { sizeBytes: 0, now: () => result, later: () => Promise.resolve(result) };
}

/** The result of an encoding, turned into something else. */
export function mapEncoding<T, U>(encoding: Encoding<T>, to: (result: T) => U): Encoding<U> {
  return {
    sizeBytes: encoding.sizeBytes,
    now: () => to(encoding.now()),
    later: () => encoding.later().then(to),
  };
}

/** All results of several encodings, in order. */
export function joinEncodings<T>(encodings: readonly Encoding<T>[]): Encoding<readonly T[]> {
  return {
    sizeBytes: encodings.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    now: () => encodings.map((encoding) => encoding.now()),
    later: () => Promise.all(encodings.map((encoding) => encoding.later())),
  };
}

/** Runs slices to their end. */
export function finish<T>(work: Generator<undefined, T, undefined>): T {
  for (;;) {
    const slice = work.next();
    if (slice.done === true) return slice.value;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
