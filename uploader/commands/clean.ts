/** `polytrack clean`: deletes local files that are safe in a store. */

import type { Command } from 'commander';
import { joinLines } from '../../src/base/printable-text.js';
import { formatBytes, formatCount } from '../base/format.js';
import { type CleanedRun, type CleanReport, clean } from '../operations/clean/clean.js';
import type { KeptReason } from '../operations/clean/select-runs.js';
import { findRunPath } from '../operations/runs/find-run.js';
import { parseFlag } from '../settings/settings.js';
import { resolveConfig } from '../settings/sync-config.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, toInterruptHelp } from './context.js';
import { addOptions } from './options.js';
import { reportError } from './print-error.js';
import { RUN_PATH } from './run-names.js';
import { toJsonProblem, toProblemLines } from './verify.js';

const EXIT_HELP = `
Exit codes:
  0    the selected runs are deleted (without --yes: can be deleted)
  1    some runs were not deleted, or the store failed halfway; each run is printed with the reason
  2    nothing was compared: wrong usage, setting, credentials or bucket
${toInterruptHelp('the next clean finishes runs that were being deleted')}`;

export function addCleanCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('clean')
    .summary('delete local files that are safe in a store')
    .description(
      'Delete the local files of runs that have ended, after comparing each file with the store. The run file stays, .plx/cleaned.json says where the data is, and `polytrack pull` restores it. Only prints what it would delete, unless you pass --yes.',
    )
    .argument('<path>', `a root of runs, ${RUN_PATH}, or a directory of log directories`);
  addOptions(command)
    .addHelpText('after', EXIT_HELP)
    .action((path: string, flags: Flags) => runClean(path, flags, context));
}

async function runClean(argument: string, flags: Flags, context: CommandContext): Promise<void> {
  const { io, signal, environment } = context;
  try {
    const path = await findRunPath(argument, context);
    const { config } = await resolveConfig(path, flags, environment, io.fileSystem);
    const report = await clean(config, {
      ...{ io, signal },
      isDryRun: flags.yes !== true,
      isAll: flags.all === true,
      isDeep: flags.deep === true,
      olderThanMs: parseFlag(flags, 'olderThan'),
      largerThanBytes: parseFlag(flags, 'largerThan'),
      untilFreeBytes: parseFlag(flags, 'untilFree'),
      keep: parseFlag(flags, 'keep'),
    });
    context.stdout(flags.json === true ? toJson(report) : toText(report));
    context.setExitCode(report.isComplete ? EXIT.complete : EXIT.unsent);
  } catch (error) {
    reportError(context, error, flags.verbose === true);
  }
}

function toJson(report: CleanReport): string {
  const runs = report.runs.map((run) => ({ ...run, problems: run.problems.map(toJsonProblem) }));
  return `${JSON.stringify({ ...report, runs }, null, 2)}\n`;
}

const KEPT: Readonly<Record<KeptReason, string>> = {
  younger: 'changed too recently',
  smaller: 'too small',
  newest: 'one of the newest runs',
  'enough-free': 'enough space is free',
  'not-checked': 'not checked, because the command ended early',
};

function toText(report: CleanReport): string {
  const { runs, isDryRun, isAborted, bytes, freeBytes, store } = report;
  const cleaned = runs.filter(({ outcome }) => outcome === 'cleaned' || outcome === 'would-clean');
  const refused = runs.filter(({ outcome }) => outcome === 'refused');
  const done = `${formatCount(cleaned.length, 'run')} (${formatBytes(bytes)}), all stored in ${store}`;
  const lines = [
    ...runs.filter((run) => run.outcome !== 'refused').map(toLine),
    ...(refused.length === 0 ? [] : ['Not deleted:']),
    ...refused.flatMap((run) => toProblemLines(toHeading(run), run.problems)),
    `${isAborted ? 'Interrupted after deleting' : isDryRun ? 'Would delete' : 'Deleted'} ${done}; ${formatBytes(freeBytes)} free.`,
    ...(isDryRun && cleaned.length > 0 ? ['Nothing was deleted. Pass --yes to delete.'] : []),
  ];
  return joinLines(lines);
}

/** A run that was refused halfway has lost files. */
function toHeading({ runUuid, files, bytes }: CleanedRun): string {
  if (files === 0) return runUuid;
  return `${runUuid}, after deleting ${formatCount(files, 'file')} (${formatBytes(bytes)})`;
}

function toLine({ runUuid, outcome, kept, files, bytes, leftOut }: CleanedRun): string {
  if (outcome === 'kept') return `kept ${runUuid}: ${KEPT[kept ?? 'newest']}`;
  if (outcome === 'live') return `kept ${runUuid}: still being written`;
  if (outcome === 'done') return `kept ${runUuid}: already cleaned`;
  const left = leftOut.length === 0 ? '' : `; kept ${formatCount(leftOut.length, 'excluded path')}`;
  const verb = outcome === 'cleaned' ? 'deleted' : 'would delete';
  return `${verb} ${runUuid}: ${formatCount(files, 'file')} (${formatBytes(bytes)})${left}`;
}
