/**
 * Notifies listeners exactly once before the process ends, however it ends.
 *
 * The program's own handlers keep working. A signal ends the process only if it would also end it without this module, and with
 * the same exit status. Errors are observed, never caught.
 */

/** What is known at the very end of the process. */
export interface ProcessEnd {
  /** Null when a signal ends the process. */
  readonly exitCode: number | null;
  /** The last signal that asked the process to stop, also when a handler of the program then called `process.exit()`. */
  readonly signal: StopSignal | null;
  readonly error: UncaughtError | null;
}

export interface UncaughtError {
  readonly value: unknown;
  readonly origin: 'uncaughtException' | 'unhandledRejection';
}

export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type StopSignal = (typeof STOP_SIGNALS)[number];

/** Something that must be finished before the process ends. */
export interface EndListener {
  /**
   * Called when nothing keeps the process alive any more. May do asynchronous work: the process ends once the promise has settled
   * and no new work is scheduled.
   */
  onIdle(): Promise<void>;
  /** Called on a stop signal that the program handles itself, so the process may continue. Must be synchronous and fast. */
  onSignal(signal: StopSignal): void;
  /** Called when the process ends. Must be synchronous: promises no longer settle. */
  onEnd(end: ProcessEnd): void;
}

const listeners = new Set<EndListener>();
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

function install(): void {
  process.on('beforeExit', notifyIdle);
  process.on('exit', notifyExit);
  process.on('uncaughtExceptionMonitor', noteUncaught);
  for (const signal of STOP_SIGNALS) process.prependListener(signal, notifySignal);
}

function uninstall(): void {
  process.off('beforeExit', notifyIdle);
  process.off('exit', notifyExit);
  process.off('uncaughtExceptionMonitor', noteUncaught);
  for (const signal of STOP_SIGNALS) process.off(signal, notifySignal);
}

function notifyIdle(): void {
  for (const listener of listeners) void listener.onIdle();
}

function notifyExit(code: number): void {
  // When a top-level `await` never settles, Node.js sets `process.exitCode` here, but the event still carries 0.
  const exitCode = Number(process.exitCode ?? code);
  notifyEnd({ exitCode, signal: lastSignal, error: exitCode === 0 ? null : uncaught });
}

function notifyEnd(end: ProcessEnd): void {
  for (const listener of [...listeners]) listener.onEnd(end);
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
    notifyEnd({ exitCode: null, signal: stop, error: null });
    process.kill(process.pid, stop);
    return;
  }
  for (const listener of [...listeners]) listener.onSignal(stop);
  setImmediate(() => {
    if (listeners.size > 0 && !process.listeners(stop).includes(notifySignal)) {
      process.prependListener(stop, notifySignal);
    }
  }).unref();
}
