/** `polytrack sync`: uploads once, or with `--live` until the runs have ended. */

import type { Command } from 'commander';
import { RUNS_DIRECTORY } from '../../src/run-directory/layout.js';
import { ConfigError, NotARunError } from '../base/errors.js';
import { findOfflineRoots } from '../run-directory/offline-roots.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, EXIT_CODE_HELP } from './context.js';
import { addOptions } from './options.js';
import { reportFailure } from './print-error.js';
import { RUN_PATH } from './run-names.js';
import { POLYAXON_FROM_ENVIRONMENT, runSync, runSyncAll } from './run-sync.js';

export function addSyncCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('sync')
    .summary('upload what the store does not have yet')
    .description(
      'Upload a run directory, all runs of a root, or TensorBoard log directories to a store. Skips what is stored already.',
    )
    .argument('[path]', `${RUN_PATH}, a root of runs, or a directory of log directories`);
  addOptions(command)
    .addHelpText('after', EXIT_CODE_HELP)
    .action((path: string | undefined, flags: Flags) => syncPaths(path, flags, context));
}

/** Rejects flags that need one run. */
function checkSingle({ as, newUuid }: Flags): void {
  const flag = newUuid === true ? '--new-uuid' : '--as';
  if (newUuid === true || as !== undefined)
    throw new ConfigError(`${flag}: needs one run`, `Pass the path of one run instead of --all.`);
}

async function syncPaths(
  path: string | undefined,
  { all = false, ...flags }: Flags,
  context: CommandContext,
): Promise<void> {
  if (path !== undefined && !all) return runSync(path, flags, context);
  try {
    if (all) checkSingle(flags);
    if (path !== undefined || !all)
      throw new ConfigError('sync needs a path or --all', 'Pass one of them: polytrack sync ./plx-runs.');
    const { environment, io } = context;
    const { found, searched } = await findOfflineRoots(environment, io.fileSystem);
    if (found.length === 0)
      throw new NotARunError(searched.join(', '), `none of them contains ${RUNS_DIRECTORY}/`);
    await runSyncAll(found, { ...flags, defaultStore: POLYAXON_FROM_ENVIRONMENT }, context);
  } catch (error) {
    reportFailure(context, path ?? '--all', error);
    context.setExitCode(EXIT.refused);
  }
}
