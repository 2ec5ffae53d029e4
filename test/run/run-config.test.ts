import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Run, tracking } from '../../src/index.js';
import { readRunFile } from '../support/read-run.js';
import { NO_CAPTURE, startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

describe('Run.config', () => {
  it('logs parameters as logInputs does, and reads them back', async () => {
    const root = createTempDir();
    const { run } = startRun({ root });

    run.config.lr = 0.1;
    const config = run.config.update({
      'model/width': 8,
      model: { depth: 4, heads: { count: 2 } },
      layers: [1, 2],
    });
    config.model.depth = 5;
    config.model.heads.count += 1;
    run.logInputs({ seed: 1 });

    expect(readRunFile(run.paths.run).inputs).toEqual({
      lr: 0.1,
      model__width: 8,
      model: { depth: 5, heads: { count: 3 } },
      layers: [1, 2],
      seed: 1,
    });
    expect([config.lr, config.seed, config.layers, run.config['model/width']]).toEqual([0.1, 1, [1, 2], 8]);
    await run.end();
    const resumed = new Run({ root, uuid: run.uuid, resume: true, ...NO_CAPTURE });
    expect(JSON.parse(JSON.stringify(resumed.config))).toEqual(readRunFile(run.paths.run).inputs);
    await resumed.end();
  });

  it('is an object like others', async () => {
    const { run } = startRun();

    run.config.update({ lr: 0.1, model: { depth: 4 } });

    expect(Object.keys(run.config)).toEqual(['lr', 'model']);
    expect({ ...run.config }).toEqual({ lr: 0.1, model: { depth: 4 } });
    expect(['lr' in run.config, 'mu' in run.config, run.config.mu]).toEqual([true, false, undefined]);
    expect(inspect(run.config)).toBe('{ lr: 0.1, model: { depth: 4 } }');
    expect(Object.hasOwn(run.config, 'lr')).toBe(true);
    expect(structuredClone({ ...run.config, model: { ...(run.config.model as object) } })).toEqual(
      run.getInputs(),
    );
    await run.end();
  });

  const thrower = {
    get lr(): number {
      throw new Error('no value');
    },
  };
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;

  it.each<[string, (run: Run) => unknown]>([
    ['a function', (run) => Object.assign(run.config, { lr: () => 1 })],
    ['a symbol', (run) => Object.assign(run.config, { lr: Symbol('a') })],
    ['a symbol as name', (run) => Object.assign(run.config, { [Symbol('a')]: 1 })],
    ['the name update', (run) => Object.assign(run.config, { update: 1 })],
    ['a getter that throws', (run) => run.config.update({ model: thrower })],
    ['a getter that throws at the top', (run) => run.config.update(thrower)],
    ['a circle', (run) => run.config.update(cyclic)],
    ['an array of values', (run) => run.config.update([1])],
    ['a text', (run) => run.config.update('lr' as never)],
    ['nothing', (run) => run.config.update(undefined as never)],
    [
      'a nested function',
      (run) => Object.assign(run.config.update({ model: { depth: 1 } }).model, { depth: () => 1 }),
    ],
    ['a definition', (run) => Object.defineProperty(run.config, 'lr', { value: 1 })],
    ['a prototype', (run) => Object.setPrototypeOf(run.config, {})],
    [
      'a removal',
      (run) => {
        const config: Partial<{ lr: number }> = run.config.update({ lr: 1 });
        delete config.lr;
      },
    ],
  ])('rejects %s', async (_name, call) => {
    const { run } = startRun();

    expect(() => call(run)).toThrow(expect.objectContaining({ code: 'ERR_PARAMS_INVALID' }));
    await run.end();
  });

  it('stores names of the language as parameters, and changes no prototype', async () => {
    const { run } = startRun();

    run.config.update(JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 2}'));
    Object.assign(run.config, { hasOwnProperty: 3 });

    const written = readRunFile(run.paths.run).inputs as object;
    expect(Object.keys(written)).toEqual(['__proto__', 'constructor', 'hasOwnProperty']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    await run.end();
  });

  it('masks secrets, stores what JSON lacks as logInputs does, and keeps lists unchanged', async () => {
    const { run } = startRun();

    run.config.api_key = 'sk-1234567890abcdef1234567890abcdef';
    run.config.update({ at: new Date(0), big: 2n ** 60n, bad: Number.NaN, data: new Float32Array([1]) });
    run.config.list = [1];

    expect(run.config.api_key).not.toContain('1234567890');
    expect(run.config).toMatchObject({
      at: '1970-01-01T00:00:00.000Z',
      big: String(2n ** 60n),
      bad: 'NaN',
      data: [1],
    });
    expect(() => (run.config.list as number[]).push(2)).toThrow(TypeError);
    await run.end();
    expect(() => {
      run.config.lr = 1;
    }).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
    expect(run.config.list).toEqual([1]);
  });

  it('is a property of tracking', async () => {
    expect(() => tracking.config).toThrow(expect.objectContaining({ code: 'ERR_NO_RUN' }));
    const run = tracking.init({ root: createTempDir(), ...NO_CAPTURE });

    tracking.config.lr = 0.5;

    expect(run.getInputs()).toEqual({ lr: 0.5 });
    await tracking.end();
  });
});
