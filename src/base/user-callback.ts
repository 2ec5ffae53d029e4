/** Functions of the program that uses polytrack. Tracking and the uploader call them here only: an error of one must not end their work. */

import { inBackground } from './background.js';
import { messageOf } from './errors.js';
import { printWarning } from './process-exit.js';

export const CALLBACK_FAILED = 'WARN_CALLBACK_FAILED';

/** Calls `callback` and returns its result. If it throws, calls `onFailure` and returns `otherwise`; if it rejects, calls `onFailure`. */
export function callUser<T>(callback: () => T, onFailure: (error: unknown) => void, otherwise: T): T {
  try {
    const result = callback();
    if (result instanceof Promise) inBackground(result, onFailure);
    return result;
  } catch (error) {
    onFailure(error);
    return otherwise;
  }
}

/** Returns a function that calls `callback`, if there is one, and prints a warning for its first error. */
export function guardUser<Given extends unknown[]>(
  name: string,
  callback: ((...given: Given) => unknown) | undefined,
): (...given: Given) => void {
  let isReported = false;
  const onFailure = (error: unknown): void => {
    if (!isReported) printWarning(CALLBACK_FAILED, `the callback ${name} failed: ${messageOf(error)}`);
    isReported = true;
  };
  return (...given) => {
    callUser(() => callback?.(...given), onFailure, undefined);
  };
}
