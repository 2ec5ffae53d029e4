import { EventEmitter, on } from 'node:events';
import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { notesOf, outline, startRecording } from './recording.js';

async function* tokens(...items: string[]): AsyncGenerator<string> {
  for (const item of items) {
    await Promise.resolve();
    yield item;
  }
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe('Tracer.traceStream', () => {
  it('yields every item, and joins texts into the output', async () => {
    const { tracer, spans, clock } = startRecording();

    const stream = tracer.traceStream('call', { kind: 'llm', inputs: { prompt: 'hi' } }, () => {
      clock.seconds += 0.25;
      return tokens('Hel', 'lo', '!');
    });
    expect(await collect(stream)).toEqual(['Hel', 'lo', '!']);

    expect(spans[0]).toMatchObject({
      name: 'call',
      kind: 'llm',
      status: 'succeeded',
      inputs: { prompt: 'hi' },
      outputs: { output: 'Hello!' },
      metadata: { stream: { items: 3, completed: true, first_item_ms: 250, characters: 6 } },
    });
  });

  it('calls the function when the first item is requested, and not before', async () => {
    const { tracer, spans } = startRecording();
    let calls = 0;
    const open = () =>
      tracer.traceStream('call', {}, () => {
        calls += 1;
        return tokens('a');
      });

    open();
    await open().return();
    expect([calls, spans.length]).toEqual([0, 0]);

    await open().next();
    expect(calls).toBe(1);
  });

  it.each([
    ['a promise of a stream', async () => tokens('a', 'b')],
    ['a plain iterable', () => ['a', 'b']],
    ['a promise of a list', async () => new Set(['a', 'b'])],
  ])('accepts %s', async (_, open) => {
    const { tracer, spans } = startRecording();

    expect(await collect(tracer.traceStream('call', {}, open))).toEqual(['a', 'b']);
    expect(spans[0]!.outputs).toEqual({ output: 'ab' });
  });

  it('lists items that are not text, or uses their text', async () => {
    const { tracer, spans } = startRecording();
    const chunks = [{ delta: 'a' }, { delta: null }, { delta: 'b' }];

    await collect(tracer.traceStream('list', {}, () => chunks));
    await collect(tracer.traceStream('text', { textOf: ({ delta }) => delta }, () => chunks));

    expect(spans.map(({ outputs }) => outputs)).toEqual([{ items: chunks }, { output: 'ab' }]);
  });

  it('does not replace outputs that the function sets, and captures none when turned off', async () => {
    const { tracer, spans } = startRecording();

    await collect(
      tracer.traceStream('set', {}, (span) => {
        span.setOutput('answer', 42);
        return ['x'];
      }),
    );
    await collect(tracer.traceStream('unwanted', { captureOutput: false }, () => ['x']));

    expect(spans.map(({ outputs }) => outputs)).toEqual([{ answer: 42 }, undefined]);
  });

  it('fails with the error of the source, which is thrown unchanged', async () => {
    const { tracer, spans } = startRecording();
    const error = new Error('connection lost');
    async function* broken(): AsyncGenerator<string> {
      yield 'a';
      throw error;
    }

    await expect(collect(tracer.traceStream('call', {}, broken))).rejects.toBe(error);
    await expect(
      collect(
        tracer.traceStream('open', {}, (): string[] => {
          throw error;
        }),
      ),
    ).rejects.toBe(error);

    expect(spans[0]).toMatchObject({
      status: 'failed',
      outputs: { output: 'a' },
      metadata: { stream: { items: 1, completed: false }, error: { message: 'connection lost' } },
    });
    expect(spans[1]).toMatchObject({ name: 'open', status: 'failed' });
  });

  it('closes the source when the consumer stops early, and ends as stopped', async () => {
    const { tracer, spans } = startRecording();
    let left = false;
    async function* endless(): AsyncGenerator<string> {
      try {
        for (;;) yield 'a';
      } finally {
        left = true;
        tracer.trace('clean up', () => undefined);
      }
    }

    for await (const _ of tracer.traceStream('call', {}, endless)) break;

    expect(left).toBe(true);
    expect(spans.map(outline)).toEqual(['call(clean up)']);
    expect(spans[0]).toMatchObject({
      status: 'stopped',
      metadata: { stream: { items: 1, completed: false } },
    });
  });

  it('fails when the consumer throws into it, and closes the source', async () => {
    const { tracer, spans } = startRecording();
    let left = false;
    const source: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: 'a' }),
        return: async () => {
          left = true;
          return { done: true, value: undefined };
        },
      }),
    };
    const stream = tracer.traceStream('call', {}, () => source);
    const error = new Error('consumer');

    await stream.next();
    await expect(stream.throw(error)).rejects.toBe(error);

    expect([left, spans[0]!.status]).toEqual([true, 'failed']);
  });

  it('adds spans of the source below its own span, but not those of the consumer', async () => {
    const { tracer, spans } = startRecording();
    async function* source(): AsyncGenerator<number> {
      for (let index = 0; index < 2; index += 1) {
        await tracer.trace(`fetch ${index}`, async () => undefined);
        yield index;
      }
    }

    await tracer.trace('agent', async () => {
      const stream = tracer.traceStream('stream', {}, source);
      for await (const index of stream) tracer.trace(`use ${index}`, () => undefined);
    });

    expect(spans.map(outline)).toEqual(['agent(stream(fetch 0,fetch 1),use 0,use 1)']);
  });

  it('has the parent that is active at its creation, not where it is read', async () => {
    const { tracer, spans } = startRecording();

    await tracer.trace('maker', async () => {
      const stream = tracer.traceStream('stream', {}, () => ['a']);
      await tracer.trace('reader', () => collect(stream));
    });

    expect(spans.map(outline)).toEqual(['maker(reader,stream)']);
  });

  it('truncates its output at the limit, and counts that', async () => {
    const { tracer, spans } = startRecording({ limits: { maxItems: 2, maxTextLength: 4 } });

    await collect(tracer.traceStream('list', {}, () => [1, 2, 3, 4]));
    await collect(tracer.traceStream('text', {}, () => Array<string>(100).fill('abc')));

    expect(spans[0]!.outputs).toEqual({ items: [1, 2] });
    expect(notesOf(spans[0])).toEqual({ cut_values: 2 });
    expect(spans[1]!.outputs!.output).toMatch(/^abca\[… \d+ more characters\]$/);
    expect(spans[1]!.metadata).toMatchObject({ stream: { items: 100, characters: 300 } });
  });

  it('continues when textOf fails, and records the error', async () => {
    const { tracer, spans } = startRecording();

    const stream = tracer.traceStream(
      'call',
      {
        textOf: () => {
          throw new Error('no choices');
        },
      },
      () => [1, 2],
    );

    expect(await collect(stream)).toEqual([1, 2]);
    expect(spans[0]).toMatchObject({
      status: 'succeeded',
      metadata: { stream: { text_error: 'no choices' } },
    });
  });

  it('passes a return() on while the source waits for an item', async () => {
    const { tracer, spans } = startRecording();
    const emitter = new EventEmitter();
    const stream = tracer.traceStream('call', {}, () => on(emitter, 'token'));

    const first = stream.next();
    await setImmediate();
    emitter.emit('token', 'a');
    expect(await first).toEqual({ done: false, value: ['a'] });
    const waiting = stream.next();
    expect(await stream.return()).toMatchObject({ done: true });

    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(emitter.listenerCount('token')).toBe(0);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(spans).toMatchObject([
      { status: 'stopped', metadata: { stream: { items: 1, completed: false } } },
    ]);
  });

  it('ends its span when the consumer leaves a source that never answers', async () => {
    const { tracer, spans } = startRecording();
    const never = new Promise<never>(() => undefined);
    async function* source(): AsyncGenerator<string> {
      yield 'a';
      await never;
    }
    const generator = tracer.traceStream('generator', {}, source);
    const opening = tracer.traceStream('opening', {}, () => never);
    const plain = tracer.traceStream('no return', {}, () => ({
      [Symbol.asyncIterator]: () => ({ next: () => never }),
    }));

    await generator.next();
    void generator.next();
    void generator.return();
    const [unopened, pending] = [opening.next(), plain.next()];
    expect(await opening.return()).toEqual({ done: true, value: undefined });
    expect(await unopened).toEqual({ done: true, value: undefined });
    await setImmediate();
    expect(await plain.return()).toEqual({ done: true, value: undefined });
    void pending;

    expect(spans.map(({ name, status }) => [name, status])).toEqual([
      ['generator', 'stopped'],
      ['opening', 'stopped'],
      ['no return', 'stopped'],
    ]);
  });

  it('closes a source that arrives after the consumer has left', async () => {
    const { tracer } = startRecording();
    let arrive: (stream: ReadableStream<string>) => void = () => undefined;
    const arriving = new Promise<ReadableStream<string>>((resolve) => {
      arrive = resolve;
    });
    const cancelled = new Promise((resolve) => {
      const stream = tracer.traceStream('call', {}, () => arriving);
      void stream.next();
      void stream.return();
      arrive(new ReadableStream({ cancel: () => resolve('cancelled') }));
    });

    expect(await cancelled).toBe('cancelled');
  });

  it.each<[string, () => AsyncIterable<unknown> | Iterable<unknown>]>([
    ['a web stream', () => ReadableStream.from(['a', 'b', 'c'])],
    ['a stream of Node.js', () => Readable.from(['a', 'b', 'c'])],
    ['an async generator', () => tokens('a', 'b', 'c')],
    ['a text', () => 'abc'],
    ['promises', () => ['a', 'b', 'c'].map((item) => Promise.resolve(item))],
  ])('gives the items of %s, and closes it on break and with await using', async (_, open) => {
    const { tracer, spans } = startRecording();

    expect(await collect(tracer.traceStream('all', {}, open))).toEqual(['a', 'b', 'c']);
    for await (const item of tracer.traceStream('break', {}, open)) {
      expect(item).toBe('a');
      break;
    }
    const disposed = tracer.traceStream('dispose', {}, open);
    await disposed.next();
    await disposed[Symbol.asyncDispose]();

    expect(spans.map(({ name, status, outputs }) => [name, status, outputs])).toEqual([
      ['all', 'succeeded', { output: 'abc' }],
      ['break', 'stopped', { output: 'a' }],
      ['dispose', 'stopped', { output: 'a' }],
    ]);
  });

  it('destroys a stream of Node.js when the consumer stops', async () => {
    const { tracer } = startRecording();
    const source = Readable.from(['a', 'b']);

    for await (const _ of tracer.traceStream('call', {}, () => source)) break;

    expect(source.destroyed).toBe(true);
  });

  it('passes values, and what the source returns and throws, in both directions', async () => {
    const { tracer } = startRecording();
    const seen: unknown[] = [];
    async function* source(): AsyncGenerator<string, string, string> {
      try {
        seen.push(yield 'a');
      } catch (error) {
        seen.push(error);
        yield 'caught';
      }
      return 'end';
    }
    const open = () => tracer.traceStream('call', {}, source) as AsyncGenerator<string, unknown, string>;

    const [asked, thrown] = [open(), open()];
    await asked.next();
    expect(await asked.next('question')).toEqual({ done: true, value: 'end' });
    await thrown.next();
    expect(await thrown.throw('problem')).toEqual({ done: false, value: 'caught' });

    expect(seen).toEqual(['question', 'problem']);
  });

  it('asks the source as often as the consumer, in order, without waiting for earlier answers', async () => {
    const { tracer, spans } = startRecording();
    const answers: ((step: IteratorResult<string>) => void)[] = [];
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<string>>((resolve) => answers.push(resolve)),
      }),
    };
    const stream = tracer.traceStream('call', {}, () => source);

    const steps = [stream.next(), stream.next(), stream.next()];
    await setImmediate();
    expect(answers).toHaveLength(3);
    answers[1]!({ done: false, value: 'b' });
    answers[0]!({ done: false, value: 'a' });
    answers[2]!({ done: true, value: undefined });

    expect((await Promise.all(steps)).map(({ value }) => value)).toEqual(['a', 'b', undefined]);
    expect(spans).toMatchObject([{ status: 'succeeded' }]);
  });

  it('ends its span when the consumer forgets the stream', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const { tracer, spans } = startRecording();
    for (let call = 0; call < 10; call += 1)
      await tracer.traceStream('call', {}, () => tokens('a', 'b')).next();

    while (spans.length < 9) {
      collectGarbage();
      await setImmediate();
    }

    expect(spans[0]).toMatchObject({ status: 'stopped', outputs: { output: 'a' } });
  });

  it('rejects invalid arguments at the call', () => {
    const { tracer } = startRecording();

    expect(() => tracer.traceStream('', {}, () => [])).toThrow(
      expect.objectContaining({ code: 'ERR_SPAN_INVALID' }),
    );
  });
});
