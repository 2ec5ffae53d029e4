import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/base/errors.js';
import type { ManualSpan, SpanHandle } from '../../src/trace/span-handle.js';
import { notesOf, outline, startRecording } from './recording.js';

describe('Tracer.trace', () => {
  it('returns the result of the function unchanged', async () => {
    const { tracer } = startRecording();
    const object = { a: 1 };

    expect(tracer.trace('sync', () => object)).toBe(object);
    expect(tracer.trace('nothing', () => undefined)).toBeUndefined();
    expect(await tracer.trace('async', async () => object)).toBe(object);
    expect(tracer.trace('options', { kind: 'tool' }, () => 3)).toBe(3);
  });

  it('writes a span with its times, values and status', () => {
    const { tracer, spans, clock } = startRecording();

    tracer.trace(
      'call',
      { kind: 'llm', inputs: { prompt: 'hi' }, tags: ['a'], metadata: { model: 'm' } },
      () => {
        clock.seconds += 1.5;
        return { text: 'hello', tokens: 3 };
      },
    );

    expect(spans).toEqual([
      {
        uuid: expect.stringMatching(/^[0-9a-f]{32}$/),
        name: 'call',
        tags: ['a'],
        started_at: '2024-01-02T03:04:05+00:00',
        finished_at: '2024-01-02T03:04:06.500000+00:00',
        status: 'succeeded',
        metadata: { model: 'm' },
        inputs: { prompt: 'hi' },
        outputs: { text: 'hello', tokens: 3 },
        kind: 'llm',
      },
    ]);
    expect(Object.keys(spans[0]!)).toEqual([
      'uuid',
      'name',
      'tags',
      'started_at',
      'finished_at',
      'status',
      'metadata',
      'inputs',
      'outputs',
      'kind',
    ]);
  });

  it('emits a root once when it ends, with all its children in the order of their start', async () => {
    const { tracer, spans } = startRecording();

    await tracer.trace('root', async () => {
      await Promise.all([
        tracer.trace('slow', async () => {
          await sleep(5);
          await tracer.trace('inner', async () => sleep(1));
        }),
        tracer.trace('quick', async () => undefined),
      ]);
      tracer.trace('sync', () => tracer.trace('deep', () => undefined));
      expect(spans).toEqual([]);
    });

    expect(spans.map(outline)).toEqual(['root(slow(inner),quick,sync(deep))']);
  });

  it('rethrows the same error of the function, and records it', async () => {
    const { tracer, spans } = startRecording();
    const error = new TypeError('no such tool');
    const fail = (): never => {
      throw error;
    };

    expect(() => tracer.trace('sync', fail)).toThrow(error);
    await expect(tracer.trace('async', async () => fail())).rejects.toBe(error);

    for (const span of spans) {
      expect(span).toMatchObject({
        status: 'failed',
        status_conditions: [{ type: 'failed', status: true, reason: 'TypeError', message: 'no such tool' }],
        metadata: {
          error: {
            type: 'TypeError',
            message: 'no such tool',
            stack: expect.stringContaining('tracer.test'),
          },
        },
      });
    }
    expect(spans.length).toBe(2);
  });

  it('keeps an unhandled error unhandled', async () => {
    const { tracer } = startRecording();
    const error = new Error('unhandled');
    const unhandled = new Promise((resolve) => {
      const listeners = process.listeners('unhandledRejection');
      process.removeAllListeners('unhandledRejection');
      process.once('unhandledRejection', (reason) => {
        for (const listener of listeners) process.on('unhandledRejection', listener);
        resolve(reason);
      });
    });

    void tracer.trace('forgotten', async () => {
      throw error;
    });

    expect(await unhandled).toBe(error);
  });

  it('ends the span before code that awaits the result continues', async () => {
    const { tracer, spans } = startRecording();

    await tracer.trace('first', async () => undefined);

    expect(spans.map(({ name }) => name)).toEqual(['first']);
  });

  it('keeps the times of a trace in order when the system clock is set', () => {
    const { tracer, spans, clock } = startRecording();
    const { wallTime } = clock;

    tracer.trace('root', () => {
      clock.wallTime = () => 0;
      clock.seconds += 2;
      tracer.trace('child', () => undefined);
    });
    clock.wallTime = wallTime;

    expect(spans[0]).toMatchObject({
      finished_at: '2024-01-02T03:04:07+00:00',
      children: [{ started_at: '2024-01-02T03:04:07+00:00' }],
    });
  });

  it('records the values that the callback sets', () => {
    const { tracer, spans, clock } = startRecording();

    tracer.trace('call', (span) => {
      span.setKind('retriever');
      span.setInput('query', 'q');
      span.setInputs({ top: 3 });
      span.setOutput('documents', ['d']);
      span.setOutputs({ score: 0.5 });
      span.addMetadata('model', 'm');
      span.addMetadata({ tokens: 9 });
      span.addTag('x', 'y', 'x');
      span.addEvent('retry', { guard: 2 });
      clock.seconds += 1;
      span.setStatus('warning', { reason: 'Slow', message: 'took long' });
      return 'not captured: outputs were set';
    });

    expect(spans[0]).toMatchObject({
      kind: 'retriever',
      tags: ['x', 'y'],
      status: 'warning',
      status_conditions: [
        {
          type: 'warning',
          status: true,
          reason: 'Slow',
          message: 'took long',
          last_update_time: '2024-01-02T03:04:06+00:00',
        },
      ],
      inputs: { query: 'q', top: 3 },
      outputs: { documents: ['d'], score: 0.5 },
      metadata: {
        model: 'm',
        tokens: 9,
        events: [{ name: 'retry', time: '2024-01-02T03:04:05+00:00', attributes: { guard: 2 } }],
      },
    });
    expect(Object.keys(spans[0]!.outputs!)).toEqual(['documents', 'score']);
  });

  it('records the state of a value at the time of the call', () => {
    const { tracer, spans } = startRecording();
    const messages = ['first'];

    tracer.trace('call', { inputs: { messages } }, () => {
      messages.push('second');
      return messages;
    });

    expect(spans[0]).toMatchObject({
      inputs: { messages: ['first'] },
      outputs: { output: ['first', 'second'] },
    });
  });

  it.each([
    ['text', 'hi', { output: 'hi' }],
    ['a list', [1, 2], { output: [1, 2] }],
    ['null', null, { output: null }],
    ['nothing', undefined, undefined],
    ['an empty object', {}, undefined],
    ['a function', function search() {}, { output: '[function search]' }],
    ['bytes', new Uint8Array(9), { output: '[Uint8Array of 9 bytes]' }],
    ['a large text', 'x'.repeat(20_000), { output: `${'x'.repeat(16_384)}[… 3616 more characters]` }],
  ])('captures %s as output', (_, value, outputs) => {
    const { tracer, spans } = startRecording();

    tracer.trace('call', () => value);

    expect(spans[0]!.outputs).toEqual(outputs);
  });

  it('captures no output when captureOutput is false', () => {
    const { tracer, spans } = startRecording({ captureOutput: false });

    tracer.trace('call', () => 'secret');
    tracer.trace('call', { captureOutput: true }, () => 'wanted');

    expect(spans.map(({ outputs }) => outputs)).toEqual([undefined, { output: 'wanted' }]);
  });

  it.each([
    ['running', 'failed'],
    ['succeeded', 'failed'],
    ['stopped', 'stopped'],
    ['skipped', 'skipped'],
  ] as const)('with status %s ends as %s when the function throws', (status, expected) => {
    const { tracer, spans } = startRecording();

    expect(() =>
      tracer.trace('call', (span) => {
        span.setStatus(status);
        throw new Error('no');
      }),
    ).toThrow('no');

    expect(spans[0]!.status).toBe(expected);
    expect(spans[0]!.status_conditions?.map(({ type }) => type)).toEqual([status, 'failed']);
  });

  it('masks values, tags, errors and conditions', () => {
    const { tracer, spans } = startRecording({ mask: (text) => text.replaceAll('hunter2', '***') });

    expect(() =>
      tracer.trace('call', { inputs: { a: ['hunter2'] }, tags: ['hunter2'] }, (span) => {
        span.setStatus('warning', { message: 'hunter2' });
        span.addEvent('hunter2', { a: 'hunter2' });
        throw new Error('hunter2', { cause: 'hunter2' });
      }),
    ).toThrow('hunter2');

    expect(JSON.stringify(spans)).not.toContain('hunter2');
  });

  it('counts a masker that fails, and omits the text', () => {
    const { tracer, spans, diagnostics } = startRecording({ mask: () => 3 as unknown as string });

    tracer.trace('call', { inputs: { token: 'secret' } }, () => undefined);

    expect(spans[0]!.name).toBe('[left out: the masker failed]');
    expect(spans[0]!.inputs).toEqual({ token: '[left out: the masker failed]' });
    expect(diagnostics.counts.WARN_SPAN_MASK).toBe(2);
  });

  it('does not affect the traced code when a span cannot be emitted', () => {
    const { tracer, diagnostics } = startRecording({
      onSpan: () => {
        throw new Error('disk full');
      },
    });

    expect(tracer.trace('call', () => 7)).toBe(7);
    expect(diagnostics.counts.WARN_SPAN_LOST).toBe(1);
  });

  it.each([
    ['an empty name', '', {}, 'name'],
    ['a name that is not a string', 3, {}, 'name'],
    ['an unknown kind', 'n', { kind: 'LLM' }, 'kind'],
    ['tags that are text', 'n', { tags: 'a' }, 'tags'],
    ['an empty tag', 'n', { tags: [''] }, 'tag'],
    ['inputs that are a list', 'n', { inputs: [] }, 'inputs'],
    ['metadata that are text', 'n', { metadata: 'x' }, 'metadata'],
    ['a parent of another run', 'n', { parent: startRecording().tracer.startSpan('x') }, 'parent'],
  ])('rejects %s before the function is called', (_, name, options, subject) => {
    const { tracer, spans, diagnostics } = startRecording({ limits: { maxOpenSpans: 2 } });
    let called = false;

    const call = (): void =>
      tracer.trace(name as string, options as object, () => {
        called = true;
      });

    tracer.trace('root', () => {
      for (let guard = 0; guard < 3; guard += 1) {
        expect(call).toThrow(
          expect.objectContaining({ code: 'ERR_SPAN_INVALID', message: expect.stringContaining(subject) }),
        );
      }
    });
    expect(called).toBe(false);
    expect([spans.map(outline), diagnostics.counts]).toEqual([['root'], {}]);
  });

  it('reports invalid arguments to onInvalid instead of throwing', () => {
    const errors: InvalidArgumentError[] = [];
    const { tracer, spans } = startRecording({ onInvalid: (error) => errors.push(error) });

    const result = tracer.trace('', { kind: 'LLM' as 'llm', tags: ['ok', ''] }, (span) => {
      span.setStatus('fine' as 'done');
      span.setInput(1 as unknown as string, 'x');
      return 5;
    });

    expect(result).toBe(5);
    expect(errors.map(({ code }) => code)).toEqual(Array(5).fill('ERR_SPAN_INVALID'));
    expect(spans[0]).toMatchObject({ name: 'trace', tags: ['ok'], status: 'succeeded' });
  });

  it('rejects a value that is not a function', () => {
    const { tracer } = startRecording();

    expect(() => tracer.trace('n', {}, undefined as unknown as () => void)).toThrow(InvalidArgumentError);
  });
});

describe('thenables', () => {
  /** A query that runs each time it is awaited, like those of knex and Prisma. */
  class LazyQuery {
    runs = 0;
    constructor(readonly run: () => Promise<string>) {}
    where(): this {
      return this;
    }
    // biome-ignore lint/suspicious/noThenProperty: the tests are about thenables
    then<A, B>(
      onResolved?: ((value: string) => A) | null,
      onRejected?: ((error: unknown) => B) | null,
    ): Promise<A | B | string> {
      this.runs += 1;
      return this.run().then(onResolved, onRejected);
    }
  }

  it('are returned unchanged, run when they are awaited, and then end their span', async () => {
    const { tracer, spans } = startRecording();
    const query = new LazyQuery(async () => tracer.trace('driver', async () => 'row'));

    const result = tracer.trace('query', () => query);
    expect(result).toBe(query);
    expect(query.runs).toBe(0);
    expect(spans).toEqual([]);

    expect(await result.where()).toBe('row');
    expect(query.runs).toBe(1);
    expect(spans.map(outline)).toEqual(['query(driver)']);
    expect(spans[0]!.outputs).toEqual({ output: 'row' });
  });

  it('do not include the code that awaits them in their span', async () => {
    const { tracer } = startRecording();
    const query = tracer.trace('query', () => new LazyQuery(async () => 'row'));

    const active = await tracer.trace(
      'outer',
      { captureOutput: false },
      (outer) => query.then(() => tracer.activeSpan === outer) as Promise<boolean>,
    );
    await query;

    expect(active).toBe(true);
    expect(tracer.activeSpan).toBeUndefined();
  });

  it('rethrow their error, and fail their span once', async () => {
    const { tracer, spans, diagnostics } = startRecording();
    const error = new Error('no table');
    const query = tracer.trace('query', () => new LazyQuery(() => Promise.reject(error)));

    await expect(Promise.resolve(query)).rejects.toBe(error);
    await expect(Promise.resolve(query)).rejects.toBe(error);

    expect(spans.map(({ status }) => status)).toEqual(['failed']);
    expect(diagnostics.counts).toEqual({});
  });

  it('of a class derived from Promise keep their class and methods', async () => {
    class ApiPromise<T> extends Promise<T> {
      withResponse(): string {
        return 'response';
      }
    }
    const { tracer, spans } = startRecording();

    const result = tracer.trace('call', () => new ApiPromise<string>((resolve) => resolve('body')));

    expect(result).toBeInstanceOf(ApiPromise);
    expect(result.withResponse()).toBe('response');
    expect(await result).toBe('body');
    expect(spans[0]!.outputs).toEqual({ output: 'body' });
  });

  it('that cannot be observed end their span immediately', () => {
    const { tracer, spans } = startRecording();
    const frozen = Object.freeze(new LazyQuery(async () => 'row'));

    expect(tracer.trace('call', () => frozen)).toBe(frozen);
    expect(spans.map(({ status }) => status)).toEqual(['succeeded']);
  });
});

describe('spans that end late', () => {
  it('are written separately, with their descendants and references to parent and root', async () => {
    const { tracer, spans, diagnostics } = startRecording();
    let background: Promise<void> | undefined;

    tracer.trace('root', () => {
      tracer.trace('child', () => {
        background = tracer.trace('late', async () => {
          tracer.trace('before', () => undefined);
          await sleep(2);
          tracer.trace('after', () => undefined);
        });
      });
    });
    expect(spans.map(outline)).toEqual(['root(child)']);
    await background;

    const [root, late] = spans;
    expect(outline(late!)).toBe('late(before,after)');
    expect(notesOf(late)).toEqual({ parent_uuid: root!.children![0]!.uuid, root_uuid: root!.uuid });
    expect(notesOf(root!.children![0])).toEqual({ late_children: [late!.uuid] });
    expect(diagnostics.counts.WARN_SPAN_LATE).toBe(1);
  });

  it('may also start after the end of their root', async () => {
    const { tracer, spans } = startRecording();

    let timer: Promise<void> | undefined;
    let later: ManualSpan | undefined;
    tracer.trace('root', () => {
      timer = sleep(2).then(() =>
        tracer.trace('tick', () => {
          later = tracer.startSpan('later');
        }),
      );
    });
    await timer;
    later!.end();

    const [root, tick, last] = spans;
    expect(spans.map(outline)).toEqual(['root', 'tick', 'later']);
    expect(notesOf(tick)).toMatchObject({ parent_uuid: root!.uuid, root_uuid: root!.uuid });
    expect(notesOf(last)).toEqual({ parent_uuid: tick!.uuid, root_uuid: root!.uuid });
  });

  it('belong to their parent while its root is open, even if the parent has ended', async () => {
    const { tracer, spans } = startRecording();

    await tracer.trace('root', async () => {
      let work: Promise<void> | undefined;
      tracer.trace('parent', () => {
        work = tracer.trace('child', () => sleep(2));
      });
      await work;
    });

    expect(spans.map(outline)).toEqual(['root(parent(child))']);
    expect(notesOf(spans[0]!.children![0])).toBeUndefined();
  });

  it('count calls on a span that has ended, and ignore them', () => {
    const { tracer, spans, diagnostics } = startRecording();
    let kept: SpanHandle | undefined;
    tracer.trace('call', (span) => {
      kept = span;
    });

    kept!.setOutput('a', 1);
    kept!.addTag('x');
    kept!.setStatus('failed');
    (kept as ManualSpan).end();

    expect(spans).toEqual([
      expect.not.objectContaining({ outputs: expect.anything(), tags: expect.anything() }),
    ]);
    expect(diagnostics.counts.WARN_SPAN_ENDED).toBe(4);
  });
});

describe('Tracer.startSpan', () => {
  it('returns a span that its caller ends', () => {
    const { tracer, spans } = startRecording();

    const span = tracer.startSpan('call', { kind: 'llm', inputs: { a: 1 } });
    expect(tracer.activeSpan).toBeUndefined();
    span.end({ b: 2 });

    expect(spans[0]).toMatchObject({
      name: 'call',
      status: 'succeeded',
      inputs: { a: 1 },
      outputs: { b: 2 },
    });
  });

  it('accepts children through parent and run when the context is lost', () => {
    const { tracer, spans } = startRecording();

    const agent = tracer.startSpan('agent');
    const step = tracer.startSpan('step', { parent: agent });
    tracer.trace('tool', { parent: step }, () => undefined);
    const active = step.run(() => {
      tracer.trace('inside', () => undefined);
      return tracer.activeSpan;
    });
    step.end();
    agent.end();

    expect(active).toBe(step);
    expect(spans.map(outline)).toEqual(['agent(step(tool,inside))']);
  });

  it('starts a root when the parent is null, even with an active span', () => {
    const { tracer, spans } = startRecording();

    tracer.trace('outer', () => tracer.trace('alone', { parent: null }, () => undefined));

    expect(spans.map(outline)).toEqual(['alone', 'outer']);
  });

  it('fails with an error, and ends with a using declaration', () => {
    const { tracer, spans } = startRecording();

    tracer.startSpan('failing').fail(new Error('no'));
    {
      using span = tracer.startSpan('used');
      span.setOutput('a', 1);
    }

    expect(spans.map(({ name, status }) => [name, status])).toEqual([
      ['failing', 'failed'],
      ['used', 'succeeded'],
    ]);
  });
});

describe('several tracers', () => {
  it('do not affect each other’s spans', () => {
    const first = startRecording();
    const second = startRecording();

    first.tracer.trace('a', () =>
      second.tracer.trace('x', () =>
        first.tracer.trace('b', () => {
          expect(first.tracer.activeSpan?.name).toBe('b');
          expect(second.tracer.activeSpan?.name).toBe('x');
          second.tracer.trace('y', () => first.tracer.trace('c', () => undefined));
        }),
      ),
    );

    expect(first.spans.map(outline)).toEqual(['a(b(c))']);
    expect(second.spans.map(outline)).toEqual(['x(y)']);
  });
});

describe('limits', () => {
  function nest(trace: (depth: number, inner: () => void) => void, depth: number): void {
    if (depth > 0) trace(depth, () => nest(trace, depth - 1));
  }

  it.each([
    [{ maxDepth: 2 }, 'root(5(4))', 3],
    [{ maxSpans: 3 }, 'root(5(4))', 3],
    [{ maxOpenSpans: 4 }, 'root(5(4(3)))', 2],
  ])('%o drop spans, count them, and run their functions', (limits, expected, dropped) => {
    const { tracer, spans, diagnostics } = startRecording({ limits });
    let calls = 0;

    tracer.trace('root', () => {
      nest((depth, inner) => {
        tracer.trace(String(depth), (span) => {
          calls += 1;
          span.setOutput('a', 1);
          span.addTag('x');
          inner();
        });
      }, 5);
    });

    expect(calls).toBe(5);
    expect(outline(spans[0]!)).toBe(expected);
    let last = spans[0]!;
    while (last.children !== undefined) last = last.children[0]!;
    expect(notesOf(last)).toEqual({ dropped_spans: dropped });
    expect(diagnostics.counts).toEqual({ WARN_SPAN_DROPPED: dropped });
  });

  it('drop children beyond maxChildren', () => {
    const { tracer, spans } = startRecording({ limits: { maxChildren: 2 } });

    tracer.trace('root', () => {
      for (const name of ['a', 'b', 'c', 'd']) tracer.trace(name, () => undefined);
    });

    expect(outline(spans[0]!)).toBe('root(a,b)');
    expect(notesOf(spans[0])).toEqual({ dropped_spans: 2 });
  });

  it('count a late span as a separate tree', () => {
    const { tracer, spans } = startRecording({ limits: { maxSpans: 3 } });

    const root = tracer.startSpan('root');
    const late = tracer.startSpan('late', { parent: root });
    const inner = tracer.startSpan('inner', { parent: late });
    root.end();
    for (const name of ['a', 'b']) tracer.trace(name, { parent: inner }, () => undefined);
    inner.end();
    late.end();

    expect(spans.map(outline)).toEqual(['root', 'late(inner(a))']);
    expect(notesOf(spans[1]!.children![0])).toEqual({ dropped_spans: 1 });
  });

  it('apply only to spans that are open', () => {
    const { tracer, spans } = startRecording({ limits: { maxOpenSpans: 1 } });

    for (let index = 0; index < 5; index += 1) tracer.trace('call', () => undefined);

    expect(spans.length).toBe(5);
  });

  it('truncate values, and record their number', () => {
    const { tracer, spans, diagnostics } = startRecording({
      limits: { maxTextLength: 10, maxItems: 3, maxValueDepth: 2 },
    });

    tracer.trace(
      'call',
      { inputs: { text: 'x'.repeat(15), list: [1, 2, 3, 4, 5], deep: { a: { b: { c: 1 } } } } },
      (span) => span.setInput('fourth', 4),
    );

    expect(spans[0]!.inputs).toEqual({
      text: `${'x'.repeat(10)}[… 5 more characters]`,
      list: [1, 2, 3, '[… 2 more]'],
      deep: { a: { b: '[… Object]' } },
    });
    expect(notesOf(spans[0])).toEqual({ cut_values: 4 });
    expect(diagnostics.counts).toEqual({ WARN_SPAN_CUT: 1 });
  });

  it('limit the values of a whole trace', () => {
    const { tracer, spans } = startRecording({ limits: { maxTraceLength: 10_000 } });

    tracer.trace('root', () => {
      for (let index = 0; index < 100; index += 1) {
        tracer.trace('child', { inputs: { text: 'x'.repeat(1000) } }, () => 'y'.repeat(1000));
      }
    });

    expect(JSON.stringify(spans).length).toBeLessThan(10_000 + 100 * 400);
    expect(spans[0]!.children!.length).toBe(100);
  });

  it.each([{ maxDepth: 101 }, { maxDepth: 0 }, { maxItems: 1.5 }, { maxDeep: 1 }])(
    '%o is rejected',
    (limits) => {
      expect(() => startRecording({ limits })).toThrow(
        expect.objectContaining({ code: 'ERR_OPTION_INVALID' }),
      );
    },
  );
});

describe('Tracer.close', () => {
  it('emits open roots as stopped, and records nothing after that', async () => {
    const { tracer, spans, diagnostics } = startRecording();
    let finish = (): void => undefined;
    const work = tracer.trace('root', async () => {
      await tracer.trace('child', () => new Promise<void>((resolve) => (finish = resolve)));
      return tracer.trace('later', () => 'result');
    });

    tracer.close();
    tracer.close();
    finish();

    expect(await work).toBe('result');
    expect(spans.map(outline)).toEqual(['root', 'child']);
    expect(spans.map(({ status }) => status)).toEqual(['stopped', 'stopped']);
    expect(spans[0]!.status_conditions).toMatchObject([{ type: 'stopped', reason: 'RunEnded' }]);
    expect(notesOf(spans[1])).toEqual({ parent_uuid: spans[0]!.uuid, root_uuid: spans[0]!.uuid });
    expect(diagnostics.counts).toEqual({
      WARN_SPAN_UNFINISHED: 2,
      WARN_SPAN_LATE: 1,
      WARN_SPAN_CLOSED: 1,
    });
  });
});
