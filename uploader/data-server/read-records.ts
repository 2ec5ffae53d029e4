/** Reads the records of values from their event files. */

import type { EventFileBytes } from '../../src/format/reader/event-file-bytes.js';
import type { ServedFile } from './model/served-file.js';
import type { StoredPoint } from './model/served-run.js';

interface ReadRecord {
  readonly point: StoredPoint;
  readonly record: Uint8Array;
}

/** The records of the points, in their order. Throws errors of the file system and the store, such as for a file that was deleted meanwhile. */
export async function readRecords(points: readonly StoredPoint[]): Promise<ReadRecord[]> {
  const opened = new Map<ServedFile, EventFileBytes>();
  try {
    const records: ReadRecord[] = [];
    for (const point of points) {
      const { file, value } = point;
      let bytes = opened.get(file);
      if (bytes === undefined) {
        bytes = await file.open();
        opened.set(file, bytes);
      }
      records.push({ point, record: await readRange(bytes, value.offset, value.sizeBytes) });
    }
    return records;
  } finally {
    for (const bytes of opened.values()) await bytes.close();
  }
}

/** The bytes of a range; fewer if the file has become shorter. */
export async function readRange(
  bytes: EventFileBytes,
  offset: number,
  sizeBytes: number,
): Promise<Uint8Array> {
  const range = new Uint8Array(sizeBytes);
  let filled = 0;
  while (filled < sizeBytes) {
    const count = await bytes.read(range.subarray(filled), offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return range.subarray(0, filled);
}
