import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type CodedError, Run, type RunOptions, type TrackingWarning } from '../../src/index.js';
import { diskError, FailingSink } from '../support/failing-sink.js';
import { readLineage, readRunFile, readValues } from '../support/read-run.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

let root: string;
beforeEach(() => {
  root = createTempDir();
});

function start(options: RunOptions = {}) {
  const errors: CodedError[] = [];
  const warnings: TrackingWarning[] = [];
  const run = new Run({
    root,
    ...NO_CAPTURE,
    onError: (error) => errors.push(error),
    onWarning: (warning) => warnings.push(warning),
    ...options,
  });
  return { run, errors, warnings };
}

describe('new Run', () => {
  it('creates a complete run directory immediately', async () => {
    const { run } = start({
      name: 'First try',
      project: 'digits',
      owner: 'acme',
      tags: ['a', 'b', 'a'],
      description: 'd',
    });

    expect(readRunFile(run.paths.run)).toMatchObject({
      uuid: run.uuid,
      name: 'First try',
      owner: 'acme',
      project: 'digits',
      description: 'd',
      tags: ['a', 'b'],
      kind: 'job',
      runtime: 'job',
      is_managed: false,
      managed_by: 'user',
      status: 'running',
      status_conditions: [{ type: 'created' }, { type: 'running' }],
    });
    expect(readLineage(run.paths.run)).toEqual([
      {
        name: 'tensorboard',
        kind: 'tensorboard',
        path: 'outputs/tensorboard',
        is_input: false,
        summary: { path: 'outputs/tensorboard' },
      },
    ]);
    expect(readdirSync(run.getTensorboardPath())).toHaveLength(1);
    await run.end();
  });

  it('links its event files under a readable name', async () => {
    const { run } = start({ name: 'lr=0.1/batch 32' });

    const [link] = readdirSync(run.paths.links);

    expect(link).toBe(`lr-0.1-batch 32-${run.uuid.slice(0, 8)}`);
    expect(realpathSync(join(run.paths.links, link!))).toBe(run.paths.tensorboard);
    expect(run.paths.links).toBe(`${root}-tensorboard`);
    await run.end();
  });

  it('uses the root from the environment when none is given', async () => {
    vi.stubEnv('POLYAXON_OFFLINE_ROOT', join(root, 'from-env'));
    const run = new Run();
    vi.unstubAllEnvs();

    expect(run.paths.run).toBe(join(root, 'from-env', 'runs', run.uuid));
    await run.end();
  });

  it('rejects the directory of an earlier run', async () => {
    const { run } = start();
    await run.end();

    expect(() => start({ uuid: run.uuid })).toThrow(expect.objectContaining({ code: 'ERR_RUN_EXISTS' }));
    expect(readdirSync(run.getTensorboardPath())).toHaveLength(1);
  });

  it.each([
    ['uuid', { uuid: 'abc' }],
    ['root', { root: '' }],
    ['name', { name: 'my.tfevents' }],
    ['flushIntervalMs', { flushIntervalMs: -1 }],
  ])('rejects an invalid %s before anything is on disk', (_name, options) => {
    expect(() => start(options)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_INVALID', hint: expect.any(String) }),
    );
    expect(existsSync(join(root, 'runs'))).toBe(false);
  });

  it('accepts a uuid with dashes', async () => {
    const { run } = start({ uuid: '7DF9E651-EEE4-41ED-9D03-846F3BBBECDF' });

    expect(run.uuid).toBe('7df9e651eee441ed9d03846f3bbbecdf');
    await run.end();
  });
});

describe('Run.logMetric', () => {
  it('stores values, steps and wall times unchanged, including NaN and infinities', async () => {
    const { run } = start();
    const values = [0.5, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

    for (const [step, value] of values.entries())
      run.logMetric('loss', value, { step, wallTime: 1000 + step });
    await run.end();

    const stored = readValues(run.getTensorboardPath());
    expect(stored.map((value) => [value.tag, value.step, value.wallTime])).toEqual(
      values.map((_, step) => ['loss', step, 1000 + step]),
    );
    expect(stored.map(({ value }) => (value?.kind === 'tensor' ? value.tensor.floatVal : undefined))).toEqual(
      values.map((value) => Float32Array.of(value)),
    );
  });

  it('writes display name and description with the first value', async () => {
    const { run } = start();

    run.logMetric('loss', 1, { displayName: 'Loss', description: 'lower is *better*' });
    await run.end();

    expect(readValues(run.getTensorboardPath())[0]?.metadata).toMatchObject({
      displayName: 'Loss',
      description: 'lower is *better*',
    });
  });

  it('warns about a value beyond float32', async () => {
    const { run, warnings } = start();

    run.logMetric('loss', 1e300);
    await run.end();

    expect(warnings).toEqual([expect.objectContaining({ code: 'WARN_FLOAT32_OVERFLOW' })]);
  });

  it('repairs a name with a lone surrogate, with a warning', async () => {
    const { run, warnings } = start();

    run.logMetric('loss\ud800', 1);
    await run.end();

    expect(readValues(run.getTensorboardPath())[0]?.tag).toBe('loss\ufffd');
    expect(warnings).toEqual([expect.objectContaining({ code: 'WARN_TEXT_REPAIRED' })]);
  });

  it.each([
    ['an empty name', 'ERR_NAME_INVALID', '', 1, {}],
    ['a blank name', 'ERR_NAME_INVALID', '  ', 1, {}],
    ['a name that is not a string', 'ERR_NAME_INVALID', 7, 1, {}],
    ['a name that is too long', 'ERR_NAME_INVALID', 'x'.repeat(257), 1, {}],
    ['a fractional step', 'ERR_STEP_INVALID', 'a', 1, { step: 0.5 }],
    ['NaN as step', 'ERR_STEP_INVALID', 'a', 1, { step: Number.NaN }],
    ['an infinite step', 'ERR_STEP_INVALID', 'a', 1, { step: Number.POSITIVE_INFINITY }],
    ['a step that a double cannot represent exactly', 'ERR_STEP_INVALID', 'a', 1, { step: 2 ** 53 + 2 }],
    ['a step beyond int64', 'ERR_STEP_INVALID', 'a', 1, { step: 2n ** 63n }],
    ['a step that is text', 'ERR_STEP_INVALID', 'a', 1, { step: '1' }],
    ['milliseconds as wall time', 'ERR_WALL_TIME_INVALID', 'a', 1, { wallTime: 1_700_000_000_000 }],
    ['NaN as wall time', 'ERR_WALL_TIME_INVALID', 'a', 1, { wallTime: Number.NaN }],
    ['text as value', 'ERR_SCALAR_INVALID', 'a', '1', {}],
    ['null as value', 'ERR_SCALAR_INVALID', 'a', null, {}],
  ])('rejects %s and writes nothing', async (_title, code, name, value, options) => {
    const { run } = start();

    expect(() => run.logMetric(name as string, value as number, options as object)).toThrow(
      expect.objectContaining({ code, hint: expect.stringMatching(/\.$/) }),
    );

    await run.end();
    expect(readValues(run.getTensorboardPath())).toEqual([]);
  });
});

describe('Run.logMetrics', () => {
  it('gives all metrics the same step and wall time', async () => {
    const { run } = start();

    run.logMetrics({ loss: 1, accuracy: 0.5 }, { step: 3 });
    await run.end();

    const stored = readValues(run.getTensorboardPath());
    expect(stored.map((value) => [value.tag, value.step])).toEqual([
      ['loss', 3],
      ['accuracy', 3],
    ]);
    expect(new Set(stored.map((value) => value.wallTime)).size).toBe(1);
  });

  it('writes none when one of them is invalid', async () => {
    const { run } = start();

    expect(() => run.logMetrics({ loss: 1, accuracy: 'high' as unknown as number })).toThrow(
      expect.objectContaining({ code: 'ERR_SCALAR_INVALID' }),
    );

    await run.end();
    expect(readValues(run.getTensorboardPath())).toEqual([]);
  });
});

describe('Run.logMetricSeries', () => {
  it('writes a column of numbers with their steps, at one wall time', async () => {
    const { run } = start();

    run.logMetricSeries('loss', [3, 4, 6], [1, 0.5, 0.25]);
    await run.end();

    const stored = readValues(run.getTensorboardPath());
    expect(stored.map((value) => [value.tag, value.step])).toEqual([
      ['loss', 3],
      ['loss', 4],
      ['loss', 6],
    ]);
    expect(new Set(stored.map((value) => value.wallTime)).size).toBe(1);
  });
});

describe('Run.logInputs, logOutputs, logTags', () => {
  it('are on disk when the call returns, merged by key', async () => {
    const { run } = start();

    run.logInputs({ lr: 0.1, layers: [64, 32], nested: { a: null } });
    run.logInputs({ lr: 0.2, seed: 7n });
    run.logOutputs({ accuracy: 0.9, bad: Number.NaN, when: new Date(0) });
    run.logTags('a, b');
    run.logTags(['b', 'c']);

    expect(readRunFile(run.paths.run)).toMatchObject({
      inputs: { lr: 0.2, layers: [64, 32], nested: { a: null }, seed: 7 },
      outputs: { accuracy: 0.9, bad: 'NaN', when: '1970-01-01T00:00:00.000Z' },
      tags: ['a', 'b', 'c'],
    });
    await run.end();
  });

  it('reject values that JSON cannot hold, and report the key', async () => {
    const { run } = start();
    const cyclic: Record<string, unknown> = {};
    cyclic.self = { again: cyclic };

    expect(() => run.logInputs({ model: { fn: () => 1 } })).toThrow(/inputs\.model\.fn is a function/);
    expect(() => run.logInputs({ ok: 1, cyclic })).toThrow(
      /inputs\.cyclic\.self\.again is a circular reference/,
    );
    expect(() => run.logTags([''])).toThrow(expect.objectContaining({ code: 'ERR_TAGS_INVALID' }));

    expect(readRunFile(run.paths.run)).not.toHaveProperty('inputs');
    await run.end();
  });
});

describe('Run.logArtifact', () => {
  it('copies the file into outputs and records size and SHA-256 in the lineage', async () => {
    const { run } = start();
    const source = join(root, 'net.v1.onnx');
    writeFileSync(source, 'weights');

    const target = await run.logArtifact(source, { kind: 'model', relPath: 'models' });
    await run.end();

    expect(target).toBe(join(run.paths.outputs, 'models', 'net.v1.onnx'));
    expect(readFileSync(target!, 'utf8')).toBe('weights');
    expect(readLineage(run.paths.run)).toContainEqual({
      name: 'net',
      kind: 'model',
      path: 'outputs/models/net.v1.onnx',
      is_input: false,
      summary: {
        path: 'outputs/models/net.v1.onnx',
        hash: createHash('sha256').update('weights').digest('hex'),
        size_bytes: 7,
      },
    });
    expect(readdirSync(join(run.paths.outputs, 'models'))).toEqual(['net.v1.onnx']);
  });

  it('rejects a missing file, a directory that contains the run, and a path outside outputs', async () => {
    const { run } = start();
    const source = join(root, 'a.txt');
    writeFileSync(source, 'x');

    const attempts = [
      () => run.logArtifact(join(root, 'none')),
      () => run.logArtifact(root),
      () => run.logArtifact(source, { relPath: '../..' }),
    ];
    for (const guard of attempts) {
      await expect(guard()).rejects.toMatchObject({ code: 'ERR_ARTIFACT_INVALID' });
    }

    expect(readLineage(run.paths.run)).toHaveLength(1);
    await run.end();
  });
});

describe('Run.end', () => {
  it('sets status, times and the last value of each metric as output', async () => {
    const { run } = start();
    run.logMetric('loss', 2);
    run.logMetric('loss', 1);
    run.logMetric('accuracy', 0.25);
    run.logOutputs({ accuracy: 'best' });

    await run.end({ message: 'all good' });

    const record = readRunFile(run.paths.run);
    expect(record.status).toBe('succeeded');
    expect(record.status_conditions.at(-1)).toMatchObject({ type: 'succeeded', message: 'all good' });
    expect(record.outputs).toEqual({ loss: 1, accuracy: 'best' });
    expect(record.finished_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
    expect(record.duration).toBeGreaterThanOrEqual(0);
  });

  it('can be called twice, and rejects later calls', async () => {
    const { run } = start();

    await Promise.all([run.end(), run.end()]);

    expect(() => run.logMetric('loss', 1)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
    expect(() => run.logText('t', 'x')).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
    expect(() => run.logInputs({ a: 1 })).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
    await expect(run.logArtifact('x')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  });

  it('runs at the end of an `await using` block', async () => {
    let directory = '';
    {
      await using run = new Run({ root });
      directory = run.paths.run;
    }

    expect(readRunFile(directory).status).toBe('succeeded');
  });
});

describe('a failing disk', () => {
  it('does not stop the training loop, and is reported at flush, end and onError', async () => {
    const sink = new FailingSink();
    sink.failure = diskError('ENOSPC');
    const { run, errors } = start({ sink });

    for (let step = 0; step < 10; step++) run.logMetric('loss', step);

    await expect(run.flush()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_RUN_WRITE', cause: sink.failure })]);
    await expect(run.end()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
  });

  it('does not stop a run from starting, and its directory is created once that is possible', async () => {
    const blocked = join(root, 'blocked');
    writeFileSync(blocked, 'a file where the root should be');
    const { run, errors } = start({ root: blocked });
    run.logMetric('loss', 1);
    run.logInputs({ lr: 0.1 });
    await expect(run.flush()).rejects.toMatchObject({
      code: 'ERR_RUN_WRITE',
      path: expect.stringContaining('blocked'),
    });
    expect(errors.map((error) => error.code)).toEqual(['ERR_RUN_WRITE']);

    rmSync(blocked);
    await run.flush();
    await run.end();

    expect(readRunFile(run.paths.run)).toMatchObject({ status: 'succeeded', inputs: { lr: 0.1 } });
    expect(readValues(run.getTensorboardPath()).filter(({ tag }) => tag === 'loss')).toHaveLength(1);
  });

  it('causes a warning when the link to the event files cannot be created', async () => {
    mkdirSync(root, { recursive: true });
    writeFileSync(`${root}-tensorboard`, 'in the way');

    const { run, warnings } = start();

    expect(warnings).toEqual([expect.objectContaining({ code: 'WARN_LINK_FAILED' })]);
    await run.end();
  });
});

describe('a resumed run', () => {
  it('keeps its record and lineage, merges new values, and continues its step counts', async () => {
    const first = start({ name: 'first', tags: ['a'] });
    first.run.logInputs({ lr: 0.1, seed: 1 });
    first.run.logMetric('loss', 1);
    first.run.logMetric('loss', 2);
    await first.run.end({ status: 'failed' });

    const { run } = start({ uuid: first.run.uuid, resume: true, tags: ['b'] });
    run.logInputs({ lr: 0.2 });
    run.logMetric('loss', 3);
    await run.end();

    const record = readRunFile(run.paths.run);
    expect(record).toMatchObject({
      name: 'first',
      tags: ['a', 'b'],
      inputs: { lr: 0.2, seed: 1 },
      status: 'succeeded',
    });
    expect(record.status_conditions.map(({ type }) => type)).toEqual([
      'created',
      'running',
      'failed',
      'running',
      'succeeded',
    ]);
    expect(readLineage(run.paths.run)).toHaveLength(1);
    const metrics = readValues(run.getTensorboardPath()).filter(({ tag }) => tag === 'loss');
    expect(metrics.map((value) => value.step)).toEqual([0, 1, 2]);
    expect(readdirSync(run.paths.links)).toHaveLength(1);
  });

  it('starts a new run when the run to resume does not exist', async () => {
    const { run } = start({ uuid: 'a'.repeat(32), resume: true });
    run.logMetric('loss', 1);
    await run.end();

    expect(readRunFile(run.paths.run).status).toBe('succeeded');
  });

  it('rejects a run file that cannot be read', async () => {
    const { run } = start();
    await run.end();
    writeFileSync(run.paths.runFile, '{"uuid":');

    expect(() => start({ uuid: run.uuid, resume: true })).toThrow(
      expect.objectContaining({ code: 'ERR_RESUME' }),
    );
  });
});

describe('values that TensorBoard shows differently', () => {
  it('cause one warning for each tag and kind', async () => {
    const { run, warnings } = start();

    for (const step of [5, 3, 2, 1]) run.logMetric('loss', 1, { step });
    run.logMetric('loss', 1, { description: 'late' });
    for (let i = 0; i < 3; i++) run.logText('loss', 'not a number');
    run.logText('note', 'a', { displayName: 'A' });
    run.logText('note', 'b', { displayName: 'B' });
    await run.end();

    expect(warnings.map(({ code }) => code)).toEqual([
      'WARN_STEP_NOT_INCREASING',
      'WARN_METADATA_IGNORED',
      'WARN_TAG_REUSED',
      'WARN_METADATA_IGNORED',
    ]);
    expect(readValues(run.getTensorboardPath())).toHaveLength(10);
  });
});

describe('filter', () => {
  it('drops events by tag and step, and counts them', async () => {
    const { run } = start({ filter: ({ tag, step }) => tag === 'kept' || Number(step) % 10 === 0 });

    for (let i = 0; i < 100; i++) {
      run.logMetric('sampled', i);
      run.logMetric('kept', i);
      run.logText('notes', 'x');
    }
    await run.end();

    const values = readValues(run.getTensorboardPath());
    expect(values.filter(({ tag }) => tag === 'sampled').map(({ step }) => step)).toEqual([
      0, 10, 20, 30, 40, 50, 60, 70, 80, 90,
    ]);
    expect(values.filter(({ tag }) => tag === 'notes')).toHaveLength(10);
    expect(values.filter(({ tag }) => tag === 'kept')).toHaveLength(100);
    expect(run.diagnostics).toEqual({ EVENTS_SAMPLED_OUT: 180 });
  });
});
