/** Discards event files: for runs that write nothing. */

import { join } from 'node:path';
import type { EventSink } from './event-sink.js';

export const nullSink: EventSink = {
  create: (directory, fileName) => ({
    path: join(directory, fileName),
    write: (bytes) => bytes.length,
    sync: () => Promise.resolve(),
    close: () => undefined,
  }),
  list: () => [],
  read: () => [],
};
