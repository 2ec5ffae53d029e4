import type { PullProblem } from './pull-report.js';

/** Ends the pull of one file. */
export class PullFailure extends Error {
  constructor(
    readonly found: Pick<PullProblem, 'finding' | 'message'> & Partial<Pick<PullProblem, 'error'>>,
  ) {
    super(found.message);
  }
}
