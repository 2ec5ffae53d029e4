/**
 * What goes wrong without stopping anything: counted, and said once.
 *
 * Tracking never breaks the training job, so a repaired text or a failing disk must not throw from a `log…` call; and
 * nothing is swallowed, so each of them is counted and reaches a callback or a process warning.
 */

import type { CodedError } from './errors.js';

/** Something was changed or left out on the way to the disk, and training went on. */
export interface TrackingWarning {
  /** Stable identifier. */
  readonly code: `WARN_${string}`;
  readonly message: string;
}

export interface DiagnosticsOptions {
  /** Called at the first failure of each kind (disk errors, dropped events). Default: a process warning. */
  readonly onError?: ((error: CodedError) => void) | undefined;
  /** Called for each warning. Default: a process warning at the first one of each code. */
  readonly onWarning?: ((warning: TrackingWarning) => void) | undefined;
}

export class Diagnostics {
  readonly #options: DiagnosticsOptions;
  readonly #counts = new Map<string, number>();
  readonly #reported = new Set<string>();

  constructor(options: DiagnosticsOptions = {}) {
    this.#options = options;
  }

  /** How often each code was seen. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** Counts something that is no warning. */
  count(code: string): void {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
  }

  warn(code: TrackingWarning['code'], message: string): void {
    const first = this.#countReport(code);
    if (this.#options.onWarning !== undefined) this.#options.onWarning({ code, message });
    else if (first) process.emitWarning(message, { type: 'PolytrackWarning', code });
  }

  /** Reports an error that no caller is waiting for. The same error is returned by the next `flush()` too. */
  error(error: CodedError): void {
    if (!this.#countReport(error.code)) return;
    if (this.#options.onError !== undefined) this.#options.onError(error);
    else
      process.emitWarning(`${error.message}. ${error.hint}`, { type: 'PolytrackWarning', code: error.code });
  }

  /** What `code` told of is over: its next occurrence is reported again. */
  recovered(code: string): void {
    this.#reported.delete(code);
  }

  #countReport(code: string): boolean {
    this.count(code);
    const first = !this.#reported.has(code);
    this.#reported.add(code);
    return first;
  }
}
