/** Writes event files under names that hide them from TensorBoard. */

import { toHiddenFileName } from '../event-file-name.js';
import type { EventSink } from './event-sink.js';

/** Returns a sink that creates files of `sink` under hidden names. It lists and reads the files of `sink` by their real names. */
export function hideFiles(sink: EventSink): EventSink {
  return {
    list: (directory) => sink.list(directory),
    read: (directory, fileName) => sink.read(directory, fileName),
    create: (directory, fileName) => sink.create(directory, toHiddenFileName(fileName)),
  };
}
