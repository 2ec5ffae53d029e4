/** Errors for people: code, message, hint; the causes when asked for; never a stack. */

import { CodedError, messageOf } from '../../src/base/errors.js';
import { type CommandContext, EXIT } from './context.js';

/** An error as lines. */
export function toErrorText(error: unknown, isVerbose: boolean): string {
  const isCoded = error instanceof CodedError;
  const code = isCoded ? error.code : 'ERR_UNEXPECTED';
  const hint = isCoded
    ? error.hint
    : 'This is a mistake in polytrack: report it with the output of --verbose.';
  return `${code}: ${messageOf(error)}\n  ${hint}\n${isVerbose ? toCauseText(error) : ''}`;
}

/** The causes of an error, outermost first, a line each. */
export function toCauseText(error: unknown): string {
  let text = '';
  let cause = error instanceof Error ? error.cause : undefined;
  // Ten are more than any real chain has; a chain may be a ring.
  for (let depth = 0; cause !== undefined && depth < 10; depth += 1) {
    text += `  caused by ${cause instanceof Error ? cause.name : typeof cause}: ${messageOf(cause)}\n`;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return text;
}

/** Reports a command that could not look at `path` at all: a refusal, or what the file system said. */
export function reportFailure(context: CommandContext, path: string, error: unknown): void {
  const isFileSystem = error instanceof Error && 'syscall' in error;
  context.stderr(isFileSystem ? `${path}: ${error.message}\n` : toErrorText(error, false));
  context.setExitCode(EXIT.refused);
}
