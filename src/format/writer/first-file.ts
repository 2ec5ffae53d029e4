/**
 * Writes an event file that readers take before all others of its directory.
 *
 * In TensorBoard the first metadata of a tag is final, so an event at the end of the series cannot change it. A small file whose name
 * sorts before the others can: a TensorBoard that is started later reads it first. One that is running ignores it, and keeps its series.
 * Source: TensorBoard 2.21, both readers (`plugin_event_accumulator.py`; data server 0.7.2).
 */

import { hostname } from 'node:os';
import { findNameSeconds, toEventFileName } from '../event-file-name.js';
import { RecordQueue } from '../record/record-queue.js';
import type { Event } from '../wire/messages.js';
import { listEarlierFiles } from './earlier-files.js';
import { EventEncoder } from './event-encoder.js';
import type { ResolvedEventFileOptions } from './event-file-options.js';

type FirstFileOptions = Pick<ResolvedEventFileOptions, 'sink' | 'fsync' | 'fileNameSuffix' | 'clock'>;

/** Writes the events in the order given. Throws the file system's error. */
export function writeFirstFile(
  directory: string,
  writer: string,
  events: readonly Event[],
  { sink, fsync, fileNameSuffix, clock }: FirstFileOptions,
): void {
  const queue = new RecordQueue();
  const encoder = new EventEncoder(queue, () => {});
  // No SessionLog START: in a later file, it would be the second one, which removes points.
  encoder.startFile(clock.wallTime(), writer, { sessionStarts: [] });
  for (const event of events) encoder.event(event);
  const seconds = smallestSeconds(listEarlierFiles(directory, sink)) ?? Math.floor(clock.wallTime());
  const suffix = fileNameSuffix;
  const name = toEventFileName({
    seconds: seconds - 1,
    hostname: hostname(),
    pid: process.pid,
    sequence: 0,
    suffix,
  });
  const file = sink.create(directory, name);
  try {
    for (let written = 0; queue.sizeBytes > 0; ) {
      const count = file.write(queue.waiting, written);
      written += count;
      queue.consume(count);
    }
  } finally {
    file.close(fsync);
  }
}

function smallestSeconds(names: readonly string[]): number | undefined {
  let smallest: number | undefined;
  for (const name of names) {
    const seconds = findNameSeconds(name);
    if (seconds !== undefined) smallest = Math.min(smallest ?? seconds, seconds);
  }
  return smallest;
}
