/** The result of a verification. */

import type { CodedError } from '../../../src/base/errors.js';
import type { StoreNotice } from '../../store/base/store.js';

export type Finding =
  /** The object does not exist. */
  | 'missing'
  /** The object is shorter than the stored version was. */
  | 'shortened'
  /** The object differs from the version that was stored; the local file is unchanged. */
  | 'damaged'
  /** The local file has changed since it was stored; the object is unchanged. */
  | 'changed'
  /** The object differs from the local file, and no manifest says which one is right. */
  | 'differs'
  /** The file is still being written, and the object holds only its beginning. */
  | 'behind'
  /** The file or the object could not be read. */
  | 'unreadable';

export interface VerifyProblem {
  /** The path inside the run, as in the object key. */
  readonly path: string;
  readonly finding: Finding;
  /** For people. */
  readonly message: string;
  readonly error: CodedError | null;
}

export interface RunVerification {
  readonly runUuid: string;
  readonly directory: string;
  /** Whether the run is still being written, as far as is known. */
  readonly isLive: boolean;
  /** Whether the local data was cleaned; then the objects are compared with the manifest. */
  readonly isCleaned: boolean;
  readonly verified: {
    readonly files: number;
    readonly bytes: number;
    /** How many of these files are only in the manifest, not on this disk. */
    readonly notLocal: number;
  };
  readonly problems: readonly VerifyProblem[];
  /** Files that are excluded from the store on purpose. */
  readonly leftOut: readonly string[];
  /** Objects without a local file or a manifest line. */
  readonly onlyInStore: number;
  /** Key of the manifest that was written; null when none was. */
  readonly manifest: string | null;
}

export interface VerifyReport {
  readonly root: string;
  readonly store: string;
  readonly isDeep: boolean;
  readonly isVerified: boolean;
  readonly isAborted: boolean;
  readonly durationMs: number;
  readonly runs: readonly RunVerification[];
  /** Errors for unreadable paths outside runs. */
  readonly unreadable: readonly CodedError[];
  readonly notices: readonly StoreNotice[];
}
