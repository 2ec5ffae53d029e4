/** The parts of the process that a command may use. Only cli.ts uses `process` directly. */

import type { Io } from '../base/io/io.js';
import type { Terminal } from '../base/io/terminal.js';
import type { TableOptions } from './table.js';

export interface CommandContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For results, which other programs may read. */
  readonly stdout: (text: string) => void;
  /** For results that are not text. Missing: they go to files only. */
  readonly writeBytes?: (bytes: Uint8Array) => Promise<void>;
  /**
   * For people: progress, notices, errors. `clearsLine` replaces the last line of a terminal, which shows a bar; `isPainted` keeps the colours of
   * `paint`.
   */
  readonly stderr: (
    text: string,
    options?: { readonly clearsLine?: boolean; readonly isPainted?: boolean },
  ) => void;
  /** Width of the terminal of stderr; undefined when stderr is not a terminal on which a line can be replaced. */
  readonly columns: () => number | undefined;
  /** Whether text for stderr may be painted. Default false. */
  readonly hasErrorColor?: boolean;
  /** Where stdout leads. Default: not to a terminal. */
  readonly output?: Output;
  /** Aborted by the first signal, and when a program that reads the output ends. */
  readonly signal: AbortSignal;
  readonly io: Io;
  readonly setExitCode: (code: ExitCode) => void;
  /** For a command that runs another program in its place. */
  readonly terminal: Terminal;
}

export interface Output {
  /** The width that tables fit into: `COLUMNS`, else that of the terminal; undefined: as wide as their cells. */
  readonly columns: () => number | undefined;
  /** Whether text may be painted: on a terminal with colours, unless `NO_COLOR` is set. */
  readonly hasColor: boolean;
  readonly isTerminal: boolean;
  /** Shows a text instead of all that is on the screen, as many lines as fit. Only on a terminal. */
  readonly replace?: (text: string) => void;
}

const PLAIN: Output = { columns: () => undefined, hasColor: false, isTerminal: false };

/** The options of tables for stdout. */
export function toTableOptions({ output = PLAIN }: CommandContext, indent = 0): TableOptions {
  return { width: output.columns(), hasColor: output.hasColor, indent };
}

/** The exit codes of all commands. base/io/interruption.ts sets those of an interrupted command. */
export const EXIT = {
  /** Everything is stored. */
  complete: 0,
  /** Some files are not stored, or could not be read. */
  unsent: 1,
  /** Nothing was uploaded, because of the command line, configuration, credentials or state directory. */
  refused: 2,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The exit codes of an interrupted command, for `--help`; `consequence` says what remains to be done. */
export function toInterruptHelp(consequence: string): string {
  return `  128 + number of the signal: 129 SIGHUP, 130 SIGINT, 141 the reader of the output ended, 143 SIGTERM. The command stopped early:
       ${consequence}. A second SIGINT or SIGTERM ends it at once.
`;
}

export const EXIT_CODE_HELP = `
Exit codes:
  0    everything is stored, even if a signal stopped the command
  1    some files are not stored (with --dry-run: there are files to upload)
  2    nothing was uploaded: wrong usage, setting, credentials, bucket or state directory, or another sync is running
${toInterruptHelp('sync again to upload the rest')}`;
