/** The result of a pull. */

import type { CodedError } from '../../../src/base/errors.js';

export type PullFinding =
  /** The run does not exist, or the object was deleted during the pull. */
  | 'missing'
  /** The name leads out of the run, or a directory has the same name. */
  | 'unsafe-name'
  /** A different file, or something other than a file, exists at the path. */
  | 'in-the-way'
  /** The received bytes do not match the checksum of the store or the manifest. */
  | 'damaged'
  /** The object cannot be read. */
  | 'unreadable'
  /** The local file cannot be written. */
  | 'unwritable'
  /** A program writes to the run, or another command holds it. */
  | 'held'
  /** The directory belongs to another run. */
  | 'occupied';

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
    /** Files that already existed with the same bytes. */
    readonly present: number;
    /** Files of both counts without a checksum in the store or a manifest. */
    readonly unverified: number;
  };
  /** Bytes received. */
  readonly bytes: number;
  readonly problems: readonly PullProblem[];
}

export interface PullReport {
  readonly store: string;
  /** The root directory of the runs. */
  readonly directory: string;
  readonly isComplete: boolean;
  readonly isAborted: boolean;
  readonly durationMs: number;
  readonly runs: readonly PulledRun[];
}
