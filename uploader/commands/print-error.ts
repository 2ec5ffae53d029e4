/** Formats errors for people: code, message, hint, a link and, if requested, causes. Never prints a stack. */

import { CodedError, InvalidArgumentError, messageOf } from '../../src/base/errors.js';
import { joinLines } from '../../src/base/printable-text.js';
import { FileError } from '../base/errors.js';
import { type CommandContext, EXIT } from './context.js';

/** The page of all codes, in the published package (docs/decisions/0070-link-the-readme-to-published-files.md). */
const ERRORS_PAGE = 'https://unpkg.com/polytrack/docs/errors.md';

/** Formats an error as lines; with `isVerbose`, including its causes. */
export function toErrorText(error: unknown, isVerbose: boolean): string {
  return joinLines([...toErrorLines(error), ...(isVerbose ? toCauseLines(error) : [])]);
}

/** Code and message of an error, then its hint, then a link to the section that explains the code. The lines may contain foreign text. */
export function toErrorLines(error: unknown): string[] {
  const isCoded = error instanceof CodedError;
  const code = isCoded ? error.code : 'ERR_UNEXPECTED';
  const hint = isCoded ? error.hint : 'This is a bug in polytrack: report it with the output of --verbose.';
  const section = error instanceof InvalidArgumentError ? 'invalid-arguments' : code.toLowerCase();
  return [`${code}: ${messageOf(error)}`, `  ${hint}`, `  See ${ERRORS_PAGE}#${section}`];
}

/** The causes of an error, outermost first. The lines may contain foreign text. */
export function toCauseLines(error: unknown): string[] {
  return causesOf(error)
    .slice(1)
    .map((cause) => `  caused by ${cause instanceof Error ? cause.name : typeof cause}: ${messageOf(cause)}`);
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
    isInterrupted
      ? joinLines(['Interrupted.', ...(isVerbose ? toCauseLines(error) : [])])
      : toErrorText(error, isVerbose),
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
    const hint = 'Pass the path of a file or a directory that exists and is readable.';
    const failure = new FileError('ERR_FILE_UNREADABLE', path, `cannot be read: ${error.message}`, hint);
    context.stderr(toErrorText(failure, false));
    context.setExitCode(EXIT.refused);
  } else reportError(context, error, false);
}
