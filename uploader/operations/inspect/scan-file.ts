/**
 * Reads all whole records of an event file and skips the damage between them.
 *
 * The plain reader waits for the rest of a record that a crash has cut short; this scan continues after it.
 */

import { EventFileReader, type ReadEvent } from '../../../src/format/reader/event-file-reader.js';

/** Bytes that are not a record. `torn`: only the first part of a record was written. */
export interface Damage {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly part: 'length' | 'data' | 'event' | 'torn';
}

/** The damage of a file, known once all records have been read. */
interface ScanResult {
  /** In file order. */
  readonly damage: readonly Damage[];
  /** Size and offset of a partial record at the end; the size is 0 when the file ends with a whole record. */
  readonly tailBytes: number;
  readonly tailOffset: number;
}

/** Passes each record of a file to `onRecord`, in file order, and returns the damage. Throws the error of the file system, and the reason of an aborted signal. */
export async function scanFile(
  path: string,
  onRecord: (record: ReadEvent) => Promise<void> | void,
  signal?: AbortSignal,
): Promise<ScanResult> {
  const damage: Damage[] = [];
  let tornAt: number | undefined;
  for (;;) {
    const offset = tornAt === undefined ? 0 : tornAt + 1;
    await using reader = new EventFileReader(path, { offset, onDamage: 'skip' });
    for await (const record of reader.read()) {
      signal?.throwIfAborted();
      if (tornAt !== undefined)
        damage.push({ offset: tornAt, sizeBytes: record.offset - tornAt, part: 'torn' });
      tornAt = undefined;
      await onRecord(record);
    }
    // No record follows the torn one, so it is the tail of the file.
    if (tornAt !== undefined) return { damage, tailBytes: reader.tailBytes + 1, tailOffset: tornAt };
    // Damage right after the torn record's first byte belongs to the torn record.
    const found = reader.damage;
    for (const range of found) if (range.offset !== offset || offset === 0) damage.push(range);
    const goesOnToEnd = found.at(-1)?.offset === reader.offset;
    if (reader.tailBytes === 0 || goesOnToEnd) {
      return { damage, tailBytes: 0, tailOffset: reader.offset + reader.tailBytes };
    }
    tornAt = reader.offset;
  }
}
