/** `polytrack sync`: one pass, or with `--live` until the runs have ended. */

import type { Command } from 'commander';
import { CodedError } from '../../src/errors.js';
import { resolveConfig, type SyncFlags } from '../config.js';
import { syncOnce } from '../engine/sync-once.js';
import { watch } from '../engine/watch.js';
import { type CommandContext, EXIT, EXIT_CODE_HELP } from './context.js';
import { toErrorText } from './print-error.js';
import { addSyncOptions, withoutDefaults } from './sync-options.js';
import { createProgressDisplay } from './sync-progress.js';
import { toJson, toSummaryText } from './sync-summary.js';

type Flags = SyncFlags & { json?: boolean; verbose?: boolean; live?: boolean };

export function addSyncCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('sync')
    .summary('send what the store does not have yet')
    .description(
      'Sends a run directory, all runs of a root, or TensorBoard log directories to a store. What is stored already is not sent again.',
    )
    .argument('<path>', 'a run directory, a root of runs, or a directory of log directories')
    .option('--live', 'go on until the runs have ended and are stored')
    .option('--dry-run', 'say what would be sent, send nothing')
    .option('--json', 'print the report as one JSON document')
    .option(
      '--retry-for <seconds>',
      'how long to wait for a store that fails, without --live (POLYTRACK_RETRY_FOR; default: 60)',
    );
  addSyncOptions(command)
    .option('--verbose', 'also say where settings come from, what is verified, and the causes of errors')
    .addHelpText('after', EXIT_CODE_HELP)
    .action((path: string, flags: Flags) => runSync(path, withoutDefaults(flags), context));
}

async function runSync(path: string, flags: Flags, context: CommandContext): Promise<void> {
  const isVerbose = flags.verbose === true;
  const isJson = flags.json === true;
  const display = createProgressDisplay(context, { isQuiet: isJson, isVerbose });
  try {
    const { config, sources } = await resolveConfig(path, flags, context.environment, context.io.fileSystem);
    if (isVerbose)
      for (const [name, source] of Object.entries(sources)) context.stderr(`${name}: ${source}\n`);
    const { io, signal } = context;
    const options = { io, signal, onEvent: display.onEvent };
    const isLive = flags.live === true && !config.isDryRun;
    const report = await (isLive
      ? watch(config, { ...options, endsWithRuns: true })
      : syncOnce(config, options));
    display.end();
    context.stdout(isJson ? toJson(report, sources) : toSummaryText(report, isVerbose));
    context.setExitCode(report.isComplete ? EXIT.complete : EXIT.unsent);
  } catch (error) {
    display.end();
    context.stderr(toErrorText(error, isVerbose));
    context.setExitCode(error instanceof CodedError ? EXIT.refused : EXIT.unsent);
  }
}
