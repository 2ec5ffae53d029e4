/** `polytrack export`: writes the metrics of runs for other programs. */

import type { Command } from 'commander';
import { joinLines } from '../../src/base/printable-text.js';
import { ConfigError } from '../base/errors.js';
import { formatBytes, formatCount } from '../base/format.js';
import { exportRuns } from '../operations/export/export-runs.js';
import { parseFlag } from '../settings/settings.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, toInterruptHelp } from './context.js';
import { openSources } from './open-sources.js';
import { addOptions } from './options.js';
import { reportError, toErrorText } from './print-error.js';

const EXIT_HELP = `
Exit codes:
  0  all metrics are exported
  1  a run or an event file is damaged, or no run has a metric that you named;
     the rest is exported
  2  nothing is exported: wrong path, URL or option, no such run, or a package
     is missing
${toInterruptHelp('the file is not written')}`;

export function addExportCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('export')
    .summary('export the metrics of runs as CSV, JSON, Parquet or Arrow')
    .description(
      'Write the metrics of runs as one table: run, name, tag, step, wall_time and value of each point, without points that a restart supersedes.',
    )
    .argument('<source>', 'a root, a run directory, or the URL of a store')
    .argument(
      '[run...]',
      'runs, each by its name, the first digits of its uuid, or latest; default: all runs',
    );
  addOptions(command)
    .addHelpText('after', EXIT_HELP)
    .action((source: string, runs: string[], flags: Flags) => runExport(source, runs, flags, context));
}

async function runExport(
  source: string,
  runs: readonly string[],
  flags: Flags,
  context: CommandContext,
): Promise<void> {
  const { io, signal, writeBytes, output } = context;
  try {
    const format = parseFlag(flags, 'format') ?? 'csv';
    const out = parseFlag(flags, 'out');
    const isShown = format !== 'csv' && format !== 'json' && output?.isTerminal === true;
    const target = out ?? (isShown ? undefined : writeBytes);
    if (target === undefined)
      throw new ConfigError(`${format} is not for terminals`, 'Pass the file to write with --out.');
    let problems = 0;
    const [opened] = await openSources(source, flags, context);
    const report = await exportRuns(opened!, {
      ...{ format, references: runs, signal, io },
      names: parseFlag(flags, 'metric'),
      kind: flags.system === true ? 'system' : 'metric',
      isWide: flags.wide === true,
      isBest: flags.best === true,
      out: target,
      onProblem: (problem) => {
        problems += 1;
        context.stderr(toErrorText(problem, flags.verbose === true));
      },
    });
    if (out !== undefined)
      context.stderr(joinLines([`${out}: ${formatCount(report.runs, 'run')}, ${formatBytes(report.bytes)}`]));
    context.setExitCode(problems === 0 ? EXIT.complete : EXIT.unsent);
  } catch (error) {
    reportError(context, error, flags.verbose === true);
  }
}
