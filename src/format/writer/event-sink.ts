/** Where event files go: the I/O of an event file writer behind one small interface, so that tests can simulate a failing disk. */

import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** An event file that is open for writing. */
export interface OpenEventFile {
  readonly path: string;
  /** Writes some of `bytes` at `position` and returns how many. Throws the file system's error. */
  write(bytes: Uint8Array, position: number): number;
  /** Resolves once all written data would survive a power failure. */
  sync(): Promise<void>;
  /** Closes the file. With `sync`, first waits until the written data would survive a power failure. */
  close(sync: boolean): void;
}

export interface EventSink {
  /** Creates a new file, and missing directories. Never truncates: throws an error with code `EEXIST` when the name is in use. */
  create(directory: string, fileName: string): OpenEventFile;
  /** The names of the files in a directory; empty when the directory does not exist. */
  list(directory: string): string[];
  /** The bytes of a file in pieces, because a file may be larger than any buffer. A piece is valid until the next one is requested. */
  read(directory: string, fileName: string): Iterable<Uint8Array>;
}

const PIECE_BYTES = 1024 * 1024;

const fdatasyncAsync = promisify(fdatasync);

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
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
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
  create(directory, fileName) {
    mkdirSync(directory, { recursive: true });
    const path = join(directory, fileName);
    const fd = openSync(path, 'wx', 0o644);
    return {
      path,
      write: (bytes, position) => writeSync(fd, bytes, 0, bytes.length, position),
      sync: () => fdatasyncAsync(fd),
      close: (sync) => {
        try {
          if (sync) fdatasyncSync(fd);
        } finally {
          closeSync(fd);
        }
      },
    };
  },
};
