/**
 * How a process ends, told to everything that has to be finished first: once, whatever the way.
 *
 * The program's own handlers keep their say. A signal ends the process only where it would have ended without us, with the
 * exit status that the signal gives; errors are watched, never caught.
 */

/** What is known at the very end of the process. */
export interface ProcessEnd {
  /** Null when a signal ends the process. */
  readonly exitCode: number | null;
  /** The last signal that asked the process to stop, also when a handler of the program's then called `process.exit()`. */
  readonly signal: StopSignal | null;
  /** What nobody caught, when that ends the process. */
  readonly error: UncaughtError | null;
}

export interface UncaughtError {
  readonly value: unknown;
  readonly origin: 'uncaughtException' | 'unhandledRejection';
}

/** Signals that ask a process to stop. */
export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type StopSignal = (typeof STOP_SIGNALS)[number];

/** Something that must be finished before the process ends. */
export interface EndListener {
  /**
   * Nothing keeps the process alive any more. What is left may take its time: the process ends when the promise is settled and
   * nothing new has come up.
   */
  onIdle(): Promise<void>;
  /** A stop signal that the program handles itself: it may go on. Synchronous, quick. */
  onSignal(signal: StopSignal): void;
  /** The process ends now. Synchronous: no promise can be waited for any more. */
  onEnd(end: ProcessEnd): void;
}

const listeners = new Set<EndListener>();
let lastSignal: StopSignal | null = null;
let uncaught: UncaughtError | null = null;

/** Tells `listener` of the end of the process, until it is unregistered. */
export function registerForEnd(listener: EndListener): void {
  if (listeners.size === 0) install();
  listeners.add(listener);
}

export function unregisterFromEnd(listener: EndListener): void {
  if (listeners.delete(listener) && listeners.size === 0) uninstall();
}

function install(): void {
  process.on('beforeExit', tellIdle);
  process.on('exit', tellExit);
  process.on('uncaughtExceptionMonitor', noteUncaught);
  for (const signal of STOP_SIGNALS) process.prependListener(signal, tellSignal);
}

function uninstall(): void {
  process.off('beforeExit', tellIdle);
  process.off('exit', tellExit);
  process.off('uncaughtExceptionMonitor', noteUncaught);
  for (const signal of STOP_SIGNALS) process.off(signal, tellSignal);
}

function tellIdle(): void {
  for (const listener of listeners) void listener.onIdle();
}

function tellExit(code: number): void {
  // Node.js finds out only here that an `await` at the top level was never settled: the event still says 0.
  const exitCode = Number(process.exitCode ?? code);
  tellEnd({ exitCode, signal: lastSignal, error: exitCode === 0 ? null : uncaught });
}

function tellEnd(end: ProcessEnd): void {
  for (const listener of [...listeners]) listener.onEnd(end);
}

function noteUncaught(value: unknown, origin: NodeJS.UncaughtExceptionOrigin): void {
  const noted: UncaughtError = { value, origin };
  uncaught = noted;
  // The process gets here only when a handler of the program's keeps it alive: then this error did not end it.
  setImmediate(() => {
    if (uncaught === noted) uncaught = null;
  }).unref();
}

/**
 * Ends the process when nobody else handles the signal. Our handler is taken away first: without it the signal has its default
 * effect again, and libraries that count handlers, to see whether they are the only one, are right.
 */
function tellSignal(signal: NodeJS.Signals): void {
  const stop = signal as StopSignal;
  lastSignal = stop;
  process.off(stop, tellSignal);
  if (process.listenerCount(stop) === 0) {
    tellEnd({ exitCode: null, signal: stop, error: null });
    process.kill(process.pid, stop);
    return;
  }
  for (const listener of [...listeners]) listener.onSignal(stop);
  setImmediate(() => {
    if (listeners.size > 0 && !process.listeners(stop).includes(tellSignal)) {
      process.prependListener(stop, tellSignal);
    }
  }).unref();
}
