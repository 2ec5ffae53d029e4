/** `polytrack show`: prints what is known of one run. */

import type { Command } from 'commander';
import { joinLines } from '../../src/base/printable-text.js';
import { toReadableName } from '../../src/polyaxon/names.js';
import { formatBytes, formatCount } from '../base/format.js';
import { listEnvironment } from '../operations/runs/environment-facts.js';
import { type LoadedRow, readRows } from '../operations/runs/read-rows.js';
import {
  type LogLine,
  type RunDetails,
  readDetails,
  type ShownMetric,
} from '../operations/runs/run-details.js';
import { FACTS, flatten, type RunValue } from '../operations/runs/run-row.js';
import { toBestText, toNumberText, toTimeText, toValueText } from '../operations/runs/value-text.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, toInterruptHelp, toTableOptions } from './context.js';
import { addOptions } from './options.js';
import { joinPainted } from './paint.js';
import { toErrorText } from './print-error.js';
import { RUN_HELP, RUN_NAMES } from './run-names.js';
import { toJsonBest, toJsonNumber, toJsonRun } from './runs.js';
import { showTraces, TRACE_HELP } from './show-traces.js';
import { toStatusCell } from './status-cell.js';
import { type Cell, type Column, type TableOptions, toTable } from './table.js';
import { useRuns } from './use-runs.js';

const EXIT_HELP = `
Exit codes:
  0  the run is shown
  1  a file of the run could not be read
  2  no such run, several runs, wrong usage, setting, credentials or bucket
${toInterruptHelp('nothing is shown')}`;

const LOG_LINES = 10;

export function addShowCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('show')
    .summary('show one run: parameters, metrics, artifacts, environment, git, log')
    .description(
      'Show what is known of a run: its parameters, its metrics with minimum, maximum and last value, artifacts, environment and git, and the end of its log.',
    )
    .argument('<run>', RUN_NAMES);
  addOptions(command)
    .addHelpText('after', RUN_HELP + TRACE_HELP + EXIT_HELP)
    .action((reference: string, flags: Flags) => runShow(reference, flags, context));
}

async function runShow(reference: string, flags: Flags, context: CommandContext): Promise<void> {
  const { io, signal } = context;
  await useRuns([reference], flags, context, async ([found]) => {
    if (await showTraces(found!, flags, context)) return;
    const [row] = await readRows([found!.run], { io, signal, columns: [], others: [] });
    const details = await readDetails(found!, { signal, logLines: LOG_LINES });
    context.stdout(
      flags.json === true ? toJson(row!, details) : toText(row!, details, toTableOptions(context, 2)),
    );
    for (const problem of details.problems) context.stderr(toErrorText(problem, false));
    context.setExitCode(details.problems.length === 0 ? EXIT.complete : EXIT.unsent);
  });
}

function toJson(row: LoadedRow, { metrics, artifacts, environment, git, log, problems }: RunDetails): string {
  const shown = metrics.map((metric) => ({
    ...metric,
    last: toJsonNumber(metric.last),
    best: metric.best === null ? null : toJsonBest(metric.best),
  }));
  const errors = problems.map(({ code, message, hint }) => ({ code, message, hint }));
  return `${JSON.stringify({ ...toJsonRun(row), metrics: shown, artifacts, environment, git, log, problems: errors }, null, 2)}\n`;
}

const SHOWN_FACTS = [
  'uuid',
  'status',
  'created',
  'duration',
  'project',
  'owner',
  'tags',
  'description',
  'location',
] as const;

function toText(row: LoadedRow, details: RunDetails, options: TableOptions): string {
  const { run, metrics } = { run: row.run, metrics: details.metrics };
  const metricNames = new Set(metrics.map(({ name }) => toReadableName(name)));
  const results = [...flatten(run.outputs)].filter(([name]) => !metricNames.has(name));
  const facts = SHOWN_FACTS.flatMap((name): [string, Cell][] => {
    const value = FACTS[name](row);
    return value === null
      ? []
      : [[name, name === 'status' ? toStatusCell(value) : toFactText(name, value, row)]];
  });
  return [
    joinLines([run.name ?? run.uuid ?? run.location]),
    joinPainted(toPairs(facts, options)),
    toSection('Parameters', toPairs(toTexts(flatten(run.inputs)), options)),
    toSection('Results', toPairs(toTexts(results), options)),
    toSection('Metrics', metrics.length === 0 ? [] : toMetricTable(metrics, options)),
    toSection('Artifacts', toArtifactTable(details, options)),
    toSection('Environment', toPairs(toTexts(listEnvironment(details.environment)), options)),
    toSection('Git', toPairs(toTexts(flatten(details.git)), options)),
    toSection(`Log (last ${formatCount(details.log.length, 'line')})`, details.log.map(toLogLine)),
  ].join('');
}

function toFactText(name: (typeof SHOWN_FACTS)[number], value: RunValue, row: LoadedRow): string {
  if (name !== 'created') return toValueText(name, value);
  return `${toTimeText(String(value))} UTC (${toValueText('age', FACTS.age(row))} ago)`;
}

/** Lines below a heading; nothing without lines. */
function toSection(heading: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `\n${joinPainted([heading, ...lines])}`;
}

function toTexts(values: Iterable<readonly [string, RunValue]>): [string, Cell][] {
  return Array.from(values, ([name, value]) => [name, toValueText('', value)]);
}

/** Names and values as two columns without headers. Values are shown whole. */
function toPairs(
  pairs: readonly (readonly [string, Cell])[],
  { width: _width, ...options }: TableOptions,
): string[] {
  return pairs.length === 0 ? [] : toTable(['', ''], pairs, options).slice(1);
}

const METRIC_COLUMNS: readonly (string | Column)[] = [
  { header: 'metric', cut: 'middle', minColumns: 16 },
  '>last',
  '>min',
  '>max',
  { header: '>points', omitRank: 1 },
  { header: 'steps', omitRank: 1 },
  { header: '', minColumns: 20 },
];

function toMetricTable(metrics: readonly ShownMetric[], options: TableOptions): string[] {
  const hasBest = metrics.some(({ best }) => best !== null);
  const rows = metrics.map(({ name, last, best, min, max, points, firstStep, lastStep, sparkline }) => [
    name,
    toNumberText(last),
    ...(hasBest ? [best === null ? '' : toBestText(best.value, best.step)] : []),
    min === null ? '' : toNumberText(min),
    max === null ? '' : toNumberText(max),
    String(points),
    firstStep === lastStep ? String(firstStep) : `${firstStep} to ${lastStep}`,
    sparkline,
  ]);
  return toTable(hasBest ? METRIC_COLUMNS.toSpliced(2, 0, '>best') : METRIC_COLUMNS, rows, options);
}

function toArtifactTable({ artifacts }: RunDetails, options: TableOptions): string[] {
  const files = artifacts.filter(({ kind, path }) => kind !== 'coderef' && path !== null);
  if (files.length === 0) return [];
  const columns: Column[] = [
    { header: 'artifact', minColumns: 12 },
    { header: 'kind' },
    { header: '>size' },
    { header: 'path', cut: 'middle', minColumns: 16 },
  ];
  const rows = files.map(({ name, kind, path, summary: { size } }) => [
    ...[name, kind, typeof size === 'number' ? formatBytes(size) : '', path ?? ''],
  ]);
  return toTable(columns, rows, options);
}

function toLogLine({ at, text }: LogLine): string {
  return `  ${at === null ? '' : `${at.slice(11, 19)}  `}${text}`;
}
