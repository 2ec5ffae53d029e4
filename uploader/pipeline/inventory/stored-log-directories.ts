/** Remembers in which runs the event files of each log directory were stored, so that they stay there. */

import { EVENT_FILE_MARK } from '../../../src/format/event-file-name.js';
import type { JournalEntry } from '../journal/journal-entry.js';

export class StoredLogDirectories {
  /** By `<uuid>/<directory>`: the number of the last entry of an event file in it. */
  readonly #entries = new Map<string, number>();
  #count = 0;

  /** Takes the entries of a journal in their order. */
  readonly onEntry = ({ key }: Pick<JournalEntry, 'key'>): void => {
    this.#count += 1;
    const slash = key.lastIndexOf('/');
    if (key.includes(EVENT_FILE_MARK, slash)) this.#entries.set(key.slice(0, slash), this.#count);
  };

  /** Returns when event files of a directory of a run were last stored, as a number that increases; undefined if never. */
  lastStored(runUuid: string, directory: string): number | undefined {
    return this.#entries.get(`${runUuid}/${directory}`);
  }
}
