/**
 * Listens to what the program writes to its standard output and error, and disturbs nothing.
 *
 * The `write` of both streams is wrapped while somebody listens: arguments, return values, callbacks and exceptions are those of
 * the wrapped one. What does not go through `write` is not heard: child processes that inherit the streams, and the stack
 * that Node.js itself prints of an uncaught error.
 */

export type ConsoleStream = 'stdout' | 'stderr';

/** Gets what is written, before it is written. */
export type ConsoleListener = (stream: ConsoleStream, chunk: string | Uint8Array) => void;

const listeners = new Set<ConsoleListener>();
const removals: (() => void)[] = [];
/** What listeners write themselves is not told to them. */
let isTelling = false;

/** Tells `listener` of all that is written, until the function that is returned is called. */
export function listenToConsole(listener: ConsoleListener): () => void {
  if (listeners.size === 0) removals.push(...(['stdout', 'stderr'] as const).flatMap(wrapWrite));
  listeners.add(listener);
  return () => {
    if (!listeners.delete(listener) || listeners.size > 0) return;
    for (const remove of removals.splice(0)) remove();
  };
}

type Write = (...args: unknown[]) => boolean;

/** Wraps the `write` of a stream. Gives what takes the wrapper away again, or nothing when the stream cannot be wrapped. */
function wrapWrite(name: ConsoleStream): (() => void)[] {
  let isActive = true;
  try {
    const stream = process[name];
    const earlier = Object.getOwnPropertyDescriptor(stream, 'write');
    const original = stream.write as Write;

    /** When somebody has wrapped the stream after us, the wrapper stays below theirs and does nothing. */
    const restore = (): void => {
      isActive = false;
      if ((stream.write as unknown) !== write) return;
      if (earlier === undefined) Reflect.deleteProperty(stream, 'write');
      else Object.defineProperty(stream, 'write', earlier);
    };
    const write = function (this: unknown, ...args: unknown[]): boolean {
      if (isActive) tell(name, args);
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
    // A standard stream that is closed, or frozen by the program.
    return [];
  }
}

function tell(stream: ConsoleStream, [chunk, encoding]: readonly unknown[]): void {
  if (isTelling) return;
  isTelling = true;
  try {
    const heard = toChunk(chunk, encoding);
    if (heard !== undefined) for (const listener of listeners) listener(stream, heard);
  } catch {
    // The program must not notice that somebody listens.
  } finally {
    isTelling = false;
  }
}

/** Text, or the bytes that are written. Anything else is for the stream to refuse. */
function toChunk(chunk: unknown, encoding: unknown): string | Uint8Array | undefined {
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (typeof chunk !== 'string') return undefined;
  if (typeof encoding !== 'string' || /^utf-?8$/i.test(encoding)) return chunk;
  return Buffer.isEncoding(encoding) ? Buffer.from(chunk, encoding) : undefined;
}
