/** `polytrack sync`: uploads once, or with `--live` until the runs have ended. */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { RUNS_DIRECTORY } from '../../src/run-directory/layout.js';
import { ConfigError, NotARunError } from '../base/errors.js';
import type { FileSystem } from '../base/io/file-system.js';
import type { Environment } from '../settings/settings.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, EXIT_CODE_HELP } from './context.js';
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

/** The defaults of polytrack and of polyaxon 2.16 (`_contexts/paths.py`). */
const OUR_ROOT = 'plx-runs';
const POLYAXON_ROOT = '/tmp/plx/offline';

/** Returns the roots of runs that polytrack and Polyaxon's Python client have tracked without a server: those that exist, each once. Throws `NotARunError` when none exists. */
export async function findOfflineRoots(environment: Environment, fileSystem: FileSystem): Promise<string[]> {
  const { POLYAXON_OFFLINE_ROOT } = environment;
  const candidates = [OUR_ROOT, POLYAXON_OFFLINE_ROOT, POLYAXON_ROOT]
    .filter((path): path is string => path !== undefined && path !== '')
    .map((path) => resolve(path));
  const roots = new Map<string, string>();
  for (const path of candidates) {
    const place = await realPath(`${path}/${RUNS_DIRECTORY}`, fileSystem);
    if (place !== null && !roots.has(place)) roots.set(place, path);
  }
  if (roots.size > 0) return [...roots.values()];
  throw new NotARunError(candidates.join(', '), `none of them contains ${RUNS_DIRECTORY}/`);
}

async function realPath(path: string, fileSystem: FileSystem): Promise<string | null> {
  try {
    const stat = await fileSystem.lstat(path);
    return stat.kind === 'directory' ? (await fileSystem.realPath(path)).toString() : null;
  } catch {
    return null; // missing or unreadable
  }
}
