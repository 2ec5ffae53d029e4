import { describe, expect, it } from 'vitest';
import { Run, tracking } from '../../src/index.js';
import { readRunFile, readValues } from '../support/read-run.js';
import { NO_CAPTURE, startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

const PIXELS = { pixels: new Uint8Array(12), height: 2, width: 2 };

/** The tag, step and number of each value. */
function pointsOf(run: Run): (readonly [string, number, unknown])[] {
  return readValues(run.paths.tensorboard).map(({ tag, step, value }) => {
    const number = value !== undefined && 'tensor' in value ? value.tensor.floatVal?.[0] : undefined;
    return [tag, Number(step), number] as const;
  });
}

describe('Run.log', () => {
  it('logs numbers with one step and one time, and joins the names of nested objects', async () => {
    const { run } = startRun();

    run.log({ loss: 0.5, val: { loss: 0.25, top: { k5: Number.NaN } } }, { step: 10 });
    run.log({ loss: 0.125 }, 12);
    await run.end();

    expect(pointsOf(run).map(([tag, step]) => [tag, step])).toEqual([
      ['loss', 10],
      ['val/loss', 10],
      ['val/top/k5', 10],
      ['loss', 12],
    ]);
    const times = readValues(run.paths.tensorboard).map(({ wallTime }) => wallTime);
    expect(new Set(times.slice(0, 3)).size).toBe(1);
    expect(readRunFile(run.paths.run)).toMatchObject({
      outputs: { loss: 0.125, val__loss: 0.25 },
      meta_info: { has_metrics: true, has_events: true },
    });
  });

  it('logs images, audio, histograms and tensors with the same step', async () => {
    const { run } = startRun();

    run.log(
      {
        loss: { data: [2], shape: [] },
        image: PIXELS,
        sound: { samples: new Float32Array(8), sampleRateHz: 8000 },
        weights: { edges: [0, 1, 2], counts: [3, 4] },
        layer: { weights: { min: 0, max: 2, bucketLimits: [1, 2], bucketCounts: [1, 1] } },
      },
      { step: 7 },
    );
    await run.end();

    const found = pointsOf(run).map(([tag, step]) => `${tag} ${step}`);
    expect(found.sort()).toEqual(['image 7', 'layer/weights 7', 'loss 7', 'sound 7', 'weights 7']);
  });

  it('counts calls without a step', async () => {
    const root = createTempDir();
    const { run } = startRun({ root });

    run.log({ a: 1 });
    run.log({ b: 1 });
    run.log({ a: 1, b: 1 }, { step: 10 });
    run.log({ c: 1 });
    run.logMetric('d', 1, 40);
    run.log({ d: 2 });
    run.log({ a: 2 }, { step: 5 });
    run.log({ image: PIXELS });
    await run.end();
    const resumed = new Run({ root, uuid: run.uuid, resume: true, ...NO_CAPTURE });
    resumed.log({ d: 3 });
    await resumed.end();

    const found = pointsOf(run).map(([tag, step]) => `${tag} ${step}`);
    expect(found).toEqual(['a 0', 'b 1', 'a 10', 'b 10', 'c 11', 'd 40', 'd 41', 'a 5', 'image 42', 'd 42']);
  });

  it('counts beyond 2^53', async () => {
    const { run } = startRun();

    run.log({ a: 1 }, { step: 2n ** 60n });
    run.log({ a: 2 });
    run.log({ b: 1 }, { step: 2 ** 53 });
    await run.end();

    const steps = readValues(run.paths.tensorboard).map(({ step }) => BigInt(step));
    expect(steps).toEqual([2n ** 60n, 2n ** 60n + 1n, 2n ** 53n]);
  });

  const cyclic: Record<string, unknown> = { loss: 1 };
  cyclic.self = cyclic;
  const thrower = {
    get loss(): number {
      throw new Error('no value');
    },
  };
  const refusing = new Proxy(
    {},
    {
      get: () => {
        throw new Error('no access');
      },
    },
  );
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  let deep: Record<string, unknown> = { loss: 1 };
  for (let level = 0; level < 200; level++) deep = { ab: deep };

  it.each<[string, unknown, string, RegExp]>([
    ['undefined', undefined, 'ERR_SCALAR_INVALID', /^values is undefined, expected an object/],
    ['null', null, 'ERR_SCALAR_INVALID', /^values is null/],
    ['a name and a number', 'loss', 'ERR_SCALAR_INVALID', /^values is "loss"/],
    ['an array', [1, 2], 'ERR_SCALAR_INVALID', /^values is an array of length 2/],
    ['a map', new Map([['loss', 1]]), 'ERR_SCALAR_INVALID', /^values is an object \(Map\)/],
    ['a date', new Date(0), 'ERR_SCALAR_INVALID', /^values is an object \(Date\)/],
    ['a promise', Promise.resolve({}), 'ERR_SCALAR_INVALID', /^values is an object \(Promise\)/],
    ['nothing', {}, 'ERR_SCALAR_INVALID', /^values has no value/],
    ['an empty object', { val: {} }, 'ERR_SCALAR_INVALID', /^values has no value/],
    ['a text', { loss: '0.5' }, 'ERR_SCALAR_INVALID', /^"loss" is "0.5", expected a number/],
    ['a nested text', { val: { loss: 'a' } }, 'ERR_SCALAR_INVALID', /^"val\/loss" is "a"/],
    ['a bigint', { loss: 5n }, 'ERR_SCALAR_INVALID', /^"loss" is 5 \(bigint\)/],
    ['a boolean', { ok: true }, 'ERR_SCALAR_INVALID', /^"ok" is true \(boolean\)/],
    ['a missing value', { loss: undefined }, 'ERR_SCALAR_INVALID', /^"loss" is undefined/],
    ['a null', { loss: null }, 'ERR_SCALAR_INVALID', /^"loss" is null/],
    ['a list', { loss: [1, 2] }, 'ERR_SCALAR_INVALID', /^"loss" is an array of length 2/],
    [
      'a typed array',
      { loss: new Float32Array(3) },
      'ERR_SCALAR_INVALID',
      /^"loss" is a Float32Array of length 3/,
    ],
    ['a date as value', { at: new Date(0) }, 'ERR_SCALAR_INVALID', /^"at" is an object \(Date\)/],
    ['a function', { loss: () => 1 }, 'ERR_SCALAR_INVALID', /^"loss" is a function/],
    ['a tensor of two values', { loss: { data: [1, 2], shape: [2] } }, 'ERR_SCALAR_INVALID', /shape \[2\]/],
    ['a symbol as name', { loss: 1, [Symbol('a')]: 1 }, 'ERR_SCALAR_INVALID', /^a name is Symbol\(a\)/],
    ['an empty name', { ' ': 1 }, 'ERR_NAME_INVALID', /^a name is empty/],
    ['a long name', { ['a'.repeat(257)]: 1 }, 'ERR_NAME_INVALID', /257 characters/],
    ['deep objects', deep, 'ERR_NAME_INVALID', /is too long/],
    ['one name twice', { 'a/b': 1, a: { b: 2 } }, 'ERR_SCALAR_INVALID', /^two values have the name "a\/b"/],
    ['a circle', cyclic, 'ERR_SCALAR_INVALID', /^"self" is a circular reference/],
    ['a getter that throws', thrower, 'ERR_SCALAR_INVALID', /^values cannot be read: no value/],
    [
      'a nested getter that throws',
      { val: thrower },
      'ERR_SCALAR_INVALID',
      /^"val" cannot be read: no value/,
    ],
    ['a proxy that throws', { val: refusing }, 'ERR_SCALAR_INVALID', /^"val" is an empty object/],
    ['a revoked proxy', revoked.proxy, 'ERR_SCALAR_INVALID', /^values is an object/],
    [
      'a wrong image',
      { loss: 1, img: { pixels: new Uint8Array(7), height: 2, width: 2 } },
      'ERR_IMAGE_INVALID',
      /./,
    ],
    [
      'a wrong image behind others',
      {
        first: PIXELS,
        sound: { samples: new Float32Array(8), sampleRateHz: 8000 },
        second: { pixels: new Uint8Array(7), height: 2, width: 2 },
        loss: 1,
      },
      'ERR_IMAGE_INVALID',
      /./,
    ],
    [
      'a wrong metric beside an image',
      { img: PIXELS, loss: { data: [1, 2], shape: [2] } },
      'ERR_SCALAR_INVALID',
      /./,
    ],
    [
      'a wrong histogram beside others',
      { img: PIXELS, loss: 1, h: { counts: [1, 2], edges: [0, 1] } },
      'ERR_HISTOGRAM_INVALID',
      /./,
    ],
  ])('rejects %s, and writes nothing', async (_name, values, code, message) => {
    const { run } = startRun();

    expect(() => run.log(values as never)).toThrow(
      expect.objectContaining({
        code,
        message: expect.stringMatching(message),
        hint: expect.stringMatching(/./),
      }),
    );
    // No name belongs to a kind of which nothing was written.
    run.logMetrics({ img: 1, first: 1, sound: 1 }, { step: 0 });
    await run.end();

    expect(pointsOf(run).map(([tag]) => tag)).toEqual(['img', 'first', 'sound']);
  });

  it.each([
    ['an unknown option', { steps: 1 }, 'ERR_OPTION_INVALID'],
    ['a text as options', 'loss', 'ERR_OPTION_INVALID'],
    ['a fraction as step', 0.5, 'ERR_STEP_INVALID'],
    ['a text as step', { step: '1' }, 'ERR_STEP_INVALID'],
    ['a wrong time', { wallTime: -1 }, 'ERR_WALL_TIME_INVALID'],
  ])('rejects %s, and writes nothing', async (_name, options, code) => {
    const { run } = startRun();

    expect(() => run.log({ loss: 1 }, options as never)).toThrow(expect.objectContaining({ code }));
    await run.end();

    expect(pointsOf(run)).toEqual([]);
    expect(() => run.log({ loss: 1 })).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
  });

  it('accepts objects without a prototype, names of the language, and instances', async () => {
    const { run } = startRun();
    class Scores {
      readonly f1 = 0.5;
      unused(): void {}
    }

    run.log(Object.assign(Object.create(null), { loss: 1 }));
    run.log(JSON.parse('{"__proto__": {"x": 1}, "constructor": 2, "toString": 3}'));
    run.log(new Scores() as never);
    await run.end();

    expect(pointsOf(run)).toEqual([
      ['loss', 0, 1],
      ['__proto__/x', 1, 1],
      ['constructor', 1, 2],
      ['toString', 1, 3],
      ['f1', 2, 0.5],
    ]);
    expect(Object.prototype).not.toHaveProperty('x');
  });

  it('is a function of tracking, and reports misuse with onError: warn', async () => {
    const run = tracking.init({
      root: createTempDir(),
      ...NO_CAPTURE,
      onError: 'warn',
      onWarning: () => undefined,
    });

    tracking.log({ loss: 1 });
    tracking.log({ loss: '1' } as never);
    await tracking.end();

    expect(pointsOf(run)).toEqual([['loss', 0, 1]]);
    expect(run.diagnostics).toMatchObject({ ERR_SCALAR_INVALID: 1 });
  });
});
