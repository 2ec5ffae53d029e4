import { EventFileReader, type EventFileReaderOptions, type ReadEvent } from '../../src/format/index.js';

/** Reads all events of a file with a reader that is closed afterwards. */
export async function readFileEvents(path: string, options?: EventFileReaderOptions): Promise<ReadEvent[]> {
  await using reader = new EventFileReader(path, options);
  // Await here, because the reader is closed on return.
  return await collect(reader);
}

/** Returns all events that a reader can read now. */
export async function collect(reader: EventFileReader): Promise<ReadEvent[]> {
  const events: ReadEvent[] = [];
  for await (const event of reader.read()) events.push(event);
  return events;
}
