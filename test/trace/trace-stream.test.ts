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

  it('rejects invalid arguments at the call', () => {
    const { tracer } = startRecording();

    expect(() => tracer.traceStream('', {}, () => [])).toThrow(
      expect.objectContaining({ code: 'ERR_SPAN_INVALID' }),
    );
  });
});
