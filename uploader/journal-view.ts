/** What the journal tells the plan. */

import type { FileVersion } from './scanner.js';
import type { ObjectVersion } from './store/store.js';

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
}

/** The last entry of each key. */
export type JournalView = ReadonlyMap<string, JournalEntry>;
