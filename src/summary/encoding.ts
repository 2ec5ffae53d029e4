/** Encoding work that can run synchronously, or later without blocking the event loop. */

/** Work on a copy of the caller's data, so that the caller may change it after the call. */
export interface Encoding<T> {
  /** The size of the copy. */
  readonly sizeBytes: number;
  /** Whether the caller's data has still to be read, so that `now` may block or fail. `later` begins to read before it returns. */
  readonly mustRead?: boolean;
  /** Computes the result synchronously. May be called while `later` is running; the result has the same meaning, but possibly different bytes. */
  now(): T;
  /** Computes the result on other threads, or in slices between turns of the event loop. */
  later(): Promise<T>;
}

/** Work that yields after each slice. */
type Slices<T> = () => Generator<undefined, T, undefined>;

/** An encoding that runs in slices; each should take a few milliseconds. */
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

/** An encoding with a result that already exists. */
export function ready<T>(result: T): Encoding<T> {
  return { sizeBytes: 0, now: () => result, later: () => Promise.resolve(result) };
}

/** Data that takes time to read. `read` begins to read before it returns; `readNow` blocks, and is called only if it must. */
export function readLater<T>(sizeBytes: number, read: () => Promise<T>, readNow: () => T): Encoding<T> {
  let found: { readonly data: T } | undefined;
  const keep = (data: T): T => {
    found ??= { data };
    return found.data;
  };
  return {
    sizeBytes,
    mustRead: true,
    now: () => (found === undefined ? keep(readNow()) : found.data),
    later: () => read().then(keep),
  };
}

/** An encoding of data that may have to be read first. `encode` is called at once if the data is there. */
export function afterRead<D, T>(data: Encoding<D>, encode: (data: D) => Encoding<T>): Encoding<T> {
  if (data.mustRead !== true) return encode(data.now());
  return {
    sizeBytes: data.sizeBytes,
    mustRead: true,
    now: () => encode(data.now()).now(),
    later: () => data.later().then((read) => encode(read).later()),
  };
}

/** An encoding whose result is converted by `to`. */
export function mapEncoding<T, U>(encoding: Encoding<T>, to: (result: T) => U): Encoding<U> {
  return {
    sizeBytes: encoding.sizeBytes,
    ...(encoding.mustRead === true ? { mustRead: true } : {}),
    now: () => to(encoding.now()),
    later: () => encoding.later().then(to),
  };
}

/** Combines several encodings. The result has all their results, in order. */
export function joinEncodings<T>(encodings: readonly Encoding<T>[]): Encoding<readonly T[]> {
  return {
    sizeBytes: encodings.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    ...(encodings.some(({ mustRead }) => mustRead) ? { mustRead: true } : {}),
    now: () => encodings.map((encoding) => encoding.now()),
    later: () => Promise.all(encodings.map((encoding) => encoding.later())),
  };
}

/** Runs all slices and returns the result. */
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
