/** The best values of metrics with a goal, in all that lists runs. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportMetrics, loadRuns, Run } from '../../../../src/index.js';
import { readRunFile } from '../../../support/read-run.js';
import { runCommand } from '../../../support/run-command.js';
import { NO_CAPTURE } from '../../../support/start-run.js';
import { createSharedTempDir } from '../../../support/temp-dir.js';

const root = createSharedTempDir();
const directories = new Map<string, string>();

/** Each run ends with another order of its last values than of its best ones. */
const RUNS = [
  { name: 'middle', loss: [0.5, 0.3, 0.9], accuracy: [0.1, 0.7, 0.2] },
  { name: 'best', loss: [0.5, Number.NaN, 0.1, 0.1, 0.8], accuracy: [0.9, 0.3, 0.1] },
  { name: 'worst', loss: [0.4, 0.6, 0.41], accuracy: [0.5, 0.4, 0.3] },
] as const;

beforeAll(async () => {
  for (const { name, loss, accuracy } of RUNS) {
    const run = new Run({ root, name, ...NO_CAPTURE });
    directories.set(name, run.paths.run);
    // One run declares no goals: those of the others hold for it.
    if (name !== 'worst') {
      run.metric('val/loss', { goal: 'maximize' });
      run.metric('val/loss', { goal: 'minimize' });
      run.metric('accuracy', { goal: 'maximize' });
      run.metric('epoch', { goal: 'last' });
    }
    for (const [step, value] of loss.entries()) run.logMetric('val/loss', value, step * 10);
    for (const [step, value] of accuracy.entries()) run.logMetric('accuracy', value, step);
    run.logMetric('epoch', 1);
    run.logMetric('epoch', 2);
    run.logMeta({ note: 1 }, { reset: true });
    await run.end();
  }
  const worker = new Run({ root, uuid: 'c'.repeat(32), name: 'middle', worker: 1, ...NO_CAPTURE });
  await worker.end();
});

async function namesOf(...args: string[]): Promise<string[]> {
  const { stdout } = await runCommand(['runs', root, '--columns', 'name', '--csv', ...args]);
  return stdout.trim().split('\n').slice(1);
}

describe('Run.metric', () => {
  it('writes the goals into the meta information, where logMeta does not remove them', () => {
    expect(readRunFile(directories.get('best')!).meta_info).toEqual({
      note: 1,
      has_events: true,
      has_metrics: true,
      has_tensorboard: true,
      'goal.val/loss': 'minimize',
      'goal.accuracy': 'maximize',
      'goal.epoch': 'last',
    });
  });

  it.each([
    [undefined, 'metric: goal is undefined, expected minimize, maximize, last'],
    [null, 'metric: options is null, expected an object'],
    [10, 'metric: options is 10 (number), expected an object'],
    [{}, 'metric: goal is undefined, expected minimize, maximize, last'],
    [{ goal: 'min' }, 'metric: goal is "min", expected minimize, maximize, last'],
    [{ goal: ['minimize'] }, 'metric: goal is an array of length 1, expected minimize, maximize, last'],
    [{ goals: 'minimize' }, 'metric has no option "goals"; did you mean "goal"?'],
  ])('rejects the options %j', async (options, message) => {
    const run = new Run({ noOp: true });

    expect(() => run.metric('loss', options as never)).toThrow(message);
    await run.end();
    expect(() => run.metric('loss', { goal: 'last' })).toThrow(/closed/);
  });

  it('accepts any name of a metric', async () => {
    const run = new Run({ root: createSharedTempDir(), ...NO_CAPTURE });
    run.metric('__proto__', { goal: 'minimize' });
    run.logMetric('__proto__', 2);
    run.logMetric('__proto__', 3);
    await run.end();

    for await (const loaded of loadRuns(run.paths.run)) {
      expect(Object.entries(loaded.goals)).toEqual([['__proto__', 'minimize']]);
      expect((await loaded.bestMetrics()).metrics).toMatchObject([{ name: '__proto__', value: 2, step: 0 }]);
    }
  });

  it('holds for the metrics of workers', async () => {
    const place = { root: createSharedTempDir(), uuid: 'd'.repeat(32), ...NO_CAPTURE };
    const main = new Run(place);
    const worker = new Run({ ...place, worker: 'rank-1' });
    worker.metric('loss', { goal: 'minimize' });
    main.metric('accuracy', { goal: 'maximize' });
    for (const value of [3, 1, 2]) worker.logMetric('loss', value);
    await worker.end();
    await main.end();

    for await (const loaded of loadRuns(main.paths.run)) {
      expect(loaded.goals).toEqual({ loss: 'minimize', accuracy: 'maximize' });
      expect((await loaded.bestMetrics()).metrics).toMatchObject([
        { name: 'rank-1/loss', tag: 'loss', goal: 'minimize', value: 1, step: 1 },
      ]);
    }
  });
});

describe('polytrack runs', () => {
  it.each([
    ['val/loss', ['best', 'middle', 'worst']],
    ['val__loss', ['best', 'middle', 'worst']],
    ['best.val/loss', ['best', 'middle', 'worst']],
    ['-val/loss', ['worst', 'middle', 'best']],
    ['accuracy', ['best', 'middle', 'worst']],
    ['-accuracy', ['worst', 'middle', 'best']],
    ['metrics.val/loss', ['worst', 'best', 'middle']],
    ['outputs.accuracy', ['best', 'middle', 'worst']],
  ])('sorts by %s', async (order, names) => {
    const found = await namesOf(`--sort=${order}`);

    expect(found.filter((name) => names.includes(name))).toEqual(names);
  });

  it('shows the best value with its step', async () => {
    const { stdout } = await runCommand(['runs', root, '--sort', 'accuracy']);

    expect(stdout).toMatch(/best\.val\/loss +best\.accuracy +best\.epoch/);
    expect(stdout).toMatch(/^best .* 0\.1 @20 +0\.9 @0 +2 @1$/m);
    expect(stdout).toMatch(/^middle .* 0\.3 @10 +0\.7 @1 +2 @1$/m);
  });

  it('filters by the best value', async () => {
    expect(await namesOf('--filter', 'best.val/loss<0.35')).toEqual(['best', 'middle']);
    expect(await namesOf('--filter', 'best_step.val/loss=20')).toEqual(['best']);
  });

  it('has exact values for programs', async () => {
    const csv = await runCommand(['runs', root, '--csv', '--filter', 'name=best']);
    const json = await runCommand(['runs', root, '--json', '--filter', 'name=best']);

    const [header, values] = csv.stdout
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    const cellOf = (name: string) => values![header!.indexOf(name)];
    expect([cellOf('best.val/loss'), cellOf('best_step.val/loss')]).toEqual(['0.1', '20']);
    expect(JSON.parse(json.stdout)[0].best).toEqual({
      'val/loss': { goal: 'minimize', value: 0.1, step: 20 },
      accuracy: { goal: 'maximize', value: 0.9, step: 0 },
      epoch: { goal: 'last', value: 2, step: 1 },
    });
  });
});

describe('polytrack show and compare', () => {
  it('show has a column for the best values', async () => {
    const { stdout } = await runCommand(['show', `${root}/best`]);
    const { stdout: without } = await runCommand(['show', `${root}/worst`]);

    expect(stdout).toMatch(/metric +last +best +min/);
    expect(stdout).toMatch(/val\/loss +0\.8 +0\.1 @20 +0\.1/);
    expect(without).toMatch(/metric +last +min/);
  });

  it('compare has the best values of all runs', async () => {
    const { stdout } = await runCommand(['compare', `${root}/best`, `${root}/worst`, '--json']);

    expect(JSON.parse(stdout).results).toMatchObject({
      'best.val/loss': [0.1, 0.4],
      'best_step.val/loss': [20, 0],
      'best.accuracy': [0.9, 0.5],
    });
  });
});

describe('exportMetrics', () => {
  it('writes one row for each metric with a goal', async () => {
    const out = join(createSharedTempDir(), 'best.csv');
    await runCommand(['export', root, '--best', '--out', out]);

    const rows = readFileSync(out, 'utf8')
      .trim()
      .split('\r\n')
      .map((line) => line.split(','));
    expect(rows[0]).toEqual(['run', 'name', 'tag', 'goal', 'step', 'wall_time', 'value']);
    const found = rows
      .slice(1)
      .map(([, name, tag, goal, step, , value]) => [name, tag, goal, step, Number(value)]);
    expect(found).toContainEqual(['best', 'val/loss', 'minimize', '20', 0.1]);
    expect(found).toContainEqual(['middle', 'accuracy', 'maximize', '1', 0.7]);
    expect(found).toHaveLength(6);
  });

  it('rejects two forms of rows at once', () => {
    expect(() => exportMetrics(loadRuns(root), { format: 'csv', isWide: true, isBest: true })).toThrow(
      'isWide and isBest exclude each other',
    );
  });
});
