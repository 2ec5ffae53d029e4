/** The facts about one file: on disk, in the journal and in the store. */

import type { FileVersion } from '../../base/io/file-version.js';
import type { ObjectVersion } from '../../store/base/store.js';
import type { JournalEntry } from '../journal/journal-entry.js';

export interface FileFacts {
  readonly file: FileVersion;
  readonly journalled: JournalEntry | null;
  /** The object under the key; null when there is none, undefined until the store has been asked. */
  readonly listed: ObjectVersion | null | undefined;
}
