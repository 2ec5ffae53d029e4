/** What the end of the program means: for the exit code, as shells report it, and for the status of the run. Pure. */

import { constants } from 'node:os';
import type { EndOptions } from '../../../src/run/run.js';

export type ProgramEnd =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  /** It could not be started. */
  | { readonly kind: 'failure'; readonly error: NodeJS.ErrnoException };

/** Programs that are asked to stop by these signals were stopped, rather than having failed. */
const STOP_SIGNALS: readonly string[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/** Source: POSIX.1-2024, Shell Command Language, 2.8.2 Exit Status for Commands. */
export function toExitCode(end: ProgramEnd): number {
  if (end.kind === 'exit') return end.code;
  if (end.kind === 'signal') return 128 + constants.signals[end.signal];
  return end.error.code === 'ENOENT' ? 127 : 126;
}

/**
 * Returns how the run ends. `received` are the signals that reached this command; a program may handle such a signal and exit with a code.
 * `logged` is the status that the program has given to the run.
 */
export function toRunEndOptions(
  end: ProgramEnd,
  received: readonly string[],
  logged: EndOptions['status'],
): EndOptions {
  if (end.kind === 'failure')
    return {
      status: 'failed',
      reason: 'ProgramStart',
      message: `The program could not be started: ${end.error.message}`,
    };
  if (end.kind === 'signal') {
    const isStop = STOP_SIGNALS.includes(end.signal);
    const message = isStop ? `Received ${end.signal}` : `The program was ended by ${end.signal}`;
    return { status: isStop ? 'stopped' : 'failed', reason: 'Signal', message };
  }
  const { code } = end;
  const signal = received.find((name) => code === 128 + constants.signals[name as NodeJS.Signals]);
  if (signal !== undefined) return { status: 'stopped', reason: 'Signal', message: `Received ${signal}` };
  if (code !== 0)
    return { status: 'failed', reason: 'ProcessExit', message: `The program ended with exit code ${code}` };
  if (logged !== undefined)
    return { status: logged, reason: 'ProcessExit', message: 'The program has ended' };
  return { status: 'succeeded', reason: 'ProcessExit', message: 'The program has ended' };
}
