/**
 * Decides what to do with one file. Pure: (file, journal, store) → decision, with its reason.
 *
 * The store is authoritative; the journal is a copy of its state. A file is skipped only when both agree with the disk. Until the store has
 * been listed, the journal is trusted. Without a journal, a file of equal size is compared, because equal sizes prove nothing.
 */

import { isSameVersion } from '../../base/io/file-version.js';
import type { ObjectVersion } from '../../store/base/store.js';
import type { FileFacts } from '../inventory/inventory.js';

export type UploadReason =
  /** Nothing is stored under the key. */
  | 'new'
  /** The journal has it, but the store does not. */
  | 'missing'
  /** It is larger than the object. */
  | 'grown'
  /** It is smaller than the object, or its bytes differ. */
  | 'rewritten';

export type VerifyReason =
  /** The store has an object of this size that is not in the journal. */
  | 'unverified'
  /** The size is unchanged, but a timestamp or the inode differs. */
  | 'touched'
  /** It was written so shortly before it was read that its timestamps prove nothing. */
  | 'recent'
  /** Segments continue the object, but the file ends with it: the file has lost its end. */
  | 'continued'
  /** The object in the store is not the recorded one. */
  | 'replaced';

export type Decision = {
  /** The object expected under the key. */
  readonly base: ObjectVersion | null;
} & (
  | { readonly action: 'upload'; readonly reason: UploadReason }
  /** Compare checksums, and upload only if they differ. */
  | { readonly action: 'verify'; readonly reason: VerifyReason }
  /** All whole records are stored, and the incomplete record after them has not grown. */
  | { readonly action: 'wait'; readonly reason: 'unfinished-record' }
  | { readonly action: 'skip'; readonly reason: 'unchanged' }
);

export function planFile({ file, journalled, listed, isContinued }: FileFacts): Decision {
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
  if (isContinued) return { base, action: 'verify', reason: 'continued' };
  return { base, action: 'skip', reason: 'unchanged' };
}
