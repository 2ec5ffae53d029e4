import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Run } from '../../src/index.js';
import { readLineage, readRunFile, readValues } from '../support/read-run.js';
import { NO_CAPTURE, startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

const UUID = '0123456789abcdef0123456789abcdef';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a run with noOp', () => {
  it('writes nothing, but checks its arguments', async () => {
    const root = createTempDir();
    const { run } = startRun({ root, noOp: true });

    run.logMetric('loss', 1);
    run.logInputs({ lr: 0.1 });
    run.logEnv({ a: 1 });
    await run.logArtifact(join(import.meta.dirname, 'modes.test.ts'));
    await run.logArtifact(join(import.meta.dirname, 'modes.test.ts'), { step: 1 });
    expect(() => run.logMetric('loss', 'x' as unknown as number)).toThrow(/expected a number/);
    await run.flush();
    await run.end();

    expect(run.mode).toBe('no-op');
    expect(run.getInputs()).toEqual({ lr: 0.1 });
    expect(readdirSync(root)).toEqual([]);
  });

  it('still creates a directory for programs that write their own files', async () => {
    const { run } = startRun({ noOp: true });

    const path = run.getOutputsPath('model.bin');

    expect(existsSync(join(path, '..'))).toBe(true);
    await run.end();
  });
});

describe('a run that collects no events', () => {
  it('has its record, and warns once that events are not collected', async () => {
    const { run, warnings } = startRun({ collectArtifacts: false });

    run.logMetric('loss', 1);
    run.logMetric('loss', 2);
    run.logInputs({ lr: 0.1 });
    await run.end();

    expect(readdirSync(run.paths.tensorboard)).toEqual([]);
    expect(readRunFile(run.paths.run)).toMatchObject({ status: 'succeeded', inputs: { lr: 0.1 } });
    expect(warnings.map(({ code }) => code)).toEqual(['WARN_NOT_COLLECTED']);
  });
});

describe('a run in a Polyaxon job', () => {
  function enterCluster(): string {
    const context = createTempDir();
    vi.stubEnv('POLYAXON_IS_MANAGED', 'true');
    vi.stubEnv('POLYAXON_RUN_INSTANCE', `acme.demo.runs.${UUID}`);
    vi.stubEnv('POLYAXON_CONTEXT_ROOT', context);
    mkdirSync(join(context, 'artifacts', UUID, 'outputs'), { recursive: true });
    return context;
  }

  it("writes the files for Polyaxon's sidecar to the job's directory, and leaves the status to the platform", async () => {
    const context = enterCluster();
    const run = new Run({ ...NO_CAPTURE });

    run.logMetric('train/loss', 0.5, { step: 1 });
    await run.end();

    const directory = join(context, 'artifacts', UUID);
    expect(run.paths.run).toBe(directory);
    expect(readFileSync(join(directory, 'events/metric/train__loss.plx'), 'utf8')).toMatch(
      /^step\|timestamp\|metric\n1\|[^|]+\|0\.5$/,
    );
    expect(readRunFile(directory)).toMatchObject({
      uuid: UUID,
      owner: 'acme',
      project: 'demo',
      is_managed: true,
      managed_by: 'agent',
      status: 'running',
    });
    expect(existsSync(run.paths.links)).toBe(false);
  });

  it('resumes automatically when the job is restarted', async () => {
    const context = enterCluster();
    const first = new Run({ ...NO_CAPTURE });
    first.logMetric('loss', 1);
    await first.end();

    const second = new Run({ ...NO_CAPTURE });
    second.logMetric('loss', 2);
    await second.end();

    const directory = join(context, 'artifacts', UUID);
    expect(readValues(second.paths.tensorboard).map(({ step }) => step)).toEqual([0, 1]);
    expect(readFileSync(join(directory, 'events/metric/loss.plx'), 'utf8').split('\n')).toHaveLength(3);
  });

  it('creates a separate run when isNew is set', async () => {
    const context = enterCluster();
    const run = new Run({ ...NO_CAPTURE, isNew: true });
    await run.end();

    expect(run.paths.run).toBe(join(context, 'artifacts/_related_runs', run.uuid));
    expect(readRunFile(run.paths.run)).toMatchObject({ status: 'succeeded', is_managed: false });
  });

  it('knows the connections and the store of the job', async () => {
    enterCluster();
    vi.stubEnv(
      'POLYAXON_CONNECTIONS_CATALOG',
      JSON.stringify({
        connections: [
          { name: 'data', kind: 'volume_claim', schema: { mountPath: '/data/', volumeClaim: 'c' } },
          { name: 'artifacts_store', kind: 's3', schema: { bucket: 's3://bucket/runs' } },
        ],
      }),
    );
    const { run } = startRun();

    expect(run.getConnectionsCatalog().map(({ name }) => name)).toEqual(['data', 'artifacts_store']);
    expect(run.getArtifactsStoreConnection()?.kind).toBe('s3');
    expect(run.getOutputsPath('m.bin', { useStorePath: true })).toBe(
      `s3://bucket/runs/${run.uuid}/outputs/m.bin`,
    );
    await run.end();
  });
});

describe('formats with polyaxon', () => {
  const formats = ['tensorboard', 'polyaxon'] as const;

  it("keep Polyaxon's files and the lineage consistent with the event files", async () => {
    const { run } = startRun({ formats });

    for (let step = 0; step < 3; step++)
      run.logMetric('acc@1', step / 4, { step, wallTime: 1_700_000_000 + step });
    run.logText('note', 'héllo', { step: 0, wallTime: 1_700_000_000 });
    await run.flush();

    expect(readFileSync(join(run.paths.run, 'events/metric/acc1.plx'), 'utf8')).toBe(
      [
        'step|timestamp|metric',
        '0|2023-11-14 22:13:20.000000+00:00|0.0',
        '1|2023-11-14 22:13:21.000000+00:00|0.25',
        '2|2023-11-14 22:13:22.000000+00:00|0.5',
      ].join('\n'),
    );
    expect(readFileSync(join(run.paths.run, 'events/text/note.plx'), 'utf8')).toBe(
      '\n{"timestamp": "2023-11-14 22:13:20.000000+00:00", "step": 0, "text": "h\\u00e9llo"}',
    );
    expect(readLineage(run.paths.run).find(({ name }) => name === 'acc1')).toMatchObject({
      kind: 'metric',
      path: 'events/metric/acc1.plx',
      summary: {
        is_event: true,
        step: { count: 3, min: 0, max: 2 },
        metric: { count: 3, mean: 0.25, last: 0.5 },
      },
    });
    await run.end();
    expect(readRunFile(run.paths.run).outputs).toEqual({ acc1: 0.5 });
  });

  it("regenerate Polyaxon's files after a crash or a failed write left them incomplete", async () => {
    const root = createTempDir();
    const first = startRun({ root, formats });
    for (let step = 0; step < 3; step++) first.run.logMetric('loss', step);
    await first.run.flush();
    const path = join(first.run.paths.run, 'events/metric/loss.plx');
    const whole = readFileSync(path, 'utf8');
    writeFileSync(path, whole.slice(0, -5));

    const second = startRun({ root, formats, uuid: first.run.uuid, resume: true });
    second.run.logMetric('loss', 9);
    await second.run.end();

    const lines = readFileSync(path, 'utf8').split('\n');
    expect(lines.slice(0, 4).join('\n')).toBe(whole);
    expect(lines).toHaveLength(5);
    expect(lines[4]).toMatch(/^3\|.*\|9\.0$/);
    await first.run.end();
  });

  it('report a failed write, and recover from it', async () => {
    const { run, errors } = startRun({ formats });
    writeFileSync(join(run.paths.run, 'events'), 'in the way');
    run.logMetric('loss', 1);

    await expect(run.flush()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
    expect(errors.map(({ code }) => code)).toEqual(['ERR_RUN_WRITE']);
    rmSync(join(run.paths.run, 'events'));
    run.logMetric('loss', 2);
    await run.end();

    expect(readFileSync(join(run.paths.run, 'events/metric/loss.plx'), 'utf8').split('\n')).toHaveLength(3);
  });
});

describe('several processes in one run', () => {
  it('merge metadata of workers into the main record, and keep their events separate', async () => {
    const root = createTempDir();
    const main = startRun({ root, uuid: UUID, formats: ['tensorboard', 'polyaxon'], tags: ['m'] });
    const workers = ['1', '2'].map((worker) =>
      startRun({ root, uuid: UUID, worker, formats: ['tensorboard', 'polyaxon'] }),
    );

    main.run.logMetric('loss', 0);
    for (const { run } of workers) {
      run.logMetric('loss', 1);
      run.logInputs({ batch: 8 });
      run.logTags('w');
      await run.end();
    }
    await main.run.end();

    const record = readRunFile(main.run.paths.run);
    expect(record).toMatchObject({
      status: 'succeeded',
      tags: ['m', 'w'],
      inputs: { batch: 8 },
      outputs: { loss: 0 },
    });
    expect(
      readLineage(main.run.paths.run)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['1__loss', '2__loss', 'loss', 'tensorboard'].sort());
    expect(readdirSync(join(main.run.paths.run, 'events/metric')).sort()).toEqual([
      '1__loss.plx',
      '2__loss.plx',
      'loss.plx',
    ]);
    expect(readdirSync(main.run.paths.tensorboard).sort()).toEqual([
      '1',
      '2',
      expect.stringContaining('tfevents'),
    ]);
    expect(readdirSync(join(main.run.paths.run, '.plx')).sort()).toEqual([
      'end-1.json',
      'end-2.json',
      'end-main.json',
      'formats-1.json',
      'formats-2.json',
      'formats-main.json',
      'heartbeat-1.json',
      'heartbeat-2.json',
      'heartbeat-main.json',
      'order',
      'order-main.json',
      'worker-1.json',
      'worker-2.json',
    ]);
  });

  it('let a worker start before the main process', async () => {
    const root = createTempDir();
    const worker = startRun({ root, uuid: UUID, worker: 0 });
    worker.run.logInputs({ early: true });
    await worker.run.end();

    const main = startRun({ root, uuid: UUID });
    await main.run.end();

    expect(readRunFile(main.run.paths.run).inputs).toEqual({ early: true });
  });
});
