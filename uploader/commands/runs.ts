/** `polytrack runs`: lists the runs of a root or a store with their parameters and results. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { quote } from '../../src/base/describe.js';
import { findSimilar } from '../../src/base/options.js';
import type { RunSource } from '../../src/reading/run-source.js';
import { ConfigError } from '../base/errors.js';
import { formatCount } from '../base/format.js';
import { chooseColumns, listColumns } from '../operations/runs/choose-columns.js';
import { collectRuns } from '../operations/runs/find-run.js';
import { createShortener } from '../operations/runs/match-run.js';
import { type LoadedRow, readRows } from '../operations/runs/read-rows.js';
import { type BestValue, createFinder, FACTS, findValue, type RunValue } from '../operations/runs/run-row.js';
import {
  findUnknownColumns,
  parseFilter,
  parseOrder,
  type RunFilter,
  type RunOrder,
  sortRows,
} from '../operations/runs/select-rows.js';
import { toBestText, toCsv, toValueText } from '../operations/runs/value-text.js';
import { parseFlag } from '../settings/settings.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, toInterruptHelp, toTableOptions } from './context.js';
import { openSources } from './open-sources.js';
import { addOptions } from './options.js';
import { joinPainted } from './paint.js';
import { reportError, toErrorText } from './print-error.js';
import { toStatusCell } from './status-cell.js';
import { type Cell, layOutTable } from './table.js';

const EXIT_HELP = `
Exit codes:
  0  the runs are listed
  1  no run is listed, or a file of a run could not be read
  2  wrong usage, path, setting, credentials or bucket
${toInterruptHelp('the list is incomplete, or --watch has ended')}`;

export function addRunsCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('runs')
    .summary('list runs with their parameters and results')
    .description(
      'List the runs of a root or a store, the newest first: name, status, age, duration, project, the parameters in which they differ, and the last values of metrics.',
    )
    .argument(
      '[root|store]',
      'a root of runs or the URL of a store; without it, the default roots: ./plx-runs, POLYAXON_OFFLINE_ROOT, /tmp/plx/offline',
    );
  addOptions(command)
    .addHelpText('after', EXIT_HELP)
    .action((place: string | undefined, flags: Flags) => runRuns(place, flags, context));
}

/** What to list, and how. */
interface Query {
  readonly columns: readonly string[] | undefined;
  readonly filters: readonly RunFilter[];
  readonly order: RunOrder;
  readonly format: 'text' | 'json' | 'csv';
}

async function runRuns(place: string | undefined, flags: Flags, context: CommandContext): Promise<void> {
  try {
    const query = parseQuery(flags);
    const sources = await openSources(place, flags, context);
    try {
      if (flags.watch === true) await watchRuns(sources, query, context);
      else {
        const { rows, unknown } = await readQuery(sources, query, context);
        context.stdout(toOutput(rows, query, context));
        for (const notice of unknown) context.stderr(notice);
        const problems = reportProblems(rows, context);
        context.setExitCode(rows.length > 0 && problems === 0 ? EXIT.complete : EXIT.unsent);
      }
    } finally {
      for (const source of sources) await source.close();
    }
  } catch (error) {
    reportError(context, error, flags.verbose === true);
  }
}

function parseQuery(flags: Flags): Query {
  if (flags.json === true && flags.csv === true)
    throw new ConfigError('--json and --csv exclude each other', 'Pass one of them.');
  const columns = parseFlag(flags, 'columns')
    ?.split(',')
    .map((name) => name.trim());
  if (columns?.includes(''))
    throw new ConfigError(
      '--columns: a name is empty',
      'Separate names by one comma, such as name,status,loss.',
    );
  return {
    columns,
    filters: (parseFlag(flags, 'filter') ?? []).map(parseFilter),
    order: parseOrder(parseFlag(flags, 'sort') ?? '-created'),
    format: flags.json === true ? 'json' : flags.csv === true ? 'csv' : 'text',
  };
}

interface Answer {
  readonly rows: LoadedRow[];
  /** A notice for each column that the user named and that no run has. */
  readonly unknown: readonly string[];
}

async function readQuery(
  sources: readonly RunSource[],
  query: Query,
  { io, signal }: CommandContext,
): Promise<Answer> {
  const { columns, filters, order } = query;
  const runs = await collectRuns(sources, { signal });
  const others = [...filters.map(({ column }) => column), order.column];
  const rows = await readRows(runs, { io, signal, columns, others });
  const matching = rows.filter((row) => filters.every(({ isMatch }) => isMatch(row)));
  const unknown = rows.length === 0 ? [] : findUnknownColumns(rows, [...(columns ?? []), ...others]);
  return {
    rows: sortRows(matching, order),
    unknown: unknown.map((name) => toUnknownNotice(name, listColumns(rows))),
  };
}

function toUnknownNotice(name: string, known: readonly string[]): string {
  const similar = findSimilar(name, known);
  const suggestion =
    similar === undefined ? '`polytrack runs --json` prints the names' : `did you mean ${quote(similar)}?`;
  return `no run has a value for the column ${quote(name)}; ${suggestion}\n`;
}

function toOutput(rows: readonly LoadedRow[], query: Query, context: CommandContext): string {
  const { format, columns } = query;
  if (format === 'json')
    return `${JSON.stringify(
      rows.map((row) => toJsonRun(row, columns)),
      null,
      2,
    )}\n`;
  if (format === 'text') return toText(rows, columns ?? chooseColumns(rows), context);
  const names = columns ?? listColumns(rows);
  return toCsv(
    names,
    rows.map((row) => names.map((name) => findValue(row, name))),
  );
}

/** The facts of a run, and its values: all inputs, outputs and metrics, or the columns that the user named. */
export function toJsonRun(row: LoadedRow, columns?: readonly string[]): object {
  if (columns !== undefined)
    return Object.fromEntries(columns.map((name) => [name, toJsonNumber(findValue(row, name))]));
  const { age: _age, tags: _tags, ...facts } = FACTS;
  const { run, metrics, best, problems } = row;
  return {
    ...Object.fromEntries(Object.entries(facts).map(([name, find]) => [name, find(row)])),
    tags: run.tags,
    inputs: run.inputs,
    outputs: run.outputs,
    metrics: Object.fromEntries(Array.from(metrics, ([name, value]) => [name, toJsonNumber(value)])),
    best: Object.fromEntries(Array.from(best, ([name, value]) => [name, toJsonBest(value)])),
    problems: problems.map(({ code, message, hint }) => ({ code, message, hint })),
  };
}

/** The goal, value and step of a best point. A step beyond 2^53 is a text. */
export function toJsonBest({ goal, value, step }: BestValue): object {
  return { goal, value: toJsonNumber(value), step: typeof step === 'bigint' ? String(step) : step };
}

/** JSON has no NaN and no infinities. */
export function toJsonNumber<Value>(value: Value): Value | string {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function toText(rows: readonly LoadedRow[], columns: readonly string[], context: CommandContext): string {
  const shorten = createShortener(rows.flatMap(({ run }) => run.uuid ?? []));
  const values = columns.map((name) => rows.map(createFinder(name)));
  const cells = rows.map((row, place) =>
    columns.map((name, index) => toCell(row, name, values[index]![place]!, shorten)),
  );
  const { lines, omitted } = layOutTable(
    columns.map((name, index) => toColumn(name, values[index]!, index)),
    cells,
    toTableOptions(context),
  );
  const notShown = omitted.length === 0 ? '' : `; not shown: ${omitted.join(', ')} (choose with --columns)`;
  return joinPainted([...lines, `${formatCount(rows.length, 'run')}${notShown}`]);
}

const MIN_COLUMNS: Readonly<Record<string, number>> = { name: 12, uuid: 8, status: 9 };
/** What gives way to parameters and results on a narrow terminal. */
const OMIT_RANKS: Readonly<Record<string, number>> = { project: 3, duration: 2 };

function toColumn(name: string, values: readonly RunValue[], index: number) {
  const isNumber = values.length > 0 && values.every((value) => ['number', 'object'].includes(typeof value));
  const header = name === 'uuid' ? 'run' : name;
  return {
    header: isNumber ? `>${header}` : header,
    cut: name.includes('/') ? ('middle' as const) : ('end' as const),
    minColumns: MIN_COLUMNS[name] ?? 10,
    omitRank: OMIT_RANKS[name] ?? (index > 2 ? 1 : 0),
  };
}

function toCell(row: LoadedRow, name: string, value: RunValue, shorten: (uuid: string) => string): Cell {
  if (name === 'uuid' && typeof value === 'string') return shorten(value);
  if (name.startsWith('best.') && typeof value === 'number')
    return toBestText(value, findValue(row, name.replace('best.', 'best_step.')));
  return name === 'status' ? toStatusCell(value) : toValueText(name, value);
}

/** Prints what of the runs could not be read. Returns the number of problems. */
function reportProblems(rows: readonly LoadedRow[], context: CommandContext): number {
  const problems = rows.flatMap((row) => row.problems);
  for (const problem of problems) context.stderr(toErrorText(problem, false));
  return problems.length;
}

const WATCH_MS = 2000;
/** A pass over many runs takes longer: the pause is a multiple of it. */
const PAUSE_PER_PASS = 10;

/** Prints the table again whenever it has changed: over the last one on a terminal, else below it. JSON is one document per line. */
async function watchRuns(
  sources: readonly RunSource[],
  query: Query,
  context: CommandContext,
): Promise<void> {
  const { io, signal, output } = context;
  let last = '';
  while (!signal.aborted) {
    const startMs = io.clock.monotonicMs();
    const { rows } = await readQuery(sources, query, context);
    const text =
      query.format === 'json'
        ? `${JSON.stringify(rows.map((row) => toJsonRun(row, query.columns)))}\n`
        : toOutput(rows, query, context);
    if (text !== last && output?.replace !== undefined && query.format === 'text') output.replace(text);
    else if (text !== last) context.stdout(last === '' || query.format === 'json' ? text : `\n${text}`);
    last = text;
    context.setExitCode(EXIT.complete);
    const pauseMs = Math.max(WATCH_MS, PAUSE_PER_PASS * (io.clock.monotonicMs() - startMs));
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
