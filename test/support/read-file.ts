import { EventFileReader, type EventFileReaderOptions, type ReadEvent } from '../../src/format/index.js';

/** All events of a file, by one reader, which is closed. */
export async function readFileEvents(path: string, options?: EventFileReaderOptions): Promise<ReadEvent[]> {
  await using reader = new EventFileReader(path, options);
  // Awaited here: the reader is closed when this returns.
  return await collect(reader);
}

/** All that a reader gives now. */
export async function collect(reader: EventFileReader): Promise<ReadEvent[]> {
  const events: ReadEvent[] = [];
  for await (const event of reader.read()) events.push(event);
  return events;
}
