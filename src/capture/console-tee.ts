/**
 * Copies what the program writes to standard output and error to listeners, without changing the output.
 *
 * While listeners exist, the `write` method of both streams is wrapped. Arguments, return values, callbacks and exceptions stay the
 * same. Output that bypasses `write` is not captured: that of child processes that inherit the streams, and the stack trace that
 * Node.js prints for an uncaught error.
 */

export type ConsoleStream = 'stdout' | 'stderr';

/** Receives each chunk before it is written. */
type ConsoleListener = (stream: ConsoleStream, chunk: string | Uint8Array) => void;

const listeners = new Set<ConsoleListener>();
const removals: (() => void)[] = [];
/** True while listeners run, so that they do not receive their own output. */
let isNotifying = false;

/** Passes all output to `listener` until the returned function is called. */
export function listenToConsole(listener: ConsoleListener): () => void {
  if (listeners.size === 0)
    for (const remove of (['stdout', 'stderr'] as const).flatMap(wrapWrite)) removals.push(remove);
  listeners.add(listener);
  return () => {
    if (!listeners.delete(listener) || listeners.size > 0) return;
    for (const remove of removals.splice(0)) remove();
  };
}

type Write = (...args: unknown[]) => boolean;

/** Wraps the `write` method of a stream. Returns a function that removes the wrapper, or nothing if the stream cannot be wrapped. */
function wrapWrite(name: ConsoleStream): (() => void)[] {
  let isActive = true;
  try {
    const stream = process[name];
    const earlier = Object.getOwnPropertyDescriptor(stream, 'write');
    const original = stream.write as Write;

    /** If other code has wrapped the stream later, our wrapper stays in place and does nothing. */
    const restore = (): void => {
      isActive = false;
      if ((stream.write as unknown) !== write) return;
      if (earlier === undefined) Reflect.deleteProperty(stream, 'write');
      else Object.defineProperty(stream, 'write', earlier);
    };
    const write = function (this: unknown, ...args: unknown[]): boolean {
      if (isActive) notify(name, args);
      else restore();
      return Reflect.apply(original, this, args);
    };
    Object.defineProperty(stream, 'write', {
      value: write,
      configurable: true,
      writable: true,
      enumerable: earlier?.enumerable ?? false,
    });
    return [restore];
  } catch {
    // The standard stream is closed, or the program has frozen it.
    return [];
  }
}

function notify(stream: ConsoleStream, [chunk, encoding]: readonly unknown[]): void {
  if (isNotifying) return;
  isNotifying = true;
  try {
    const written = toChunk(chunk, encoding);
    if (written !== undefined) for (const listener of listeners) listener(stream, written);
  } catch {
    // An error of a listener must not affect the program.
  } finally {
    isNotifying = false;
  }
}

/** Returns the written text or bytes. Returns undefined for anything else, which the stream rejects. */
function toChunk(chunk: unknown, encoding: unknown): string | Uint8Array | undefined {
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (typeof chunk !== 'string') return undefined;
  if (typeof encoding !== 'string' || /^utf-?8$/i.test(encoding)) return chunk;
  return Buffer.isEncoding(encoding) ? Buffer.from(chunk, encoding) : undefined;
}
