/** What a pull has done, as a value. */

import type { CodedError } from '../../../src/base/errors.js';

export type PullFinding =
  /** There is no such run, or the object went away meanwhile. */
  | 'missing'
  /** Its name leads out of the run, or is that of a directory too. */
  | 'unsafe-name'
  /** There is another file, or something that is no file, in its place. */
  | 'in-the-way'
  /** What was received is not what the store, or the receipt, says that it is. */
  | 'damaged'
  /** The object cannot be read. */
  | 'unreadable'
  /** The disk refuses. */
  | 'unwritable';

export interface PullProblem {
  readonly path: string;
  readonly finding: PullFinding;
  readonly message: string;
  readonly error: CodedError | null;
}

export interface PulledRun {
  readonly runUuid: string;
  readonly directory: string;
  readonly files: {
    readonly pulled: number;
    /** They were there already, with the same bytes. */
    readonly present: number;
    /** Of these, neither the store nor a receipt knows a checksum. */
    readonly unverified: number;
  };
  /** Received. */
  readonly bytes: number;
  readonly problems: readonly PullProblem[];
}

export interface PullReport {
  readonly store: string;
  /** The root that the runs are below. */
  readonly directory: string;
  readonly isComplete: boolean;
  readonly isAborted: boolean;
  readonly durationMs: number;
  readonly runs: readonly PulledRun[];
}
