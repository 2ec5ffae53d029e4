/** Event files on disk. */

import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { DiskEventFile } from './disk-event-file.js';
import type { EventSink } from './event-sink.js';

const PIECE_BYTES = 1024 * 1024;

/**
 * Event files on disk.
 *
 * Writes are synchronous. Writing 1 MiB to the page cache takes about 1 ms, an asynchronous write costs 1.2 to 7 times as much, and
 * only a synchronous write can happen while the process exits (docs/decisions/0001-write-event-files-synchronously.md).
 */
export const diskSink: EventSink = {
  list(directory) {
    try {
      return readdirSync(directory);
    } catch (error) {
      // A path below a file has no files either; creating one there then fails with its own error.
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return [];
      throw error;
    }
  },
  *read(directory, fileName) {
    const fd = openSync(join(directory, fileName), 'r');
    try {
      const piece = new Uint8Array(PIECE_BYTES);
      for (let at = 0; ; ) {
        const count = readSync(fd, piece, 0, piece.length, at);
        if (count === 0) return;
        at += count;
        yield piece.subarray(0, count);
      }
    } finally {
      closeSync(fd);
    }
  },
  create: (directory, fileName) => new DiskEventFile(directory, fileName),
};
