/**
 * Counts problems that do not stop the program, and reports each kind once.
 *
 * Tracking must never break the training job, so a `log…` call does not throw when a text had to be repaired or a disk
 * fails. Every such problem is counted instead, and goes to a callback or becomes a process warning. A callback that throws or
 * rejects is such a problem itself.
 */

import { CodedError, EventsDroppedError, messageOf, RunWriteError } from './errors.js';
import { checkOptions, type OptionTable } from './options.js';
import { printWarning } from './process-exit.js';
import { CALLBACK_FAILED, callUser } from './user-callback.js';

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

const DIAGNOSTICS_OPTIONS: OptionTable<DiagnosticsOptions> = { onError: 'function', onWarning: 'function' };

export class Diagnostics {
  readonly #options: DiagnosticsOptions;
  readonly #counts = new Map<string, number>();
  readonly #reported = new Set<string>();

  constructor(options: DiagnosticsOptions = {}) {
    checkOptions('new Diagnostics', options, DIAGNOSTICS_OPTIONS);
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
    const { onWarning } = this.#options;
    if (onWarning !== undefined) this.guard('onWarning', () => onWarning({ code, message }), undefined);
    else if (first) printWarning(code, message);
  }

  /** Reports an error that no call is waiting for. The next `flush()` also rejects with this error. */
  error(error: CodedError): void {
    if (!this.#countReport(error.code)) return;
    const { onError } = this.#options;
    if (onError !== undefined) this.guard('onError', () => onError(error), undefined);
    else printWarning(error.code, `${error.message}. ${error.hint}`);
  }

  /**
   * Runs a callback of the program and returns its result. If it throws or rejects, counts and prints that, and returns `otherwise`:
   * an error of a callback must not reach the code that logs.
   */
  guard<T>(name: string, callback: () => T, otherwise: T): T {
    return callUser(callback, (error) => this.#noteCallback(name, error), otherwise);
  }

  /** Counts and reports a call that was rejected because of misuse, and whose error the program does not receive. */
  rejected(error: unknown): void {
    const code = error instanceof CodedError ? error.code : 'ERR_UNKNOWN';
    this.count(code);
    this.warn('WARN_CALL_REJECTED', `${code}: ${messageOf(error)}`);
  }

  /** Reports the error of a promise that the program does not await. */
  unawaited(error: unknown): void {
    if (error instanceof RunWriteError || error instanceof EventsDroppedError) this.error(error);
    else this.rejected(error);
  }

  /** Marks `code` as resolved, so that it is reported again next time. */
  recovered(code: string): void {
    this.#reported.delete(code);
  }

  /** Printed in any case, because the callback that would receive it may be the one that failed. */
  #noteCallback(name: string, error: unknown): void {
    this.count(CALLBACK_FAILED);
    const key = `${CALLBACK_FAILED} ${name}`;
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    printWarning(
      CALLBACK_FAILED,
      `the callback ${name} failed: ${messageOf(error)}; tracking continues without it`,
    );
  }

  #countReport(code: string): boolean {
    this.count(code);
    const first = !this.#reported.has(code);
    this.#reported.add(code);
    return first;
  }
}
