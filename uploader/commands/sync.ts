/** `polytrack sync`: one pass. */

import { type Command, Option } from 'commander';
import { CodedError } from '../../src/errors.js';
import { resolveConfig, type SyncFlags } from '../config.js';
import { syncLive } from '../live-sync.js';
import { syncOnce } from '../uploader.js';
import { type CommandContext, EXIT, EXIT_CODE_HELP } from './context.js';
import { toErrorText } from './print-error.js';
import { createProgressDisplay } from './sync-progress.js';
import { toJson, toSummaryText } from './sync-summary.js';

type Flags = SyncFlags & { json?: boolean; live?: boolean; verbose?: boolean };

export function addSyncCommand(program: Command, context: CommandContext): void {
  program
    .command('sync')
    .summary('send what the store does not have yet')
    .description(
      'Sends a run directory, or all runs of a root, to a store. What is stored already is not sent again.',
    )
    .argument('<path>', 'a run directory (it holds run.plx.json), or a root (it holds runs/<uuid>/)')
    .option('--store <url>', 's3://bucket/prefix or file:///path (POLYTRACK_STORE)')
    .option('--dry-run', 'say what would be sent, send nothing')
    .option('--live', 'go on until the process that writes the run has ended')
    .option('--json', 'print the report as one JSON document')
    .option('--concurrency <n>', 'files sent at the same time (POLYTRACK_CONCURRENCY; default: 8)')
    .option(
      '--retry-for <seconds>',
      'how long to wait for a store that fails (POLYTRACK_RETRY_FOR; default: 60)',
    )
    .option(
      '--state-dir <path>',
      'where the journal is kept (POLYTRACK_STATE_DIR; default: $XDG_STATE_HOME/polytrack)',
    )
    .option('--endpoint <url>', 'S3 endpoint other than AWS (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)')
    .option('--region <name>', 'S3 region (AWS_REGION, AWS_DEFAULT_REGION)')
    .addOption(
      new Option(
        '--path-style',
        'bucket in the path of requests (POLYTRACK_PATH_STYLE; default with an endpoint)',
      ),
    )
    .addOption(new Option('--no-path-style', 'bucket in the host of requests'))
    .option(
      '--config <file>',
      'JSON with any of these settings (POLYTRACK_CONFIG; default: $XDG_CONFIG_HOME/polytrack/config.json)',
    )
    .option('--verbose', 'also say where settings come from, what is verified, and the causes of errors')
    .addHelpText('after', EXIT_CODE_HELP)
    .action((path: string, flags: Flags) => runSync(path, flags, context));
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
    const report =
      flags.live === true ? (await syncLive(config, options)).report : await syncOnce(config, options);
    display.end();
    context.stdout(isJson ? toJson(report, sources) : toSummaryText(report, isVerbose));
    context.setExitCode(report.isComplete ? EXIT.complete : EXIT.unsent);
  } catch (error) {
    display.end();
    context.stderr(toErrorText(error, isVerbose));
    context.setExitCode(error instanceof CodedError ? EXIT.refused : EXIT.unsent);
  }
}
