/** `polytrack import`: log directories of TensorFlow, PyTorch, JAX, tensorboardX and others become runs in Polyaxon. */

import type { Command } from 'commander';
import { type CommandContext, EXIT_CODE_HELP } from './context.js';
import { POLYAXON_FROM_ENVIRONMENT, runSync, type SyncCommandFlags } from './run-sync.js';
import { addSyncOptions, withoutDefaults } from './sync-options.js';

export function addImportCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('import')
    .summary('make Polyaxon runs of TensorBoard log directories')
    .description(
      'Makes a run in Polyaxon of each log directory below a path, once: hyperparameters become inputs, last scalars outputs, all else events and artifacts. ' +
        'Nothing more is expected to be written; for a directory that is written still, use watch.',
    )
    .argument('<logdir>', 'a log directory, or a directory of log directories')
    .option('--dry-run', 'say what would be sent, send nothing')
    .option('--json', 'print the report as one JSON document')
    .option(
      '--retry-for <seconds>',
      'how long to wait for a server that fails (POLYTRACK_RETRY_FOR; default: 60)',
    );
  addSyncOptions(command)
    .option('--verbose', 'also say where settings come from, what is verified, and the causes of errors')
    .addHelpText(
      'after',
      '\nWithout --store files go to the Polyaxon server of POLYAXON_HOST, as the runs do.\n' +
        EXIT_CODE_HELP,
    )
    .action((path: string, flags: SyncCommandFlags) => {
      const defaults = { defaultStore: POLYAXON_FROM_ENVIRONMENT, tellsPolyaxon: true, takesEnded: true };
      return runSync(path, { ...withoutDefaults(flags), ...defaults }, context);
    });
}
