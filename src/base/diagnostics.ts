/**
 * Counts problems that do not stop the program, and reports each kind once.
 *
 * Tracking must never break the training job, so a `log…` call does not throw when a text had to be repaired or a disk
 * fails. Every such problem is counted instead, and goes to a callback or becomes a process warning.
 */

import type { CodedError } from './errors.js';

/** A value was changed or left out before it was written; training continues. */
export interface TrackingWarning {
  /** A stable identifier. */
  readonly code: `WARN_${string}`;
  readonly message: string;
}

export interface DiagnosticsOptions {
  /** Called for the first error of each code, such as a disk error or dropped events. Default: a process warning. */
  readonly onError?: ((error: CodedError) => void) | undefined;
  /** Called for every warning. Default: a process warning for the first one of each code. */
  readonly onWarning?: ((warning: TrackingWarning) => void) | undefined;
}

export class Diagnostics {
  readonly #options: DiagnosticsOptions;
  readonly #counts = new Map<string, number>();
  readonly #reported = new Set<string>();

  constructor(options: DiagnosticsOptions = {}) {
    this.#options = options;
  }

  /** The number of occurrences of each code. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** Counts an occurrence without reporting it. */
  count(code: string): void {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
  }

  warn(code: TrackingWarning['code'], message: string): void {
    const first = this.#countReport(code);
    if (this.#options.onWarning !== undefined) this.#options.onWarning({ code, message });
    else if (first) process.emitWarning(message, { type: 'PolytrackWarning', code });
  }

  /** Reports an error that no call is waiting for. The next `flush()` also rejects with this error. */
  error(error: CodedError): void {
    if (!this.#countReport(error.code)) return;
    if (this.#options.onError !== undefined) this.#options.onError(error);
    else
      process.emitWarning(`${error.message}. ${error.hint}`, { type: 'PolytrackWarning', code: error.code });
  }

  /** Marks `code` as resolved, so that it is reported again next time. */
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
