/** Runs another program and keeps the end of what it prints. */

import { startProgram } from '../../../src/base/child-process.js';

/** The end of the output says why a program has failed. */
const MAX_OUTPUT_CHARS = 16_384;
/** Programs end within milliseconds of SIGTERM, except while an interpreter loads. */
const KILL_AFTER_MS = 5_000;

export interface ProgramOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Ends the program. */
  readonly signal: AbortSignal;
  readonly onOutput?: ((text: string) => void) | undefined;
}

export interface EndedProgram {
  /** Null after a signal. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it has printed to stdout and stderr. */
  readonly output: string;
}

/** Runs a program until it ends. Resolves to null if it does not exist, or cannot be started. */
export function runProgram(
  [program = '', ...args]: readonly string[],
  { environment, signal, onOutput }: ProgramOptions,
): Promise<EndedProgram | null> {
  return new Promise((resolve) => {
    let output = '';
    let killing: NodeJS.Timeout | undefined;
    const stop = (): void => {
      child?.kill('SIGTERM');
      killing ??= setTimeout(() => child?.kill('SIGKILL'), KILL_AFTER_MS);
    };
    const finish = (end: EndedProgram | null): void => {
      signal.removeEventListener('abort', stop);
      clearTimeout(killing);
      resolve(end);
    };
    const child = startProgram(program, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] }, () =>
      finish(null),
    );
    signal.addEventListener('abort', stop, { once: true });
    for (const stream of [child?.stdout, child?.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-MAX_OUTPUT_CHARS);
        onOutput?.(text);
      });
    child?.on('close', (code, endSignal) => finish({ code, signal: endSignal, output }));
  });
}
