import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listenToConsole } from '../../src/capture/console-tee.js';

/** A stream in place of the standard output, so that nothing else is heard. */
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
  it('hears texts and bytes of every kind and encoding, and lets them through', () => {
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

  it('hears the console', () => {
    const { written } = replaceStdout();
    const { heard } = listen();
    const console = new Console(process.stdout, process.stdout);

    console.log('a %s', 'b', { c: 1 });

    expect(heard).toEqual(['a b { c: 1 }\n']);
    expect(written()).toBe('a b { c: 1 }\n');
  });

  it('gives back what the stream gives, and calls back', async () => {
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

  it('lets exceptions through', () => {
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

  it('leaves no trace', () => {
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

  it('puts back the wrapper of somebody before', () => {
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

  it('does nothing any more below the wrapper of somebody after, and goes when that goes', () => {
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

  it('tells each listener what is written while it listens', () => {
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

  it('does not tell listeners what they write themselves, or the program that they fail', () => {
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

  it('hears what the stream writes while it is being written to', () => {
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

  it('does without a stream that is closed or frozen', () => {
    const { stream } = replaceStdout();
    Object.defineProperty(stream, 'write', { value: stream.write, writable: false, configurable: false });

    const { heard, stop } = listen();
    stream.write('a');
    stop();

    expect(heard).toEqual([]);
  });
});
