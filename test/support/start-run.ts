/** Runs for tests: in a temporary root, quiet about the repository and the machine that the tests happen to run in. */

import { type CodedError, Run, type RunOptions, type TrackingWarning } from '../../src/index.js';
import { createTempDir } from './temp-dir.js';

/** What a run captures by itself, switched off. */
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

/** Starts a run that captures nothing by itself, and collects what it tells. */
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
