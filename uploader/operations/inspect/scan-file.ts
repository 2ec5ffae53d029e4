/**
 * All whole records of an event file, whatever stands between them.
 *
 * The reader alone would wait at a record that was cut by a crash and never completed; here it is looked behind.
 */

import { EventFileReader, type ReadEvent } from '../../../src/format/reader/event-file-reader.js';

/** Bytes that are no record; `torn`: a record of which only the first part was written. */
export interface Damage {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly part: 'length' | 'data' | 'event' | 'torn';
}

/** What is known of a file once its records have been read. */
export interface ScanResult {
  /** In file order. */
  readonly damage: readonly Damage[];
  /** Bytes at the end that are the beginning of a record, and where they begin; 0 when the file ends with a whole one. */
  readonly tailBytes: number;
  readonly tailOffset: number;
}

/** Gives the records of a file, and in the end what is damaged. Throws what the file system says. */
export async function* scanFile(path: string): AsyncGenerator<ReadEvent, ScanResult, void> {
  const damage: Damage[] = [];
  let tornAt: number | undefined;
  for (;;) {
    const offset = tornAt === undefined ? 0 : tornAt + 1;
    await using reader = new EventFileReader(path, { offset, onDamage: 'skip' });
    for await (const record of reader.read()) {
      if (tornAt !== undefined)
        damage.push({ offset: tornAt, sizeBytes: record.offset - tornAt, part: 'torn' });
      tornAt = undefined;
      yield record;
    }
    // No record behind a torn one: it is the end of the file.
    if (tornAt !== undefined) return { damage, tailBytes: reader.tailBytes + 1, tailOffset: tornAt };
    // What follows the torn record's first byte is its own, not damage of its own.
    damage.push(...reader.damage.filter((range) => range.offset !== offset || offset === 0));
    const goesOnToEnd = reader.damage.at(-1)?.offset === reader.offset;
    if (reader.tailBytes === 0 || goesOnToEnd) {
      return { damage, tailBytes: 0, tailOffset: reader.offset + reader.tailBytes };
    }
    tornAt = reader.offset;
  }
}
