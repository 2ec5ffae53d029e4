import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MetricStatistics } from '../../src/aggregate/metric-statistics.js';
import {
  aggregateRuns,
  type LoadedRun,
  loadRuns,
  logAggregate,
  type MetricPoints,
  type RunAggregate,
} from '../../src/index.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

type Series = Readonly<Record<string, readonly (readonly [step: number | bigint, value: number])[]>>;

interface Given {
  readonly series: Series;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

/** Writes one run for each item; returns the root. */
async function writeRuns(given: readonly Given[]): Promise<string> {
  const root = createTempDir();
  for (const [index, { series, inputs = {} }] of given.entries()) {
    const { run } = startRun({ root, name: `seed-${index}`, uuid: String(index).repeat(32) });
    run.logInputs(inputs);
    for (const [name, points] of Object.entries(series))
      for (const [row, [step, value]] of points.entries())
        run.logMetric(name, value, { step, wallTime: 1000 * (index + 1) + row });
    await run.end();
  }
  return root;
}

async function collect(runs: AsyncIterable<LoadedRun>): Promise<LoadedRun[]> {
  const found: LoadedRun[] = [];
  for await (const run of runs) found.push(run);
  return found;
}

const aggregate = async (given: readonly Given[], options = {}): Promise<RunAggregate> =>
  aggregateRuns(loadRuns(await writeRuns(given)), options);

function toRows({ metrics }: RunAggregate, name: string): number[][] {
  const { steps, counts, means, deviations, minima, maxima } = metrics.find((each) => each.name === name)!;
  const columns = [steps, counts, means, deviations, minima, maxima];
  return Array.from(steps, (_, row) => columns.map((column) => column[row]!));
}

describe('aggregateRuns', () => {
  it('has mean, sample deviation, minimum and maximum of each step, and the number of runs', async () => {
    const found = await aggregate([
      {
        series: {
          loss: [
            [0, 1],
            [1, 10],
          ],
        },
      },
      {
        series: {
          loss: [
            [0, 3],
            [1, 20],
          ],
        },
      },
      { series: { loss: [[0, 5]] } },
    ]);

    expect(toRows(found, 'loss')).toEqual([
      [0, 3, 3, 2, 1, 5],
      [1, 2, 15, Math.sqrt(50), 10, 20],
    ]);
    expect(found.runs.map(({ name }) => name)).toEqual(['seed-0', 'seed-1', 'seed-2']);
  });

  it('leaves out steps and metrics that fewer than two runs have, or minRuns', async () => {
    const given = [
      {
        series: {
          loss: [
            [0, 1],
            [7, 2],
          ],
          only: [[0, 1]],
        },
      },
      { series: { loss: [[0, 3]] } },
    ] satisfies Given[];

    const usual = await aggregate(given);
    const all = await aggregate(given, { minRuns: 1 });

    expect(toRows(usual, 'loss').map(([step]) => step)).toEqual([0]);
    expect(usual.omitted).toEqual(['only']);
    expect(toRows(all, 'loss')).toEqual([
      [0, 2, 2, Math.sqrt(2), 1, 3],
      [7, 1, 2, 0, 2, 2],
    ]);
    expect(toRows(all, 'only')).toEqual([[0, 1, 1, 0, 1, 1]]);
  });

  it('leaves out values that are not finite, and counts them', async () => {
    const { metrics } = await aggregate([
      {
        series: {
          loss: [
            [0, 1],
            [1, Number.NaN],
          ],
        },
      },
      {
        series: {
          loss: [
            [0, 2],
            [1, 2],
          ],
        },
      },
      {
        series: {
          loss: [
            [0, Number.POSITIVE_INFINITY],
            [1, 4],
          ],
        },
      },
    ]);

    expect(metrics[0]).toMatchObject({ nonFiniteCount: 2 });
    expect([...metrics[0]!.counts]).toEqual([2, 2]);
    expect([...metrics[0]!.means]).toEqual([1.5, 3]);
  });

  it('counts each step of a resumed run once, with the value of the continuation', async () => {
    const root = await writeRuns([
      {
        series: {
          loss: [
            [0, 1],
            [1, 2],
          ],
        },
      },
    ]);
    const options = { root, uuid: '1'.repeat(32) };
    const { run } = startRun(options);
    for (let step = 0; step < 4; step++) run.logMetric('loss', 100, { step });
    await run.end();
    const { run: resumed } = startRun({ ...options, resume: { fromStep: 1 } });
    resumed.logMetric('loss', 4, { step: 1 });
    await resumed.end();

    const found = await aggregateRuns(loadRuns(root));

    expect(toRows(found, 'loss').map((row) => row.slice(0, 3))).toEqual([
      [0, 2, 50.5],
      [1, 2, 3],
    ]);
  });

  it('matches steps beyond 2^53 exactly', async () => {
    const step = 2n ** 60n;
    const { metrics } = await aggregate([
      {
        series: {
          loss: [
            [step, 1],
            [step + 1n, 5],
          ],
        },
      },
      {
        series: {
          loss: [
            [step, 2],
            [step + 2n, 5],
          ],
        },
      },
    ]);

    expect(metrics[0]!.exactSteps).toEqual(BigInt64Array.of(step));
    expect([...metrics[0]!.means]).toEqual([1.5]);
  });

  it('has the inputs that are equal in all runs', async () => {
    const series = { loss: [[0, 1]] } as const;
    const { inputs } = await aggregate([
      {
        series,
        inputs: { lr: 0.1, seed: 1, layers: [1, 2], model: { depth: 4, width: 1 }, other: { a: 1 } },
      },
      {
        series,
        inputs: { seed: 2, lr: 0.1, layers: [1, 2], model: { width: 2, depth: 4 }, other: { a: 2 } },
      },
    ]);

    expect(inputs).toEqual({ lr: 0.1, layers: [1, 2], model: { depth: 4 } });
  });

  it('rejects fewer than two different runs, runs without a common metric, and invalid options', async () => {
    const root = await writeRuns([
      { series: { loss: [[0, 1]] } },
      { series: { loss: [[1, 1]], accuracy: [[0, 1]] } },
    ]);
    const runs = await collect(loadRuns(root));

    await expect(aggregateRuns([])).rejects.toMatchObject({ code: 'ERR_RUNS_TOO_FEW' });
    await expect(aggregateRuns([runs[0]!, runs[0]!])).rejects.toMatchObject({
      code: 'ERR_RUNS_TOO_FEW',
      message: 'found 1 run, expected at least 2 different ones',
    });
    await expect(aggregateRuns(runs)).rejects.toMatchObject({
      code: 'ERR_NO_COMMON_METRIC',
      message: 'no metric has a step that 2 of the 2 runs have: found loss, accuracy',
    });
    await expect(aggregateRuns(runs, { names: ['none'] })).rejects.toMatchObject({
      code: 'ERR_NO_COMMON_METRIC',
    });
    await expect(aggregateRuns(runs, { minRuns: 0.5 })).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
  });
});

describe('MetricStatistics', () => {
  it('agrees with a computation of each step from the list of its values', () => {
    const point = fc.record({
      step: fc.integer({ min: -3, max: 8 }),
      value: fc.oneof(
        { weight: 8, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
        fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
      ),
    });
    fc.assert(
      fc.property(
        fc.array(fc.array(point), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 3 }),
        (runs, minRuns) => {
          const statistics = new MetricStatistics('m');
          for (const points of runs) statistics.add(toColumns(points));
          const expected = new Map<number, number[]>();
          for (const points of runs)
            for (const [step, value] of new Map(points.map(({ step, value }) => [step, value])))
              if (Number.isFinite(value)) expected.set(step, [...(expected.get(step) ?? []), value]);
          const steps = [...expected.keys()].filter((step) => expected.get(step)!.length >= minRuns);
          steps.sort((a, b) => a - b);

          const found = statistics.finish(minRuns);

          expect([...(found?.steps ?? [])]).toEqual(steps);
          for (const [row, step] of steps.entries()) {
            const values = expected.get(step)!;
            const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
            const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
            expect(found!.counts[row]).toBe(values.length);
            expect(found!.means[row]).toBeCloseTo(mean, 6);
            expect(found!.deviations[row]).toBeCloseTo(
              Math.sqrt(squares / Math.max(1, values.length - 1)),
              4,
            );
            expect(found!.minima[row]).toBe(Math.min(...values));
            expect(found!.maxima[row]).toBe(Math.max(...values));
          }
        },
      ),
    );
  });

  it('keeps the precision of large values that are close to each other', () => {
    const statistics = new MetricStatistics('m');
    for (const value of [1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16])
      statistics.add(toColumns([{ step: 0, value }]));

    expect(statistics.finish(2)).toMatchObject({
      means: Float64Array.of(1e9 + 10),
      deviations: Float64Array.of(Math.sqrt(30)),
    });
  });
});

function toColumns(points: readonly { readonly step: number; readonly value: number }[]): MetricPoints {
  return {
    ...{ name: 'm', tag: 'm', logDirectory: '' },
    steps: Float64Array.from(points, ({ step }) => step),
    values: Float64Array.from(points, ({ value }) => value),
    wallTimes: Float64Array.from(points, (_, index) => 1000 + index),
  };
}

describe('logAggregate', () => {
  it('logs the statistics as series, the common inputs and the runs', async () => {
    const series = (value: number) =>
      ({
        loss: [
          [0, value],
          [10, value / 2],
        ],
      }) as const;
    const found = await aggregate([
      { series: series(2), inputs: { lr: 0.1, seed: 1 } },
      { series: series(4), inputs: { lr: 0.1, seed: 2 } },
    ]);
    const { run, warnings } = startRun();

    await logAggregate(run, found);
    await run.end();

    const [loaded] = await collect(loadRuns(run.paths.run));
    const { metrics } = await loaded!.metrics();
    const deviation = Math.SQRT2;
    expect(Object.fromEntries(metrics.map(({ name, values }) => [name, [...values]]))).toEqual({
      loss: [3, 1.5],
      'loss/std': [deviation, deviation / 2],
      'loss/min': [2, 1],
      'loss/max': [4, 2],
      'loss/lower': [3 - deviation, 1.5 - deviation / 2],
      'loss/upper': [3 + deviation, 1.5 + deviation / 2],
      'loss/runs': [2, 2],
    });
    // The first run began at 1000, and both logged the second point a second later.
    expect([...metrics[0]!.wallTimes]).toEqual([1000, 1001]);
    expect(loaded!.inputs).toEqual({ lr: 0.1 });
    expect(loaded!.tags).toEqual(['aggregate']);
    const { artifacts } = await loaded!.artifacts();
    expect(artifacts.filter(({ kind }) => kind === 'data')).toMatchObject(
      [0, 1].map((index) => ({
        name: `seed-${index}-${String(index).repeat(8)}`,
        path: join(found.runs[index]!.location),
        summary: { uuid: String(index).repeat(32), run: `seed-${index}` },
        isInput: true,
      })),
    );
    expect(run.record.meta_info?.aggregated_runs).toMatchObject([{ name: 'seed-0' }, { name: 'seed-1' }]);
    expect(warnings).toEqual([]);
  });

  it('rejects a metric with the name of a statistic of another one, before it logs anything', async () => {
    const series = { loss: [[0, 1]], 'loss/max': [[0, 2]] } as const;
    const { run } = startRun();

    await expect(logAggregate(run, await aggregate([{ series }, { series }]))).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: expect.stringContaining('loss/max'),
    });
    expect(run.record.tags ?? []).toEqual([]);
    await run.end();
  });
});
