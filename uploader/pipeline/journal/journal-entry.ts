/** The records of the journal: acknowledged commits, commits in flight, and stored parts and segments. */

import type { FileVersion } from '../../base/io/file-version.js';
import type { RunOrigin } from '../../run-directory/run-origin.js';
import type { ObjectVersion, StoredPart } from '../../store/base/store.js';

/** One acknowledged commit. */
export interface JournalEntry {
  readonly key: string;
  /** Version of the file just before its bytes were read. */
  readonly file: FileVersion;
  /** CRC-32 of the object. */
  readonly crc32: number;
  readonly object: ObjectVersion;
  /** The file changed so shortly before it was read that equal timestamps do not prove equal bytes. */
  readonly isRecent: boolean;
  /** How many times the file was truncated and restarted. Default 0. */
  readonly generation?: number | undefined;
}

export type Strategy = 'put' | 'mpu' | 'append' | 'segment';

/** A commit that was begun. Only the store knows whether it happened. */
export interface Intent {
  /** The commit id. */
  readonly tx: string;
  readonly strategy: Strategy;
  readonly base: ObjectVersion | null;
  /** The entry that is recorded on success, without the version that the store returns. */
  readonly entry: Omit<JournalEntry, 'object'>;
  /** Size of the object; its CRC-32 is that of the entry. */
  readonly targetBytes: number;
}

/** An intent that is not settled, with the parts that are already stored. */
export interface OpenIntent {
  readonly intent: Intent;
  readonly uploadId: string | null;
  readonly parts: StoredPart[];
}

/** Bytes of a growing file that are stored in a separate object, because the store cannot extend the object of the file. */
export interface SegmentEntry {
  readonly key: string;
  readonly generation: number;
  readonly start: number;
  readonly end: number;
  /** CRC-32 of the file's first `end` bytes. */
  readonly crc32: number;
}

/** The directory that a run was uploaded from. */
export interface RunOwner {
  readonly runUuid: string;
  readonly origin: RunOrigin;
  /** The version of the store's owner object that names this directory; null when the store has none yet. */
  readonly etag: string | null;
}

/** Why a run is not uploaded: the store has it from another directory. */
export interface RunConflict {
  readonly runUuid: string;
  readonly found: string;
  readonly hint: string;
}

export interface JournalHeader {
  readonly kind: 'header';
  readonly version: number;
  /** Identifies the pair of root and store. */
  readonly rootKey: string;
  /** Identifies the host: a journal of another host is not used. */
  readonly hostId?: string | undefined;
  /** The file begins with a snapshot; once that is complete, older files are not needed. */
  readonly isSnapshot?: boolean | undefined;
}

export type JournalRecord =
  | JournalHeader
  /** The snapshot that the header announced is complete. */
  | { readonly kind: 'snapshot-end' }
  | { readonly kind: 'done'; readonly entry: JournalEntry; readonly tx?: string | undefined }
  | { readonly kind: 'intent'; readonly intent: Intent }
  | { readonly kind: 'mpu'; readonly tx: string; readonly uploadId: string }
  | { readonly kind: 'part'; readonly tx: string; readonly part: StoredPart }
  /** The intent was abandoned. */
  | { readonly kind: 'drop'; readonly tx: string }
  | { readonly kind: 'segment'; readonly segment: SegmentEntry }
  /** Ends a conflict of the run. If the directory is another one, earlier entries of the run say nothing about its files. */
  | { readonly kind: 'owner'; readonly owner: RunOwner }
  | { readonly kind: 'conflict'; readonly conflict: RunConflict }
  /** A process was killed while it had an intent for the key: a part that was in flight may still reach the store. */
  | { readonly kind: 'crashed'; readonly key: string }
  /** Orphaned uploads of all crashed keys were removed from the store. */
  | { readonly kind: 'swept' };

/** A record of a kind that only a later version supports. */
export interface UnknownRecord {
  readonly kind: 'unknown';
}
