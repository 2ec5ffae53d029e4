/**
 * What ends a command before its work is done, for all commands: a signal, or the end of a program that reads its output
 * (`polytrack ls | head`).
 *
 * The first signal aborts `signal`, and the command finishes what it must. A second SIGINT or SIGTERM ends the process at once. A second SIGHUP
 * does not: when a terminal closes, the shell and the kernel each send one, and systemd may send one after SIGTERM.
 */

/** 128 + the number of the signal, as shells report it. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 } as const;
type Interrupt = keyof typeof EXIT_CODES;

/** Signals that a command passes on to a program that it has started. */
const FORWARDED = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const;
export type ForwardedSignal = (typeof FORWARDED)[number];

/** Receives what would otherwise interrupt the command, which runs until the program has ended. */
export interface Diversion {
  onSignal(signal: ForwardedSignal): void;
  /** Called when the output cannot be written, for example because the program that reads it has ended. */
  onOutputError(stream: 'stdout' | 'stderr', error: NodeJS.ErrnoException): void;
  /** An error that no handler has caught must not end the command either. */
  onUncaught(error: unknown): void;
}

interface Interruptions {
  /** Aborted by the first interruption. */
  readonly signal: AbortSignal;
  /** Passes every interruption to `diversion` until the process ends. */
  divert(diversion: Diversion): void;
}

/** The part of `process` that is used here. */
interface InterruptedProcess {
  on(signal: ForwardedSignal, listener: () => void): unknown;
  on(event: 'exit', listener: () => void): unknown;
  on(event: 'uncaughtException', listener: (error: unknown) => void): unknown;
  exit(code: number): void;
  exitCode?: number | string | null | undefined;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

interface OutputStream {
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
  write(text: string): unknown;
}

/** Handles signals and errors of the output streams until the process ends. */
export function handleInterruptions(process: InterruptedProcess): Interruptions {
  const abort = new AbortController();
  let interrupt: Interrupt | undefined;
  let wasAsked = false;
  let isOutputLost = false;
  let diversion: Diversion | undefined;

  const stop = (name: Interrupt): void => {
    interrupt ??= name;
    // The same name as that of an abort without a reason: callers compare it.
    abort.abort(new DOMException(`interrupted by ${name}`, 'AbortError'));
  };
  process.on('SIGHUP', () => (diversion === undefined ? stop('SIGHUP') : diversion.onSignal('SIGHUP')));
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (diversion !== undefined) {
        diversion.onSignal(name);
        return;
      }
      if (wasAsked) process.exit(EXIT_CODES[name]);
      wasAsked = true;
      stop(name);
    });

  process.stdout.on('error', (error) => {
    if (diversion !== undefined) {
      diversion.onOutputError('stdout', error);
      return;
    }
    const { code, message } = error;
    if (code === 'EPIPE') stop('SIGPIPE');
    else if (!isOutputLost) process.stderr.write(`ERR_OUTPUT: the output could not be written: ${message}\n`);
    isOutputLost = true;
  });
  // A log that cannot be written (full disk, closed terminal) must not stop an upload. The end of its reader must: no other event stops the command.
  process.stderr.on('error', (error) => {
    if (diversion !== undefined) diversion.onOutputError('stderr', error);
    else if (error.code === 'EPIPE') stop('SIGPIPE');
  });

  process.on('exit', () => {
    const code = Number(process.exitCode ?? 0);
    // A command that has finished its work exits with 0 although it was interrupted, unless its results were not printed.
    if (code !== 0 || isOutputLost)
      process.exitCode = interrupt === undefined ? Math.max(code, 1) : EXIT_CODES[interrupt];
  });

  return {
    signal: abort.signal,
    divert(given) {
      const isFirst = diversion === undefined;
      diversion = given;
      if (!isFirst) return;
      for (const name of ['SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)
        process.on(name, () => diversion?.onSignal(name));
      process.on('uncaughtException', (error) => diversion?.onUncaught(error));
    },
  };
}
