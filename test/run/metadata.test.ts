import { describe, expect, it } from 'vitest';
import { FakeClock } from '../support/fake-clock.js';
import { readRunFile } from '../support/read-run.js';
import { startRun } from '../support/start-run.js';

describe('Run.logInputs, logOutputs and logMeta', () => {
  it("use Polyaxon's names, merge, and replace with reset", async () => {
    const { run } = startRun();

    run.logInputs({ 'model/lr': 0.1, 'batch size': 32 });
    run.logInputs({ momentum: 0.9 });
    run.logOutputs({ accuracy: 1 });
    run.logOutputs({ loss: 2 }, { reset: true });
    run.logMeta({ stage: 'warm-up' });

    const record = readRunFile(run.paths.run);
    expect(record.inputs).toEqual({ model__lr: 0.1, 'batch-size': 32, momentum: 0.9 });
    expect(record.outputs).toEqual({ loss: 2 });
    expect(record.meta_info).toEqual({ has_tensorboard: true, stage: 'warm-up' });
    expect([run.getInputs(), run.getOutputs()]).toEqual([record.inputs, record.outputs]);
    await run.end();
  });

  it('reject two names that are the same in Polyaxon, and name both', async () => {
    const { run } = startRun();

    expect(() => run.logInputs({ 'a b': 1, 'a-b': 2 })).toThrow(/inputs: "a b" and "a-b" are both named a-b/);

    expect(readRunFile(run.paths.run).inputs).toBeUndefined();
    await run.end();
  });

  it('generate a stable name if Polyaxon allows none of the characters, with a warning', async () => {
    const first = startRun();
    const second = startRun();

    first.run.logInputs({ '★': 1 });
    second.run.logInputs({ '★': 1 });

    expect(Object.keys(first.run.getInputs())).toEqual([expect.stringMatching(/^unnamed-[0-9a-f]{8}$/)]);
    expect(second.run.getInputs()).toEqual(first.run.getInputs());
    expect(first.warnings.map(({ code }) => code)).toEqual(['WARN_NAME_GENERATED']);
    await first.run.end();
    await second.run.end();
  });

  it('mask values that look like secrets, unless secrets are allowed', async () => {
    const { run, warnings } = startRun();

    run.logInputs({
      apiKey: 'sk-abcdefghijklmnopqrstuvwxyz012345',
      nested: { password: 'hunter2hunter2' },
      lr: 0.1,
    });
    run.logInputs({ kept: 'ghp_abcdefghijklmnopqrstuvwxyz0123456789' }, { allowSecrets: true });

    const { inputs } = readRunFile(run.paths.run);
    expect(inputs).toEqual({
      apiKey: '***',
      nested: { password: '***' },
      lr: 0.1,
      kept: 'ghp_abcdefghijklmnopqrstuvwxyz0123456789',
    });
    expect(warnings.filter(({ code }) => code === 'WARN_SECRET_MASKED')).toHaveLength(2);
    await run.end();
  });

  it('report the key of a cyclic value', async () => {
    const { run } = startRun();
    const cyclic: Record<string, unknown> = {};
    cyclic.self = { again: cyclic };

    expect(() => run.logMeta({ model: cyclic })).toThrow(/meta\.model\.self\.again is a circular reference/);
    await run.end();
  });
});

describe('Run.logTags, setName, setDescription, setReadme and update', () => {
  it('change the record immediately', async () => {
    const { run } = startRun({ tags: 'a,b' });

    run.logTags('b, c');
    run.setName('second name');
    run.setDescription('d');
    run.setReadme('# r');

    expect(readRunFile(run.paths.run)).toMatchObject({
      tags: ['a', 'b', 'c'],
      name: 'second name',
      description: 'd',
      readme: '# r',
    });
    run.logTags(['z'], { reset: true });
    run.update({ description: 'e', inputs: { lr: 1 } });
    expect(readRunFile(run.paths.run)).toMatchObject({
      tags: ['z'],
      name: 'second name',
      description: 'e',
      readme: '# r',
      inputs: { lr: 1 },
    });
    await run.end();
  });

  it('change nothing when one of several values is invalid', async () => {
    const { run } = startRun({ name: 'before' });

    expect(() => run.update({ name: 'after', tags: [''] })).toThrow(/tags is/);

    expect(run.name).toBe('before');
    await run.end();
  });
});

describe('Run.logProgress', () => {
  it('drops small increases when many occur in one second', async () => {
    const clock = new FakeClock();
    const { run } = startRun({ clock });
    const progress = () => readRunFile(run.paths.run).meta_info?.progress;

    run.logProgress(0.01);
    run.logProgress(0.02);
    run.logProgress(0.03);
    expect(progress()).toBe(0.02);
    run.logProgress(0.5);
    expect(progress()).toBe(0.5);
    clock.seconds += 1;
    run.logProgress(0.51);
    expect(progress()).toBe(0.51);
    run.logProgress(1);
    expect(progress()).toBe(1);
    await run.end();
  });

  it.each([-0.1, 1.1, Number.NaN, '0.5' as unknown as number])('rejects %s', async (progress) => {
    const { run } = startRun();

    expect(() => run.logProgress(progress)).toThrow(
      expect.objectContaining({ code: 'ERR_PROGRESS_INVALID' }),
    );
    await run.end();
  });
});

describe('Run.logStatus', () => {
  it('adds conditions, and replaces the last one if it has the same type', async () => {
    const { run } = startRun();

    run.logStatus('processing', { reason: 'Data', message: 'first' });
    run.logStatus('processing', { reason: 'Data', message: 'second' });

    const { status, conditions } = run.getStatuses();
    expect(status).toBe('processing');
    expect(conditions.map(({ type, message }) => [type, message])).toEqual([
      ['created', 'Operation is starting'],
      ['running', 'Operation is running'],
      ['processing', 'second'],
    ]);
    await run.end();
  });

  it('keeps a final status when other statuses follow', async () => {
    const { run, warnings } = startRun();

    run.logStatus('failed', { reason: 'Diverged', message: 'loss is NaN' });
    run.logStatus('running');
    await run.end();

    const record = readRunFile(run.paths.run);
    expect(record.status).toBe('failed');
    expect(record.status_conditions.at(-1)).toMatchObject({ reason: 'Diverged', message: 'loss is NaN' });
    expect(warnings.map(({ code }) => code)).toEqual(['WARN_STATUS_IGNORED']);
  });

  it('rejects a status that Polyaxon does not have', async () => {
    const { run } = startRun();

    expect(() => run.logStatus('finished' as 'done')).toThrow(
      expect.objectContaining({ code: 'ERR_STATUS_INVALID' }),
    );
    await run.end();
  });

  it.each([
    ['logSucceeded', 'succeeded', 'Operation has succeeded'],
    ['logFailed', 'failed', 'Operation has failed'],
    ['logStopped', 'stopped', 'Operation has been stopped'],
  ] as const)('ends the run in %s', async (method, status, message) => {
    const { run } = startRun();

    await run[method]();

    expect(readRunFile(run.paths.run)).toMatchObject({ status, finished_at: expect.any(String) });
    expect(run.getStatuses().conditions.at(-1)).toMatchObject({ message });
  });
});

describe("onError: 'warn'", () => {
  it('turns misuse into counted warnings, and the run continues', async () => {
    const { run, warnings } = startRun({ onError: 'warn' });

    run.logMetric('loss', 'high' as unknown as number);
    run.logInputs({ f: () => 1 });
    run.logProgress(2);
    const copied = await run.logArtifact('/there/is/none');
    run.logMetric('loss', 1);
    await run.end();

    expect(copied).toBeUndefined();
    expect(warnings.map(({ code }) => code)).toEqual(Array(4).fill('WARN_CALL_REJECTED'));
    expect(run.diagnostics).toMatchObject({
      WARN_CALL_REJECTED: 4,
      ERR_SCALAR_INVALID: 1,
      ERR_PARAMS_INVALID: 1,
      ERR_PROGRESS_INVALID: 1,
      ERR_ARTIFACT_INVALID: 1,
    });
    expect(readRunFile(run.paths.run)).toMatchObject({ status: 'succeeded', outputs: { loss: 1 } });
  });
});
