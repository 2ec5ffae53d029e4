/** Reads the last value of each metric from the event files of a run, for its results. */

import { join } from 'node:path';
import { EventFileReader } from '../../src/format/reader/event-file-reader.js';
import { listEventFiles } from '../../src/format/reader/list-event-files.js';
import { type DecodedValue, TagIndex } from '../../src/format/reader/plugin-value.js';
import type { SummaryValue } from '../../src/format/wire/messages.js';
import { toResults } from '../../src/run/metric-results.js';

/** Returns the values by the names that Polyaxon's files have. `directory` is the log directory of the run. */
export async function readLastValues(directory: string): Promise<ReturnType<typeof toResults>> {
  let results: ReturnType<typeof toResults> = {};
  for (const { run, directory: place, files } of await listEventFiles(directory)) {
    const values = new Map<string, number>();
    for (const file of files) await readFile(join(place, file), values);
    results = { ...results, ...toResults(values, run === '.' ? '' : run) };
  }
  return results;
}

async function readFile(path: string, values: Map<string, number>): Promise<void> {
  await using reader = new EventFileReader(path, { onDamage: 'skip' });
  const tags = new TagIndex();
  for await (const batch of reader.readBatches()) {
    if (batch.kind === 'scalars') {
      const { count, sourceIndices, sources, values: column } = batch.scalars;
      for (let row = 0; row < count; row++) values.set(sources[sourceIndices[row]!]!.first.tag, column[row]!);
    } else if (batch.event.what.kind === 'summary') {
      for (const value of batch.event.what.values) {
        const decoded = decode(tags, value);
        if (decoded?.kind === 'scalar') values.set(value.tag, decoded.value);
      }
    }
  }
}

function decode(tags: TagIndex, value: SummaryValue): DecodedValue | undefined {
  try {
    return tags.decode(value);
  } catch {
    return undefined; // No viewer can show it either.
  }
}
