/** Assembles the command line from all commands. */

import type { Command } from 'commander';
import { ConfigError } from '../base/errors.js';
import { REMOVED_SETTINGS } from '../settings/table.js';
import { addAggregateCommand } from './aggregate.js';
import { addCheckCommand } from './check.js';
import { addCleanCommand } from './clean.js';
import { addCompactCommand } from './compact.js';
import { addCompareCommand } from './compare.js';
import { addCompletionCommand } from './completion.js';
import type { CommandContext } from './context.js';
import { addDoctorCommand } from './doctor.js';
import { addExportCommand } from './export.js';
import { addFsckCommand } from './fsck.js';
import { HelpCommand } from './help-command.js';
import { addImportCommand } from './import.js';
import { addInspectCommand } from './inspect.js';
import { addLsCommand } from './ls.js';
import { addMcpCommand } from './mcp.js';
import { toErrorText } from './print-error.js';
import { addPullCommand } from './pull.js';
import { addRunCommand } from './run.js';
import { addRunsCommand } from './runs.js';
import { addServeCommand } from './serve.js';
import { addShowCommand } from './show.js';
import { addStatusCommand } from './status.js';
import { addSyncCommand } from './sync.js';
import { addUiCommand } from './ui.js';
import { addVerifyCommand } from './verify.js';
import { addWatchCommand } from './watch.js';

/** The commands, in the order of `--help`. */
const COMMANDS = [
  ...[addSyncCommand, addWatchCommand, addImportCommand, addStatusCommand, addCheckCommand],
  ...[addVerifyCommand, addCleanCommand, addPullCommand, addLsCommand, addInspectCommand, addFsckCommand],
  ...[addCompactCommand, addExportCommand, addRunCommand],
  ...[addRunsCommand, addShowCommand, addCompareCommand, addAggregateCommand, addUiCommand, addServeCommand],
  ...[addMcpCommand],
  ...[addDoctorCommand, addCompletionCommand],
];

/** A program that throws `CommanderError` instead of ending the process. */
export function createProgram(context: CommandContext, version: string): Command {
  const program = new HelpCommand('polytrack')
    .description(
      'Track programs; upload run directories to a store and restore them; verify what is stored; inspect, check, repair and compact event files; export metrics.',
    )
    .version(version)
    .configureOutput({
      writeOut: context.stdout,
      writeErr: context.stderr,
      outputError: (text, write) => write(toErrorText(toUsageError(text), false)),
    })
    .exitOverride();
  for (const addCommand of COMMANDS) addCommand(program, context);
  return program;
}

/** Gives commander's message about wrong arguments the form of all errors. */
function toUsageError(text: string): ConfigError {
  const [found = '', suggestion] = text.trim().split('\n');
  // The value of a flag that is misspelt, or that another command has, may be a secret.
  const message = found.replace(/(unknown option '--[^=']+=).*'$/, "$1…'");
  const [, removed = ''] = /unknown option '--([a-z-]+)/.exec(message) ?? [];
  if (Object.hasOwn(REMOVED_SETTINGS, removed))
    return new ConfigError(`--${removed} was removed`, REMOVED_SETTINGS[removed]!);
  return new ConfigError(
    message.replace(/^error: /, ''),
    suggestion?.replace(/^\((.*)\)$/, '$1') ??
      'Run `polytrack --help`, or `polytrack <command> --help`, to see the arguments and flags.',
  );
}
