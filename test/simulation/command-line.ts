/** Runs commands of the command line in a simulated process: their reports and exit codes are claims, which are compared with disk and store. */

import { Command } from 'commander';
import { addCleanCommand } from '../../uploader/commands/clean.js';
import type { CommandContext, ExitCode } from '../../uploader/commands/context.js';
import { addStatusCommand } from '../../uploader/commands/status.js';
import { addSyncCommand } from '../../uploader/commands/sync.js';
import { addVerifyCommand } from '../../uploader/commands/verify.js';
import { addWatchCommand } from '../../uploader/commands/watch.js';
import { type Machine, Process } from './machine.js';
import { Random } from './random.js';
import type { Invocation } from './steps.js';

const COMMANDS = {
  ...{ sync: addSyncCommand, watch: addWatchCommand, status: addStatusCommand, verify: addVerifyCommand },
  clean: addCleanCommand,
};

type Arguments = readonly [keyof typeof COMMANDS, ...string[]];

/** The command line for what happens to a path. */
export function toArguments(kind: Invocation['kind'], path: string): Arguments {
  switch (kind) {
    case 'watch':
    case 'verify':
      return [kind, path];
    case 'clean':
      return ['clean', path, '--yes'];
    case 'clean all':
      return ['clean', path, '--yes', '--all'];
    case 'mirror':
      return ['sync', path, '--mirror', '--force'];
    default:
      return ['sync', path];
  }
}

export interface Finished {
  /** Undefined if the command has set none. */
  readonly code: ExitCode | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command until its end. */
export async function runCommand(
  [name, ...args]: Arguments,
  { io, signal, environment }: Pick<CommandContext, 'io' | 'signal' | 'environment'>,
): Promise<Finished> {
  let code: ExitCode | undefined;
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const context: CommandContext = {
    ...{ io, signal, environment, columns: () => undefined },
    terminal: {} as CommandContext['terminal'], // only for commands that run other programs
    stdout: (text) => stdout.push(text),
    stderr: (text) => stderr.push(text),
    setExitCode: (found) => {
      code = found;
    },
  };
  const program = new Command().exitOverride();
  COMMANDS[name](program, context);
  await program.parseAsync([name, ...args], { from: 'user' });
  return { code, stdout: stdout.join(''), stderr: stderr.join('') };
}

/** A process that only looks: its effects take no time, and change the order of no others. */
export class Looker extends Process {
  constructor(machine: Machine) {
    super(machine, 1, new Random('looker'));
    this.end();
  }

  override async call<Result>(_call: string, _path: string, effect: () => Result): Promise<Result> {
    return effect();
  }
}
