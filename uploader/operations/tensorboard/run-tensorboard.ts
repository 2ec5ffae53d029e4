/** Finds and runs the TensorBoard that the user has installed. */

import { startProgram } from '../../../src/base/child-process.js';
import { TensorBoardMissingError } from '../../base/errors.js';

/** In this order: pip installs the command `tensorboard`, but its directory need not be on PATH. */
const COMMANDS = [
  ['tensorboard'],
  ['python3', '-m', 'tensorboard.main'],
  ['python', '-m', 'tensorboard.main'],
] as const;
const MISSING_MODULE = /No module named '?tensorboard/;

/** Only the end of the output is kept: it says why TensorBoard has failed. */
const MAX_OUTPUT_CHARS = 16_384;
/** TensorBoard ends within milliseconds of SIGTERM, except while Python loads. */
const KILL_AFTER_MS = 5_000;

export interface TensorBoardOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Ends TensorBoard. */
  readonly signal: AbortSignal;
  readonly onOutput?: ((text: string) => void) | undefined;
}

export interface TensorBoardEnd {
  /** Null after a signal. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it has printed. */
  readonly output: string;
}

/** Runs TensorBoard until it ends. Throws `TensorBoardMissingError`. */
export async function runTensorBoard(
  args: readonly string[],
  options: TensorBoardOptions,
): Promise<TensorBoardEnd> {
  for (const command of COMMANDS) {
    options.signal.throwIfAborted();
    const end = await runCommand([...command, ...args], options);
    if (end !== null) return end;
  }
  throw new TensorBoardMissingError(COMMANDS.map((words) => words.join(' ')));
}

/** Returns null if the command or its Python module does not exist. */
function runCommand(
  [program = '', ...args]: readonly string[],
  { environment, signal, onOutput }: TensorBoardOptions,
): Promise<TensorBoardEnd | null> {
  return new Promise((resolve) => {
    let output = '';
    const child = startProgram(
      program,
      args,
      { env: environment, stdio: ['ignore', 'pipe', 'pipe'] },
      // It does not exist, or the interpreter that its first line names does not.
      () => resolve(null),
    );
    let killing: NodeJS.Timeout | undefined;
    const stop = (): void => {
      child?.kill('SIGTERM');
      killing ??= setTimeout(() => child?.kill('SIGKILL'), KILL_AFTER_MS);
    };
    signal.addEventListener('abort', stop, { once: true });
    for (const stream of [child?.stdout, child?.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-MAX_OUTPUT_CHARS);
        onOutput?.(text);
      });
    child?.on('close', (code, endSignal) => {
      signal.removeEventListener('abort', stop);
      clearTimeout(killing);
      resolve(code === 1 && MISSING_MODULE.test(output) ? null : { code, signal: endSignal, output });
    });
  });
}
