/** `polytrack sync`: uploads once, or with `--live` until the runs have ended. */

import type { Command } from 'commander';
import { ConfigError } from '../base/errors.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, EXIT_CODE_HELP } from './context.js';
import { findOfflineRoots } from './offline-roots.js';
import { addOptions } from './options.js';
import { reportFailure } from './print-error.js';
import { POLYAXON_FROM_ENVIRONMENT, runSync, runSyncAll } from './run-sync.js';

export function addSyncCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('sync')
    .summary('upload what the store does not have yet')
    .description(
      'Upload a run directory, all runs of a root, or TensorBoard log directories to a store. Skips what is stored already.',
    )
    .argument('[path]', 'a run directory, a root of runs, or a directory of log directories');
  addOptions(command)
    .addHelpText('after', EXIT_CODE_HELP)
    .action((path: string | undefined, flags: Flags) => syncPaths(path, flags, context));
}

async function syncPaths(
  path: string | undefined,
  { all = false, ...flags }: Flags,
  context: CommandContext,
): Promise<void> {
  if (path !== undefined && !all) return runSync(path, flags, context);
  try {
    if (path !== undefined || !all)
      throw new ConfigError('sync needs a path or --all', 'Pass one of them: polytrack sync ./plx-runs.');
    const { environment, io } = context;
    const roots = await findOfflineRoots(environment, io.fileSystem);
    await runSyncAll(roots, { ...flags, defaultStore: POLYAXON_FROM_ENVIRONMENT }, context);
  } catch (error) {
    reportFailure(context, path ?? '--all', error);
    context.setExitCode(EXIT.refused);
  }
}
