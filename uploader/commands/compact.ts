/** `polytrack compact`: writes one clean event file for each run of a log directory. */

import type { Command } from 'commander';
import { joinLines } from '../../src/base/printable-text.js';
import { formatBytes, formatCount } from '../base/format.js';
import { type CompactedRun, type CompactReport, compact } from '../operations/compact/compact.js';
import { findRunPath } from '../operations/runs/find-run.js';
import { parseFlag } from '../settings/settings.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT } from './context.js';
import { addOptions } from './options.js';
import { reportFailure, toErrorLines } from './print-error.js';
import { RUN_PATH } from './run-names.js';

export function addCompactCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('compact')
    .summary('merge the event files of each run into one clean file')
    .description(
      'Write one event file for each run of a log directory: merged, sorted by step, without superseded points. TensorBoard shows the same as before: ' +
        'a run that would look different stays unchanged. The result is a copy in a new directory, unless --in-place is given.',
    )
    .argument('<directory>', `a log directory, with event files at any depth, or ${RUN_PATH}`);
  addOptions(command)
    .addHelpText(
      'after',
      `
Exit codes:
  0  each run has one clean file
  1  some runs stay unchanged (copies of them have the same files)
  2  wrong usage or directory, or no event files
`,
    )
    .action((directory: string, flags: Flags) => runCompact(directory, flags, context));
}

async function runCompact(argument: string, flags: Flags, context: CommandContext): Promise<void> {
  const { inPlace, output, dryRun, json } = flags;
  try {
    const directory = await findRunPath(argument, context);
    const report = await compact(directory, {
      io: context.io,
      output,
      isInPlace: inPlace === true,
      isDryRun: dryRun === true,
      olderThanMs: parseFlag(flags, 'olderThan'),
      signal: context.signal,
    });
    if (report.runs.length === 0) {
      context.stderr(joinLines([`${directory}: no event files`]));
      context.setExitCode(EXIT.refused);
      return;
    }
    if (json === true) context.stdout(`${JSON.stringify(toJson(report), null, 2)}\n`);
    else context.stdout(report.runs.map(toText).join(''));
    context.setExitCode(report.isComplete ? EXIT.complete : EXIT.unsent);
  } catch (error) {
    reportFailure(context, argument, error);
  }
}

function toJson(report: CompactReport): object {
  const runs = report.runs.map(({ error, ...run }) => ({
    ...run,
    error: error === null ? null : { code: error.code, message: error.message, hint: error.hint },
  }));
  return { ...report, runs };
}

function toText(run: CompactedRun): string {
  const size = `${formatCount(run.files, 'file')}, ${formatBytes(run.bytes)}, ${formatCount(run.points, 'point')}`;
  const superseded =
    run.superseded === 0 ? [] : [`${formatCount(run.superseded, 'superseded point')} left out`];
  const damaged = run.damaged === 0 ? [] : [`${formatCount(run.damaged, 'point')} after damage left out`];
  const leftOut = [...superseded, ...damaged].map((text) => `, ${text}`).join('');
  switch (run.outcome) {
    case 'compacted':
      return joinLines([`${run.run}: ${size} → ${run.path}, ${formatBytes(run.bytesAfter ?? 0)}${leftOut}`]);
    case 'planned':
      return joinLines([`${run.run}: ${size} → 1 file${leftOut} (dry run)`]);
    case 'clean':
      return joinLines([`${run.run}: ${size}: already clean`]);
    case 'kept':
      return joinLines([
        `${run.run}: ${size}: stays unchanged`,
        ...(run.error === null ? [] : toErrorLines(run.error).map((line) => `  ${line}`)),
      ]);
  }
}
