/** Formats errors for people: code, message, hint and, if requested, causes. Never prints a stack. */

import { CodedError, messageOf } from '../../src/base/errors.js';
import { type CommandContext, EXIT } from './context.js';

/** Formats an error as lines; with `isVerbose`, including its causes. */
export function toErrorText(error: unknown, isVerbose: boolean): string {
  const isCoded = error instanceof CodedError;
  const code = isCoded ? error.code : 'ERR_UNEXPECTED';
  const hint = isCoded ? error.hint : 'This is a bug in polytrack: report it with the output of --verbose.';
  return `${code}: ${messageOf(error)}\n  ${hint}\n${isVerbose ? toCauseText(error) : ''}`;
}

/** The causes of an error, outermost first, one per line. */
export function toCauseText(error: unknown): string {
  const toLine = (cause: unknown): string =>
    `  caused by ${cause instanceof Error ? cause.name : typeof cause}: ${messageOf(cause)}\n`;
  return causesOf(error).slice(1).map(toLine).join('');
}

/** The error and its causes, outermost first. */
function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  // Stop after ten causes, because a chain may be circular; no real chain is that long.
  for (let cause = error; cause !== undefined && causes.length <= 10; ) {
    causes.push(cause);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}

/** Prints the error that ended a command, and sets the exit code. */
export function reportError(context: CommandContext, error: unknown, isVerbose: boolean): void {
  const isInterrupted = context.signal.aborted && isAbort(error);
  context.stderr(
    isInterrupted ? `Interrupted.\n${isVerbose ? toCauseText(error) : ''}` : toErrorText(error, isVerbose),
  );
  context.setExitCode(error instanceof CodedError && !isInterrupted ? EXIT.refused : EXIT.unsent);
}

/** Whether the error, or one of its causes, only says that the signal was aborted. */
function isAbort(error: unknown): boolean {
  return causesOf(error).some((each) => each instanceof Error && each.name === 'AbortError');
}

/** Prints why a command could not read `path`, and sets the exit code. */
export function reportFailure(context: CommandContext, path: string, error: unknown): void {
  if (error instanceof Error && 'syscall' in error) {
    context.stderr(`${path}: ${error.message}\n`);
    context.setExitCode(EXIT.refused);
  } else reportError(context, error, false);
}
