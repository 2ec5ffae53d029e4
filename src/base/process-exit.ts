/**
 * The exit of the process, and warnings that are printed even then.
 *
 * Exit handlers of the program may log, change the exit code, throw, or end the process at once. Therefore buffers are drained before
 * the first of them runs, and the exit code counts only after the last one. Only synchronous work is possible in both.
 */

import { messageOf } from './errors.js';

export interface ExitListener {
  /** Writes what is buffered. Called before the exit handlers of the program, and again after them. */
  drain(): void;
  /** Called once no exit handler can run any more, with the code that the process ends with. Called again if the code still changes. */
  end?(exitCode: number): void;
}

type ReallyExit = (code?: number) => never;

const listeners = new Set<ExitListener>();
let isExiting = false;
let restoreReallyExit = (): void => undefined;

export function addExitListener(listener: ExitListener): void {
  if (listeners.size === 0) install();
  listeners.add(listener);
}

export function removeExitListener(listener: ExitListener): void {
  if (listeners.delete(listener) && listeners.size === 0 && !isExiting) uninstall();
}

/** Whether exit handlers run, so that promises and timers are no longer served. */
export function isProcessExiting(): boolean {
  return isExiting;
}

/** Drains all buffers, for a process that ends without an exit event. */
export function drainForExit(): void {
  for (const listener of [...listeners]) attempt(() => listener.drain());
}

/** Prints a process warning. Node.js does that in a later turn of the event loop, which does not come while the process exits. */
export function printWarning(code: string, message: string): void {
  if (isExiting) process.stderr.write(`PolytrackWarning [${code}]: ${message}\n`);
  else process.emitWarning(message, { type: 'PolytrackWarning', code });
}

function install(): void {
  process.prependListener('exit', onFirst);
  process.on('exit', onLast);
  process.on('beforeExit', moveLast);
  process.on('uncaughtExceptionMonitor', onUncaught);
  restoreReallyExit = wrapReallyExit();
}

function uninstall(): void {
  process.off('exit', onFirst);
  process.off('exit', onLast);
  process.off('beforeExit', moveLast);
  process.off('uncaughtExceptionMonitor', onUncaught);
  restoreReallyExit();
}

function onFirst(): void {
  isExiting = true;
  drainForExit();
}

function onLast(code: number): void {
  // When a top-level `await` never settles, Node.js sets `process.exitCode` here, but the event still carries 0.
  notifyEnd(Number(process.exitCode ?? code));
}

/** Puts our handler behind those that the program has added since. */
function moveLast(): void {
  process.off('exit', onLast);
  process.on('exit', onLast);
}

/** An exit handler that throws ends the process without another event, even if it runs before ours. */
function onUncaught(): void {
  const { _exiting } = process as unknown as { _exiting?: boolean };
  if (isExiting || _exiting === true) notifyEnd(Number(process.exitCode) || 1);
}

function notifyEnd(exitCode: number): void {
  isExiting = true;
  drainForExit();
  for (const listener of [...listeners]) attempt(() => listener.end?.(exitCode));
}

/**
 * Sees the exit code of `process.exit(n)` in an exit handler, after which Node.js calls no further handlers: it always ends by calling
 * `process.reallyExit`. Returns a function that removes the wrapper.
 */
function wrapReallyExit(): () => void {
  const holder = process as unknown as { reallyExit?: ReallyExit };
  const original = holder.reallyExit;
  if (typeof original !== 'function') return () => undefined;
  let isActive = true;
  const wrapper: ReallyExit = (code) => {
    if (isActive) notifyEnd(Number(code ?? process.exitCode ?? 0));
    return original.call(process, code);
  };
  holder.reallyExit = wrapper;
  return () => {
    isActive = false;
    // If other code has wrapped it later, our wrapper stays in place and does nothing.
    if (holder.reallyExit === wrapper) holder.reallyExit = original;
  };
}

function attempt(call: () => void): void {
  try {
    call();
  } catch (error) {
    // One writer that fails must not keep the others from writing.
    printWarning('WARN_EXIT_FAILED', `data may not be complete: ${messageOf(error)}`);
  }
}
