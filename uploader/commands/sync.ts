/** `polytrack sync`: one pass, or with `--live` until the runs have ended. */

import type { Command } from 'commander';
import { ConfigError } from '../base/errors.js';
import { type CommandContext, EXIT, EXIT_CODE_HELP } from './context.js';
import { findOfflineRoots } from './offline-roots.js';
import { reportFailure } from './print-error.js';
import { POLYAXON_FROM_ENVIRONMENT, runSync, runSyncAll, type SyncCommandFlags } from './run-sync.js';
import { addSyncOptions, withoutDefaults } from './sync-options.js';

type Flags = SyncCommandFlags & { all?: boolean };

export function addSyncCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('sync')
    .summary('send what the store does not have yet')
    .description(
      'Sends a run directory, all runs of a root, or TensorBoard log directories to a store. What is stored already is not sent again.',
    )
    .argument('[path]', 'a run directory, a root of runs, or a directory of log directories')
    .option(
      '--all',
      "in place of a path: the offline runs of polytrack and of Polyaxon's Python client (./plx-runs, POLYAXON_OFFLINE_ROOT, /tmp/plx/offline)",
    )
    .option('--live', 'go on until the runs have ended and are stored')
    .option('--dry-run', 'say what would be sent, send nothing')
    .option('--json', 'print the report as one JSON document; with --all a list of reports')
    .option(
      '--retry-for <seconds>',
      'how long to wait for a store that fails, without --live (POLYTRACK_RETRY_FOR; default: 60)',
    );
  addSyncOptions(command)
    .option('--verbose', 'also say where settings come from, what is verified, and the causes of errors')
    .addHelpText('after', EXIT_CODE_HELP)
    .action((path: string | undefined, flags: Flags) => syncPaths(path, withoutDefaults(flags), context));
}

async function syncPaths(
  path: string | undefined,
  { all = false, ...flags }: Flags,
  context: CommandContext,
): Promise<void> {
  if (path !== undefined && !all) return runSync(path, flags, context);
  try {
    if (path !== undefined || !all)
      throw new ConfigError('one path, or --all, is needed', 'Name a path: polytrack sync ./plx-runs.');
    const { environment, io } = context;
    const roots = await findOfflineRoots(environment, io.fileSystem);
    await runSyncAll(roots, { ...flags, defaultStore: POLYAXON_FROM_ENVIRONMENT }, context);
  } catch (error) {
    reportFailure(context, path ?? '--all', error);
    context.setExitCode(EXIT.refused);
  }
}
