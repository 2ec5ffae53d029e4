/** `polytrack verify`: compares a store with local files and manifests. */

import type { Command } from 'commander';
import { joinLines } from '../../src/base/printable-text.js';
import { formatBytes, formatCount, formatSeconds } from '../base/format.js';
import type { PullProblem } from '../operations/pull/pull-report.js';
import { findRunPath } from '../operations/runs/find-run.js';
import { verify } from '../operations/verify/verify.js';
import type { VerifyProblem, VerifyReport } from '../operations/verify/verify-report.js';
import { resolveConfig } from '../settings/sync-config.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, toInterruptHelp } from './context.js';
import { addOptions } from './options.js';
import { reportError } from './print-error.js';
import { RUN_PATH } from './run-names.js';

const EXIT_HELP = `
Exit codes:
  0    the store has every file unchanged
  1    some files are missing, different or could not be compared; they are printed
  2    nothing was compared: wrong usage, setting, credentials or bucket
${toInterruptHelp('the other files were not compared')}`;

export function addVerifyCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('verify')
    .summary('compare a store with local files and manifests')
    .description(
      'Read all local files of the runs at a path and compare them with the store: by the checksums that the store keeps, or by reading objects back where it keeps none. Files that are no longer on disk are compared with the manifest.',
    )
    .argument('<path>', `${RUN_PATH}, a root of runs, or a directory of log directories`);
  addOptions(command)
    .addHelpText('after', EXIT_HELP)
    .action((path: string, flags: Flags) => runVerify(path, flags, context));
}

async function runVerify(argument: string, flags: Flags, context: CommandContext): Promise<void> {
  try {
    const path = await findRunPath(argument, context);
    const { config } = await resolveConfig(path, flags, context.environment, context.io.fileSystem);
    const { io, signal } = context;
    const report = await verify(config, { io, signal, isDeep: flags.deep === true });
    context.stdout(flags.json === true ? toJson(report) : toText(report));
    context.setExitCode(report.isVerified ? EXIT.complete : EXIT.unsent);
  } catch (error) {
    reportError(context, error, flags.verbose === true);
  }
}

function toJson(report: VerifyReport): string {
  const runs = report.runs.map((run) => ({ ...run, problems: run.problems.map(toJsonProblem) }));
  const unreadable = report.unreadable.map(({ code, message, hint }) => ({ code, message, hint }));
  return `${JSON.stringify({ ...report, runs, unreadable }, null, 2)}\n`;
}

/** A problem as plain JSON. */
export function toJsonProblem({ path, finding, message, error }: VerifyProblem | PullProblem): object {
  return { path, finding, message, ...(error === null ? {} : { code: error.code, hint: error.hint }) };
}

function toText(report: VerifyReport): string {
  const { runs, unreadable, notices, durationMs } = report;
  const files = runs.reduce((sum, { verified }) => sum + verified.files, 0);
  const bytes = runs.reduce((sum, { verified }) => sum + verified.bytes, 0);
  const bad = runs.filter(({ problems }) => problems.length > 0);
  const state = report.isVerified ? 'Verified' : report.isAborted ? 'Interrupted' : 'NOT verified';
  const counts = `${formatCount(files, 'file')} (${formatBytes(bytes)}) of ${formatCount(runs.length, 'run')}`;
  const lines = [
    ...bad.flatMap(({ runUuid, problems }) => toProblemLines(runUuid, problems)),
    ...unreadable.map(({ message }) => message),
    ...notices.map(({ message }) => `notice: ${message}`),
    `${state}: ${counts} match ${report.store}${report.isDeep ? ' (every byte read)' : ''}; took ${formatSeconds(durationMs)}.`,
    ...(bad.length === 0 ? [] : [`${formatCount(bad.length, 'run')} with problems.`]),
  ];
  return joinLines(lines);
}

const SHOWN = 20;

/** The first problems of a run below a heading, as lines. */
export function toProblemLines(
  heading: string,
  problems: readonly (VerifyProblem | PullProblem)[],
): string[] {
  const shown = problems
    .slice(0, SHOWN)
    .map(({ path, finding, message }) => `  ${finding} ${path}: ${message}`);
  const rest = problems.length - shown.length;
  return [heading, ...shown, ...(rest === 0 ? [] : [`  and ${rest} more (--json lists all)`])];
}
