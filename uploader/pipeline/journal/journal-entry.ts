/** What the journal remembers: acknowledged commits, commits under way, and pieces that are safe in the store. */

import type { FileVersion } from '../../base/io/file-version.js';
import type { ObjectVersion, StoredPart } from '../../store/base/store.js';

/** One acknowledged commit. */
export interface JournalEntry {
  readonly key: string;
  /** The file as it was just before its bytes were read. */
  readonly file: FileVersion;
  /** CRC-32 of the object. */
  readonly crc32: number;
  readonly object: ObjectVersion;
  /** The file was modified within the grain of its time stamps before it was read; equal stamps do not prove equal bytes. */
  readonly isRecent: boolean;
  /** How often the file has begun anew. Default 0. */
  readonly generation?: number | undefined;
}

export type Strategy = 'put' | 'mpu' | 'append' | 'segment';

/** A commit that was begun. Whether it happened, the store knows. */
export interface Intent {
  /** The commit id. */
  readonly tx: string;
  readonly strategy: Strategy;
  readonly base: ObjectVersion | null;
  /** What is acknowledged if it happened, but for the name that the store gives the object. */
  readonly entry: Omit<JournalEntry, 'object'>;
  /** Size of the object; its CRC-32 is that of the entry. */
  readonly targetBytes: number;
}

/** An intent of an earlier process, with what it has stored already. */
export interface OpenIntent {
  readonly intent: Intent;
  readonly uploadId: string | null;
  readonly parts: StoredPart[];
}

/** Bytes that are safe in the store beside the object of their file, where the store cannot extend it. */
export interface SegmentEntry {
  readonly key: string;
  readonly generation: number;
  readonly start: number;
  readonly end: number;
  /** CRC-32 of the file's first `end` bytes. */
  readonly crc32: number;
}

export interface JournalHeader {
  readonly kind: 'header';
  readonly version: number;
  /** Names the pair of root and store. */
  readonly rootId: string;
  /** Names the host: what another host has written here is no memory of ours. */
  readonly hostId?: string | undefined;
  /** The file begins with all that was known; older files are not needed once it is whole. */
  readonly isSnapshot?: boolean | undefined;
}

export type JournalRecord =
  | JournalHeader
  /** The snapshot that the header announced is whole. */
  | { readonly kind: 'snapshot-end' }
  | { readonly kind: 'done'; readonly entry: JournalEntry; readonly tx?: string | undefined }
  | { readonly kind: 'intent'; readonly intent: Intent }
  | { readonly kind: 'mpu'; readonly tx: string; readonly uploadId: string }
  | { readonly kind: 'part'; readonly tx: string; readonly part: StoredPart }
  /** The intent came to nothing. */
  | { readonly kind: 'drop'; readonly tx: string }
  | { readonly kind: 'segment'; readonly segment: SegmentEntry }
  /** A process was killed while it had an intent for the key: a part that was on its way may still reach the store. */
  | { readonly kind: 'crashed'; readonly key: string }
  /** What had reached the store of all crashed keys was removed. */
  | { readonly kind: 'swept' };

/** A record of a kind that only a later version knows. */
export interface UnknownRecord {
  readonly kind: 'unknown';
}
