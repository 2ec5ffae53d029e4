/** `polytrack compare`: prints in what runs differ. */

import type { Command } from 'commander';
import { ConfigError } from '../base/errors.js';
import { type Comparison, compareRuns } from '../operations/runs/compare-runs.js';
import { createShortener } from '../operations/runs/match-run.js';
import { mergeGoals, readRows } from '../operations/runs/read-rows.js';
import { readDetails } from '../operations/runs/run-details.js';
import type { RunValue } from '../operations/runs/run-row.js';
import { toTimeText, toValueText } from '../operations/runs/value-text.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, toInterruptHelp, toTableOptions } from './context.js';
import { addOptions } from './options.js';
import { joinPainted } from './paint.js';
import { reportError, toErrorText } from './print-error.js';
import { RUN_HELP, RUN_NAMES } from './run-names.js';
import { toJsonNumber } from './runs.js';
import { toStatusCell } from './status-cell.js';
import { type Cell, type Column, layOutTable, type TableOptions } from './table.js';
import { useRuns } from './use-runs.js';

const EXIT_HELP = `
Exit codes:
  0  the runs are compared
  1  a file of a run could not be read
  2  no such run, several runs, wrong usage, setting, credentials or bucket
${toInterruptHelp('nothing is compared')}`;

export function addCompareCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('compare')
    .summary('show in what runs differ')
    .description(
      'Show in what runs differ: status and duration, parameters, last values of metrics, environment, packages and git. What is equal is left out, unless you pass --all.',
    )
    .argument('<run...>', `two or more runs, each by ${RUN_NAMES}`);
  addOptions(command)
    .addHelpText('after', RUN_HELP + EXIT_HELP)
    .action((references: string[], flags: Flags) => runCompare(references, flags, context));
}

async function runCompare(
  references: readonly string[],
  flags: Flags,
  context: CommandContext,
): Promise<void> {
  const { io, signal } = context;
  if (references.length < 2)
    return reportError(
      context,
      new ConfigError('compare needs at least two runs', 'Name them: polytrack compare baseline latest.'),
      flags.verbose === true,
    );
  await useRuns(references, flags, context, async (found) => {
    const rows = await readRows(
      found.map(({ run }) => run),
      { io, signal, columns: [], others: [] },
    );
    const goals = mergeGoals(rows.map(({ run }) => run));
    const details = await Promise.all(found.map((each) => readDetails(each, { signal, logLines: 0, goals })));
    const runs = rows.map((row, index) => {
      const metrics = new Map(details[index]!.metrics.map(({ name, last }) => [name, last]));
      const best = new Map(
        details[index]!.metrics.flatMap((each) => (each.best === null ? [] : [[each.name, each.best]])),
      );
      return { row: { ...row, metrics, best }, details: details[index]! };
    });
    const all = compareRuns(runs);
    const shown = all.map(({ section, values }) => ({
      section,
      values: values.filter(({ isEqual }) => flags.all === true || !isEqual),
    }));
    const uuids = rows.flatMap(({ run }) => run.uuid ?? []);
    const names = rows.map(({ run }) =>
      toRunName(
        run,
        rows.map((row) => row.run.name),
        uuids,
      ),
    );
    if (flags.json === true)
      context.stdout(
        toJson(
          shown,
          rows.map(({ run }) => run),
        ),
      );
    else context.stdout(toText(shown, names, toTableOptions(context)));
    const problems = details.flatMap((each) => each.problems);
    for (const problem of problems) context.stderr(toErrorText(problem, false));
    context.setExitCode(problems.length === 0 ? EXIT.complete : EXIT.unsent);
  });
}

type RunId = { readonly uuid: string | null; readonly name: string | null; readonly location: string };

/** The name of a run, or its uuid if it has no name or another run has the same. */
function toRunName(
  { uuid, name, location }: RunId,
  names: readonly (string | null)[],
  uuids: readonly string[],
): string {
  const isUnique = name !== null && names.filter((each) => each === name).length === 1;
  return isUnique ? name : uuid === null ? location : createShortener(uuids)(uuid);
}

function toJson(sections: readonly Comparison[], runs: readonly RunId[]): string {
  const values = sections.map(({ section, values: each }) => [
    section,
    Object.fromEntries(each.map(({ name, values: found }) => [name, found.map(toJsonNumber)])),
  ]);
  const compared = runs.map(({ uuid, name, location }) => ({ uuid, name, location }));
  return `${JSON.stringify({ runs: compared, ...Object.fromEntries(values) }, null, 2)}\n`;
}

function toCell(section: Comparison['section'], name: string, value: RunValue): Cell {
  if (section !== 'run') return toValueText('', value);
  if (name === 'created') return toTimeText(String(value ?? '')).slice(0, 16);
  return name === 'status' ? toStatusCell(value) : toValueText(name, value);
}

/** One table for as many runs as fit side by side, then one for the next. */
function toText(sections: readonly Comparison[], names: readonly string[], options: TableOptions): string {
  const rows = sections.flatMap(({ section, values }) =>
    values.map(({ name, values: found }) => ({
      name: section === 'run' ? name : `${section}.${name}`,
      cells: found.map((value) => toCell(section, name, value)),
    })),
  );
  if (rows.length === 0)
    return joinPainted(['The runs are equal. Pass --all to print what they have in common.']);
  const blocks: string[] = [];
  for (let first = 0; first < names.length; ) {
    const columns: Column[] = names
      .slice(first)
      .map((header, index) => ({ header, minColumns: 12, omitRank: index > 0 ? 1 : 0 }));
    const table = layOutTable(
      [{ header: '', cut: 'middle', minColumns: 20 }, ...columns],
      rows.map(({ name, cells }) => [name, ...cells.slice(first)]),
      options,
    );
    blocks.push(joinPainted(table.lines));
    first += columns.length - table.omitted.length;
  }
  return blocks.join('\n');
}
