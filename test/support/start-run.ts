/** Starts runs for tests in a temporary root, without capturing the repository or the machine of the tests. */

import { type CodedError, Run, type RunOptions, type TrackingWarning } from '../../src/index.js';
import { createTempDir } from './temp-dir.js';

/** Options that disable everything a run captures automatically. */
export const NO_CAPTURE = {
  trackCode: false,
  trackEnv: false,
  trackLogs: false,
  collectResources: false,
} as const;

export interface StartedRun {
  readonly run: Run;
  readonly errors: CodedError[];
  readonly warnings: TrackingWarning[];
}

/** Starts a run that captures nothing automatically, and collects its errors and warnings. */
export function startRun(options: RunOptions = {}): StartedRun {
  const errors: CodedError[] = [];
  const warnings: TrackingWarning[] = [];
  const run = new Run({
    root: createTempDir(),
    ...NO_CAPTURE,
    onError: (error) => errors.push(error),
    onWarning: (warning) => warnings.push(warning),
    ...options,
  });
  return { run, errors, warnings };
}
