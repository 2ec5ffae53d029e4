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
  let text = '';
  let cause = error instanceof Error ? error.cause : undefined;
  // Stop after ten causes, because a chain may be circular; no real chain is that long.
  for (let depth = 0; cause !== undefined && depth < 10; depth += 1) {
    text += `  caused by ${cause instanceof Error ? cause.name : typeof cause}: ${messageOf(cause)}\n`;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return text;
}

/** Prints the error that ended a command, and sets the exit code. */
export function reportError(context: CommandContext, error: unknown, isVerbose: boolean): void {
  context.stderr(toErrorText(error, isVerbose));
  context.setExitCode(error instanceof CodedError ? EXIT.refused : EXIT.unsent);
}

/** Prints why a command could not read `path`, and sets the exit code. */
export function reportFailure(context: CommandContext, path: string, error: unknown): void {
  const isFileSystem = error instanceof Error && 'syscall' in error;
  context.stderr(isFileSystem ? `${path}: ${error.message}\n` : toErrorText(error, false));
  context.setExitCode(EXIT.refused);
}
