/** Assembles the command line from all commands. */

import { Command } from 'commander';
import { addCheckCommand } from './check.js';
import { addCleanCommand } from './clean.js';
import type { CommandContext } from './context.js';
import { addFsckCommand } from './fsck.js';
import { addImportCommand } from './import.js';
import { addInspectCommand } from './inspect.js';
import { addLsCommand } from './ls.js';
import { addPullCommand } from './pull.js';
import { addStatusCommand } from './status.js';
import { addSyncCommand } from './sync.js';
import { addVerifyCommand } from './verify.js';
import { addWatchCommand } from './watch.js';

/** The commands, in the order of `--help`. */
const COMMANDS = [
  ...[addSyncCommand, addWatchCommand, addImportCommand, addStatusCommand, addCheckCommand],
  ...[addVerifyCommand, addCleanCommand, addPullCommand, addLsCommand, addInspectCommand, addFsckCommand],
];

/** A program that throws `CommanderError` instead of ending the process. */
export function createProgram(context: CommandContext, version: string): Command {
  const program = new Command('polytrack')
    .description(
      'Upload run directories to a store and restore them; verify what is stored; inspect, check and repair event files.',
    )
    .version(version)
    .configureOutput({ writeOut: context.stdout, writeErr: context.stderr })
    .exitOverride();
  for (const addCommand of COMMANDS) addCommand(program, context);
  return program;
}
