/** `polytrack watch`: keeps the store up to date until it is interrupted. */

import type { Command } from 'commander';
import { joinLines } from '../../src/base/printable-text.js';
import { describeFailure } from '../base/describe-failure.js';
import { watch } from '../engine/watch.js';
import { findRunPath } from '../operations/runs/find-run.js';
import type { SyncEvent } from '../pipeline/report/progress.js';
import { resolveConfig } from '../settings/sync-config.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, EXIT_CODE_HELP } from './context.js';
import { addOptions } from './options.js';
import { reportError } from './print-error.js';
import { RUN_PATH } from './run-names.js';
import { createProgressDisplay } from './sync-progress.js';
import { toJsonReport, toSummaryText } from './sync-summary.js';

export function addWatchCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('watch')
    .summary('keep a store up to date')
    .description(
      'Watch a directory and upload changes until interrupted. The directory may be empty or not exist yet.',
    )
    .argument('<path>', `a root of runs, ${RUN_PATH}, or a directory of log directories`);
  addOptions(command)
    .addHelpText('after', EXIT_CODE_HELP)
    .action((path: string, flags: Flags) => runWatch(path, flags, context));
}

async function runWatch(argument: string, flags: Flags, context: CommandContext): Promise<void> {
  const isVerbose = flags.verbose === true;
  const isJson = flags.json === true;
  const display = createProgressDisplay(context, { isQuiet: isJson, isVerbose, isEndless: true });
  const onEvent = (event: SyncEvent): void => {
    display.onEvent(event);
    if (isJson && event.kind !== 'sent') context.stdout(`${JSON.stringify(toJsonEvent(event))}\n`);
  };
  try {
    const path = await findRunPath(argument, context, { mayBeMissing: true });
    const { config, sources } = await resolveConfig(
      path,
      { ...flags, mayOnlyReport: true },
      context.environment,
      context.io.fileSystem,
    );
    if (isVerbose)
      for (const [name, source] of Object.entries(sources)) context.stderr(joinLines([`${name}: ${source}`]));
    const { io, signal } = context;
    const report = await watch(config, { io, signal, onEvent, onStatus: display.onStatus });
    display.end();
    if (isJson) context.stdout(`${JSON.stringify({ kind: 'report', ...toJsonReport(report) })}\n`);
    else context.stdout(toSummaryText(report, isVerbose, context.output?.hasColor));
    context.setExitCode(report.isShareComplete ? EXIT.complete : EXIT.unsent);
  } catch (error) {
    display.end();
    reportError(context, error, isVerbose);
  }
}

/** An error has code, message and hint; a cause is only its message. */
function toJsonEvent(event: SyncEvent): object {
  if (event.kind === 'unsent' || event.kind === 'api-rejected') {
    const { code, message, hint } = event.error;
    return { ...event, error: { code, message, hint } };
  }
  return event.kind === 'retry' ? { ...event, cause: describeFailure(event.cause) } : event;
}
