/**
 * Runs a program and tracks it as a run: output, exit code, event files, and what the program logs with polytrack or Polyaxon's client.
 *
 * Nothing that fails here may reach the program. If the run cannot be created, the program runs without it.
 */

import { InvalidArgumentError, messageOf } from '../../../src/base/errors.js';
import { type EndOptions, Run } from '../../../src/run/run.js';
import type { NamedRunOptions } from '../../../src/run/run-options.js';
import type { Diversion } from '../../base/io/interruption.js';
import type { Terminal } from '../../base/io/terminal.js';
import { readLastValues } from '../../run-directory/last-values.js';
import { EventFileCollector } from './event-file-collector.js';
import { takeOverValues } from './logged-values.js';
import { Program } from './program.js';
import { toExitCode, toRunEndOptions } from './program-end.js';
import { toProgramEnvironment } from './program-environment.js';

export interface TrackedProgram {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly options: NamedRunOptions;
  /** The directory below which the program's event files are found. */
  readonly logDirectory: string;
  readonly terminal: Terminal;
}

/** The pause between two checks is a tenth of the time since the start, because a short program keeps its files open for a short time. */
const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 1_000;
/** Checks of a large directory tree take 2 % of a processor, and half of the time of a slow file system. */
const PAUSES_PER_PROCESSOR_TIME = 50;

/** Returns the exit code. Throws `InvalidArgumentError` before the program starts if an option of the run is invalid. */
export async function trackProgram(given: TrackedProgram): Promise<number> {
  const { command, environment, terminal } = given;
  const trackedRun = await TrackedRun.open(given);
  let program: Program | undefined;
  let exitCode: number | undefined;
  const diversion: Diversion = {
    onSignal: (signal) => {
      // The program has ended: only the upload is awaited, which continues in its own process.
      if (exitCode === undefined) program?.onSignal(signal);
      else terminal.exit(exitCode);
    },
    onOutputError: (stream, error) => program?.onOutputError(stream, error),
    onUncaught: (error) => terminal.print(`polytrack: ERR_UNEXPECTED: ${messageOf(error)}`),
  };
  terminal.divert(diversion);
  program = new Program(command, {
    environment: trackedRun === undefined ? environment : toProgramEnvironment(trackedRun.run, environment),
    terminal,
    isPiped: trackedRun !== undefined,
  });
  trackedRun?.start();
  const end = await program.awaitEnd();
  exitCode = toExitCode(end);
  if (end.kind === 'failure') terminal.print(`${command[0]}: ${end.error.message}`);
  await trackedRun?.finish((logged) => toRunEndOptions(end, program.received, logged));
  return exitCode;
}

/** What happens beside the program. */
class TrackedRun {
  readonly run: Run;
  readonly #collector: EventFileCollector;
  readonly #terminal: Terminal;
  readonly #startedMs = performance.now();
  #checking: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isFinishing = false;
  /** The status that the program has given to the run. */
  #logged: EndOptions['status'];

  private constructor(run: Run, collector: EventFileCollector, terminal: Terminal) {
    this.run = run;
    this.#collector = collector;
    this.#terminal = terminal;
  }

  static async open({ options, logDirectory, terminal }: TrackedProgram): Promise<TrackedRun | undefined> {
    const notice = (message: string): void => terminal.print(`polytrack: ${message}`);
    try {
      const run = new Run({
        ...options,
        // The program, not this process, logs hyperparameters.
        hparams: false,
        onError: ({ code, message }) => notice(`${code}: ${message}`),
        onWarning: ({ code, message }) => notice(`${code}: ${message}`),
      });
      const { root, run: runDirectory, tensorboard: target } = run.paths;
      const collector = await EventFileCollector.open({
        top: logDirectory,
        root,
        runDirectory,
        target,
        notice,
      });
      return new TrackedRun(run, collector, terminal);
    } catch (error) {
      if (error instanceof InvalidArgumentError) throw error;
      notice(`the program is not tracked: ${messageOf(error)}`);
      return undefined;
    }
  }

  start(): void {
    if (this.run.mode !== 'no-op') this.#plan(0);
  }

  /** Adds what remains, and ends the run. */
  async finish(toEnd: (logged: EndOptions['status']) => EndOptions): Promise<void> {
    this.#isFinishing = true;
    clearTimeout(this.#timer);
    await this.#checking;
    if (this.run.mode !== 'no-op') await this.#check(true);
    if (this.#collector.collected > 0) await this.#attempt(() => this.#logResults());
    await this.#attempt(() => this.run.end(toEnd(this.#logged)));
  }

  /** The last value of each metric, as in a run that logs its metrics itself. Outputs that the program has logged are kept. */
  async #logResults(): Promise<void> {
    const known = this.run.getOutputs();
    const values = Object.entries(await readLastValues(this.run.paths.tensorboard));
    const added = values.filter(([name]) => !Object.hasOwn(known, name));
    if (added.length > 0) this.run.logOutputs(Object.fromEntries(added));
  }

  #plan(shortestMs: number): void {
    if (this.#isFinishing) return;
    const sinceStartMs = performance.now() - this.#startedMs;
    const pauseMs = Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, sinceStartMs / 10));
    this.#timer = setTimeout(() => this.#checkAndPlan(), Math.max(pauseMs, shortestMs)).unref();
  }

  #checkAndPlan(): void {
    const startedMs = performance.now();
    const before = process.cpuUsage();
    this.#checking = this.#check(false).then(() => {
      const { user, system } = process.cpuUsage(before);
      const processorMs = (user + system) / 1000;
      this.#plan(Math.max(performance.now() - startedMs, PAUSES_PER_PROCESSOR_TIME * processorMs));
    });
  }

  async #check(isLast: boolean): Promise<void> {
    // First of all: the run must not write its file before it has the values that the program has written there.
    await this.#attempt(async () => {
      this.#logged = (await takeOverValues(this.run)) ?? this.#logged;
    });
    await this.#attempt(() => this.#collector.check(isLast));
    // Merges what processes with `tracking.init()` have logged. Failures are reported by the run.
    if (!isLast) await this.run.flush().catch(() => undefined);
  }

  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#terminal.print(`polytrack: ${messageOf(error)}`);
    }
  }
}
