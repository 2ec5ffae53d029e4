/** `polytrack inspect`: shows what event files contain. */

import type { Command } from 'commander';
import { joinLines } from '../../src/base/printable-text.js';
import { formatBytes, formatCount } from '../base/format.js';
import {
  type FileInspection,
  inspect,
  type RunInspection,
  type TagInspection,
} from '../operations/inspect/inspect.js';
import { plot } from '../operations/inspect/plot.js';
import { toContentLines, toJsonValue } from '../operations/inspect/point-text.js';
import { type RunShownCounts, readShown, type TagShown, toReasonLines } from '../operations/inspect/shown.js';
import { findRunPath } from '../operations/runs/find-run.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, toTableOptions } from './context.js';
import { addOptions } from './options.js';
import { reportFailure } from './print-error.js';
import { RUN_PATH } from './run-names.js';
import { type TableOptions, toTable } from './table.js';
import { countColumns } from './text-columns.js';

export function addInspectCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('inspect')
    .summary('show what event files contain')
    .description('Show the tags of event files: plugin, number of values, steps, times and sizes.')
    .argument('<path>', `an event file, a directory with event files at any depth, or ${RUN_PATH}`);
  addOptions(command)
    .addHelpText('after', '\nExit codes:\n  0  no problems\n  1  a file is damaged\n  2  nothing to show\n')
    .action((path: string, flags: Flags) => runInspect(path, flags, context));
}

async function runInspect(argument: string, flags: Flags, context: CommandContext): Promise<void> {
  if (flags.shown === true) return showShown(argument, flags, context);
  let path = argument;
  let runs: RunInspection[];
  try {
    path = await findRunPath(argument, context);
    runs = await inspect(path, { ...flags, signal: context.signal });
  } catch (error) {
    reportFailure(context, path, error);
    return;
  }
  if (runs.length === 0) {
    context.stderr(joinLines([`${path}: no event files`]));
    context.setExitCode(EXIT.refused);
    return;
  }
  if (flags.json === true)
    context.stdout(`${JSON.stringify({ runs: runs.map(toJsonRun) }, toJsonValue, 2)}\n`);
  else context.stdout(runs.map((run) => toRunText(run, flags.tag, toTableOptions(context, 2))).join('\n'));
  const isDamaged = runs.some(({ files }) => files.some(({ damage }) => damage.length > 0));
  context.setExitCode(isDamaged ? EXIT.unsent : EXIT.complete);
}

async function showShown(argument: string, flags: Flags, context: CommandContext): Promise<void> {
  try {
    const path = await findRunPath(argument, context);
    const runs = await readShown(path, { run: flags.run, tag: flags.tag, signal: context.signal });
    if (runs.length === 0) {
      context.stderr(joinLines([`${path}: no event files`]));
      context.setExitCode(EXIT.refused);
    } else if (flags.json === true) context.stdout(`${JSON.stringify({ runs }, null, 2)}\n`);
    else context.stdout(runs.map((run) => toShownText(run, toTableOptions(context, 2))).join('\n'));
  } catch (error) {
    reportFailure(context, argument, error);
  }
}

/** A time is never cut. */
const TIME_COLUMNS = 24;
const TAG_COLUMN = { header: 'tag', cut: 'middle', minColumns: 16 } as const;

function toShownText({ run, tags }: RunShownCounts, options: TableOptions): string {
  const rows = tags.map(({ tag, plugin, values, viewers: { fast, python, polyaxon } }) => [
    ...[tag, plugin, String(values)],
    ...[fast, python, polyaxon].map(({ shown }) => String(shown)),
  ]);
  const columns = [TAG_COLUMN, 'plugin', '>values', '>TensorBoard', '>--load_fast false', '>Polyaxon'];
  const table = rows.length === 0 ? [] : toTable(columns, rows, options);
  return joinLines([`run ${run}`, ...table, ...tags.flatMap(toHiddenLines).map((line) => `  ${line}`)]);
}

/** Viewers that hide the same values are named together. */
function toHiddenLines({ tag, viewers }: TagShown): string[] {
  const names = { fast: 'TensorBoard', python: '--load_fast false', polyaxon: 'Polyaxon' } as const;
  const byReasons = new Map<string, string[]>();
  for (const [viewer, name] of Object.entries(names) as [keyof typeof names, string][]) {
    for (const line of toReasonLines(viewers[viewer].hidden))
      byReasons.set(line, [...(byReasons.get(line) ?? []), name]);
  }
  return [...byReasons].map(([line, found]) => `${tag}: hidden in ${found.join(', ')}: ${line}`);
}

function toRunText(run: RunInspection, tag: string | undefined, options: TableOptions): string {
  const lines = tag === undefined ? toOverview(run, options) : toPoints(run, tag, options);
  return lines.length === 0 ? '' : joinLines([`run ${run.run}`, ...lines]);
}

function toOverview({ files, tags, otherEvents }: RunInspection, options: TableOptions): string[] {
  const others = Object.entries(otherEvents).map(
    ([kind, count]) => `  ${formatCount(count, `${kind} event`)}`,
  );
  const times = ['from', 'to'].map((header) => ({ header, minColumns: TIME_COLUMNS, omitRank: 1 }));
  const columns = [TAG_COLUMN, 'plugin', '>values', 'steps', ...times, '>size'];
  const table = tags.length === 0 ? [] : toTable(columns, tags.map(toTagRow), options);
  return [...files.map(toFileLine), ...others, ...table];
}

function toFileLine({ name, sizeBytes, records, writer, damage, tailBytes }: FileInspection): string {
  const notes = [
    `${formatBytes(sizeBytes)}, ${formatCount(records, 'record')}`,
    ...(writer === undefined ? [] : [`by ${writer}`]),
    ...(damage.length === 0 ? [] : [`${formatCount(damage.length, 'damaged range')}: see polytrack fsck`]),
    ...(tailBytes === 0 ? [] : [`${formatBytes(tailBytes)} of an incomplete record at the end`]),
  ];
  return `  ${name}: ${notes.join('; ')}`;
}

function toTagRow(tag: TagInspection): string[] {
  const { minStep, maxStep } = tag;
  return [
    tag.tag,
    tag.plugin === '' ? tag.form : tag.plugin,
    String(tag.count),
    minStep === maxStep ? String(minStep) : `${minStep} to ${maxStep}`,
    toTime(tag.firstWallTime),
    toTime(tag.lastWallTime),
    formatBytes(Math.round(tag.sizeBytes)),
  ];
}

function toPoints({ points }: RunInspection, tag: string, options: TableOptions): string[] {
  if (points.length === 0) return [];
  const scalars = points.flatMap(({ step, scalar }) =>
    scalar === undefined ? [] : [{ step: Number(step), value: scalar }],
  );
  const { width = DEFAULT_COLUMNS, indent = 0 } = options;
  const shown = points.map(({ text, content }) => toShownValue(text, content, width - indent));
  const rows = points.map(({ step, wallTime }, i) => [String(step), toTime(wallTime), shown[i]!.text]);
  const columns = ['>step', { header: 'wall time', minColumns: TIME_COLUMNS }, 'value'];
  const [headers = '', ...lines] = toTable(columns, rows, options);
  const table = lines.flatMap((line, i) => [line, ...shown[i]!.below.map((each) => `      ${each}`)]);
  return [`  ${tag}`, ...plot(scalars).map((line) => `  ${line}`), headers, ...table];
}

const DEFAULT_COLUMNS = 100;

/** A content of one short line stands in its row, any other below it. */
function toShownValue(text: string, content: unknown, columns: number): { text: string; below: string[] } {
  if (content === undefined) return { text, below: [] };
  const inRow = columns - TIME_COLUMNS - 20;
  const [first = '', ...others] = toContentLines(content, inRow - text.length);
  if (others.length === 0 && countColumns(first) <= inRow - text.length)
    return { text: `${text} ${first}`.trim(), below: [] };
  return { text, below: toContentLines(content, columns - 4) };
}

function toTime(wallTime: number): string {
  const time = new Date(wallTime * 1000);
  return Number.isNaN(time.getTime()) ? String(wallTime) : time.toISOString();
}

/** The run without the fields that only the text output uses. */
function toJsonRun({ points, ...run }: RunInspection) {
  return { ...run, points: points.map(({ step, wallTime, value }) => ({ step, wallTime, value })) };
}
