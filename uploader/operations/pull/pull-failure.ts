import type { PullProblem } from './pull-report.js';

/** Thrown to end the pull of one file with a problem. */
export class PullFailure extends Error {
  constructor(
    readonly found: Pick<PullProblem, 'finding' | 'message'> & Partial<Pick<PullProblem, 'error'>>,
  ) {
    super(found.message);
  }
}
