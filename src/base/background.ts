/** Work that no caller awaits. No other file lets go of a promise, so every failure reaches code that reports it. */

import { messageOf } from './errors.js';
import { printWarning } from './process-exit.js';

/** Lets `work` continue on its own. `onFailure` receives its error and must not throw; the default is for work that handles its errors itself. */
export function inBackground(
  work: Promise<unknown>,
  onFailure: (error: unknown) => void = (error) => printWarning('WARN_BACKGROUND_FAILED', messageOf(error)),
): void {
  work.catch(onFailure);
}
