/** Starts other programs, whose failures never reach the program that tracking runs in. */

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

/**
 * Starts a program. Calls `onFailure` if it cannot be started, is missing, or cannot be stopped; runtimes throw some of these errors, and
 * emit others. Returns undefined if there is no process. A stream of the process may be missing too.
 */
export function startProgram(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
  onFailure: (error: NodeJS.ErrnoException) => void,
): ChildProcess | undefined {
  try {
    const child = spawn(command, args, options);
    // Before anything else, because an error event without a listener ends the program.
    child.on('error', onFailure);
    child.stdout?.on('error', onFailure);
    child.stderr?.on('error', onFailure);
    return child;
  } catch (error) {
    onFailure(error as NodeJS.ErrnoException);
    return undefined;
  }
}
