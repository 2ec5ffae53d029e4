/**
 * Decides what is to be done about one file. Pure: (file, journal, store) → decision, with its reason.
 *
 * The store is the source of truth and the journal a memory of it: a file is skipped only when both agree with the disk. Until
 * the store has been listed the journal is believed; without a journal, equal sizes are a reason to compare, never a proof.
 */

import { isSameVersion } from '../../base/io/file-version.js';
import type { ObjectVersion } from '../../store/base/store.js';
import type { FileFacts } from '../inventory/file-facts.js';

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

export type Decision = {
  /** The object that is expected under the key. */
  readonly base: ObjectVersion | null;
} & (
  | { readonly action: 'upload'; readonly reason: UploadReason }
  /** Compare checksums; upload only if they differ. */
  | { readonly action: 'verify'; readonly reason: VerifyReason }
  /** All whole records are stored; what follows is the beginning of one, and nothing was added to it. */
  | { readonly action: 'wait'; readonly reason: 'unfinished-record' }
  | { readonly action: 'skip'; readonly reason: 'unchanged' }
);

/** Plans one file. */
export function planFile({ file, journalled, listed }: FileFacts): Decision {
  const base = listed === undefined ? (journalled?.object ?? null) : listed;
  if (base === null) return { base, action: 'upload', reason: journalled === null ? 'new' : 'missing' };

  const isKnown = journalled !== null && journalled.object.etag === base.etag;
  const isSame = isKnown && isSameVersion(journalled.file, file);
  if (isSame && !journalled.isRecent && file.sizeBytes > base.sizeBytes)
    return { base, action: 'wait', reason: 'unfinished-record' };
  if (file.sizeBytes > base.sizeBytes) return { base, action: 'upload', reason: 'grown' };
  if (file.sizeBytes < base.sizeBytes) return { base, action: 'upload', reason: 'rewritten' };
  if (journalled === null) return { base, action: 'verify', reason: 'unverified' };
  if (!isKnown) return { base, action: 'verify', reason: 'replaced' };
  if (!isSame) return { base, action: 'verify', reason: 'touched' };
  if (journalled.isRecent) return { base, action: 'verify', reason: 'recent' };
  return { base, action: 'skip', reason: 'unchanged' };
}
