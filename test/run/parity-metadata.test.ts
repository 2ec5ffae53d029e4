/** Every argument of Python's methods for the metadata of a run: parameters, results, tags, texts, status. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RunStatus } from '../../src/index.js';
import { FakeClock } from '../support/fake-clock.js';
import { readRunFile } from '../support/read-run.js';
import { startRun } from '../support/start-run.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const VALUES = [
  ['logInputs', 'inputs'],
  ['logOutputs', 'outputs'],
  ['logMeta', 'meta_info'],
] as const;

describe('values', () => {
  it.each(VALUES)('are merged by name, and are on disk when the call returns: %s', async (method, field) => {
    const { run } = startRun();

    run[method]({ a: 1, b: { c: [null, 'é'] } });
    expect(readRunFile(run.paths.run)[field]).toMatchObject({ a: 1, b: { c: [null, 'é'] } });
    run[method]({ a: 2 });

    expect(readRunFile(run.paths.run)[field]).toMatchObject({ a: 2, b: { c: [null, 'é'] } });
    await run.end();
  });

  it.each(VALUES)('replace all earlier values with reset: %s', async (method, field) => {
    const { run } = startRun();

    run[method]({ a: 1 });
    run[method]({ b: 2 }, { reset: true });

    const { has_tensorboard: _flag, ...values } = readRunFile(run.paths.run)[field] ?? {};
    expect(values).toEqual({ b: 2 });
    await run.end();
  });

  it.each(VALUES)('can have any name, including names of Python arguments: %s', async (method, field) => {
    const { run } = startRun();

    run[method]({ kept: 1 });
    run[method]({ reset: true, async_req: false, self: 'x' });

    expect(readRunFile(run.paths.run)[field]).toMatchObject({
      kept: 1,
      reset: true,
      async_req: false,
      self: 'x',
    });
    await run.end();
  });

  it('keep the event flags of the run when meta information is reset', async () => {
    const { run } = startRun();
    run.logMetric('loss', 1);

    run.logMeta({ stage: 'two' }, { reset: true });
    run.logMetric('loss', 2);

    expect(readRunFile(run.paths.run).meta_info).toEqual({
      has_tensorboard: true,
      has_metrics: true,
      has_events: true,
      stage: 'two',
    });
    await run.end();
  });
});

describe('tags', () => {
  it('are a list or one string with commas, and are added, or replace all with reset', async () => {
    const { run } = startRun({ tags: ['a'] });
    const tags = () => readRunFile(run.paths.run).tags;

    run.logTags(['b', 'a']);
    expect(tags()).toEqual(['a', 'b']);
    run.logTags('c, d');
    expect(tags()).toEqual(['a', 'b', 'c', 'd']);
    run.logTags('e', { reset: true });
    expect(tags()).toEqual(['e']);
    await run.end();
  });
});

describe('Run.setName, setDescription and setReadme', () => {
  it('are on disk when they return', async () => {
    const { run } = startRun();

    run.setName('second');
    expect(readRunFile(run.paths.run)).toMatchObject({ name: 'second' });
    run.setDescription('d');
    expect(readRunFile(run.paths.run)).toMatchObject({ description: 'd' });
    run.setReadme('# r');
    expect(readRunFile(run.paths.run)).toMatchObject({ readme: '# r' });
    await run.end();
  });
});

describe('Run.update', () => {
  it('changes only the given values, which are on disk when it returns', async () => {
    const { run } = startRun({ name: 'first', description: 'd', tags: ['a'] });
    run.logInputs({ lr: 1 });
    run.logOutputs({ loss: 1 });

    run.update({ description: 'e', outputs: { accuracy: 2 } });
    expect(readRunFile(run.paths.run)).toMatchObject({
      name: 'first',
      description: 'e',
      tags: ['a'],
      inputs: { lr: 1 },
      outputs: { accuracy: 2 },
    });
    run.update({ name: 'second', readme: 'r', tags: ['b'], inputs: { lr: 2 }, meta: { stage: 1 } });

    expect(readRunFile(run.paths.run)).toMatchObject({
      name: 'second',
      description: 'e',
      readme: 'r',
      tags: ['b'],
      inputs: { lr: 2 },
      meta_info: { has_tensorboard: true, stage: 1 },
    });
    await run.end();
  });
});

describe('Run.logProgress', () => {
  it('sets the progress, and rejects values outside 0 to 1', async () => {
    const { run } = startRun();

    run.logProgress(0.5);
    expect(readRunFile(run.paths.run).meta_info).toMatchObject({ progress: 0.5 });
    for (const progress of [-0.1, 1.1, Number.NaN, '0.5' as unknown as number]) {
      expect(() => run.logProgress(progress)).toThrow(
        expect.objectContaining({ code: 'ERR_PROGRESS_INVALID' }),
      );
    }
    await run.end();
  });
});

describe('Run', () => {
  it('provides its owner, project, status, mode, record and log level', async () => {
    vi.stubEnv('POLYAXON_LOG_LEVEL', 'debug');
    const { run } = startRun({ project: 'acme/demo' });

    expect(run).toMatchObject({ owner: 'acme', project: 'demo', status: 'running', mode: 'offline' });
    expect(run.record).toEqual(readRunFile(run.paths.run));
    expect(run.record.uuid).toBe(run.uuid);
    expect(run.getLogLevel()).toBe('debug');
    vi.stubEnv('POLYAXON_LOG_LEVEL', '');
    expect(run.getLogLevel()).toBeUndefined();
    await run.end();
  });
});

describe('a status', () => {
  const ENDS = [
    ['logSucceeded', 'succeeded'],
    ['logStopped', 'stopped'],
    ['logFailed', 'failed'],
  ] as const;

  it('has the given type, reason, message and time', async () => {
    const clock = new FakeClock();
    const { run } = startRun({ clock });

    run.logStatus('warning', { reason: 'Slow', message: 'slower than usual', wallTime: 1_704_164_645.5 });
    expect(readRunFile(run.paths.run)).toMatchObject({ status: 'warning' });
    expect(readRunFile(run.paths.run).status_conditions.at(-1)).toEqual({
      type: 'warning',
      status: true,
      reason: 'Slow',
      message: 'slower than usual',
      last_update_time: '2024-01-02T03:04:05.500000+00:00',
      last_transition_time: '2024-01-02T03:04:05.500000+00:00',
    });
    await run.end();
  });

  it('is running from the start, and again after start()', async () => {
    const { run } = startRun();
    const last = () => readRunFile(run.paths.run).status_conditions.at(-1);

    expect(last()).toMatchObject({ type: 'running', message: 'Operation is running' });
    run.logStatus('starting');
    run.start();
    expect(last()).toMatchObject({ type: 'running', message: 'Operation is running' });
    await run.end();
  });

  it.each(ENDS)('is final with %s, with the given reason and message', async (method, type) => {
    const { run } = startRun();

    await run[method]({ reason: 'Mine', message: 'as I say' });

    const record = readRunFile(run.paths.run);
    expect(record).toMatchObject({ status: type, finished_at: expect.any(String) });
    expect(record.status_conditions.at(-1)).toMatchObject({ type, reason: 'Mine', message: 'as I say' });
  });

  it.each(ENDS)('does not change after %s, and the run ends only once', async (method, type) => {
    const { run } = startRun();
    run.logMetric('loss', 1);

    await run[method]();
    const before = readRunFile(run.paths.run);
    await run.end();
    await run.logFailed({ message: 'late' });

    expect(readRunFile(run.paths.run)).toEqual(before);
    expect(before.status_conditions.filter((condition) => condition.type === type)).toHaveLength(1);
    expect(before.outputs).toEqual({ loss: 1 });
  });

  it('can be read with its history', async () => {
    const { run } = startRun();
    run.logStatus('processing');

    const { status, conditions } = run.getStatuses();
    const types: RunStatus[] = ['created', 'running', 'processing'];
    expect(status).toBe('processing');
    expect(conditions.map(({ type }) => type)).toEqual(types);
    expect(run.status).toBe('processing');
    await run.end();
  });
});
