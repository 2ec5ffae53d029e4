/**
 * Notifies listeners before the process ends, however it ends.
 *
 * The program's own handlers keep working. A signal ends the process only if it would also end it without this module, and with
 * the same exit status. Errors are observed, never caught.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { constants } from 'node:os';
import { inBackground } from '../base/background.js';
import { messageOf } from '../base/errors.js';
import {
  addExitListener,
  drainForExit,
  type ExitListener,
  printWarning,
  removeExitListener,
} from '../base/process-exit.js';

/** What is known at the very end of the process. */
export interface ProcessEnd {
  /** Null when a signal ends the process. */
  readonly exitCode: number | null;
  /** The signal that ends the process: directly, through a handler of the program, or by its exit code. */
  readonly signal: StopSignal | null;
  readonly error: UncaughtError | null;
}

export interface UncaughtError {
  readonly value: unknown;
  readonly origin: 'uncaughtException' | 'unhandledRejection';
}

export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type StopSignal = (typeof STOP_SIGNALS)[number];

/** Something that must be finished before the process ends. */
export interface EndListener {
  /**
   * Called when nothing keeps the process alive any more. May do asynchronous work: the process ends once the promise has settled
   * and no new work is scheduled.
   */
  onIdle(): Promise<void>;
  /** Called on a stop signal that the program handles itself, so the process may continue. Must be synchronous and fast. */
  onSignal(): void;
  /** Called before the exit handlers of the program run. Must be synchronous. */
  onExit(): void;
  /** Called when the process ends, and again if its exit code still changes. Must be synchronous: promises no longer settle. */
  onEnd(end: ProcessEnd): void;
}

const listeners = new Set<EndListener>();
const exitListener: ExitListener = {
  drain() {
    for (const listener of [...listeners]) listener.onExit();
  },
  end: notifyExit,
};
/** Known in the program's handlers for a signal, and in whatever they start. */
const handledSignal = new AsyncLocalStorage<StopSignal>();
let lastSignal: StopSignal | null = null;
let uncaught: UncaughtError | null = null;

/** Notifies `listener` of the end of the process until it is unregistered. */
export function registerForEnd(listener: EndListener): void {
  if (listeners.size === 0) install();
  listeners.add(listener);
}

export function unregisterFromEnd(listener: EndListener): void {
  if (listeners.delete(listener) && listeners.size === 0) uninstall();
}

/** Returns the signal whose handler has led to this call; null outside of such handlers. */
export function findHandledSignal(): StopSignal | null {
  return handledSignal.getStore() ?? null;
}

/** Returns what is known about the end of the process if it exits now with `exitCode`. */
export function toProcessEnd(exitCode: number): ProcessEnd {
  const isSignal = lastSignal !== null && exitCode === 128 + constants.signals[lastSignal];
  const signal = findHandledSignal() ?? (isSignal ? lastSignal : null);
  return { exitCode, signal, error: exitCode === 0 ? null : uncaught };
}

function install(): void {
  process.on('beforeExit', notifyIdle);
  addExitListener(exitListener);
  // Before the exit listeners, which an error in an exit handler ends the run through.
  process.prependListener('uncaughtExceptionMonitor', noteUncaught);
  for (const signal of STOP_SIGNALS) process.prependListener(signal, notifySignal);
}

function uninstall(): void {
  process.off('beforeExit', notifyIdle);
  removeExitListener(exitListener);
  process.off('uncaughtExceptionMonitor', noteUncaught);
  for (const signal of STOP_SIGNALS) process.off(signal, notifySignal);
}

function notifyIdle(): void {
  for (const listener of [...listeners]) {
    inBackground(listener.onIdle(), (error) => printWarning('WARN_EXIT_FAILED', messageOf(error)));
  }
}

function notifyExit(exitCode: number): void {
  notifyEnd(toProcessEnd(exitCode));
}

function notifyEnd(end: ProcessEnd): void {
  for (const listener of [...listeners]) {
    try {
      listener.onEnd(end);
    } catch (error) {
      // The other runs must still end.
      printWarning('WARN_EXIT_FAILED', messageOf(error));
    }
  }
}

function noteUncaught(value: unknown, origin: NodeJS.UncaughtExceptionOrigin): void {
  const noted: UncaughtError = { value, origin };
  uncaught = noted;
  // This callback runs only if a handler of the program keeps the process alive. Then this error did not end it.
  setImmediate(() => {
    if (uncaught === noted) uncaught = null;
  }).unref();
}

/**
 * Ends the process when no other handler exists for the signal. Removes our handler first, so that the signal has its default
 * effect again and libraries that count handlers to see whether theirs is the only one get the right number.
 */
function notifySignal(signal: NodeJS.Signals): void {
  const stop = signal as StopSignal;
  lastSignal = stop;
  process.off(stop, notifySignal);
  if (process.listenerCount(stop) === 0) {
    drainForExit();
    notifyEnd({ exitCode: null, signal: stop, error: null });
    process.kill(process.pid, stop);
    return;
  }
  for (const listener of [...listeners]) listener.onSignal();
  handledSignal.enterWith(stop);
  setImmediate(() => {
    if (listeners.size > 0 && !process.listeners(stop).includes(notifySignal)) {
      process.prependListener(stop, notifySignal);
    }
  }).unref();
}
