/** Results of traced functions: promises with methods of SDKs, lazy queries, and objects that resist observation. */

import { execFile } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import { promisify, types } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { outline, startRecording } from './recording.js';

/** As in the OpenAI and Anthropic SDKs: its own state settles before the call, and its methods lead to the outcome. */
class ApiPromise<T> extends Promise<T> {
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }
  readonly #call: () => Promise<T>;
  calls = 0;
  constructor(call: () => Promise<T>) {
    super((resolve) => resolve(undefined as T));
    this.#call = call;
  }
  parse(): Promise<T> {
    this.calls += 1;
    return this.#call();
  }
  // biome-ignore lint/suspicious/noThenProperty: as the SDKs do
  override then<A = T, B = never>(
    onResolved?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.parse().then(onResolved, onRejected);
  }
  override catch<B = never>(onRejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.parse().catch(onRejected);
  }
  override finally(onFinally?: (() => void) | null): Promise<T> {
    return this.parse().finally(onFinally);
  }
  async asResponse(): Promise<{ status: number }> {
    await setImmediate();
    return { status: 200 };
  }
  async withResponse(): Promise<{ data: T; response: { status: number } }> {
    const [data, response] = await Promise.all([this.parse(), this.asResponse()]);
    return { data, response };
  }
}

/** As a query of Mongoose. */
class Query {
  readonly steps: string[] = [];
  where(step: string): this {
    this.steps.push(step);
    return this;
  }
  exec(): Promise<string> {
    return succeed().then(() => this.steps.join());
  }
  stream(): string[] {
    return this.steps;
  }
  on(_event: string, listener: () => void): this {
    listener();
    return this;
  }
  // biome-ignore lint/suspicious/noThenProperty: the tests are about thenables
  then<A>(onResolved: (value: string) => A, onRejected?: (error: unknown) => A): Promise<A> {
    return this.exec().then(onResolved, onRejected);
  }
}

const body = { id: 'answer' };
const succeed = async () => {
  await setImmediate();
  return body;
};

/** Returns the unhandled rejections while `act` runs, and a little after. */
async function collectUnhandled(act: () => unknown): Promise<unknown[]> {
  const listeners = process.listeners('unhandledRejection');
  const reasons: unknown[] = [];
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (reason) => reasons.push(reason));
  await act();
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
  process.removeAllListeners('unhandledRejection');
  for (const listener of listeners) process.on('unhandledRejection', listener);
  return reasons;
}

describe('a promise with methods', () => {
  it.each<[string, (promise: ApiPromise<typeof body>) => unknown, unknown]>([
    ['await', async (promise) => await promise, body],
    ['then', (promise) => promise.then((value) => value), body],
    ['finally', (promise) => promise.finally(() => undefined), body],
    ['catch', (promise) => promise.catch(() => undefined), body],
    ['parse', (promise) => promise.parse(), body],
    ['withResponse', (promise) => promise.withResponse(), { data: body, response: { status: 200 } }],
    ['asResponse', (promise) => promise.asResponse(), { status: 200 }],
    ['Promise.all', (promise) => Promise.all([promise]), body],
  ])(
    'ends its span with the outcome of %s, calls nothing else, and stays itself',
    async (_, use, outputs) => {
      const { tracer, spans, diagnostics } = startRecording();
      const promise = new ApiPromise(succeed);

      const traced = tracer.trace('call', () => promise);
      expect(traced).toBe(promise);
      expect(Object.keys(traced)).toEqual(['calls']);
      await use(traced);

      expect(promise.calls).toBeLessThanOrEqual(1);
      expect(spans).toMatchObject([{ status: 'succeeded', outputs }]);
      expect(diagnostics.counts).toEqual({});
    },
  );

  it.each<[string, (promise: ApiPromise<unknown>) => Promise<unknown>]>([
    ['withResponse', (promise) => promise.withResponse()],
    ['parse', (promise) => promise.parse()],
    ['catch', async (promise) => promise.catch(() => 'handled')],
    ['then', async (promise) => promise.then(undefined, () => 'handled')],
  ])('fails its span with the error of %s', async (_, use) => {
    const { tracer, spans } = startRecording();
    const promise = tracer.trace('call', () => new ApiPromise(() => Promise.reject(new Error('429'))));

    await use(promise).catch(() => undefined);

    expect(spans).toMatchObject([{ status: 'failed', metadata: { error: { message: '429' } } }]);
  });

  it('has spans of the call below its own', async () => {
    const { tracer, spans } = startRecording();

    await tracer.trace('call', () => new ApiPromise(() => tracer.trace('fetch', succeed))).withResponse();

    expect(spans.map(outline)).toEqual(['call(fetch)']);
  });

  it('is the same promise if the methods are its own properties', async () => {
    const { tracer, spans } = startRecording();
    const promise = Object.assign(succeed(), { abort: () => 'aborted' });

    const traced = tracer.trace('call', () => promise);

    expect(traced).toBe(promise);
    expect(traced.abort()).toBe('aborted');
    expect(await traced).toBe(body);
    expect(spans).toMatchObject([{ status: 'succeeded', outputs: body }]);
  });

  it('keeps the child of a promisified execFile', async () => {
    const { tracer, spans } = startRecording();

    const running = tracer.trace('node', () => promisify(execFile)(process.execPath, ['-p', '6*7']));
    expect(running.child.pid).toBeGreaterThan(0);
    expect((await running).stdout).toBe('42\n');

    expect(spans).toMatchObject([{ status: 'succeeded', outputs: { stdout: '42\n' } }]);
  });

  it('ends its span without being awaited if the call runs already', async () => {
    class Cancelable<T> extends Promise<T> {
      cancel(): void {}
    }
    const { tracer, spans } = startRecording();

    tracer.trace('call', () => new Cancelable((resolve) => resolve('done')));
    await setImmediate();

    expect(spans).toMatchObject([{ status: 'succeeded', outputs: { output: 'done' } }]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['of a subclass', () => class extends Promise<never> {}.reject(new Error('x'))],
    ['with properties', () => Object.assign(Promise.reject(new Error('x')), { abort: () => undefined })],
    [
      'with methods that lead to the outcome',
      () => new ApiPromise(() => Promise.reject(new Error('x'))).parse(),
    ],
  ])('%s leaves an unhandled error unhandled, and a handled one handled', async (_, create) => {
    const { tracer } = startRecording();

    const forgotten = await collectUnhandled(() => void tracer.trace('call', create));
    const handled = await collectUnhandled(async () => {
      tracer.trace('call', create).catch(() => undefined);
      await tracer.trace('call', create).then(undefined, () => undefined);
      const later = tracer.trace('call', create);
      await Promise.resolve();
      await expect(Promise.allSettled([later])).resolves.toHaveLength(1);
      try {
        await tracer.trace('call', create);
      } catch {}
    });

    expect(forgotten).toMatchObject([{ message: 'x' }]);
    expect(handled).toEqual([]);
  });
});

describe('a thenable', () => {
  it('ends its span with the method that runs it, and not with those that build it', async () => {
    const { tracer, spans } = startRecording();
    const query = new Query();

    const built = tracer
      .trace('query', () => query)
      .where('a')
      .where('b');
    expect(built).toBe(query);
    expect(built.stream()).toEqual(['a', 'b']);
    expect(spans).toEqual([]);
    expect(await built.exec()).toBe('a,b');

    expect(spans).toMatchObject([{ outputs: { output: 'a,b' } }]);
  });

  it('may be made of plain functions', async () => {
    const { tracer, spans } = startRecording();
    const prisma = {
      // biome-ignore lint/suspicious/noThenProperty: the tests are about thenables
      then: (...callbacks: Parameters<Promise<object>['then']>) => succeed().then(...callbacks),
      withResponse: async () => ({ data: await succeed() }),
    };

    await tracer.trace('query', () => prisma).withResponse();

    expect(spans).toMatchObject([{ outputs: { data: body } }]);
  });

  it('runs callbacks of its caller in the context of the caller', () => {
    const { tracer } = startRecording();
    let active: unknown = 'none';

    const query = tracer.trace('query', () => new Query());
    query.on('data', () => {
      active = tracer.activeSpan;
    });

    expect(active).toBeUndefined();
  });

  it('ends its span as stopped when it becomes garbage before it was run', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const { tracer, spans } = startRecording();
    for (let call = 0; call < 10; call += 1) tracer.trace('query', () => new Query());

    while (spans.length < 9) {
      collect();
      await setImmediate();
    }

    expect(spans[0]).toMatchObject({
      status: 'stopped',
      status_conditions: [{ message: 'The result was never awaited' }],
    });
  });
});

describe('an object that resists observation', () => {
  const refuse = () => {
    throw new Error('refused');
  };
  const traps = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((name) => [name, refuse]));

  it.each<[string, () => object]>([
    ['a proxy whose traps all throw', () => new Proxy({}, traps)],
    ['a proxy of a function', () => new Proxy(() => undefined, traps)],
    ['a proxy of a promise', () => new Proxy(Promise.resolve(1), traps)],
    [
      'a revoked proxy',
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      },
    ],
    ['a proxy that gives functions for everything', () => new Proxy({}, { get: () => () => undefined })],
    ['an object with a throwing then', () => Object.defineProperty({}, 'then', { get: refuse })],
    ['a frozen thenable', () => Object.freeze(new Query())],
  ])('%s is returned, recorded and thrown unchanged', (_, create) => {
    const { tracer, spans } = startRecording();
    const odd = create();
    let thrown: unknown;

    const result = tracer.trace('result', { inputs: { odd } }, (span) => {
      if (typeof odd === 'object') span.setInputs(odd as Record<string, unknown>);
      span.addMetadata('odd', odd);
      return odd;
    });
    try {
      tracer.trace('error', () => {
        throw odd;
      });
    } catch (error) {
      thrown = error;
    }

    expect([types.isProxy(result), Object.is(result, odd), Object.is(thrown, odd)]).toEqual([
      types.isProxy(odd),
      true,
      true,
    ]);
    tracer.close();
    expect(spans.map(({ name }) => name).sort()).toEqual(['error', 'result']);
  });
});
