/** Reads several runs, such as the seeds of one experiment, and computes the statistics of their metrics over the runs. */

import { describe } from '../base/describe.js';
import {
  type CodedError,
  InvalidArgumentError,
  NoCommonMetricError,
  TooFewRunsError,
} from '../base/errors.js';
import type { JsonValue } from '../base/json-value.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import type { LoadedRun, ReadMetricsOptions } from '../reading/loaded-run.js';
import { findCommon } from './common-values.js';
import { type AggregatedMetric, MetricStatistics } from './metric-statistics.js';

export interface AggregateRunsOptions extends ReadMetricsOptions {
  /** How many runs must have a step, with a finite value, for it to be included. Default 2. */
  readonly minRuns?: number | undefined;
}
const OPTIONS: OptionTable<AggregateRunsOptions> = {
  names: 'any',
  kind: 'any',
  signal: 'object',
  minRuns: 'any',
};

/** A run that was aggregated. */
export type AggregatedRun = Pick<LoadedRun, 'uuid' | 'name' | 'location'>;

/** The statistics of several runs. */
export interface RunAggregate {
  readonly runs: readonly AggregatedRun[];
  /** The inputs that are equal in all runs. */
  readonly inputs: Readonly<Record<string, JsonValue>>;
  /** In the order in which the runs have them. */
  readonly metrics: readonly AggregatedMetric[];
  /** The names of metrics without a step that enough runs have. */
  readonly omitted: readonly string[];
  /** What is damaged or unreadable. Everything else is included. */
  readonly problems: readonly CodedError[];
}

/**
 * Computes mean, standard deviation, minimum and maximum of each metric over runs, for each step that at least `minRuns` of them have. Steps are
 * matched exactly. Points that a restart supersedes are left out; of several points of a run with one step, the last one counts. Values
 * that are NaN or infinite are left out and counted. A run that is passed twice counts once.
 *
 * Memory: the points of one run, and one row for each step of each metric. Rejects with `ERR_RUNS_TOO_FEW` for fewer than two runs, with
 * `ERR_NO_COMMON_METRIC`, with `ERR_OPTION_INVALID`, and like the iteration over `runs`.
 */
export async function aggregateRuns(
  runs: AsyncIterable<LoadedRun> | Iterable<LoadedRun>,
  options: AggregateRunsOptions = {},
): Promise<RunAggregate> {
  checkOptions('aggregateRuns', options, OPTIONS);
  const { minRuns = 2, ...metricOptions } = options;
  if (!Number.isInteger(minRuns) || minRuns < 1) {
    throw new InvalidArgumentError(
      'ERR_OPTION_INVALID',
      `aggregateRuns: minRuns is ${describe(minRuns)}, expected a whole number from 1`,
      'Omit minRuns, or pass a whole number from 1.',
    );
  }
  const statistics = new Map<string, MetricStatistics>();
  const found = new Map<string, AggregatedRun>();
  const inputs: LoadedRun['inputs'][] = [];
  const problems: CodedError[] = [];
  for await (const run of runs) {
    const key = run.uuid ?? run.location;
    if (found.has(key)) continue;
    found.set(key, { uuid: run.uuid, name: run.name, location: run.location });
    inputs.push(run.inputs);
    const { metrics, problems: damage } = await run.metrics(metricOptions);
    for (const problem of [...run.problems, ...damage]) problems.push(problem);
    for (const points of metrics) {
      const { name } = points;
      const known = statistics.get(name) ?? new MetricStatistics(name);
      statistics.set(name, known);
      known.add(points);
    }
  }
  if (found.size < 2) throw new TooFewRunsError(found.size);
  const omitted: string[] = [];
  const metrics = Array.from(statistics, ([name, each]) => {
    const metric = each.finish(minRuns);
    if (metric === undefined) omitted.push(name);
    return metric ?? [];
  }).flat();
  if (metrics.length === 0) throw new NoCommonMetricError(found.size, minRuns, omitted);
  return { runs: [...found.values()], inputs: findCommon(inputs), metrics, omitted, problems };
}
