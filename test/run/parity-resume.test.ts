/** Resuming a run that is on disk, which Python's client does by loading it. */

import { createHash } from 'node:crypto';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPlxValues } from '../support/polyaxon-run.js';
import { readLineage, readRunFile } from '../support/read-run.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

const formats = ['polyaxon'] as const;

describe('a resumed run', () => {
  it('adds events, statuses, results and lineage like any other run', async () => {
    const root = createTempDir();
    const first = startRun({ root, formats });
    first.run.logMetric('loss', 2);
    await first.run.end();

    const { run } = startRun({ root, formats, uuid: first.run.uuid, resume: true });
    expect(readRunFile(run.paths.run)).toMatchObject({ status: 'running' });
    run.logMetric('loss', 1);
    run.logMetric('accuracy', 0.5);
    await run.logArtifact(import.meta.filename, { name: 'code' });
    await run.end();

    expect(readRunFile(run.paths.run)).toMatchObject({
      status: 'succeeded',
      outputs: { accuracy: 0.5 },
    });
    expect(readPlxValues(run.paths.run, 'metric', 'loss')).toEqual(['2.0', '1.0']);
    expect(readLineage(run.paths.run).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['loss', 'accuracy', 'code']),
    );
  });

  it('has the last value of each metric as output', async () => {
    const root = createTempDir();
    const first = startRun({ root });
    first.run.logMetric('loss', 2);
    first.run.logOutputs({ best: 1 });
    await first.run.end();

    const { run } = startRun({ root, uuid: first.run.uuid, resume: true });
    run.logMetric('loss', 1);
    await run.end();

    expect(readRunFile(run.paths.run).outputs).toEqual({ loss: 1, best: 1 });
  });

  it('accepts a new owner, project and description, and keeps its uuid and name', async () => {
    const root = createTempDir();
    const first = startRun({ root, project: 'acme/demo', name: 'first', description: 'd' });
    await first.run.end();

    const { run } = startRun({
      root,
      uuid: first.run.uuid,
      resume: true,
      project: 'other/new',
      description: 'e',
    });
    expect(readRunFile(run.paths.run)).toMatchObject({
      uuid: first.run.uuid,
      name: 'first',
      owner: 'other',
      project: 'new',
      description: 'e',
    });
    run.setName('second');
    expect(readRunFile(run.paths.run)).toMatchObject({ name: 'second' });
    await run.end();
  });

  it('is found in its new directory after it was moved', async () => {
    const first = startRun();
    first.run.logInputs({ lr: 1 });
    await first.run.end();
    const artifactsPath = join(createTempDir(), 'moved');
    renameSync(first.run.paths.run, artifactsPath);

    const { run } = startRun({ artifactsPath, uuid: first.run.uuid, resume: true });

    expect(run.getInputs()).toEqual({ lr: 1 });
    await run.end();
  });
});

describe('the results of metrics', () => {
  it('do not replace outputs that were logged explicitly', async () => {
    const root = createTempDir();
    const first = startRun({ root, formats });
    first.run.logOutputs({ accuracy: 'best' });
    first.run.logMetric('accuracy', 0.5);
    first.run.logMetric('loss', 2);
    await first.run.end();
    expect(first.run.getOutputs()).toEqual({ accuracy: 'best', loss: 2 });

    const { run } = startRun({ root, formats, uuid: first.run.uuid, resume: true });
    run.logMetric('loss', 1);
    run.logOutputs({ loss: 'low' });
    await run.end();

    expect(readRunFile(run.paths.run).outputs).toEqual({ accuracy: 'best', loss: 'low' });
  });

  it.each([['tensorboard'], ['polyaxon']] as const)(
    'of a worker are prefixed with its name, like its events: %s',
    async (format) => {
      const root = createTempDir();
      const main = startRun({ root, formats: [format] });
      const worker = startRun({ root, formats: [format], uuid: main.run.uuid, worker: 1 });

      main.run.logMetric('loss', 0);
      worker.run.logMetric('loss', 1);
      worker.run.logOutputs({ shards: 4 });
      await worker.run.end();
      await main.run.end();

      expect(readRunFile(main.run.paths.run).outputs).toEqual({ loss: 0, '1__loss': 1, shards: 4 });
    },
  );

  it.each([['tensorboard'], ['polyaxon']] as const)(
    'have the names of their events in Polyaxon: %s',
    async (format) => {
      const { run } = startRun({ formats: [format] });

      run.logMetric('a b', 1);
      run.logMetric('a-b', 2);
      run.logMetric('nan', Number.NaN);
      await run.end();

      const hash = createHash('sha256').update('a-b').digest('hex').slice(0, 4);
      expect(readRunFile(run.paths.run).outputs).toEqual({ 'a-b': 1, [`a-b-${hash}`]: 2, nan: null });
    },
  );
});
