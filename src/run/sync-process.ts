/**
 * The uploader as a child process of one run: started with the run, waited for at its end.
 *
 * Training never talks to the network: the child reads the run directory, as any uploader does. It has a process group of its own, so
 * that Ctrl-C leaves it the time to finish, and it outlives a process that dies.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../base/clock.js';
import type { Diagnostics } from '../base/diagnostics.js';
import { messageOf } from '../base/errors.js';
import type { ResolvedSync } from './run-options.js';

const MAX_OUTPUT_CHARACTERS = 4000;
const LOOK_TIMEOUT_MS = 10_000;
const run = promisify(execFile);

export class SyncProcess {
  readonly #command: string;
  readonly #runDirectory: string;
  readonly #options: ResolvedSync;
  readonly #diagnostics: Diagnostics;
  readonly #clock: Clock;
  readonly #child: ChildProcess;
  readonly #exited: Promise<string>;
  #output = '';

  /** Starts the upload. Warns and returns undefined when the command cannot be found. */
  static start(
    runDirectory: string,
    options: ResolvedSync,
    context: { readonly diagnostics: Diagnostics; readonly clock: Clock },
  ): SyncProcess | undefined {
    const command = findCommand();
    if (command !== undefined) return new SyncProcess(command, runDirectory, options, context);
    const later = `npx polytrack ${toArguments(runDirectory, options).join(' ')}`;
    const why = 'the polytrack command was not found, because this program is bundled without the package';
    context.diagnostics.warn('WARN_SYNC_NOT_STARTED', `${why}; to upload the run: ${later}`);
    return undefined;
  }

  private constructor(
    command: string,
    runDirectory: string,
    options: ResolvedSync,
    { diagnostics, clock }: { readonly diagnostics: Diagnostics; readonly clock: Clock },
  ) {
    this.#command = command;
    this.#runDirectory = runDirectory;
    this.#options = options;
    this.#diagnostics = diagnostics;
    this.#clock = clock;
    this.#child = spawn(process.execPath, [command, ...this.#toArguments('--live')], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child.unref();
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-MAX_OUTPUT_CHARACTERS);
    });
    // Neither the process nor its output keeps a program alive that has nothing else to do.
    (this.#child.stderr as { unref?(): void } | null)?.unref?.();
    this.#exited = this.#waitForExit();
  }

  /** Waits until all is stored, or for as long as `deadlineMs` says; then tells what is left and how it is finished. */
  async finish(): Promise<void> {
    this.#child.ref();
    const cancelled = new AbortController();
    const deadline = this.#clock.sleep(this.#options.deadlineMs, cancelled.signal).then(
      () => 'deadline' as const,
      () => 'cancelled' as const,
    );
    const problem = await Promise.race([this.#exited, deadline]);
    cancelled.abort();
    this.#child.unref();
    if (problem === '') return;
    const left = await this.#describeRest();
    const how = `polytrack ${this.#toArguments().join(' ')}`;
    const why =
      problem === 'deadline'
        ? `the upload has not finished within ${this.#options.deadlineMs} ms and goes on in process ${this.#child.pid}`
        : problem;
    this.#diagnostics.warn('WARN_SYNC_UNFINISHED', `${why}${left}; to finish it: ${how}`);
  }

  /** The empty string when the upload is complete, else what went wrong. */
  async #waitForExit(): Promise<string> {
    try {
      const [code, signal] = (await once(this.#child, 'exit')) as [number | null, string | null];
      if (code === 0) return '';
      return `the upload ended with ${signal ?? `exit code ${code}`}: ${this.#output.trim()}`;
    } catch (error) {
      return `the upload could not be started: ${messageOf(error)}`;
    }
  }

  async #describeRest(): Promise<string> {
    try {
      const look = [this.#command, ...this.#toArguments('--dry-run', '--json')];
      const { stdout } = await run(process.execPath, look, { timeout: LOOK_TIMEOUT_MS }).catch(
        // Exit code 1 says that there is something to send.
        (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }),
      );
      const { uploads } = JSON.parse(stdout) as { uploads: readonly unknown[] };
      return `; ${uploads.length} files are not stored yet`;
    } catch {
      // The store cannot even be asked: the first problem says why.
      return '';
    }
  }

  #toArguments(...flags: readonly string[]): string[] {
    return [...toArguments(this.#runDirectory, this.#options), ...flags];
  }
}

function toArguments(runDirectory: string, { store }: ResolvedSync): string[] {
  return ['sync', runDirectory, ...(store === undefined ? [] : ['--store', store])];
}

/** The command line of this package; undefined in a bundle that runs without the package. */
function findCommand(): string | undefined {
  // Undefined in a CommonJS bundle: search from the program that runs instead.
  const url: string | undefined = import.meta.url;
  try {
    // By the package's name, because a bundle may stand anywhere: a relative path would name some other file.
    const manifest = createRequire(url ?? process.argv[1] ?? '').resolve('polytrack/package.json');
    const command = join(dirname(manifest), 'dist', 'uploader', 'cli.js');
    return existsSync(command) ? command : undefined;
  } catch {
    return undefined;
  }
}
