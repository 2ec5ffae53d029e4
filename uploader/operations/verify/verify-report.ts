/** What a verification has found, as a value. */

import type { CodedError } from '../../../src/base/errors.js';
import type { StoreNotice } from '../../store/base/store.js';

export type Finding =
  /** There is no such object. */
  | 'missing'
  /** The object is a shorter one than was stored. */
  | 'shortened'
  /** The object has other bytes than were stored; the local file has those. */
  | 'damaged'
  /** The local file has changed since it was stored; the object is what was stored. */
  | 'changed'
  /** The object differs from the local file, and no receipt tells which of them is right. */
  | 'differs'
  /** The file is still being written, and the object is a beginning of it. */
  | 'behind'
  /** The file or the object could not be read. */
  | 'unreadable';

export interface VerifyProblem {
  /** Inside the run, as in the key. */
  readonly path: string;
  readonly finding: Finding;
  /** For people. */
  readonly message: string;
  readonly error: CodedError | null;
}

export interface RunVerification {
  readonly runUuid: string;
  readonly directory: string;
  /** Whether files of the run are still being written, as far as can be told. */
  readonly isLive: boolean;
  /** Its local data was cleaned: what is verified is what the receipt tells. */
  readonly isCleaned: boolean;
  readonly verified: {
    readonly files: number;
    readonly bytes: number;
    /** Of these, files of which only the receipt tells: they are not on this disk. */
    readonly notLocal: number;
  };
  readonly problems: readonly VerifyProblem[];
  /** Files that are left out of the store on purpose. */
  readonly leftOut: readonly string[];
  /** Objects that neither a local file nor a receipt tells of. */
  readonly onlyInStore: number;
  /** Key of the receipt that was written; null when none was. */
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
  /** Paths that could not be looked at, outside of runs. */
  readonly unreadable: readonly CodedError[];
  readonly notices: readonly StoreNotice[];
}
