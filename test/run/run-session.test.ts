import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeHParams, type HParamsData } from '../../src/format/reader/plugin-messages.js';
import type { Run, RunOptions } from '../../src/index.js';
import { Exporter } from '../../src/polyaxon/export/exporter.js';
import { FakeClock } from '../support/fake-clock.js';
import { readEvents, readLineage, readRunFile, readValues } from '../support/read-run.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

let root = '';
const start = (options: RunOptions = {}) => startRun({ root, ...options });

/** All session messages, in the order in which TensorBoard reads them. */
function readSessions(run: Run): HParamsData[] {
  return readValues(run.paths.tensorboard).flatMap(({ tag, metadata }) =>
    metadata?.pluginName === 'hparams' ? [decodeHParams(tag, metadata.content)] : [],
  );
}

/** What TensorBoard shows: the first start and the first end. */
function readShown(run: Run) {
  const sessions = readSessions(run);
  const first = sessions.find(({ kind }) => kind === 'sessionStart');
  const end = sessions.find(({ kind }) => kind === 'sessionEnd');
  return [
    first?.kind === 'sessionStart' ? first.hparams : undefined,
    end?.kind === 'sessionEnd' ? end.status : undefined,
  ];
}

function readPoints(run: Run): [string, number, number | bigint][] {
  return readValues(run.paths.tensorboard).flatMap(({ tag, value, step }) =>
    value?.kind === 'tensor' && / \(output/.test(tag) ? [[tag, value.tensor.floatVal![0]!, step]] : [],
  );
}

const countFiles = (run: Run) => readdirSync(run.paths.tensorboard).length;

beforeEach(() => {
  root = createTempDir();
});
afterEach(() => vi.useRealTimers());

describe('the session of a run', () => {
  it('starts once with all inputs, when the first metric is logged, and ends with the status', async () => {
    const { run } = start();
    run.logInputs({ lr: 0.1 });
    run.logInputs({ depth: 3 });
    run.logMetric('loss', 1);
    run.logMetric('loss', 2);
    await run.end({ status: 'failed' });

    expect(readSessions(run).map(({ kind }) => kind)).toEqual(['sessionStart', 'sessionEnd']);
    expect(readShown(run)).toEqual([{ lr: 0.1, depth: 3 }, 'failure']);
    expect(countFiles(run)).toBe(1);
  });

  it('starts a second after the first inputs of a run that logs no event', () => {
    vi.useFakeTimers();
    const { run } = start();
    run.logInputs({ lr: 0.1 });
    vi.advanceTimersByTime(900);
    run.logInputs({ depth: 3 });
    vi.advanceTimersByTime(100);
    vi.advanceTimersByTime(5000);

    expect(readShown(run)).toEqual([{ lr: 0.1, depth: 3 }, undefined]);
  });

  it('has inputs that are logged after its start, changed or removed, without a file for each', async () => {
    // No time passes on this clock.
    const { run } = start({ clock: new FakeClock() });
    run.logInputs({ lr: 0.1, old: 1 });
    run.logMetric('loss', 1);
    for (let i = 0; i < 100; i++) {
      run.logInputs({ lr: 0.2, [`late${i}`]: i }, { reset: true });
      await run.flush();
    }
    await run.end();

    expect(readShown(run)).toEqual([{ lr: 0.2, late99: 99 }, 'success']);
    expect(countFiles(run)).toBe(2);
  });

  it('corrects late inputs of a run that is killed later', () => {
    vi.useFakeTimers();
    const { run } = start();
    run.logInputs({ lr: 0.1 });
    run.logMetric('loss', 1);
    run.logInputs({ depth: 3 });
    vi.advanceTimersByTime(60_000);

    expect(readShown(run)).toEqual([{ lr: 0.1, depth: 3 }, undefined]);
  });

  it('is continued by a resumed run, with the names that the first one gave', async () => {
    const { run: first } = start();
    first.logInputs({ 'model/lr': 0.1, opt: { name: 'adam' }, 学习率: 1 });
    first.logMetric('loss', 1);
    await first.end({ status: 'failed' });
    const { run } = start({ uuid: first.uuid, resume: true });
    run.logMetric('loss', 2);
    await run.flush();
    const [, whileLive] = readShown(run);
    await run.end();

    expect(whileLive).toBe('running');
    expect(readShown(run)).toEqual([{ 'model/lr': 0.1, 'opt.name': 'adam', 学习率: 1 }, 'success']);
  });

  it('gets no further start when a run that was killed is resumed with the same inputs', async () => {
    const { run: first } = start();
    first.logInputs({ lr: 0.1 });
    first.logMetric('loss', 1);
    await first.flush();
    const { run } = start({ uuid: first.uuid, resume: true });
    run.logInputs({ lr: 0.1 });
    run.logMetric('loss', 2);
    await run.end();

    expect(readSessions(run).map(({ kind }) => kind)).toEqual(['sessionStart', 'sessionEnd']);
    expect(countFiles(run)).toBe(2);
  });

  it('has numbers among the outputs as points of separate tags, except those that repeat a metric', async () => {
    const { run } = start();
    run.logInputs({ lr: 0.1 });
    run.logMetric('acc', 0.5);
    run.logMetric('f1 (output)', 7);
    run.logMetric('loss', 0.25);
    run.logOutputs({ acc: 0.75, loss: 0.25, f1: 0.5, note: 'text', nested: { best: 1 }, done: true });
    await run.end();

    expect(readPoints(run)).toEqual([
      ['f1 (output)', 7, 0],
      ['acc (output)', 0.75, 0],
      ['f1 (output 2)', 0.5, 0],
      ['nested.best (output)', 1, 0],
    ]);
    expect(readRunFile(run.paths.run).outputs).toEqual({
      ...{ acc: 0.75, loss: 0.25, f1: 0.5, note: 'text', nested: { best: 1 }, done: true },
      'f1-output': 7,
    });
  });

  it('has one point for each output, also after resumes', async () => {
    const { run: first } = start();
    first.logInputs({ lr: 0.1 });
    first.logMetric('loss', 1);
    first.logOutputs({ a: 1, b: 2 });
    await first.end();
    const { run: second } = start({ uuid: first.uuid, resume: true });
    second.logMetric('loss', 0.5);
    second.logOutputs({ b: 3 });
    await second.end();
    const { run: third } = start({ uuid: first.uuid, resume: { fromStep: 0 } });
    third.logOutputs({ b: 4 });
    await third.end();

    expect(readPoints(third)).toEqual([
      ['a (output)', 1, 0],
      ['b (output)', 2, 0],
      ['b (output)', 3, 0],
      ['b (output)', 4, 0],
    ]);
  });

  it.each<[string, RunOptions, object]>([
    ['without inputs', {}, {}],
    ['with hparams: false', { hparams: false }, { lr: 1 }],
    ['that collects no events', { collectArtifacts: false }, { lr: 1 }],
  ])('is absent from a run %s', async (_, options, inputs) => {
    const { run } = start(options);
    run.logInputs({ ...inputs });
    run.logMetric('loss', 1);
    run.logOutputs({ acc: 1 });
    await run.end();

    expect(existsSync(run.paths.tensorboard) ? readSessions(run) : []).toEqual([]);
  });

  it('is written by the main process, with the inputs of workers', async () => {
    const { run } = start();
    const { run: worker } = start({ uuid: run.uuid, worker: 'rank1' });
    run.logInputs({ lr: 1 });
    worker.logInputs({ shard: 2 });
    worker.logMetric('loss', 1);
    await worker.end();
    run.logMetric('loss', 2);
    await run.end();

    expect(readValues(join(run.paths.tensorboard, 'rank1')).map(({ tag }) => tag)).toEqual(['loss']);
    expect(readShown(run)).toEqual([{ lr: 1, shard: 2 }, 'success']);
    expect(readPoints(run)).toEqual([]);
  });

  it('rejects an option that is no boolean', () => {
    expect(() => start({ hparams: 'no' as never })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_INVALID' }),
    );
  });

  it('warns once about more than 1,000 inputs', async () => {
    const { run, warnings } = start();
    run.logInputs({ all: Object.fromEntries(Array.from({ length: 1100 }, (_, i) => [i, i])) });
    await run.flush();
    await run.end();

    expect(warnings.map(({ code }) => code)).toEqual(['WARN_HPARAMS_LIMIT']);
  });
});

describe('Polyaxon', () => {
  it('gets inputs and outputs from run.plx.json only', async () => {
    const { run } = start({ formats: ['tensorboard', 'polyaxon'] });
    run.logInputs({ opt: { lr: 0.1 } });
    run.logMetric('loss', 1);
    run.logOutputs({ acc: 0.75 });
    await run.end();

    const { inputs, outputs } = readRunFile(run.paths.run);
    expect([inputs, outputs]).toEqual([{ opt: { lr: 0.1 } }, { acc: 0.75, loss: 1 }]);
    expect(readdirSync(join(run.paths.run, 'events/metric'))).toEqual(['loss.plx']);
    expect(readLineage(run.paths.run).map(({ name }) => name)).toEqual(['tensorboard', 'loss']);
    expect(
      readFileSync(join(run.paths.run, 'events/metric/loss.plx'), 'utf8').trim().split('\n'),
    ).toHaveLength(2);
  });

  it('gets hyperparameters and results from the event files of a run whose run.plx.json is missing', async () => {
    const { run } = start();
    run.logInputs({ opt: { lr: 0.1 } });
    run.logOutputs({ acc: 0.75 });
    await run.end();
    const export_ = (isImported: boolean) => {
      const exporter = new Exporter({ isImported });
      for (const event of readEvents(run.paths.tensorboard)) exporter.push(event);
      return [exporter.take().inputs, exporter.lastValues(), exporter.counts.previews];
    };

    expect(export_(true)).toEqual([{ 'opt-lr': 0.1 }, { 'acc-output': 0.75 }, 0]);
    expect(export_(false)).toEqual([{}, {}, 3]);
  });
});
