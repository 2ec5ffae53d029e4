/** What is known of one file: on disk, in the journal, in the store. */

import type { FileVersion } from '../../base/io/file-version.js';
import type { ObjectVersion } from '../../store/base/store.js';
import type { JournalEntry } from '../journal/journal-entry.js';

export interface FileFacts {
  readonly file: FileVersion;
  readonly journalled: JournalEntry | null;
  /** What the store has under the key; null for nothing, undefined as long as it was not asked. */
  readonly listed: ObjectVersion | null | undefined;
}
