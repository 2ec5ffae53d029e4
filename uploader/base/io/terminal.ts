/** The standard streams, signals and exit code of this process, for a program that runs in its place. */

import type { Diversion } from './interruption.js';

export interface Terminal {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Whether the keys of a terminal send signals. The terminal sends them to the program too. */
  readonly isInteractive: boolean;
  /** Prints a line for people at once, which no run logs as output of the program. Never throws. */
  print(line: string): void;
  divert(diversion: Diversion): void;
  /** Sets the exit code of the program. */
  setExitCode(code: number): void;
  /** Ends this process at once. */
  exit(code: number): void;
}
