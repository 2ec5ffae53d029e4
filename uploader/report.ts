/** What a pass did, as a value. */

import type { CodedError } from '../src/errors.js';
import type { FileError } from './errors.js';
import type { PlannedAction, StoreListing, SyncPlan, UploadReason } from './plan.js';
import { RESERVED_DIRECTORY } from './rel-path.js';
import type { SkippedPath, Snapshot } from './scanner.js';
import type { StoreNotice } from './store/store.js';
import type { TransferResult } from './transfer.js';

export interface SyncReport {
  /** Resolved path of the root, or of the run directory. */
  readonly root: string;
  readonly store: string;
  readonly runs: readonly string[];
  readonly isDryRun: boolean;
  /** The signal was aborted before the end. */
  readonly isAborted: boolean;
  /** Everything that is to be stored is stored, as far as this pass could see. */
  readonly isComplete: boolean;
  readonly durationMs: number;
  readonly files: FileCounts;
  readonly bytes: {
    readonly total: number;
    /** Handed to the store, those of attempts that failed included. */
    readonly sent: number;
    /** Of files whose checksum was found equal, so that nothing had to be sent. */
    readonly verified: number;
  };
  /** What was sent; in a dry run, what would be. */
  readonly uploads: readonly {
    readonly key: string;
    readonly sizeBytes: number;
    readonly reason: UploadReason;
  }[];
  /** What is not stored and should be; in a dry run, only what could not be. */
  readonly unsent: readonly UnsentFile[];
  /** What is left out on purpose. */
  readonly skipped: readonly SkippedPath[];
  /** Keys of objects whose file is no longer there. They are kept. */
  readonly onlyInStore: readonly string[];
  readonly notices: readonly StoreNotice[];
}

export interface FileCounts {
  readonly total: number;
  readonly stored: number;
  /** Compared by checksum and found equal; in a dry run, to be compared. */
  readonly verified: number;
  readonly unchanged: number;
  readonly unsent: number;
}

export interface UnsentFile {
  /** A key, or for what has none the path inside the root. */
  readonly path: string;
  /** Null for what is no file. */
  readonly sizeBytes: number | null;
  readonly error: CodedError;
}

export interface PassFacts {
  readonly root: string;
  readonly store: string;
  readonly isDryRun: boolean;
  readonly isAborted: boolean;
  readonly durationMs: number;
  readonly sentBytes: number;
  readonly snapshots: readonly Snapshot[];
  readonly skipped: readonly SkippedPath[];
  readonly problems: readonly FileError[];
  readonly plan: SyncPlan;
  readonly listings: ReadonlyMap<string, StoreListing>;
  readonly results: readonly TransferResult[];
  readonly notices: readonly StoreNotice[];
}

/** The report of a pass. Pure. */
export function toReport(facts: PassFacts): SyncReport {
  const { plan, results, isDryRun, isAborted, snapshots } = facts;
  const unsent = toUnsent(facts);
  const uploads = isDryRun ? plan.actions.flatMap(toPlannedUpload) : results.flatMap(toUpload);
  const verified = results.filter(({ outcome }) => outcome.status === 'verified');
  const isPending = isDryRun && plan.actions.some(({ action }) => action !== 'skip');
  return {
    root: facts.root,
    store: facts.store,
    runs: snapshots.map(({ runUuid }) => runUuid),
    isDryRun,
    isAborted,
    isComplete: unsent.length === 0 && !isAborted && !isPending,
    durationMs: Math.round(facts.durationMs),
    files: {
      total: plan.actions.length,
      stored: isDryRun ? 0 : uploads.length,
      verified: isDryRun ? plan.actions.filter(({ action }) => action === 'verify').length : verified.length,
      unchanged: plan.actions.filter(({ action }) => action === 'skip').length,
      unsent: isDryRun ? uploads.length : unsent.length,
    },
    bytes: {
      total: plan.actions.reduce((sum, { file }) => sum + file.sizeBytes, 0),
      sent: facts.sentBytes,
      verified: verified.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    },
    uploads,
    unsent,
    skipped: [...facts.skipped, ...snapshots.flatMap(toSkipped)],
    onlyInStore: toOnlyInStore(facts),
    notices: facts.notices,
  };
}

function toUnsent({ results, problems, snapshots }: PassFacts): UnsentFile[] {
  const failed = results.flatMap(({ key, sizeBytes, outcome }) =>
    outcome.status === 'failed' ? [{ path: key, sizeBytes, error: outcome.error }] : [],
  );
  const inRuns = snapshots.flatMap((snapshot) =>
    snapshot.problems.map((error) => ({ path: `${snapshot.runUuid}/${error.path}`, sizeBytes: null, error })),
  );
  const inRoot = problems.map((error) => ({ path: error.path, sizeBytes: null, error }));
  return [...failed, ...inRuns, ...inRoot];
}

function toUpload({ key, outcome }: TransferResult): SyncReport['uploads'] {
  if (outcome.status !== 'stored') return [];
  return [{ key, sizeBytes: outcome.sizeBytes, reason: outcome.reason }];
}

function toPlannedUpload({ action, reason, key, file }: PlannedAction): SyncReport['uploads'] {
  return action === 'upload' ? [{ key, sizeBytes: file.sizeBytes, reason }] : [];
}

function toSkipped({ runUuid, skipped }: Snapshot): SkippedPath[] {
  return skipped.map(({ path, reason }) => ({ path: `${runUuid}/${path}`, reason }));
}

function toOnlyInStore({ plan, listings }: PassFacts): string[] {
  const onDisk = new Set(plan.actions.map(({ key }) => key));
  return [...listings].flatMap(([runUuid, listing]) =>
    [...listing.keys()].filter(
      (key) => !onDisk.has(key) && !key.startsWith(`${runUuid}/${RESERVED_DIRECTORY}/`),
    ),
  );
}
