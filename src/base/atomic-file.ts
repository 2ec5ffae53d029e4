/** Writes files atomically: the content goes to a partial file, which is then renamed. A reader sees a whole file or none. */

import {
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Makes the names of partial files unique within this process. */
let sequence = 0;

/** The name for the partial file of `path`, in the same directory. Scanners skip such files. */
export function toPartialPath(path: string): string {
  return `${path}.${process.pid}.${sequence++}${PARTIAL_SUFFIX}`;
}

/** Replaces the content of `path` with `text`. A reader sees the old or the new content, never a mix. Throws the file system's error. */
export function replaceFileSync(path: string, text: string | Uint8Array, options: { fsync: boolean }): void {
  publishSync(path, text, options, (partial) => renameSync(partial, path));
}

/** Creates `path` with `text`. Returns false, and changes nothing, if it exists: of several processes, one gets true. Throws the file system's error. */
export function createFileSync(path: string, text: string, options: { fsync: boolean }): boolean {
  try {
    publishSync(path, text, options, (partial) => {
      try {
        linkSync(partial, path);
      } catch (error) {
        if (isTaken(error)) {
          // On NFS, a call whose answer was lost is repeated, and then finds its own link.
          if (!isSameFile(partial, path)) throw error;
        } else {
          // A file system without hard links: claim the name with an empty file.
          closeSync(openSync(path, 'wx'));
          renameSync(partial, path);
          return;
        }
      }
      rmSync(partial);
    });
    return true;
  } catch (error) {
    if (isTaken(error)) return false;
    throw error;
  }
}

function isSameFile(a: string, b: string): boolean {
  const [one, other] = [a, b].map((path) => lstatSync(path, { bigint: true, throwIfNoEntry: false }));
  return one?.ino === other?.ino && one?.dev === other?.dev;
}

function publishSync(
  path: string,
  text: string | Uint8Array,
  { fsync }: { fsync: boolean },
  publish: (partial: string) => void,
): void {
  const partial = toPartialPath(path);
  try {
    const fd = openSync(partial, 'wx', 0o644);
    try {
      writeFileSync(fd, text);
      if (fsync) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    publish(partial);
    if (fsync) syncDirectory(dirname(path));
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

/** Makes the names in a directory survive a power failure, where the file system can do that. */
function syncDirectory(path: string): void {
  try {
    const fd = openSync(path, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') throw error;
    // Windows, and some network file systems, cannot sync a directory.
  }
}

function isTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EEXIST';
}

/** The suffix of partial files. They never belong to a run. */
export const PARTIAL_SUFFIX = '.partial';
