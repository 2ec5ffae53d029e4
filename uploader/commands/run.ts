/** `polytrack run`: tracks any program. */

import { existsSync } from 'node:fs';
import { basename, extname } from 'node:path';
import type { Command } from 'commander';
import { InvalidArgumentError } from '../../src/base/errors.js';
import { RUN_DIRECTORY_VARIABLE } from '../../src/run/run-environment.js';
import { DEFAULT_NAME } from '../../src/run/run-options.js';
import { parseFlag, readSettings } from '../settings/settings.js';
import { type Flags, toFlag } from '../settings/table.js';
import { type CommandContext, EXIT } from './context.js';
import { addOptions } from './options.js';
import { reportError, toErrorText } from './print-error.js';

const HELP = `
Write \`--\` before the command. Its output, input and signals are its own.

Exit codes:
  that of the program; 128 + number of the signal that has ended it
  2    nothing was started: wrong usage or setting
  126  the program could not be started
  127  the program was not found
`;

const DEFAULT_UPLOAD_TIMEOUT_SECONDS = 60;
/** Flags of this command that are not flags of \`sync\`. */
const OWN: readonly string[] = ['name', 'root', 'logdir', 'uploadTimeout', 'store', 'project'];

export function addRunCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('run')
    .summary('track a program in any language')
    .description(
      'Run a program and track it: output, status, system metrics, TensorBoard event files that it writes, and what it logs with polytrack or Polyaxon. Uploads the run meanwhile if a store is set.',
    )
    .argument('<command...>', 'the program and its arguments, after --');
  addOptions(command)
    .addHelpText('after', HELP)
    .action((words: string[], flags: Flags) => runProgram(words, flags, context));
}

async function runProgram(command: string[], flags: Flags, context: CommandContext): Promise<void> {
  const { environment, io, terminal } = context;
  try {
    const { values } = await readSettings(flags, environment, io.fileSystem);
    const deadlineMs = (parseFlag(flags, 'uploadTimeout') ?? DEFAULT_UPLOAD_TIMEOUT_SECONDS) * 1000;
    // A program of `polytrack run` that starts this command gets another run for its program.
    const isNew = (environment[RUN_DIRECTORY_VARIABLE] ?? '') !== '';
    const isPlatformRun = (environment.POLYAXON_RUN_INSTANCE ?? '') !== '';
    // Loaded here, because no other command needs the tracking library.
    const { trackProgram } = await import('../operations/run/track-program.js');
    const exitCode = await trackProgram({
      command,
      environment,
      terminal,
      logDirectory: parseFlag(flags, 'logdir') ?? '.',
      options: {
        // A job of Polyaxon has a name already.
        name: parseFlag(flags, 'name'),
        [DEFAULT_NAME]: isPlatformRun && !isNew ? undefined : toRunName(command),
        root: parseFlag(flags, 'root'),
        project: values.project,
        isNew,
        sync:
          values.store === undefined ? false : { store: values.store, deadlineMs, flags: toSyncFlags(flags) },
      },
    });
    terminal.setExitCode(exitCode);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) return reportError(context, error, false);
    context.stderr(toErrorText(error, false));
    context.setExitCode(EXIT.refused);
  }
}

/** Returns the flags in the form in which they were given. */
function toSyncFlags(flags: Flags): string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    if (OWN.includes(name) || value === undefined) return [];
    if (typeof value === 'boolean') return [value ? toFlag(name) : toFlag(name).replace('--', '--no-')];
    return [`${toFlag(name)}=${String(value)}`];
  });
}

/** `train` for `python train.py` and `python -m train`, `make` for `make all`. */
function toRunName([program = '', first, second]: readonly string[]): string {
  const script = first === '-m' ? second : first;
  const isScript =
    script !== undefined && (first === '-m' || (!script.startsWith('-') && existsSync(script)));
  const name = isScript ? script : program;
  return basename(name, extname(name)) || 'run';
}
