/** Finds and runs the TensorBoard that the user has installed. */

import { TensorBoardMissingError } from '../../base/errors.js';
import { type EndedProgram, type ProgramOptions, runProgram } from '../../base/io/run-program.js';

/** In this order: pip installs the command `tensorboard`, but its directory need not be on PATH. */
const COMMANDS = [
  ['tensorboard'],
  ['python3', '-m', 'tensorboard.main'],
  ['python', '-m', 'tensorboard.main'],
] as const;
const MISSING_MODULE = /No module named '?tensorboard/;

/** Runs TensorBoard until it ends. Throws `TensorBoardMissingError`. */
export async function runTensorBoard(
  args: readonly string[],
  options: ProgramOptions,
): Promise<EndedProgram & { readonly command: string }> {
  for (const command of COMMANDS) {
    options.signal.throwIfAborted();
    const end = await runProgram([...command, ...args], options);
    const isMissing = end === null || (end.code === 1 && MISSING_MODULE.test(end.output));
    if (!isMissing) return { ...end, command: command.join(' ') };
  }
  throw new TensorBoardMissingError(COMMANDS.map((words) => words.join(' ')));
}
