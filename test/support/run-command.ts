/** Runs a command of the uploader in the test's process, with the output of the built one. */

import { toPrintableLines } from '../../src/base/printable-text.js';
import { nodeIo } from '../../uploader/base/io/io.js';
import type { CommandContext } from '../../uploader/commands/context.js';
import { toPaintedLines } from '../../uploader/commands/paint.js';
import { createProgram } from '../../uploader/commands/program.js';
import { NO_TERMINAL } from './no-terminal.js';

export interface CommandResult {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runCommand(
  args: readonly string[],
  options: Partial<Pick<CommandContext, 'environment' | 'signal' | 'output'>> & {
    /** Receives what is printed to stderr, also if the command throws. */
    readonly onStderr?: (text: string) => void;
  } = {},
): Promise<CommandResult> {
  let stdout = '';
  let stderr = '';
  let code: number | undefined;
  const program = createProgram(
    {
      ...{ environment: process.env, signal: new AbortController().signal, io: nodeIo, ...options },
      stdout: (text) => {
        stdout += (options.output?.hasColor === true ? toPaintedLines : toPrintableLines)(text);
      },
      stderr: (text) => {
        stderr += toPrintableLines(text);
        options.onStderr?.(toPrintableLines(text));
      },
      columns: () => undefined,
      setExitCode: (exitCode) => {
        code = exitCode;
      },
      terminal: NO_TERMINAL,
    },
    '0.0.0',
  );
  await program.parseAsync(['node', 'polytrack', ...args]);
  return { code, stdout, stderr };
}
