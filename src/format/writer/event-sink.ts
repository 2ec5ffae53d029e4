/**
 * Where event files go: the effects of an event file writer behind one small interface, so that tests can fail a disk.
 */

import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** One event file that is open for writing. */
export interface OpenEventFile {
  readonly path: string;
  /** Writes some of `bytes` at `position` and returns how many; throws what the disk says. */
  write(bytes: Uint8Array, position: number): number;
  /** Resolves once all that was written would survive a power cut. */
  sync(): Promise<void>;
  /** Closes the file; with `sync`, only after what was written would survive a power cut. */
  close(sync: boolean): void;
}

/** Creates event files. */
export interface EventSink {
  /**
   * Creates a file that did not exist. Throws an error of code `EEXIST` when the name is taken, never truncates; creates
   * missing directories.
   */
  create(directory: string, fileName: string): OpenEventFile;
  /** Names of the files in a directory; none when it does not exist. */
  list(directory: string): string[];
  /** The bytes of a file. */
  read(directory: string, fileName: string): Uint8Array;
}

const fdatasyncAsync = promisify(fdatasync);

/**
 * Event files on disk.
 *
 * Writes are synchronous: 1 MiB takes about 1 ms into the page cache, an asynchronous write costs 1.2 to 7 times as much,
 * and only a synchronous write can still happen when the process exits (docs/decisions/0001-write-event-files-synchronously.md).
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
  read: (directory, fileName) => readFileSync(join(directory, fileName)),
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
