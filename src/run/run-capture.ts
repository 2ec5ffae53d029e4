/**
 * Captures code, environment, console output and system metrics automatically while a run is open.
 */

import { join } from 'node:path';
import type { Clock } from '../base/clock.js';
import type { Diagnostics } from '../base/diagnostics.js';
import { messageOf } from '../base/errors.js';
import type { JsonValue } from '../base/json-value.js';
import { ConsoleCapture } from '../capture/console-capture.js';
import { captureEnvironment, findWorkingDirectory } from '../capture/environment.js';
import { captureGit, type GitCapture } from '../capture/git.js';
import type { Masker } from '../capture/secrets.js';
import { createSystemSampler, type SystemSampler } from '../capture/system-metrics.js';
import type { EventLog } from '../event-log/event-log.js';
import { MAIN_WRITER } from '../run-directory/layout.js';
import type { UncaughtError } from './process-end.js';
import type { RunEnvironment } from './run-environment.js';

/** The main writer's log, with the name that Polyaxon's client uses. */
const MAIN_LOG = 'logs';

interface RunCaptureOptions {
  readonly environment: RunEnvironment;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly masker: Masker;
  /** Receives system metrics. When undefined, they are not sampled. */
  readonly resources: EventLog | undefined;
  readonly resourcesIntervalMs: number;
  readonly maxLogBytes: number | undefined;
}

interface RunCaptureTargets {
  onCode(code: GitCapture): void;
  onEnvironment(environment: Record<string, JsonValue>): void;
}

export class RunCapture {
  readonly #options: RunCaptureOptions;
  #console: ConsoleCapture | undefined;
  #sampler: SystemSampler | undefined;
  #facts: Promise<void> = Promise.resolve();
  #isSettled = true;

  constructor(options: RunCaptureOptions) {
    this.#options = options;
  }

  /** Whether code or environment are still being captured. */
  get isWorking(): boolean {
    return !this.#isSettled;
  }

  start(targets: RunCaptureTargets): void {
    const { environment, clock, diagnostics, masker } = this.#options;
    if (environment.tracksLogs) {
      const name = environment.writer === MAIN_WRITER ? MAIN_LOG : environment.writer;
      this.#console = new ConsoleCapture(join(environment.paths.logs, `${name}.jsonl`), {
        masker,
        clock,
        diagnostics,
        maxLogBytes: this.#options.maxLogBytes,
      });
    }
    this.#startSampler();
    const facts: Promise<void>[] = [];
    if (environment.tracksCode) facts.push(this.#captureCode(targets));
    if (environment.tracksEnvironment) {
      facts.push(captureEnvironment(masker).then((captured) => targets.onEnvironment(captured)));
    }
    if (facts.length === 0) return;
    this.#isSettled = false;
    this.#facts = Promise.allSettled(facts).then((results) => {
      this.#isSettled = true;
      for (const result of results) {
        if (result.status === 'fulfilled') continue;
        diagnostics.warn(
          'WARN_CAPTURE_FAILED',
          `code or environment is not recorded: ${messageOf(result.reason)}`,
        );
      }
    });
  }

  /** Logs an error that ends the process. Node.js prints it, but not through the console. */
  logUncaught({ value }: UncaughtError): void {
    const stack = value instanceof Error ? value.stack : undefined;
    const text = typeof stack === 'string' ? stack : messageOf(value);
    this.#console?.log('stderr', `Uncaught ${text}`);
  }

  /** Logs text that did not go through the console. */
  log(stream: 'stdout' | 'stderr', text: string): void {
    this.#console?.log(stream, text);
  }

  /** Resolves once code and environment are recorded. */
  settle(): Promise<void> {
    return this.#facts;
  }

  flush(): void {
    this.#console?.flush();
  }

  /** Stops capturing and writes all buffered output. */
  close(): void {
    this.#sampler?.close();
    this.#console?.close();
    const failure = this.#console?.failure;
    if (failure !== undefined) this.#options.diagnostics.error(failure);
  }

  async #captureCode({ onCode }: RunCaptureTargets): Promise<void> {
    const directory = findWorkingDirectory();
    const code = directory === undefined ? undefined : await captureGit(directory, this.#options.masker);
    if (code === undefined) return;
    for (const problem of code.problems) this.#options.diagnostics.warn('WARN_CODE_UNKNOWN', problem);
    onCode(code);
  }

  #startSampler(): void {
    const { environment, clock, resources, resourcesIntervalMs } = this.#options;
    if (resources === undefined) return;
    this.#sampler = createSystemSampler({ clock, directory: environment.paths.run });
    this.#sampler.start(resourcesIntervalMs, (sample, wallTime) => resources.scalars(sample, { wallTime }));
  }
}
