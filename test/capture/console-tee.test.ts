import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listenToConsole } from '../../src/capture/console-tee.js';

/** Replaces standard output with a stream, so that no other output is captured. */
function replaceStdout(options: { highWaterMark?: number; isSlow?: boolean; onWrite?: () => void } = {}) {
  const written: Buffer[] = [];
  const stream = new Writable({
    highWaterMark: options.highWaterMark ?? 16_384,
    write: (chunk, _, callback) => {
      options.onWrite?.();
      written.push(chunk);
      if (options.isSlow) setImmediate(callback);
      else callback();
    },
  });
  const earlier = Object.getOwnPropertyDescriptor(process, 'stdout')!;
  Object.defineProperty(process, 'stdout', { value: stream, configurable: true });
  onTestFinished(() => {
    Object.defineProperty(process, 'stdout', earlier);
  });
  return { stream, written: () => Buffer.concat(written).toString() };
}

function listen() {
  const heard: string[] = [];
  const stop = listenToConsole((stream, chunk) => {
    if (stream === 'stdout') heard.push(typeof chunk === 'string' ? chunk : `bytes:${Buffer.from(chunk)}`);
  });
  onTestFinished(stop);
  return { heard, stop };
}

describe('listenToConsole', () => {
  it('captures text and bytes of every type and encoding, and passes them on', () => {
    const { stream, written } = replaceStdout();
    const { heard } = listen();

    stream.write('text');
    stream.write('utf', 'utf8');
    stream.write('caf\xe9', 'latin1');
    stream.write('aGV4', 'base64');
    stream.write('686578', 'hex');
    stream.write(Buffer.from('buffer'));
    stream.write(new Uint8Array(Buffer.from('-array-')).subarray(1, 6));
    stream.write('');

    expect(heard).toEqual([
      ...['text', 'utf', 'bytes:caf\ufffd', 'bytes:hex', 'bytes:hex', 'bytes:buffer', 'bytes:array', ''],
    ]);
    expect(written()).toBe('textutfcaf\ufffdhexhexbufferarray');
  });

  it('captures console output', () => {
    const { written } = replaceStdout();
    const { heard } = listen();
    const console = new Console(process.stdout, process.stdout);

    console.log('a %s', 'b', { c: 1 });

    expect(heard).toEqual(['a b { c: 1 }\n']);
    expect(written()).toBe('a b { c: 1 }\n');
  });

  it('keeps return values and callbacks of the stream', async () => {
    const { stream } = replaceStdout({ highWaterMark: 4, isSlow: true });
    listen();

    const isRoom = stream.write('1234567');
    await new Promise((resolve) => stream.once('drain', resolve));
    const isRoomAgain = stream.write('1');
    const error = await new Promise((resolve) => stream.write('x', resolve));
    const encodedError = await new Promise((resolve) => stream.write('78', 'hex', resolve));

    expect([isRoom, isRoomAgain]).toEqual([false, true]);
    expect([error ?? null, encodedError ?? null]).toEqual([null, null]);
  });

  it('passes exceptions on', () => {
    const { stream } = replaceStdout();
    const { heard } = listen();
    const bad = (value: unknown) => () => stream.write(value as string);

    expect(bad(null)).toThrow(expect.objectContaining({ code: 'ERR_STREAM_NULL_VALUES' }));
    expect(bad(42)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
    expect(() => stream.write('x', 'no-encoding' as 'utf8')).toThrow(
      expect.objectContaining({ code: 'ERR_UNKNOWN_ENCODING' }),
    );
    expect(heard).toEqual([]);
  });

  it('restores the stream completely', () => {
    const { stream } = replaceStdout();
    const keys = Reflect.ownKeys(stream);
    const write = stream.write;

    const { stop } = listen();
    const isWrapped = stream.write !== write;
    const shown = [Object.keys(stream).includes('write'), stream.write.name];
    stop();
    stop();

    expect(isWrapped).toBe(true);
    expect(shown).toEqual([false, 'write']);
    expect(stream.write).toBe(write);
    expect(Reflect.ownKeys(stream)).toEqual(keys);
  });

  it('restores the wrapper of other code that was installed earlier', () => {
    const { stream, written } = replaceStdout();
    const wrapper = function (this: Writable, chunk: string): boolean {
      return Reflect.apply(Writable.prototype.write, this, [`<${chunk}>`]);
    };
    stream.write = wrapper as typeof stream.write;
    const earlier = Object.getOwnPropertyDescriptor(stream, 'write');

    const { heard, stop } = listen();
    stream.write('a');
    stop();

    expect(Object.getOwnPropertyDescriptor(stream, 'write')).toEqual(earlier);
    expect(heard).toEqual(['a']);
    expect(written()).toBe('<a>');
  });

  it('does nothing under a wrapper of other code that was installed later, and is removed when that is removed', () => {
    const { stream, written } = replaceStdout();
    const original = stream.write;
    const first = listen();
    const ours = stream.write;
    stream.write = function (this: Writable, chunk: string) {
      return Reflect.apply(ours, this, [`<${chunk}>`]);
    } as typeof stream.write;

    stream.write('a');
    first.stop();
    stream.write('b');
    const second = listen();
    stream.write('c');
    second.stop();
    stream.write('d');
    stream.write = ours;
    stream.write('e');

    expect(first.heard).toEqual(['<a>']);
    expect(second.heard).toEqual(['c']);
    expect(written()).toBe('<a><b><c><d>e');
    expect(stream.write).toBe(original);
    expect(Object.hasOwn(stream, 'write')).toBe(false);
  });

  it('passes each listener the output while it listens', () => {
    const { stream } = replaceStdout();
    const first = listen();
    stream.write('1');
    const second = listen();
    stream.write('2');
    first.stop();
    stream.write('3');
    second.stop();
    stream.write('4');

    expect(first.heard).toEqual(['1', '2']);
    expect(second.heard).toEqual(['2', '3']);
  });

  it('hides the output of listeners from them, and their errors from the program', () => {
    const { stream, written } = replaceStdout();
    const heard: string[] = [];
    const stop = listenToConsole((name, chunk) => {
      if (name !== 'stdout') return;
      heard.push(String(chunk));
      stream.write(`[${chunk}]`);
      throw new Error('of a listener');
    });
    onTestFinished(stop);

    stream.write('a');
    stream.write('b');

    expect(heard).toEqual(['a', 'b']);
    expect(written()).toBe('[a]a[b]b');
  });

  it('captures nested writes', () => {
    let isNested = false;
    const { stream, written } = replaceStdout({
      onWrite: () => {
        if (isNested) return;
        isNested = true;
        stream.write('inner');
      },
    });
    const { heard } = listen();

    stream.write('outer');

    expect(heard).toEqual(['outer', 'inner']);
    expect(written()).toBe('outerinner');
  });

  it('ignores a stream that cannot be wrapped', () => {
    const { stream } = replaceStdout();
    Object.defineProperty(stream, 'write', { value: stream.write, writable: false, configurable: false });

    const { heard, stop } = listen();
    stream.write('a');
    stop();

    expect(heard).toEqual([]);
  });
});
