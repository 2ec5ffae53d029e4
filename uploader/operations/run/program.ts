/**
 * Runs the program in the place of this command: its output passes through unchanged, its input is that of this command, and signals are
 * passed on.
 */

import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { startProgram } from '../../../src/base/child-process.js';
import type { ForwardedSignal } from '../../base/io/interruption.js';
import type { Terminal } from '../../base/io/terminal.js';
import type { ProgramEnd } from './program-end.js';

/** Output of processes that outlive the program is awaited as long as it does not pause for this time. */
const SILENCE_MS = 5_000;
/** A terminal sends these to the program itself. */
const OF_KEYS: readonly string[] = ['SIGINT', 'SIGQUIT'] satisfies ForwardedSignal[];

interface StartOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly terminal: Terminal;
  /** Whether the output goes through this process, which can then read it. */
  readonly isPiped: boolean;
}

export class Program {
  readonly received: string[] = [];
  readonly #child: ChildProcess | undefined;
  readonly #terminal: Terminal;
  readonly #ended: Promise<ProgramEnd>;

  /** Starts the program. Signals reach it from now on. */
  constructor([command = '', ...args]: readonly string[], options: StartOptions) {
    const { environment, terminal, isPiped } = options;
    this.#terminal = terminal;
    let settle!: (end: ProgramEnd) => void;
    this.#ended = new Promise((resolve) => {
      settle = resolve;
    });
    const output = isPiped ? 'pipe' : 'inherit';
    this.#child = startProgram(
      command,
      args,
      { env: environment, stdio: ['inherit', output, output] },
      (error) => settle({ kind: 'failure', error }),
    );
    this.#child?.on('exit', (code, signal) =>
      settle(signal === null ? { kind: 'exit', code: code ?? 1 } : { kind: 'signal', signal }),
    );
    this.#pass('stdout');
    this.#pass('stderr');
  }

  onSignal(signal: ForwardedSignal): void {
    this.received.push(signal);
    if (this.#terminal.isInteractive && OF_KEYS.includes(signal)) return;
    this.#child?.kill(signal);
  }

  /** Closes the pipe, so that the program itself finds out that its output has no reader. */
  onOutputError(stream: 'stdout' | 'stderr', error: NodeJS.ErrnoException): void {
    if (error.code === 'EPIPE') this.#child?.[stream]?.destroy();
  }

  /** Resolves once the program has ended and its output has been passed on. */
  async awaitEnd(): Promise<ProgramEnd> {
    const end = await this.#ended;
    await Promise.all([this.#awaitOutput('stdout'), this.#awaitOutput('stderr')]);
    return end;
  }

  #pass(name: 'stdout' | 'stderr'): void {
    const source = this.#child?.[name];
    const target = this.#terminal[name];
    source?.on('data', (chunk: Buffer) => {
      // The callback is also called after an error, when no `drain` follows.
      const isFree = target.write(chunk as never, () => source.resume());
      if (!isFree) source.pause();
    });
  }

  #awaitOutput(name: 'stdout' | 'stderr'): Promise<void> {
    const source = this.#child?.[name];
    if (source === null || source === undefined || source.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        // An open pipe would keep this process running.
        (source as Partial<Socket>).unref?.();
        resolve();
      }, SILENCE_MS);
      source.on('data', () => timer.refresh());
      source.on('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
