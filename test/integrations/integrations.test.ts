/** The integrations with the real libraries. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { startVitest } from 'vitest/node';
import { loadRuns } from '../../src/index.js';
import { createPinoDestination } from '../../src/integrations/pino.js';
import { createTfjsCallbacks } from '../../src/integrations/tfjs.js';
import { PolytrackReporter } from '../../src/integrations/vitest.js';
import { Run } from '../../src/run/run.js';
import { readValues } from '../support/read-run.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

describe('createTfjsCallbacks', () => {
  it('logs loss, metrics, weights and the graph of a model that TensorFlow.js trains', async () => {
    await tf.setBackend('cpu');
    const run = new Run({ root: createTempDir(), ...NO_CAPTURE });
    const model = sequential();
    model.add(layers.dense({ units: 4, inputShape: [2], activation: 'relu', name: 'hidden' }));
    model.add(layers.dense({ units: 1, activation: 'sigmoid', name: 'out' }));
    model.compile({ optimizer: 'adam', loss: 'binaryCrossentropy', metrics: ['accuracy'] });
    const [xs, ys] = [tf.tensor2d([0, 0, 0, 1, 1, 0, 1, 1], [4, 2]), tf.tensor2d([0, 1, 1, 0], [4, 1])];

    await model.fit(xs, ys, {
      epochs: 3,
      validationData: [xs, ys],
      verbose: 0,
      callbacks: createTfjsCallbacks(run, model, { histogramEpochs: 2 }),
    });
    await run.end();

    const tags = readValues(run.paths.tensorboard).map(({ tag }) => tag);
    const count = (name: string): number => tags.filter((tag) => tag === name).length;
    expect([count('loss'), count('acc'), count('val_loss'), count('val_acc')]).toEqual([3, 3, 3, 3]);
    expect(count('weights/hidden/kernel') + count('weights/dense_Dense1/kernel')).toBe(2);
    expect(
      readFileSync(join(run.paths.tensorboard, readdirSync(run.paths.tensorboard)[0]!), 'latin1'),
    ).toContain('hidden');
  });
});

describe('createPinoDestination', () => {
  it('adds the lines of pino to the log of the run, without secrets', async () => {
    const run = new Run({ root: createTempDir(), ...NO_CAPTURE, trackLogs: true });
    const logger = pino(createPinoDestination(run));

    logger.info({ step: 3 }, 'trained');
    logger.child({ password: 'hunterhunter' }).error(new Error('disk full'), 'failed');
    await run.end();

    const log = readFileSync(join(run.paths.logs, 'logs.jsonl'), 'utf8');
    expect(log).toContain('INFO trained {\\"step\\":3}');
    expect(log).toContain('ERROR failed');
    expect(log).toContain('disk full');
    expect(log).not.toContain('hunterhunter');
  });
});

describe('PolytrackReporter', () => {
  it('logs an evaluation: pass rate, durations and scores', async () => {
    const directory = createTempDir();
    writeFileSync(
      join(directory, 'answers.test.mjs'),
      `import { expect, it } from ${JSON.stringify(import.meta.resolve('vitest'))};
      it('knows why', ({ task }) => { task.meta.scores = { relevance: 0.75 }; });
      it('knows how', ({ task }) => { task.meta.scores = { relevance: 0.25 }; expect(1).toBe(2); });
      it.skip('is later', () => {});`,
    );
    const root = createTempDir();
    const exitCode = process.exitCode;

    const vitest = await startVitest('test', [], {
      root: directory,
      config: false,
      watch: false,
      include: ['*.test.mjs'],
      reporters: [new PolytrackReporter({ root, name: 'answers', ...NO_CAPTURE }) as never],
    });
    await vitest.close();
    process.exitCode = exitCode;

    const runs = [];
    for await (const run of loadRuns(root)) runs.push(run);
    expect(runs).toMatchObject([
      {
        name: 'answers',
        status: 'failed',
        outputs: { tests: 2, passed: 1, failed: 1, pass_rate: 0.5, mean_relevance: 0.5 },
      },
    ]);
    const { metrics } = await runs[0]!.metrics();
    expect(metrics.map(({ name, values }) => [name, [...values].length])).toEqual([
      ['passed', 2],
      ['duration_ms', 2],
      ['scores/relevance', 2],
    ]);
  });
});
