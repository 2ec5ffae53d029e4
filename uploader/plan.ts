/**
 * Decides what a pass does. Pure: (snapshot, journal, listing) → plan.
 *
 * The store is the source of truth and the journal a memory of it: a file is skipped only when both agree with the disk.
 * Without a listing the journal is believed; without a journal, equal sizes are a reason to compare, never a proof.
 */

import { EVENT_FILE_MARK, LINEAGE_FILE, RUN_FILE } from '../src/layout.js';
import type { JournalEntry, JournalView } from './journal-view.js';
import type { RelPath } from './rel-path.js';
import type { FileVersion, ScannedFile, Snapshot } from './scanner.js';
import type { ObjectVersion } from './store/store.js';

/** What the store has of one run, by key. */
export type StoreListing = ReadonlyMap<string, ObjectVersion>;

export type UploadReason =
  /** Nothing is stored under the key. */
  | 'new'
  /** The journal says that it was stored, the store has it no more. */
  | 'missing'
  /** It is longer than what is stored. */
  | 'grown'
  /** It is shorter than what is stored, or found to differ. */
  | 'rewritten';

export type VerifyReason =
  /** The store has an object of this size that no journal tells about. */
  | 'unverified'
  /** The size is the same; a time stamp or the inode is not. */
  | 'touched'
  /** It was written so shortly before it was read that its time stamps prove nothing. */
  | 'recent'
  /** The object is not the one that was stored. */
  | 'replaced';

export type PlannedAction = {
  readonly runUuid: string;
  readonly key: string;
  readonly file: ScannedFile;
  /** The object that is expected under the key. */
  readonly base: ObjectVersion | null;
  readonly journalled: JournalEntry | null;
  /** 0: files of the run; 1: what names them (lineage); 2: the run file. A later phase waits for the earlier ones of its run. */
  readonly phase: 0 | 1 | 2;
} & (
  | { readonly action: 'upload'; readonly reason: UploadReason }
  /** Compare checksums; upload only if they differ. */
  | { readonly action: 'verify'; readonly reason: VerifyReason }
  | { readonly action: 'skip'; readonly reason: 'unchanged' }
);

export interface SyncPlan {
  /** In the order in which they begin: event files before others, small before large, run files last of their run. */
  readonly actions: readonly PlannedAction[];
}

/** The key of a file of a run, below the prefix of the store. Source: Polyaxon's store layout, `<store root>/<uuid>/<path>`. */
export function toKey(runUuid: string, relPath: RelPath): string {
  return `${runUuid}/${relPath}`;
}

/** Plans a pass over some runs. `listings` is by run; a run without one is planned from the journal alone. */
export function planSync(
  snapshots: readonly Snapshot[],
  journal: JournalView,
  listings: ReadonlyMap<string, StoreListing>,
): SyncPlan {
  const actions = snapshots.flatMap((snapshot) =>
    snapshot.files.map((file) => planFile(snapshot.runUuid, file, journal, listings.get(snapshot.runUuid))),
  );
  return { actions: actions.sort(compareActions) };
}

/** Whether two versions are the same by all that a stat can tell. */
export function isSameVersion(a: FileVersion, b: FileVersion): boolean {
  return a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.ino === b.ino;
}

function planFile(
  runUuid: string,
  file: ScannedFile,
  journal: JournalView,
  listing: StoreListing | undefined,
): PlannedAction {
  const key = toKey(runUuid, file.relPath);
  const journalled = journal.get(key) ?? null;
  const base = listing === undefined ? (journalled?.object ?? null) : (listing.get(key) ?? null);
  const common = { runUuid, key, file, base, journalled, phase: toPhase(file.relPath) };

  if (base === null) return { ...common, action: 'upload', reason: journalled === null ? 'new' : 'missing' };
  if (file.sizeBytes > base.sizeBytes) return { ...common, action: 'upload', reason: 'grown' };
  if (file.sizeBytes < base.sizeBytes) return { ...common, action: 'upload', reason: 'rewritten' };
  if (journalled === null) return { ...common, action: 'verify', reason: 'unverified' };
  if (journalled.object.etag !== base.etag) return { ...common, action: 'verify', reason: 'replaced' };
  if (!isSameVersion(journalled.file, file)) return { ...common, action: 'verify', reason: 'touched' };
  if (journalled.isRecent) return { ...common, action: 'verify', reason: 'recent' };
  return { ...common, action: 'skip', reason: 'unchanged' };
}

function toPhase(relPath: RelPath): PlannedAction['phase'] {
  if (relPath === RUN_FILE) return 2;
  return relPath === LINEAGE_FILE ? 1 : 0;
}

function compareActions(a: PlannedAction, b: PlannedAction): number {
  return (
    a.phase - b.phase ||
    toClass(a.file.relPath) - toClass(b.file.relPath) ||
    a.file.sizeBytes - b.file.sizeBytes ||
    (a.key < b.key ? -1 : 1)
  );
}

/** 0 for what a person watches while a run goes on: TensorBoard's event files and Polyaxon's. */
function toClass(relPath: RelPath): 0 | 1 {
  const name = relPath.slice(relPath.lastIndexOf('/') + 1);
  return name.includes(EVENT_FILE_MARK) || name.endsWith('.plx') ? 0 : 1;
}
