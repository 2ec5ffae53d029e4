/** `polytrack import`: creates Polyaxon runs from log directories of TensorFlow, PyTorch, JAX, tensorboardX and others. */

import type { Command } from 'commander';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT_CODE_HELP } from './context.js';
import { addOptions } from './options.js';
import { POLYAXON_FROM_ENVIRONMENT, runSync } from './run-sync.js';

export function addImportCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('import')
    .summary('create Polyaxon runs from TensorBoard log directories')
    .description(
      'Create a Polyaxon run from each log directory below a path, once: hyperparameters become inputs, last scalars outputs, everything else events and artifacts. ' +
        'Assumes that no process writes the directories any more; otherwise use watch.',
    )
    .argument('<logdir>', 'a log directory, or a directory of log directories');
  addOptions(command)
    .addHelpText(
      'after',
      `\nWithout --store, the runs are created on the Polyaxon server of POLYAXON_HOST. With another store, add --polyaxon to report them to a server.\n${EXIT_CODE_HELP}`,
    )
    .action((path: string, flags: Flags) => {
      const defaults = {
        defaultStore: POLYAXON_FROM_ENVIRONMENT,
        exportsEvents: true,
        assumeEnded: true,
      };
      return runSync(path, { ...flags, ...defaults }, context);
    });
}
