import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { outline, startRecording } from './recording.js';

async function readAll<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('traced', () => {
  it('keeps the name, the length, the properties, the type and `this` of a function', () => {
    const { tracer, spans } = startRecording();
    class Search {
      readonly prefix = '> ';
      find(query: string, limit: number): string[] {
        return [`${this.prefix}${query}`, String(limit)];
      }
    }
    const search = new Search();
    const find = tracer.traced(Object.assign(search.find, { version: 2 }), { kind: 'retriever' });
    search.find = find;

    expect(search.find('why', 3)).toEqual(['> why', '3']);
    expect([find.name, find.length, find.version]).toEqual(['find', 2, 2]);
    expectTypeOf(find).parameters.toEqualTypeOf<[query: string, limit: number]>();
    expect(spans).toMatchObject([
      {
        name: 'find',
        kind: 'retriever',
        inputs: { arguments: ['why', 3] },
        outputs: { output: ['> why', '3'] },
      },
    ]);
  });

  it('makes each call a span: of promises, errors and calls in it, each its own', async () => {
    const { tracer, spans } = startRecording();
    const callee = tracer.traced(async function inner({ n }: { n: number }) {
      await sleep(2);
      if (n > 1) throw new RangeError('too large');
      return { doubled: n * 2 };
    });
    const outer = tracer.traced(() => Promise.allSettled([callee({ n: 1 }), callee({ n: 2 })]), {
      name: 'outer',
    });

    const settled = await outer();

    expect(settled).toMatchObject([{ value: { doubled: 2 } }, { reason: expect.any(RangeError) }]);
    expect(spans.map(outline)).toEqual(['outer(inner,inner)']);
    expect(spans[0]!.children).toMatchObject([
      { status: 'succeeded', inputs: { n: 1 }, outputs: { doubled: 2 } },
      { status: 'failed', inputs: { n: 2 } },
    ]);
  });

  it('records the items of generators while they are read, whose spans nest', async () => {
    const { tracer, spans } = startRecording();
    const step = tracer.traced((n: number) => n, { name: 'step' });
    const counter = tracer.traced(function* count(to: number) {
      for (let n = 0; n < to; n += 1) yield step(n);
      return 'end';
    });
    const model = tracer.traced(async function* tokens() {
      yield* ['Hel', 'lo'];
    });

    const counted = counter(2);
    expect(Object.prototype.toString.call(counted)).toBe('[object Generator]');
    expect([...counted]).toEqual([0, 1]);
    let all = '';
    for await (const token of model()) all += token;

    expect(all).toBe('Hello');
    expect(spans.map(outline)).toEqual(['count(step,step)', 'tokens']);
    expect(spans).toMatchObject([
      { inputs: { arguments: [2] }, outputs: { items: [0, 1] }, metadata: { stream: { completed: true } } },
      { outputs: { output: 'Hello' }, metadata: { stream: { items: 2 } } },
    ]);
  });

  it('ends the span of a stream whose consumer leaves, or that fails', async () => {
    const { tracer, spans } = startRecording();
    const endless = tracer.traced(async function* endless() {
      for (let n = 0; ; n += 1) {
        if (n === 2) throw new Error('no more');
        yield n;
      }
    });

    for await (const n of endless()) if (n === 0) break;
    await expect(readAll(endless())).rejects.toThrow('no more');

    expect(spans.map(({ status }) => status)).toEqual(['stopped', 'failed']);
  });

  it('returns a promised stream itself, as clients of models give it', async () => {
    const { tracer, spans } = startRecording();
    class Stream {
      readonly controller = new AbortController();
      async *[Symbol.asyncIterator]() {
        yield { delta: 'a' };
        yield { delta: 'b' };
      }
    }
    const stream = new Stream();
    const create = tracer.traced(async () => stream, {
      name: 'create',
      textOf: (chunk) => (chunk as { delta: string }).delta,
    });

    const given = await create();
    expect(given).toBe(stream);
    expect(spans).toEqual([]);
    expect(await readAll(given)).toHaveLength(2);

    expect(spans).toMatchObject([{ name: 'create', outputs: { output: 'ab' } }]);
  });

  it('ends the span of a stream of Node.js when it closes, however it is read', async () => {
    const { tracer, spans } = startRecording();
    const read = tracer.traced(() => Readable.from(['a', 'b']), { name: 'read' });

    expect(await text(read())).toBe('ab');
    const events = read();
    await new Promise((resolve) => events.resume().on('close', resolve));

    expect(spans.map(({ name, status }) => [name, status])).toEqual([
      ['read', 'succeeded'],
      ['read', 'succeeded'],
    ]);
  });

  it('rejects what is no function, and unknown options', () => {
    const { tracer } = startRecording();

    expect(() => tracer.traced(1 as never)).toThrow(expect.objectContaining({ code: 'ERR_SPAN_INVALID' }));
    expect(() => tracer.traced(() => 1, { inputs: {} } as never)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_INVALID' }),
    );
  });
});
