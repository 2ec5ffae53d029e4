/** `polytrack aggregate`: writes the mean and deviation of several runs as a run. */

import type { Command } from 'commander';
import type { AggregatedMetric } from '../../src/aggregate/metric-statistics.js';
import { joinLines } from '../../src/base/printable-text.js';
import { formatCount } from '../base/format.js';
import { type WrittenAggregate, writeAggregate } from '../operations/aggregate/write-aggregate.js';
import { toNumberText } from '../operations/runs/value-text.js';
import { parseFlag } from '../settings/settings.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, toInterruptHelp, toTableOptions } from './context.js';
import { addOptions } from './options.js';
import { joinPainted } from './paint.js';
import { toErrorText } from './print-error.js';
import { RUN_HELP, RUN_NAMES } from './run-names.js';
import { type Column, type TableOptions, toTable } from './table.js';
import { useRuns } from './use-runs.js';

const EXIT_HELP = `
Exit codes:
  0  the run is written
  1  a file of a run could not be read; the run is written without it
  2  nothing is written: no such run, several runs, no common metric, wrong usage, setting, credentials or bucket
${toInterruptHelp('nothing is written, or the run is incomplete')}`;

export function addAggregateCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('aggregate')
    .summary('write the mean and deviation of several runs as a run')
    .description(
      'Write a run with the mean, standard deviation, minimum and maximum of each metric over several runs, such as the seeds of one experiment. Its inputs are those that are equal in all of them. The Custom Scalars dashboard of TensorBoard shows it with bands.',
    )
    .argument('<run...>', `two or more runs, each by ${RUN_NAMES}`);
  addOptions(command)
    .addHelpText('after', RUN_HELP + EXIT_HELP)
    .action((references: string[], flags: Flags) => runAggregate(references, flags, context));
}

async function runAggregate(
  references: readonly string[],
  flags: Flags,
  context: CommandContext,
): Promise<void> {
  await useRuns(references, flags, context, async (found) => {
    const written = await writeAggregate(
      found.map(({ run }) => run),
      {
        name: parseFlag(flags, 'name') ?? 'aggregate',
        root: parseFlag(flags, 'root'),
        names: parseFlag(flags, 'metric'),
        minRuns: parseFlag(flags, 'minRuns'),
        signal: context.signal,
        onWarning: ({ code, message }) => context.stderr(joinLines([`${code}: ${message}`])),
      },
    );
    context.stdout(flags.json === true ? toJson(written) : toText(written, toTableOptions(context)));
    const { problems } = written.aggregate;
    for (const problem of problems) context.stderr(toErrorText(problem, false));
    context.setExitCode(problems.length === 0 ? EXIT.complete : EXIT.unsent);
  });
}

/** The last step of a metric. */
function toLast(metric: AggregatedMetric) {
  const { steps, counts, means, deviations, minima, maxima } = metric;
  const row = steps.length - 1;
  return {
    ...{ step: steps[row]!, runs: counts[row]!, mean: means[row]!, std: deviations[row]! },
    ...{ min: minima[row]!, max: maxima[row]! },
  };
}

function toJson({ run, aggregate }: WrittenAggregate): string {
  const { runs, inputs, omitted, problems } = aggregate;
  const metrics = aggregate.metrics.map((metric) => ({
    name: metric.name,
    steps: metric.steps.length,
    nonFinite: metric.nonFiniteCount,
    last: toLast(metric),
  }));
  const errors = problems.map(({ code, message, hint }) => ({ code, message, hint }));
  return `${JSON.stringify({ ...run, runs, inputs, metrics, omitted, problems: errors }, null, 2)}\n`;
}

const COLUMNS: readonly (string | Column)[] = [
  { header: 'metric', cut: 'middle', minColumns: 16 },
  { header: '>steps', omitRank: 1 },
  '>last step',
  '>mean',
  '>std',
  { header: '>min', omitRank: 2 },
  { header: '>max', omitRank: 2 },
  '>runs',
];

function toText({ run, aggregate }: WrittenAggregate, options: TableOptions): string {
  const { runs, metrics, omitted } = aggregate;
  const rows = metrics.map((metric) => {
    const last = toLast(metric);
    const values = [last.step, last.mean, last.std, last.min, last.max, last.runs].map(toNumberText);
    return [metric.name, String(metric.steps.length), ...values];
  });
  const nonFinite = metrics.filter(({ nonFiniteCount }) => nonFiniteCount > 0);
  const notes = [
    ...nonFinite.map(
      ({ name, nonFiniteCount: count }) =>
        `${name}: left out ${formatCount(count, 'value')} that ${count === 1 ? 'is' : 'are'} NaN or infinite`,
    ),
    ...(omitted.length === 0
      ? []
      : [`Left out, because too few runs have the same steps: ${omitted.join(', ')}`]),
  ];
  return (
    joinPainted(toTable(COLUMNS, rows, options)) +
    joinLines([...notes, `${run.name}: aggregate of ${formatCount(runs.length, 'run')}, in ${run.location}`])
  );
}
