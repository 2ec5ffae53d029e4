/** Logs the statistics of several runs to a new run, with a layout that shows them as bands in TensorBoard's custom scalars dashboard. */

import { InvalidArgumentError } from '../base/errors.js';
import type { Run } from '../run/run.js';
import type { AggregatedRun, RunAggregate } from './aggregate-runs.js';
import type { AggregatedMetric } from './metric-statistics.js';

/** The series of a metric besides its mean, by what is added to its name. */
const STATISTICS: Readonly<Record<string, (metric: AggregatedMetric, row: number) => number>> = {
  '/std': ({ deviations }, row) => deviations[row]!,
  '/min': ({ minima }, row) => minima[row]!,
  '/max': ({ maxima }, row) => maxima[row]!,
  '/lower': ({ means, deviations }, row) => means[row]! - deviations[row]!,
  '/upper': ({ means, deviations }, row) => means[row]! + deviations[row]!,
  '/runs': ({ counts }, row) => counts[row]!,
};
const BANDS = [
  { title: 'mean ± standard deviation', lower: '/lower', upper: '/upper', closed: false },
  { title: 'mean, minimum to maximum', lower: '/min', upper: '/max', closed: true },
] as const;

/**
 * Logs an aggregate to a run: of each metric the mean under its own name, and `/std`, `/min`, `/max`, `/lower` and `/upper` (mean ∓ standard
 * deviation) and `/runs` (the number of runs) after its name; charts with bands for the custom scalars dashboard, which replace an earlier
 * layout; the common inputs; and the runs, in the lineage and in `meta.aggregated_runs`.
 *
 * Rejects with `ERR_OPTION_INVALID`, before anything is logged, if a metric has the name of another one's statistic.
 */
export async function logAggregate(run: Run, aggregate: RunAggregate): Promise<void> {
  const { runs, inputs, metrics } = aggregate;
  checkNames(metrics);
  run.logInputs(inputs);
  run.logTags('aggregate');
  run.logMeta({ aggregated_runs: runs.map(({ uuid, name }) => ({ uuid, name })) });
  for (const metric of metrics) logMetric(run, metric);
  run.logCustomScalars(
    BANDS.map(({ title, lower, upper, closed }) => ({
      title,
      closed,
      charts: metrics.map(({ name }) => ({
        title: name,
        margin: [{ value: name, lower: `${name}${lower}`, upper: `${name}${upper}` }],
      })),
    })),
  );
  for (const each of runs) await logReference(run, each);
}

function logMetric(run: Run, metric: AggregatedMetric): void {
  const { name, steps, exactSteps, means, wallTimes } = metric;
  for (let row = 0; row < steps.length; row++) {
    const others = Object.entries(STATISTICS).map(([suffix, read]) => [
      `${name}${suffix}`,
      read(metric, row),
    ]);
    run.logMetrics(
      { [name]: means[row]!, ...Object.fromEntries(others) },
      { step: exactSteps?.[row] ?? steps[row]!, wallTime: wallTimes[row]! },
    );
  }
}

async function logReference(run: Run, { uuid, name, location }: AggregatedRun): Promise<void> {
  await run.logDataRef(`${name ?? 'run'}-${uuid?.slice(0, 8) ?? 'unknown'}`, {
    path: location,
    summary: { uuid, run: name },
    skipHash: true,
  });
}

function checkNames(metrics: readonly AggregatedMetric[]): void {
  const names = new Set(metrics.map(({ name }) => name));
  for (const name of names) {
    for (const suffix of Object.keys(STATISTICS)) {
      if (!names.has(`${name}${suffix}`)) continue;
      throw new InvalidArgumentError(
        'ERR_OPTION_INVALID',
        `logAggregate: the runs have the metrics ${name} and ${name}${suffix}, and the latter is also the name of a statistic of ${name}`,
        'Aggregate only one of them: select metrics by name.',
      );
    }
  }
}
