/** `withRun`: a run that lasts as long as a function, for programs that cannot write `await using`. */

import { describe } from '../base/describe.js';
import { Run } from './run.js';
import { toRunEnd } from './run-end.js';
import { invalidOption, type RunOptions } from './run-options.js';

/** A function that a run lasts for. */
export type RunFunction<T> = (run: Run) => T | Promise<T>;

/**
 * Starts a run, calls `fn` with it, ends the run, and returns what `fn` has returned. If `fn` throws, the run ends as failed with the error as its
 * message, and the error is thrown again. Throws like `new Run` before `fn` is called, and rejects like `end()` if `fn` has succeeded.
 */
export function withRun<T>(fn: RunFunction<T>): Promise<T>;
export function withRun<T>(options: RunOptions, fn: RunFunction<T>): Promise<T>;
export function withRun<T>(optionsOrFn: RunOptions | RunFunction<T>, fn?: RunFunction<T>): Promise<T> {
  return useRun((options) => new Run(options), optionsOrFn, fn);
}

/** Like `withRun`. `start` starts the run. */
export async function useRun<T>(
  start: (options: RunOptions) => Run,
  optionsOrFn: RunOptions | RunFunction<T>,
  given: RunFunction<T> | undefined,
): Promise<T> {
  const [options, fn] = typeof optionsOrFn === 'function' ? [{}, optionsOrFn] : [optionsOrFn, given];
  if (typeof fn !== 'function')
    throw invalidOption(
      `withRun: fn is ${describe(fn)}, expected a function`,
      'Pass withRun(options, async (run) => { … }).',
    );
  const run = start(options);
  let result: T;
  try {
    result = await fn(run);
  } catch (error) {
    const { reason, message } = toRunEnd({
      exitCode: 1,
      signal: null,
      error: { value: error, origin: 'uncaughtException' },
    });
    // The error of the function is the cause; diagnostics have reported those of the end.
    await Promise.allSettled([run.logFailed({ reason, message })]);
    throw error;
  }
  await run.end();
  return result;
}
