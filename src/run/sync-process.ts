/**
 * Runs the uploader as a child process of one run: starts it with the run and waits for it at the end.
 *
 * The training process never uses the network. The child reads the run directory like any uploader. It has its own process group, so
 * that it can finish after Ctrl-C or after the training process dies.
 */

import { type ChildProcess, execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { startProgram } from '../base/child-process.js';
import type { Clock } from '../base/clock.js';
import type { Diagnostics } from '../base/diagnostics.js';
import { messageOf } from '../base/errors.js';
import type { ResolvedSync } from './run-options.js';

const MAX_OUTPUT_CHARACTERS = 4000;
const DRY_RUN_TIMEOUT_MS = 10_000;
const HAS_V8_FLAGS = !('bun' in process.versions || 'deno' in process.versions);
/** Halves the memory of a process that has little to do. The optimizing compiler needs 15 to 35 MiB for the HTTP parser, which is WebAssembly. */
const SMALL_PROCESS_FLAGS = HAS_V8_FLAGS
  ? ['--max-semi-space-size=1', '--optimize-for-size', '--liftoff-only', '--v8-pool-size=1']
  : [];
/** The child inherits `NODE_OPTIONS`, but a limit of the heap in it is meant for the program, and may be too small for the child. */
const HEAP_FLAGS =
  HAS_V8_FLAGS && /max[-_]old[-_]space/.test(process.env.NODE_OPTIONS ?? '')
    ? ['--max-old-space-size=1024']
    : [];
const run = promisify(execFile);

export class SyncProcess {
  /** Of the `polytrack` command, without flags. */
  readonly #arguments: readonly string[];
  readonly #options: ResolvedSync;
  readonly #diagnostics: Diagnostics;
  readonly #clock: Clock;
  /** Undefined if it could not be started. */
  readonly #child: ChildProcess | undefined;
  readonly #exited: Promise<string>;
  #output = '';

  /** Starts the upload. */
  constructor(
    runDirectory: string,
    options: ResolvedSync,
    { diagnostics, clock }: { readonly diagnostics: Diagnostics; readonly clock: Clock },
  ) {
    this.#arguments = toArguments(runDirectory, options);
    this.#options = options;
    this.#diagnostics = diagnostics;
    this.#clock = clock;
    let resolve!: (problem: string) => void;
    this.#exited = new Promise((settle) => {
      resolve = settle;
    });
    this.#child = startProgram(
      process.execPath,
      [
        ...HEAP_FLAGS,
        ...(options.subject === 'report' ? SMALL_PROCESS_FLAGS : []),
        options.command,
        ...this.#arguments,
        '--live',
      ],
      { detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
      (error) => resolve(`the ${options.subject} could not be started: ${messageOf(error)}`),
    );
    this.#child?.on('exit', (code, signal) => resolve(this.#describeExit(code, signal)));
    this.#child?.unref();
    this.#child?.stderr?.on('data', (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-MAX_OUTPUT_CHARACTERS);
    });
    // Neither the child nor its output should keep an idle program alive.
    (this.#child?.stderr as { unref?(): void } | null | undefined)?.unref?.();
  }

  /** Waits until everything is stored or reported, at most `deadlineMs`. Then warns about the remaining files and how to upload them, and returns false. */
  async finish(): Promise<boolean> {
    this.#child?.ref();
    const cancelled = new AbortController();
    const deadline = this.#clock.sleep(this.#options.deadlineMs, cancelled.signal).then(
      () => 'deadline' as const,
      () => 'cancelled' as const,
    );
    const problem = await Promise.race([this.#exited, deadline]);
    cancelled.abort();
    this.#child?.unref();
    if (problem === '') return true;
    const { subject } = this.#options;
    const remaining = subject === 'upload' ? await this.#describeRemaining() : '';
    const how = `polytrack ${this.#arguments.join(' ')}`;
    const why =
      problem === 'deadline'
        ? `the ${subject} has not finished within ${this.#options.deadlineMs} ms and continues in process ${this.#child?.pid}`
        : problem;
    this.#diagnostics.warn('WARN_SYNC_UNFINISHED', `${why}${remaining}; to finish it, use: ${how}`);
    return false;
  }

  /** Whether it uploads the files of the run. */
  get isUpload(): boolean {
    return this.#options.subject === 'upload';
  }

  /** The destination that the program has named. */
  get store(): string | undefined {
    return this.#options.store;
  }

  /** Returns the empty string when the upload is complete, else a description of the problem. */
  #describeExit(code: number | null, signal: string | null): string {
    return code === 0
      ? ''
      : `the ${this.#options.subject} ended with ${signal ?? `exit code ${code}`}: ${this.#output.trim()}`;
  }

  async #describeRemaining(): Promise<string> {
    try {
      const dryRun = [this.#options.command, ...this.#arguments, '--dry-run', '--json'];
      const { stdout } = await run(process.execPath, dryRun, { timeout: DRY_RUN_TIMEOUT_MS }).catch(
        // Exit code 1 means that files remain to be uploaded.
        (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }),
      );
      const { uploads } = JSON.parse(stdout) as { uploads: readonly unknown[] };
      return `; ${uploads.length} files are not stored yet`;
    } catch {
      // The store does not answer. The first problem already says why.
      return '';
    }
  }
}

function toArguments(runDirectory: string, { store, flags }: ResolvedSync): string[] {
  return ['sync', runDirectory, ...(store === undefined ? [] : ['--store', store]), ...flags];
}
